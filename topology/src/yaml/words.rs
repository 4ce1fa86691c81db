//! Turns of speech that the findings share.

use super::finding::shortened;

/// `a, b or c`.
#[must_use]
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A text as a finding shows it: quoted where it was.
#[must_use]
pub fn shown(text: &str, plain: bool) -> String {
    if plain { format!("`{}`", shortened(text)) } else { format!("the text \"{}\"", shortened(text)) }
}

/// The name that somebody may have meant, such as `us-west` for `US West`.
#[must_use]
pub fn name_like(text: &str) -> Option<String> {
    let name: String = text
        .trim()
        .chars()
        .take(crate::ids::NAME_MAX_BYTES)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let name = name.trim_matches('-').to_owned();
    (name != text && name.starts_with(|c: char| c.is_ascii_lowercase())).then_some(name)
}
