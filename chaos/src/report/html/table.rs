//! Tables that turn into cards on a narrow screen. Roles are spelled out because `display` takes them away there.

use crate::report::markup::Markup;

/// Writes a table. The first cell of a row is its heading. On a narrow screen the cells of a `compact` one stand side by
/// side, those of a `tall` one below each other.
pub(super) fn table(
    html: &mut Markup,
    id: &'static str,
    kind: &'static str,
    heads: &[&'static str],
    rows: Vec<Vec<Markup>>,
) {
    html.open("table", &[("class", &kind), ("role", &"table"), ("aria-labelledby", &id)]);
    html.raw("<thead role=\"rowgroup\"><tr role=\"row\">");
    for head in heads {
        html.element("th", &[("role", &"columnheader"), ("scope", &"col")], head);
    }
    html.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    for row in rows {
        html.raw("<tr role=\"row\">");
        for (index, (cell, head)) in row.iter().zip(heads).enumerate() {
            if index == 0 {
                html.open("th", &[("role", &"rowheader"), ("scope", &"row")]).append(cell).close("th");
            } else {
                html.open("td", &[("role", &"cell"), ("data-head", head)]);
                html.raw("<div>").append(cell).raw("</div>").close("td");
            }
        }
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table>\n");
}
