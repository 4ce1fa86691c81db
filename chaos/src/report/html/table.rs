//! Tables that turn into cards on a narrow screen. Roles are spelled out because `display: block` takes them away.

use crate::report::markup::Markup;

/// A cell.
pub(super) enum Cell {
    /// Words.
    Words(String),
    /// A figure, set flush right.
    Figure(String),
    /// What was made elsewhere.
    Made(Markup),
}

impl Cell {
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }
}

/// Writes a table. The first cell of a row is its heading. On a narrow screen the cells of a `compact` one stand side by
/// side, those of a `tall` one below each other.
pub(super) fn table(
    html: &mut Markup,
    id: &'static str,
    kind: &'static str,
    heads: &[&'static str],
    rows: Vec<Vec<Cell>>,
) {
    html.open("table", &[("class", &kind), ("role", &"table"), ("aria-labelledby", &id)]);
    html.raw("<thead role=\"rowgroup\"><tr role=\"row\">");
    for head in heads {
        html.element("th", &[("role", &"columnheader"), ("scope", &"col")], head);
    }
    html.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    for row in rows {
        html.raw("<tr role=\"row\">");
        for (index, (cell, head)) in row.into_iter().zip(heads).enumerate() {
            write(html, index == 0, head, cell);
        }
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table>\n");
}

fn write(html: &mut Markup, first: bool, head: &'static str, cell: Cell) {
    let class = match cell {
        Cell::Figure(_) => "figure",
        Cell::Words(_) | Cell::Made(_) => "words",
    };
    if first {
        html.open("th", &[("role", &"rowheader"), ("scope", &"row"), ("class", &class)]);
    } else {
        html.open("td", &[("role", &"cell"), ("data-head", &head), ("class", &class)]);
    }
    match cell {
        Cell::Words(text) | Cell::Figure(text) => html.text(text),
        Cell::Made(made) => html.append(&made),
    };
    html.close(if first { "th" } else { "td" });
}
