//! Round trips, and worlds of many regions.

use super::*;

#[test]
fn regions_use_measured_round_trips_and_rows_of_another_world_are_worked_out_anew() {
    let topology = coaches();
    let mut measured = LatencyTable::default();
    measured.insert(name("europe-west"), name("europe-central"), 123_456);
    let world = World::new(&topology, &measured);
    let row = world.row(&ResolvedOrigin::Region(name("europe-central")));
    assert_eq!(row.us[2], 123_456);
    let berlin = from(BERLIN.0, BERLIN.1);
    let ResolvedOrigin::Points(points) = berlin.clone() else { unreachable!("a place is a point") };
    let small = World::new(&bare(3), &measured);
    let foreign = ResolvedOrigin::Row(points, small.row(&berlin));
    assert_eq!(world.row(&foreign), world.row(&berlin));
}

#[test]
fn weighted_points_weigh_their_round_trips() {
    let world = World::new(&bare(4), &LatencyTable::default());
    let of = |origin: &ResolvedOrigin| world.row(origin).us.to_vec();
    let place = |(lat, lng): (f64, f64)| Position::new(lat, lng).unwrap();
    let (berlin, boston) = (of(&from(BERLIN.0, BERLIN.1)), of(&from(BOSTON.0, BOSTON.1)));
    let both = of(&ResolvedOrigin::weighted([(place(BERLIN), 3.0), (place(BOSTON), 1.0)]).unwrap());
    for ((berlin, boston), both) in berlin.iter().zip(&boston).zip(&both) {
        let wanted = (*berlin as f64 * 3.0 + *boston as f64) / 4.0;
        assert!((*both as f64 - wanted).abs() <= 2.0, "{both} {wanted}");
    }
    assert_eq!(ResolvedOrigin::weighted([(place(BERLIN), f64::NAN), (place(BOSTON), -1.0)]), None);
}

/// More regions than a decision keeps on its stack: the same answers.
#[test]
fn a_world_of_two_hundred_regions_is_decided_alike() {
    let mut topology = bare(1);
    let pattern = topology.regions[0].clone();
    topology.regions = (0..200)
        .map(|at| {
            let place = Position::new(f64::from(at % 20) * 6.0 - 60.0, f64::from(at) * 1.7 - 170.0).unwrap();
            topology::Region { name: name(&format!("r{at}")), position: place, ..pattern.clone() }
        })
        .collect();
    for at in (0..200).step_by(3) {
        add_pool(&mut topology, &format!("r{at}"), "coach", Role::Primary);
    }
    let snapshot = idle(&topology);
    for (lat, lng) in [BERLIN, BOSTON, (-33.0, 151.0), (0.0, 0.0)] {
        let request = ask("coach", from(lat, lng));
        let placement = place(&request, &snapshot);
        assert_eq!(placement.alternatives.len(), 66);
        let chosen = placement.chosen.unwrap();
        let nearest = placement.alternatives.iter().map(Choice::expected_us).min().unwrap();
        assert!(chosen.expected_us() <= nearest + SPREAD_BAND_US);
        assert_eq!(choose(&request, &snapshot).map(|pool| snapshot.world().pool(pool).clone()), Ok(chosen.pool));
    }
}
