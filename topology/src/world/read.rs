//! From the text of the two files to a [`World`].

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Agent, City, Error, Idea, Inspiration, Oddity, World};
use crate::geo::Position;
use crate::ids::Specialization;

type Object = Map<String, Value>;

pub(super) fn read(world: &str, knowledge: Option<&str>) -> Result<World, Error> {
    let mut reader = Reader::default();
    let state = object("world", world)?;
    let cities = list("world", &state, "regions")?;
    let agents = list("world", &state, "agents")?;
    reader.cities(cities);
    if reader.world.cities.is_empty() {
        return Err(not("world", "none of its regions has an id and a place on the globe"));
    }
    reader.agents(agents);
    if let Some(text) = knowledge {
        let knowledge = object("knowledge", text)?;
        reader.ideas(list("knowledge", &knowledge, "ideas")?);
    }
    Ok(reader.world)
}

fn not(file: &'static str, why: impl Into<String>) -> Error {
    Error::NotAWorld { file, why: why.into() }
}

fn object(file: &'static str, text: &str) -> Result<Object, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str(text).map_err(|source| Error::NotJson { file, source })? {
        Value::Object(object) => Ok(object),
        other => Err(not(file, format!("it is {}, not an object", kind(&other)))),
    }
}

fn list<'a>(file: &'static str, object: &'a Object, key: &str) -> Result<&'a [Value], Error> {
    match object.get(key) {
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(not(file, format!("its {key:?} is {}, not a list", kind(other)))),
        None => {
            let keys: Vec<_> = object.keys().take(5).map(|key| format!("{key:?}")).collect();
            let has = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
            Err(not(file, format!("it has no {key:?}, but {has}")))
        }
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text with something in it.
fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn texts(object: &Object, key: &str) -> Vec<String> {
    let list = object.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn position(object: &Object) -> Option<Position> {
    Position::new(object.get("lat")?.as_f64()?, object.get("lng")?.as_f64()?).ok()
}

#[derive(Default)]
struct Reader {
    world: World,
}

impl Reader {
    fn odd(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.world.oddities.push(Oddity { place: place.into(), what: what.into() });
    }

    fn cities(&mut self, list: &[Value]) {
        let mut seen = BTreeSet::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("regions[{index}]");
            let Some(object) = value.as_object() else {
                self.odd(place, format!("is {}; left out", kind(value)));
                continue;
            };
            let (Some(id), Some(position)) = (text(object, "id"), position(object)) else {
                self.odd(place, "has no id or no place on the globe; left out");
                continue;
            };
            if !seen.insert(id.to_owned()) {
                self.odd(place, format!("{id:?} stands there twice; the first one counts"));
                continue;
            }
            let country = id.split_once(':').map(|(country, _)| country).filter(|country| is_country(country));
            if country.is_none() {
                self.odd(format!("{place}.id"), format!("{id:?} does not begin with a country code; no country"));
            }
            let label = text(object, "label").unwrap_or(id).to_owned();
            self.world.cities.push(City { id: id.to_owned(), label, position, country: country.map(str::to_owned) });
        }
    }

    fn agents(&mut self, list: &[Value]) {
        let mut seen = BTreeSet::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("agents[{index}]");
            let Some(object) = value.as_object() else {
                self.odd(place, format!("is {}; left out", kind(value)));
                continue;
            };
            let Some(specialization) = self.specialization(&place, object) else { continue };
            let id = text(object, "id").map_or_else(|| format!("agent-{index}"), str::to_owned);
            if !seen.insert(id.clone()) {
                self.odd(format!("{place}.id"), format!("{id:?} is the id of an earlier agent; both count"));
            }
            let none = Object::new();
            let metrics = object.get("metrics").and_then(Value::as_object).unwrap_or(&none);
            let count = |key: &str| metrics.get(key).and_then(Value::as_u64).unwrap_or(0);
            let score = metrics.get("overall_score").and_then(Value::as_f64).unwrap_or(0.0).clamp(0.0, 1.0);
            let home =
                self.known_city(&place, text(object, "home_base").or_else(|| text(object, "location_region_id")));
            let path = texts(object, "path").into_iter();
            let path = path.filter_map(|id| self.known_city(&place, Some(&id))).collect();
            self.world.agents.push(Agent {
                id,
                specialization,
                home,
                path,
                idea: text(object, "current_idea_id").map(str::to_owned),
                issues_resolved: count("issues_resolved"),
                prs_merged: count("prs_merged"),
                score,
            });
        }
    }

    fn specialization(&mut self, place: &str, object: &Object) -> Option<Specialization> {
        let place = format!("{place}.specialization");
        let Some(written) = text(object, "specialization") else {
            self.odd(place, "is missing; the agent is left out");
            return None;
        };
        let name = written.to_lowercase().replace(['_', ' '], "-");
        match name.parse() {
            Ok(specialization) => {
                if name != written {
                    self.odd(place, format!("{written:?} is read as {name:?}"));
                }
                Some(specialization)
            }
            Err(error) => {
                self.odd(place, format!("{written:?}: {error}; the agent is left out"));
                None
            }
        }
    }

    fn known_city(&mut self, place: &str, id: Option<&str>) -> Option<String> {
        let id = id?;
        if self.world.city(id).is_none() {
            self.odd(place, format!("names the city {id:?}, which the world lacks; left out"));
            return None;
        }
        Some(id.to_owned())
    }

    fn ideas(&mut self, list: &[Value]) {
        let mut seen = BTreeSet::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("ideas[{index}]");
            let Some(object) = value.as_object() else {
                self.odd(place, format!("is {}; left out", kind(value)));
                continue;
            };
            let id = text(object, "id").map_or_else(|| format!("idea:unnamed-{index}"), str::to_owned);
            if !seen.insert(id.clone()) {
                self.odd(place, format!("{id:?} stands there twice; the first one counts"));
                continue;
            }
            let title = text(object, "title").unwrap_or(&id).to_owned();
            let inspiration = self.inspiration(&place, object);
            self.world.ideas.push(Idea { id, title, patterns: texts(object, "patterns"), inspiration });
        }
    }

    fn inspiration(&mut self, place: &str, object: &Object) -> Vec<Inspiration> {
        let list = object.get("inspiration_regions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut inspiration = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("{place}.inspiration_regions[{index}]");
            match self.one_inspiration(&place, value) {
                Some(one) => inspiration.push(one),
                None => self.odd(place, "has no known place or no weight above 0; left out"),
            }
        }
        inspiration
    }

    /// The city's place in the world wins over the one written beside the weight.
    fn one_inspiration(&mut self, place: &str, value: &Value) -> Option<Inspiration> {
        let object = value.as_object()?;
        let id = text(object, "region_id");
        let known = id.and_then(|id| self.world.city(id)).map(|city| city.position);
        let position = known.or_else(|| position(object))?;
        let weight = match object.get("weight") {
            None | Some(Value::Null) => {
                self.odd(place, "has no weight; read as 1");
                1.0
            }
            Some(weight) => weight.as_f64().filter(|weight| weight.is_finite() && *weight > 0.0)?,
        };
        let city = id.map_or_else(|| format!("{:.4},{:.4}", position.lat(), position.lng()), str::to_owned);
        Some(Inspiration { city, position, weight })
    }
}

/// Two letters, as ISO 3166-1 alpha-2 has them.
fn is_country(text: &str) -> bool {
    crate::catalogue::country_position(text).is_some()
}
