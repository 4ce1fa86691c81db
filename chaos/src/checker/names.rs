//! Small numbers in place of what comes again and again, and of what is only compared.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use topology::SessionId;

/// Stands for a text that is only compared: a digest, a key. Two words, so that it needs no wide alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Mark([u64; 2]);

impl Mark {
    pub(super) fn of(text: &str) -> Self {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, text).hash(&mut hasher);
            hasher.finish()
        };
        Self([half(0), half(1)])
    }

    /// Which of so many parts of a history it belongs to.
    pub(super) const fn part(self, of: u64) -> u64 {
        self.0[0] % of
    }
}

/// A region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Region(u16);

/// A set of regions; the first one is `ANYWHERE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allowed(u32);

impl Allowed {
    pub(super) const ANYWHERE: Self = Self(0);
}

/// A session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Session(u32);

/// A reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reason(u32);

/// What the numbers stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    regions: Texts,
    reasons: Texts,
    sessions: HashMap<SessionId, u32>,
    session_ids: Vec<SessionId>,
    allowed: HashMap<Vec<String>, u32>,
    sets: Vec<Vec<Region>>,
}

#[derive(Debug, Default)]
struct Texts {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).expect("a history has fewer names than lines, and not 4 billion");
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

impl Names {
    pub(super) fn region(&mut self, name: &str) -> Region {
        Region(u16::try_from(self.regions.number(name)).expect("a history has fewer than 65,536 regions"))
    }

    pub(super) fn region_name(&self, region: Region) -> &str {
        self.regions.text(region.0.into())
    }

    pub(super) fn reason(&mut self, code: &str) -> Reason {
        Reason(self.reasons.number(code))
    }

    pub(super) fn reason_code(&self, reason: Reason) -> &str {
        self.reasons.text(reason.0)
    }

    pub(super) fn session(&mut self, id: SessionId) -> Session {
        let next = u32::try_from(self.session_ids.len()).expect("a history has fewer than 4 billion sessions");
        let number = *self.sessions.entry(id).or_insert(next);
        if number == next {
            self.session_ids.push(id);
        }
        Session(number)
    }

    pub(super) fn session_id(&self, session: Session) -> SessionId {
        self.session_ids[session.0 as usize]
    }

    /// A set of regions as a history writes it: empty = anywhere.
    pub(super) fn allowed(&mut self, regions: &[String]) -> Allowed {
        if regions.is_empty() {
            return Allowed::ANYWHERE;
        }
        if let Some(number) = self.allowed.get(regions) {
            return Allowed(*number);
        }
        let set = regions.iter().map(|name| self.region(name)).collect();
        self.sets.push(set);
        let number = u32::try_from(self.sets.len()).expect("a topology has few residency rules");
        self.allowed.insert(regions.to_vec(), number);
        Allowed(number)
    }

    pub(super) fn lawful(&self, allowed: Allowed, region: Region) -> bool {
        allowed == Allowed::ANYWHERE || self.sets[allowed.0 as usize - 1].contains(&region)
    }
}
