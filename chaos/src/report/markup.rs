//! Writes elements, for HTML and for SVG. Every element is closed, so both are well-formed XML too. What a journal says
//! goes only through [`Markup::text`] and attributes, which escape; literals are told apart by their lifetime.

use std::fmt::{Display, Write as _};

/// A text of elements.
#[derive(Debug, Default, Clone)]
pub(super) struct Markup {
    out: String,
}

/// An attribute: its name and its value.
pub(super) type Attribute<'a> = (&'static str, &'a dyn Display);

impl Markup {
    /// Nothing but text.
    pub(super) fn of(text: impl Display) -> Self {
        let mut markup = Self::default();
        markup.text(text);
        markup
    }

    /// A literal, as it is.
    pub(super) fn raw(&mut self, literal: &'static str) -> &mut Self {
        self.out.push_str(literal);
        self
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        escape_into(&mut self.out, &text.to_string());
        self
    }

    /// Begins an element.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> &mut Self {
        self.tag(name, attributes);
        self.out.push('>');
        self
    }

    /// Ends an element.
    pub(super) fn close(&mut self, name: &'static str) -> &mut Self {
        let _ = write!(self.out, "</{name}>");
        self
    }

    /// An element without content.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> &mut Self {
        self.tag(name, attributes);
        self.out.push_str("/>");
        self
    }

    /// An element with nothing but text in it.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        text: impl Display,
    ) -> &mut Self {
        self.open(name, attributes).text(text).close(name)
    }

    /// What was written elsewhere.
    pub(super) fn append(&mut self, other: &Self) -> &mut Self {
        self.out.push_str(&other.out);
        self
    }

    /// A line break, for those who read the source.
    pub(super) fn line(&mut self) -> &mut Self {
        self.raw("\n")
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.out
    }

    fn tag(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        let _ = write!(self.out, "<{name}");
        for (attribute, value) in attributes {
            let _ = write!(self.out, " {attribute}=\"");
            escape_into(&mut self.out, &value.to_string());
            self.out.push('"');
        }
    }
}

/// Control characters have no place in XML, not even escaped; a reader sees that something was there.
fn escape_into(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut markup = Markup::default();
        markup.element("p", &[("title", &"a\"b<c")], "1 < 2 & \u{0}3");
        assert_eq!(markup.finish(), "<p title=\"a&quot;b&lt;c\">1 &lt; 2 &amp; \u{fffd}3</p>");
    }
}
