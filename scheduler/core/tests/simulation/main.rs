//! A seeded simulation of the whole protocol: two schedulers, agents that die, pause and lie, lost answers, late
//! heartbeats, and one store, a model in memory whose every statement goes through `lifecycle::apply`.
//!
//! The store checks P2 at every statement, the world checks P1 at the end: when everybody behaves again, every
//! mission that was ever acknowledged ends. A failing case prints its actions; proptest keeps its seed.

mod agent;
mod scheduler;
mod store;
mod world;

use proptest::prelude::*;

use crate::world::{Action, Lie, World};

fn agent() -> impl Strategy<Value = usize> {
    0_usize..world::AGENTS
}

fn scheduler() -> impl Strategy<Value = usize> {
    0_usize..world::SCHEDULERS
}

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![(-3_i64..4).prop_map(Lie::Epoch), agent().prop_map(Lie::Session), Just(Lie::Digest),]
}

fn action() -> impl Strategy<Value = Action> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0_usize..2, prop::bool::weighted(0.1)).prop_map(|(region, deadly)| Action::Submit { region, deadly }),
        6 => (0_i64..2_500).prop_map(Action::Pass),
        8 => (agent(), any::<bool>()).prop_map(|(agent, answered)| Action::Claim { agent, answered }),
        6 => agent().prop_map(Action::Receive),
        8 => agent().prop_map(Action::SendHeartbeat),
        8 => agent().prop_map(Action::DeliverHeartbeat),
        5 => agent().prop_map(Action::Finish),
        6 => (agent(), prop::bool::weighted(0.7)).prop_map(|(agent, answered)| Action::Report { agent, answered }),
        2 => (agent(), which(), lie()).prop_map(|(agent, mission, lie)| Action::Lie { agent, mission, lie }),
        1 => agent().prop_map(Action::GiveUp),
        1 => agent().prop_map(Action::HandBack),
        1 => agent().prop_map(Action::Die),
        1 => agent().prop_map(Action::EndSession),
        1 => agent().prop_map(Action::Pause),
        3 => agent().prop_map(Action::Resume),
        8 => scheduler().prop_map(Action::Plan),
        8 => scheduler().prop_map(Action::Carry),
        1 => scheduler().prop_map(Action::SchedulerDies),
        1 => (0_usize..2, any::<bool>()).prop_map(|(region, open)| Action::Region { region, open }),
        1 => which().prop_map(Action::Cancel),
        1 => which().prop_map(Action::Retry),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// P1 durable and P2 one winner under any interleaving.
    #[test]
    fn no_interleaving_loses_a_mission_or_completes_it_twice(actions in proptest::collection::vec(action(), 1..250)) {
        let mut world = World::new();
        for action in actions {
            world.act(&action);
        }
        world.heal();
        world.store.all_ended();
    }

    /// A mission that kills whoever runs it ends as poison, and everything that ran beside it succeeds.
    #[test]
    fn a_deadly_mission_takes_no_other_with_it(
        missions in proptest::collection::vec((0_usize..2, prop::bool::weighted(0.15)), 1..14),
    ) {
        let mut world = World::new();
        for (region, deadly) in &missions {
            world.act(&Action::Submit { region: *region, deadly: *deadly });
        }
        world.heal();
        for (row, (_, deadly)) in world.store.missions.iter().zip(&missions) {
            let reason = row.facts.reason.map(scheduler_core::lifecycle::Reason::as_str);
            let wanted = if *deadly { ("failed", Some("poison")) } else { ("succeeded", None) };
            prop_assert_eq!((row.facts.state.as_str(), reason), wanted);
        }
    }
}
