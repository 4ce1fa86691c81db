//! How a reader checks it: commands, seed, digests, versions, clocks.

use crate::journal::Journal;
use crate::report::markup::Markup;
use crate::report::words;

pub(super) fn section(html: &mut Markup, journal: &Journal) {
    super::begin(html, "proof", "Check it yourself");
    super::paragraph(html, "In the folder of this run, with the program of this version:");
    html.raw("<dl class=\"facts\">\n");
    let name = &journal.drill.name;
    let watched = if journal.check.unjudged.is_empty() { "" } else { " --without-runners" };
    for (command, what) in [
        (format!("chaos check .{watched}"), "decides again from the history what was lost and what was done twice"),
        ("chaos report .".to_owned(), "makes this page again, byte for byte"),
        (format!("chaos drill {name} --seed {}", journal.seed), "runs the same drill with the same draws"),
    ] {
        html.raw("<div><dt>").element("code", &[], command).raw("</dt>").element("dd", &[], what).raw("</div>\n");
    }
    for (fact, value) in facts(journal) {
        html.raw("<div>").element("dt", &[], fact).element("dd", &[], value).raw("</div>\n");
    }
    html.raw("</dl>\n");
    super::end(html);
}

fn facts(journal: &Journal) -> Vec<(&'static str, String)> {
    let (drill, world) = (&journal.drill, &journal.world);
    let pairs = |pairs: Vec<String>| if pairs.is_empty() { "none".to_owned() } else { pairs.join(", ") };
    vec![
        ("what it shows", drill.description.clone()),
        ("run", journal.run.clone()),
        ("drill", format!("{}, tier {}", drill.name, words::tier(journal.tier))),
        ("began", words::instant(journal.started_at_us)),
        ("ended", words::instant(journal.ended_at_us)),
        ("seed", journal.seed.to_string()),
        ("variables", pairs(drill.configuration.iter().map(|(name, value)| format!("{name} = {value}")).collect())),
        ("digest of the drill", drill.digest.clone()),
        ("digest of the topology", world.topology_digest.clone()),
        ("regions", pairs(world.regions.clone())),
        ("survives the loss of a", world.survive.clone()),
        ("clocks", pairs(world.clocks.iter().map(|(name, s)| format!("{name} {}", words::seconds(*s))).collect())),
        ("versions", format!("chaos {}, journal {}", journal.chaos_version, journal.version)),
    ]
}
