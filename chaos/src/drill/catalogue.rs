//! The drills that come with the program.

use std::collections::BTreeMap;

use topology::yaml::Findings;

use super::{Drill, file};

/// A file of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueDrill {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The files, in the order in which they are listed.
macro_rules! drills {
    ($($name:literal),+ $(,)?) => {
        [$(CatalogueDrill { name: $name, text: include_str!(concat!("../../drills/", $name, ".yaml")) },)+]
    };
}

static ALL: [CatalogueDrill; 25] = drills![
    "region-cut",
    "region-cut-oneway",
    "region-deaf",
    "region-drain",
    "region-gray",
    "gateway-loss",
    "database-restart",
    "serialization-storm",
    "ambiguous-commits",
    "scheduler-crash-loop",
    "agent-zombie",
    "flapping-region",
    "failback-stampede",
    "edge-down",
    "edge-lies",
    "capacity-refused",
    "two-regions",
    "injector-cut",
    "cluster-region-cut",
    "bug-drop-acknowledgement",
    "bug-complete-without-epoch-check",
    "bug-move-without-raising-epoch",
    "bug-forget-residency",
    "bug-ignore-unnamed-lease",
    "bug-lose-outcome",
];

/// All drills of the catalogue.
#[must_use]
pub fn all() -> &'static [CatalogueDrill] {
    &ALL
}

/// The drill of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static CatalogueDrill> {
    ALL.iter().find(|drill| drill.name == name)
}

impl CatalogueDrill {
    /// Reads the file, with values for its variables.
    ///
    /// # Errors
    /// Where the variables are wrong; the files themselves are not, which a test proves.
    pub fn read(&self, vars: &BTreeMap<String, String>) -> Result<Drill, Findings> {
        file::read(self.text, &format!("{}.yaml", self.name), vars)
    }
}
