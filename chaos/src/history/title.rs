//! A client key in a mission's title: it shows in the database which submit a row stems from, also where the answer was
//! lost.

/// What stands between a title and its key.
const MARK: &str = " key=";

/// A title with its key at the end.
#[must_use]
pub fn titled(title: &str, key: &str) -> String {
    format!("{title}{MARK}{key}")
}

/// The key at the end of a title.
#[must_use]
pub fn key_of(title: &str) -> Option<&str> {
    title.rsplit_once(MARK).map(|(_, key)| key).filter(|key| !key.is_empty() && !key.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_it_was_put_and_nowhere_else() {
        assert_eq!(key_of(&titled("mend it", "a-1")), Some("a-1"));
        assert_eq!(key_of(&titled("a title with key=x in it", "b")), Some("b"));
        for other in ["mend it", "key=x", "the key= of it", "a key=x and more", ""] {
            assert_eq!(key_of(other), None, "{other:?}");
        }
    }
}
