//! However many homes there are, a question goes to the own one and to the few nearest others, and says how many are left.

use proptest::prelude::*;
use topology::{Position, Region, ResidencyName};

use super::*;

/// A region of a topology and the number of its home: several may have their rows in one.
#[derive(Debug, Clone, Copy)]
struct Place {
    lat: f64,
    lng: f64,
    home: usize,
}

fn places() -> impl Strategy<Value = Vec<Place>> {
    let place = (-60.0..70.0, -180.0..180.0, 0..100usize).prop_map(|(lat, lng, home): (f64, f64, usize)| Place {
        lat,
        lng,
        home,
    });
    proptest::collection::vec(place, 1..100)
}

fn region(n: usize) -> RegionName {
    name(&format!("region-{n}"))
}

/// The rule `eu` lists every third region.
fn wide(places: &[Place]) -> Topology {
    let mut wide = topology();
    let like = wide.regions[0].clone();
    wide.regions = places.iter().enumerate().map(|(n, place)| of_place(&like, n, *place)).collect();
    wide.database.regions = wide.regions.iter().map(|region| region.database_region.clone()).collect();
    // A home where no region stands, as a primary may be.
    wide.database.regions.push(name("alone-1"));
    wide.database.regions.sort();
    wide.database.regions.dedup();
    let eu = wide.residency.get_mut(&name::<ResidencyName>("eu")).expect("the topology has it");
    eu.regions = (0..places.len()).step_by(3).map(region).collect();
    wide
}

fn of_place(like: &Region, n: usize, place: Place) -> Region {
    let position = Position::new(place.lat, place.lng).expect("both ranges lie on the globe");
    Region { name: region(n), position, database_region: name(&format!("home-{}", place.home)), ..like.clone() }
}

/// How far a home is, said again without the code under test.
fn far(topology: &Topology, here: &Region, home: &DatabaseRegion) -> u64 {
    let there = topology.regions.iter().filter(|region| region.database_region == *home);
    there.map(|region| topology.latency.between_us(here, region)).min().unwrap_or(u64::MAX)
}

async fn run(places: &[Place], here: usize, most: usize) -> Result<(), TestCaseError> {
    let topology = wide(places);
    let here = topology.regions[here % places.len()].clone();
    let homes = topology.database.regions.clone();
    let world = World::holding(homes.iter().enumerate().flat_map(|(n, home)| {
        let of = |id: usize, rule| found(id as u128, home.as_str(), rule);
        [of(2 * n, None), of(2 * n + 1, Some("eu"))]
    }));
    let settings = Settings { others: most, ..Settings::default() };
    let recall = Recall::new(here.name.clone(), here.database_region.clone(), Arc::clone(&world), settings);
    let answer = recall.ask(&topology, &here.name, query()).await.unwrap();

    let (asked, left): (Vec<_>, Vec<_>) = homes.iter().partition(|home| world.calls(home.as_str()) > 0);
    prop_assert_eq!(world.calls(here.database_region.as_str()), 1, "the own home is always asked");
    prop_assert_eq!(asked.len(), 1 + most.min(homes.len() - 1));
    let farthest = asked.iter().filter(|home| ***home != here.database_region).map(|home| far(&topology, &here, home));
    let nearest_left = left.iter().map(|home| far(&topology, &here, home)).min();
    prop_assert!(farthest.max() <= nearest_left.or(Some(u64::MAX)), "a nearer one was left out: {left:?}");
    let complete = &answer.completeness;
    prop_assert_eq!(complete.regions_asked, asked.len());
    prop_assert_eq!(complete.regions_skipped, left.len());
    let lawful = topology.lawful(Some(&name("eu")), &here.name);
    prop_assert_eq!(answer.found.len(), asked.len() * if lawful { 2 } else { 1 });
    prop_assert!(answer.found.iter().all(|found| asked.contains(&&found.memory.home)));
    prop_assert!(lawful || answer.found.iter().all(|found| found.memory.residency.is_none()));
    Ok(())
}

proptest! {
    #[test]
    fn the_own_home_and_the_nearest_others_are_asked(places in places(), here in 0..100usize, most in 0..7usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(&places, here, most))?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_homes_cost_as_many_questions_as_five() {
    let places: Vec<Place> =
        (0..100).map(|n| Place { lat: 0.0, lng: f64::from(n) * 3.0 - 179.0, home: n as usize }).collect();
    let topology = wide(&places);
    let world = World::holding([]);
    let recall = Recall::new(region(50), name("home-50"), Arc::clone(&world), Settings::default());
    let answer = recall.ask(&topology, &region(50), query()).await.unwrap();
    let complete = answer.completeness;
    assert_eq!((complete.regions_asked, complete.regions_answered, complete.regions_skipped), (5, 5, 96));
    for home in 48..=52 {
        assert_eq!(world.calls(&format!("home-{home}")), 1, "home-{home} is near");
    }
}
