//! What an unquoted or quoted scalar is, by YAML's core schema.

/// A scalar before anybody asked for its type.
#[derive(Debug)]
pub struct Scalar {
    /// As it is written, without quotes.
    pub text: String,
    /// Written without quotes, so that `5` is a number and `~` is nothing.
    pub plain: bool,
}

/// What a scalar is by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Anything else.
    Text,
}

impl Scalar {
    /// What it is by itself.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if !self.plain {
            return Kind::Text;
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Bool,
            _ if self.number().is_some() => Kind::Number,
            _ => Kind::Text,
        }
    }

    /// The number that an unquoted text is.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let numeric = self.text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
        if self.plain && numeric { self.text.parse().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_make_a_text_of_everything() {
        let kind = |text: &str, plain| Scalar { text: text.to_owned(), plain }.kind();
        let cases = [
            ("~", Kind::Null),
            ("true", Kind::Bool),
            ("5", Kind::Number),
            ("-1.5e3", Kind::Number),
            ("1.2.3.4", Kind::Text),
            ("e", Kind::Text),
            ("5s", Kind::Text),
        ];
        for (text, wanted) in cases {
            assert_eq!(kind(text, true), wanted, "{text}");
            assert_eq!(kind(text, false), Kind::Text, "{text}");
        }
    }
}
