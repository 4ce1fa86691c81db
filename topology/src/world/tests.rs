use proptest::prelude::*;

use super::*;

const WORLD: &str = include_str!("../../../scheduler/worlds/example/world_state.json");
const KNOWLEDGE: &str = include_str!("../../../scheduler/worlds/example/knowledge.json");

fn example() -> World {
    World::read(WORLD, Some(KNOWLEDGE)).unwrap()
}

fn idea<'a>(world: &'a World, id: &str) -> &'a Idea {
    world.ideas.iter().find(|idea| idea.id == id).unwrap()
}

fn name(text: &str) -> Specialization {
    text.parse().unwrap()
}

#[test]
fn the_example_is_read_with_its_oddities() {
    let world = example();
    assert_eq!((world.cities.len(), world.agents.len(), world.ideas.len()), (11, 20, 18));
    assert!(world.agents.iter().all(|agent| agent.home.as_deref() == Some("US:Charlotte")));
    let germany = world.city("Germany:Gunzenhausen").unwrap();
    assert_eq!(germany.country, None);
    assert_eq!(world.city("KR:Seoul").unwrap().country.as_deref(), Some("KR"));
    let odd: Vec<_> = world.oddities.iter().map(|oddity| oddity.what.as_str()).collect();
    assert!(odd.contains(&r#""integrate-APIs-chief" is read as "integrate-apis-chief""#), "{odd:?}");
    assert!(odd.iter().any(|what| what.contains("Germany:Gunzenhausen")), "{odd:?}");
    assert!(odd.iter().any(|what| what.contains("is the id of an earlier agent; both count")), "{odd:?}");
}

#[test]
fn null_and_missing_fields_are_tolerated_and_reported() {
    let world = r#"{
        "regions": [
            {"id": "US:Here", "lat": 1.0, "lng": 2.0, "agent_capacity": null},
            {"id": "US:Nowhere", "lat": null, "lng": 2.0}, {"lat": 1, "lng": 1}, {"id": "XX:Off", "lat": 91, "lng": 0},
            {"id": "US:Here", "lat": 5.0, "lng": 5.0}, 17
        ],
        "agents": [
            {"specialization": "a-pro", "home_base": null, "location_region_id": "US:Here", "path": null, "metrics": null},
            {"specialization": null}, {"specialization": "!"}, null,
            {"specialization": "b-pro", "path": ["US:Here", "US:Gone", 3], "metrics": {"overall_score": 7}}
        ]
    }"#;
    let knowledge = r#"{"ideas": [
        {"id": null, "title": null, "patterns": null, "inspiration_regions": null},
        {"id": "i", "inspiration_regions": [
            {"region_id": "US:Here", "weight": null}, {"region_id": "US:Gone", "weight": 1},
            {"region_id": "US:Here", "weight": -1}, {"lat": 3.0, "lng": 4.0, "weight": 0.5}, "text"]}
    ]}"#;
    let world = World::read(world, Some(knowledge)).unwrap();
    assert_eq!(world.cities.len(), 1);
    assert_eq!(world.agents.len(), 2);
    assert_eq!(world.agents[0].home.as_deref(), Some("US:Here"));
    assert_eq!(world.agents[1].path, ["US:Here"]);
    assert_eq!(world.agents[1].score, 1.0);
    assert_eq!(world.ideas[0].title, "idea:unnamed-0");
    let weights: Vec<_> = world.ideas[1].inspiration.iter().map(|one| (&*one.city, one.weight)).collect();
    assert_eq!(weights, [("US:Here", 1.0), ("3.0000,4.0000", 0.5)]);
    let places: Vec<_> = world.oddities.iter().map(|oddity| oddity.place.as_str()).collect();
    for place in ["regions[1]", "regions[5]", "agents[3]", "ideas[1].inspiration_regions[4]"] {
        assert!(places.contains(&place), "{place} is not among {places:?}");
    }
}

#[test]
fn what_is_no_world_is_refused_with_the_reason() {
    let good = r#"{"regions": [{"id": "US:A", "lat": 0, "lng": 0}], "agents": []}"#;
    let cases = [
        ("{", None, "the world file is no JSON"),
        ("[]", None, "the world file is not one of Chained's: it is a list, not an object"),
        (KNOWLEDGE, None, r#"the world file is not one of Chained's: it has no "regions", but "ideas""#),
        (
            r#"{"regions": {}}"#,
            None,
            r#"the world file is not one of Chained's: its "regions" is an object, not a list"#,
        ),
        (
            r#"{"regions": [{"id": "US:A"}], "agents": []}"#,
            None,
            "the world file is not one of Chained's: none of its regions has an id and a place on the globe",
        ),
        (good, Some("{}"), r#"the knowledge file is not one of Chained's: it has no "ideas", but nothing"#),
    ];
    for (world, knowledge, wanted) in cases {
        assert_eq!(World::read(world, knowledge).unwrap_err().to_string(), wanted);
    }
    assert!(World::read(good, None).is_ok());
}

#[test]
fn a_mission_takes_the_specialization_of_the_agents_that_work_on_its_idea() {
    let world = example();
    let mission = world.mission(idea(&world, "idea:35"), &[]).unwrap();
    let workers: Vec<_> = world.agents.iter().filter(|agent| agent.idea.as_deref() == Some("idea:35")).collect();
    let ChosenBy::CurrentIdea(agents) = &mission.chosen_by else { panic!("{:?}", mission.chosen_by) };
    assert!(workers.iter().any(|agent| agent.specialization == mission.specialization && agents.contains(&agent.id)));
    assert_eq!(mission.origin[0].city, "US:San Francisco");
}

#[test]
fn a_mission_without_agents_goes_by_its_patterns() {
    let world = example();
    let (security, cloud) = (name("secure-specialist"), name("cloud-architect"));
    // No agent of these two works on idea:26.
    let mission = world.mission(idea(&world, "idea:26"), &[&security, &cloud]).unwrap();
    assert_eq!(mission.specialization, cloud);
    assert_eq!(mission.chosen_by.to_string(), "patterns devops, cloud");
    assert_eq!(mission.origin.len(), 3);
    let mut no_fit = idea(&world, "idea:26").clone();
    no_fit.patterns = vec!["basket-weaving".to_owned()];
    let mission = world.mission(&no_fit, &[&security, &cloud]).unwrap();
    assert_eq!((mission.specialization, mission.chosen_by), (security, ChosenBy::MostAgents));
}

#[test]
fn a_pattern_that_names_a_specialization_goes_before_one_that_means_it_and_ranks_do_not_count() {
    let world = example();
    let mut idea = idea(&world, "idea:26").clone();
    let (create, secure, go) = (name("create-guru"), name("secure-specialist"), name("go-master"));
    for (patterns, wanted) in [
        (vec!["security-gpt"], &secure),
        (vec!["gpt", "security"], &secure),
        (vec!["gpt", "claude", "security"], &create),
        (vec!["go-specialist", "specialist"], &go),
    ] {
        idea.patterns = patterns.into_iter().map(str::to_owned).collect();
        let mission = world.mission(&idea, &[&create, &secure, &go]).unwrap();
        assert_eq!(mission.specialization, *wanted, "{:?}", idea.patterns);
    }
}

#[test]
fn an_idea_without_inspiration_comes_from_where_most_agents_are_at_home() {
    let world = example();
    let mut idea = idea(&world, "idea:1").clone();
    idea.inspiration.clear();
    assert_eq!(world.mission(&idea, &[]).unwrap().origin[0].city, "US:Charlotte");
}

proptest! {
    /// Whatever one value of the example is replaced by, the reader answers and every place is on the globe.
    #[test]
    fn no_value_of_a_world_breaks_the_reader(
        region in 0..11usize,
        key in prop_oneof![Just("id"), Just("lat"), Just("lng"), Just("label")],
        value in prop_oneof![Just("null"), Just("1e400"), Just("-91.5"), Just("[]"), Just("\"\""), Just("\"x\\u0000\"")],
    ) {
        let mut world: serde_json::Value = serde_json::from_str(WORLD).unwrap();
        let Ok(value) = serde_json::from_str(value) else { return Ok(()) };
        world["regions"][region][key] = value;
        let world = World::read(&world.to_string(), Some(KNOWLEDGE)).unwrap();
        prop_assert!(world.cities.len() >= 10);
        prop_assert!(world.ideas.iter().all(|idea| world.mission(idea, &[]).is_some()));
    }
}
