//! What is stored and shown of a decision.

use super::*;

#[test]
fn a_placement_is_stored_in_few_bytes_and_read_back() {
    let mut snapshot = idle(&full(16, 2));
    snapshot.set_region(&name("uk"), RegionStanding { verb: Verb::Cordoned, ..UP });
    snapshot.set_load(&pool("korea/kind-1"), PoolLoad::default());
    let placement = place(&ask("kind-1", from(BERLIN.0, BERLIN.1)), &snapshot);
    let text = serde_json::to_string(&placement.stored()).unwrap();
    insta::assert_snapshot!(text);
    let stored: Stored = serde_json::from_str(&text).unwrap();
    let again = stored.placement(&specialization(1));
    assert_eq!(again.chosen, placement.chosen);
    assert_eq!(again.alternatives, placement.alternatives[..4]);
    assert_eq!(again.rejected, placement.rejected);
    assert_eq!(stored.omitted(), placement.alternatives.len() - 4);
}

#[test]
fn the_table_names_every_pool_with_its_figures_or_its_reason() {
    let mut snapshot = idle(&coaches());
    snapshot.set_region(&name("us-east"), RegionStanding { health: RegionHealth::Down, ..UP });
    snapshot.set_load(&pool("asia-east/coach"), PoolLoad { leased: 10, queued: 40, ..IDLE });
    insta::assert_json_snapshot!(rows(&place(&ask("coach", from(BERLIN.0, BERLIN.1)), &snapshot)));
}
