//! The world model that Chained keeps: cities, agents with a specialization and a place, ideas with the cities that
//! inspired them.
//!
//! [`World::read`] takes the two files as they are found: odd ids, null and missing fields and numbers that stand for
//! nothing are tolerated and reported as [`Oddity`], while a file that is not a world is refused with an [`Error`].

use std::fmt;

use crate::geo::Position;
use crate::ids::Specialization;

mod mission;
mod read;
#[cfg(test)]
mod tests;

/// A world model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct World {
    /// Cities in the order of the file.
    pub cities: Vec<City>,
    /// Agents in the order of the file.
    pub agents: Vec<Agent>,
    /// Ideas in the order of the file.
    pub ideas: Vec<Idea>,
    /// What was odd and how it was read.
    pub oddities: Vec<Oddity>,
}

/// A city-level region of the world model, not to be mixed up with a region of the topology.
#[derive(Debug, Clone, PartialEq)]
pub struct City {
    /// The id as the world writes it, such as `US:San Francisco`.
    pub id: String,
    /// What a person calls it.
    pub label: String,
    /// Where it lies.
    pub position: Position,
    /// ISO 3166-1 alpha-2 code before the colon of the id, where there is one.
    pub country: Option<String>,
}

/// An agent of the world model.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// What it does. The world's letter case is lowered, for a specialization is a DNS label.
    pub specialization: Specialization,
    /// The id of the city where it is at home, else where it stands.
    pub home: Option<String>,
    /// The ids of the cities that it plans to visit.
    pub path: Vec<String>,
    /// The id of the idea that it works on.
    pub idea: Option<String>,
    /// Issues that it resolved.
    pub issues_resolved: u64,
    /// Pull requests of it that were merged.
    pub prs_merged: u64,
    /// Its overall score in [0, 1].
    pub score: f64,
}

/// An idea of the knowledge file: what a mission is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Idea {
    /// The id as the world writes it, such as `idea:4`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Patterns, such as `ci_automation`.
    pub patterns: Vec<String>,
    /// Cities that inspired it, with their shares.
    pub inspiration: Vec<Inspiration>,
}

/// A city's share of an idea.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspiration {
    /// The id of the city; it need not be a city of the world.
    pub city: String,
    /// Where it lies.
    pub position: Position,
    /// Share, above 0.
    pub weight: f64,
}

/// Something odd in a world file that was read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// Where, as a path such as `regions[12].lat`.
    pub place: String,
    /// What was odd and how it was read.
    pub what: String,
}

/// Why a file is not a world.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no JSON.
    #[error("the {file} file is no JSON")]
    NotJson {
        /// `world` or `knowledge`.
        file: &'static str,
        /// What the reader says.
        #[source]
        source: serde_json::Error,
    },
    /// The JSON is something else.
    #[error("the {file} file is not one of Chained's: {why}")]
    NotAWorld {
        /// `world` or `knowledge`.
        file: &'static str,
        /// What is missing or of another kind.
        why: String,
    },
}

/// How the specialization of an idea's mission was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChosenBy {
    /// Agents of this specialization work on the idea; these are their ids.
    CurrentIdea(Vec<String>),
    /// The idea's patterns; these matched.
    Patterns(Vec<String>),
    /// Neither said anything: the specialization with the most agents.
    MostAgents,
}

impl fmt::Display for ChosenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CurrentIdea(agents) => write!(f, "current idea of {}", agents.join(", ")),
            Self::Patterns(patterns) => write!(f, "patterns {}", patterns.join(", ")),
            Self::MostAgents => f.write_str("no agent works on it and no pattern fits: the most agents"),
        }
    }
}

/// A mission made from an idea.
#[derive(Debug, Clone, PartialEq)]
pub struct IdeaMission {
    /// The idea's id.
    pub idea: String,
    /// The idea's title.
    pub title: String,
    /// Which kind of agent works on it.
    pub specialization: Specialization,
    /// Why that one.
    pub chosen_by: ChosenBy,
    /// Where it comes from: weighted points; never empty.
    pub origin: Vec<Inspiration>,
}

impl World {
    /// Reads `world_state.json` and, where given, `knowledge.json`.
    ///
    /// # Errors
    /// [`Error`] where a text is no JSON or not a world.
    pub fn read(world: &str, knowledge: Option<&str>) -> Result<Self, Error> {
        read::read(world, knowledge)
    }

    /// The city of this id.
    #[must_use]
    pub fn city(&self, id: &str) -> Option<&City> {
        self.cities.iter().find(|city| city.id == id)
    }

    /// The mission that an idea makes. `known` are the specializations that may be chosen, such as those of a
    /// topology; empty = those of the world's agents. None where there is nothing to choose from, or no city that the
    /// mission could come from.
    #[must_use]
    pub fn mission(&self, idea: &Idea, known: &[&Specialization]) -> Option<IdeaMission> {
        mission::mission(self, idea, known)
    }
}
