//! From an idea to a mission.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{ChosenBy, Idea, IdeaMission, Inspiration, World};
use crate::ids::Specialization;

/// What a pattern of an idea asks for: words that begin the names of specializations. A pattern that stands nowhere
/// here is compared by its own words.
const PATTERN_WORDS: [(&str, &[&str]); 14] = [
    ("agents", &["coordinate", "engineer"]),
    ("ai", &["engineer", "create", "pioneer"]),
    ("ci", &["workflows", "construct"]),
    ("cost", &["optimize", "simplify"]),
    ("devops", &["workflows", "cloud", "construct"]),
    ("distributed", &["cloud", "bridge"]),
    ("gpt", &["create", "engineer"]),
    ("claude", &["create", "engineer"]),
    ("healing", &["troubleshoot"]),
    ("infrastructure", &["cloud", "construct"]),
    ("languages", &["engineer", "refactor"]),
    ("observability", &["monitor", "troubleshoot"]),
    ("performance", &["accelerate", "optimize"]),
    ("testing", &["quality", "validator", "verify", "assert"]),
];

/// Shortest common beginning by which two words are taken for the same one: `security` and `secure`.
const STEM: usize = 5;

pub(super) fn mission(world: &World, idea: &Idea, known: &[&Specialization]) -> Option<IdeaMission> {
    let own: BTreeSet<&Specialization> = world.agents.iter().map(|agent| &agent.specialization).collect();
    let allowed: BTreeSet<&Specialization> = if known.is_empty() { own } else { known.iter().copied().collect() };
    let (specialization, chosen_by) = by_agents(world, idea, &allowed)
        .or_else(|| by_patterns(idea, &allowed))
        .or_else(|| by_number(world, &allowed))?;
    Some(IdeaMission {
        idea: idea.id.clone(),
        title: idea.title.clone(),
        specialization: specialization.clone(),
        chosen_by,
        origin: origin(world, idea)?,
    })
}

/// The specialization of most of the agents that work on the idea; among equals the first by name.
fn by_agents<'a>(
    world: &'a World,
    idea: &Idea,
    allowed: &BTreeSet<&'a Specialization>,
) -> Option<(&'a Specialization, ChosenBy)> {
    let mut workers: BTreeMap<&Specialization, Vec<String>> = BTreeMap::new();
    for agent in world.agents.iter().filter(|agent| agent.idea.as_deref() == Some(&*idea.id)) {
        if allowed.contains(&agent.specialization) {
            let workers = workers.entry(&agent.specialization).or_default();
            if !workers.contains(&agent.id) {
                workers.push(agent.id.clone());
            }
        }
    }
    let (specialization, agents) = workers.into_iter().min_by_key(|(name, agents)| (Reverse(agents.len()), *name))?;
    Some((specialization, ChosenBy::CurrentIdea(agents)))
}

/// The specialization that most of the patterns ask for; among equals the one that most name themselves, then the first
/// by name.
fn by_patterns<'a>(idea: &Idea, allowed: &BTreeSet<&'a Specialization>) -> Option<(&'a Specialization, ChosenBy)> {
    let each = allowed.iter().map(|specialization| {
        let asked: Vec<(&String, Asked)> =
            idea.patterns.iter().filter_map(|pattern| Some((pattern, asks_for(pattern, specialization)?))).collect();
        let named = asked.iter().filter(|(_, asked)| *asked == Asked::ByName).count();
        (Reverse(asked.len()), Reverse(named), *specialization, asked)
    });
    let (_, _, specialization, asked) = each.min_by_key(|(all, named, name, _)| (*all, *named, *name))?;
    let patterns: Vec<String> = asked.into_iter().map(|(pattern, _)| pattern.clone()).collect();
    (!patterns.is_empty()).then_some((specialization, ChosenBy::Patterns(patterns)))
}

/// How a pattern asks for a specialization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// By a word of its name.
    ByName,
    /// By a word of [`PATTERN_WORDS`].
    ByMeaning,
}

fn asks_for(pattern: &str, specialization: &Specialization) -> Option<Asked> {
    let pattern = pattern.to_lowercase();
    let words = || pattern.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_it = |wanted: &str| trade(specialization).any(|word| same_stem(wanted, word));
    if words().any(is_it) {
        return Some(Asked::ByName);
    }
    let meant = |word| PATTERN_WORDS.iter().find(|(known, _)| *known == word).map_or(&[][..], |(_, words)| *words);
    words().flat_map(meant).any(|wanted| is_it(wanted)).then_some(Asked::ByMeaning)
}

/// The words that say what a specialization does: all but the last, which is a rank such as `-guru` or `-specialist`.
fn trade(specialization: &Specialization) -> impl Iterator<Item = &str> {
    let name = specialization.as_str();
    name.rsplit_once('-').map_or(name, |(trade, _)| trade).split('-')
}

fn same_stem(a: &str, b: &str) -> bool {
    a == b
        || (a.len() >= STEM && b.len() >= STEM && a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count() >= STEM)
}

/// The specialization with the most agents; among equals the first by name.
fn by_number<'a>(world: &World, allowed: &BTreeSet<&'a Specialization>) -> Option<(&'a Specialization, ChosenBy)> {
    let agents = |name: &Specialization| world.agents.iter().filter(|agent| agent.specialization == *name).count();
    let most = allowed.iter().copied().min_by_key(|name| (Reverse(agents(name)), *name))?;
    Some((most, ChosenBy::MostAgents))
}

/// The idea's inspiration; of an idea without one, the city where most agents are at home, else the first city.
fn origin(world: &World, idea: &Idea) -> Option<Vec<Inspiration>> {
    if !idea.inspiration.is_empty() {
        return Some(idea.inspiration.clone());
    }
    let agents = |id: &str| world.agents.iter().filter(|agent| agent.home.as_deref() == Some(id)).count();
    let home = world.cities.iter().min_by_key(|city| Reverse(agents(&city.id)))?;
    Some(vec![Inspiration { city: home.id.clone(), position: home.position, weight: 1.0 }])
}
