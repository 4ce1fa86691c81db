//! Every statement of the scheduler obeys the rules of SQL that runs on both engines, see `sql::lint`.

use scheduler::store;
use sql::Statement;
use sql::lint::{Exception, assert_clean};

/// Statements that leave their region, or break another rule, and why they may.
const EXCEPTIONS: &[Exception] = &[];

#[test]
fn statements_run_on_both_engines_and_stay_in_their_region() {
    let lists: [&[&'static Statement]; 15] = [
        store::census::STATEMENTS,
        store::control::STATEMENTS,
        store::duty::STATEMENTS,
        store::event::STATEMENTS,
        store::heartbeat::STATEMENTS,
        store::life::STATEMENTS,
        store::load::STATEMENTS,
        store::mission::STATEMENTS,
        store::region::STATEMENTS,
        store::retention::STATEMENTS,
        store::session::STATEMENTS,
        store::submission::STATEMENTS,
        store::sweep::STATEMENTS,
        store::token::STATEMENTS,
        store::topology::STATEMENTS,
    ];
    assert_clean("scheduler", &lists.concat(), EXCEPTIONS);
}
