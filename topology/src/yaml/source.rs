//! A text with places: byte spans to lines and columns.

use std::ops::Range;

/// A text and where its lines start.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
    line_starts: Vec<usize>,
}

/// A stretch of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
}

impl Span {
    pub(super) const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl Source {
    /// A byte order mark is no part of the text.
    pub(super) fn new(file: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Self { file: file.to_owned(), text, line_starts }
    }

    /// The span brought inside the text and onto character boundaries.
    pub(super) fn clamp(&self, span: Span) -> Span {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.max(start));
        Span { start, end }
    }

    /// Line of a byte, from 1.
    pub(super) fn line(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte)
    }

    /// Length of a line (from 1) in bytes, its end included; 0 where there is no such line.
    pub(super) fn line_len(&self, line: usize) -> usize {
        let start = line.checked_sub(1).and_then(|at| self.line_starts.get(at));
        let end = self.line_starts.get(line).unwrap_or(&self.text.len()).to_owned();
        start.map_or(0, |start| end - start)
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(super) fn place(&self, byte: usize) -> (usize, usize) {
        let byte = self.text.floor_char_boundary(byte);
        let line = self.line(byte);
        let start = self.line_starts[line - 1];
        (line, self.text[start..byte].chars().count() + 1)
    }

    /// What stands there.
    pub(super) fn slice(&self, span: Span) -> &str {
        &self.text[self.clamp(span).range()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let source = Source::new("f", "a\nžluťoučký: x\n");
        assert_eq!(source.place(0), (1, 1));
        assert_eq!(source.place(source.text.find('x').unwrap()), (2, 12));
        assert_eq!(source.place(usize::MAX), (3, 1));
    }

    #[test]
    fn spans_are_brought_inside_the_text() {
        let source = Source::new("f", "\u{feff}žž");
        assert_eq!(source.clamp(Span { start: 1, end: 3 }), Span { start: 0, end: 4 });
        assert_eq!(source.slice(Span { start: 90, end: 2 }), "");
    }
}
