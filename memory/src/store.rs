//! Every statement of the memory, one module per table or aggregate. Each is one text for both engines and names the home
//! of what it touches.
//!
//! What may be told where is the caller's to know: every read takes the names of the residency rules whose memories may be
//! shown where it stands, [`Shown`], and returns nothing else.

pub mod audit;
pub mod document;
pub mod embedding;
pub mod forget;
pub mod import;
pub mod lesson;
pub mod merge;
pub mod occurrence;
pub mod recall;
pub mod retention;
pub mod row;
pub mod search;
pub mod stats;
pub mod success;
pub mod terms;
pub mod topology;
pub mod uses;
pub mod work;

use ::topology::{ResidencyName, Specialization};
use sql::Statement;

/// Every statement of the memory.
#[must_use]
pub fn statements() -> Vec<&'static Statement> {
    [
        audit::STATEMENTS,
        embedding::STATEMENTS,
        forget::STATEMENTS,
        import::STATEMENTS,
        lesson::STATEMENTS,
        merge::STATEMENTS,
        occurrence::STATEMENTS,
        recall::STATEMENTS,
        retention::STATEMENTS,
        row::STATEMENTS,
        search::STATEMENTS,
        stats::STATEMENTS,
        success::STATEMENTS,
        terms::STATEMENTS,
        topology::STATEMENTS,
        uses::STATEMENTS,
        work::STATEMENTS,
    ]
    .concat()
}

/// The residency rules whose memories may be shown where the caller stands, as SQL compares them: what is under no rule is
/// always among them, as an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(Vec<String>);

impl Shown {
    /// What is under no rule or under one of these.
    #[must_use]
    pub fn under<'a>(rules: impl IntoIterator<Item = &'a ResidencyName>) -> Self {
        let rules = rules.into_iter().map(|rule| rule.as_str().to_owned());
        Self(std::iter::once(String::new()).chain(rules).collect())
    }

    /// Exactly what is under this rule, or under none.
    pub(crate) fn only(rule: Option<&ResidencyName>) -> Self {
        Self(vec![rule.map(|rule| rule.as_str().to_owned()).unwrap_or_default()])
    }

    pub(crate) const fn names(&self) -> &Vec<String> {
        &self.0
    }
}

/// The kinds of agents whose memories are searched: `everyone` is the list of all that there are, since an index needs
/// values to compare with.
pub(crate) fn names_of(specializations: &[Specialization]) -> Vec<&str> {
    specializations.iter().map(Specialization::as_str).collect()
}
