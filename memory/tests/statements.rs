//! Every statement of the memory obeys the rules of SQL that runs on both engines, see `sql::lint`.

use sql::lint::{Exception, assert_clean};

/// Statements that leave their region, or break another rule, and why they may.
const EXCEPTIONS: &[Exception] = &[];

#[test]
fn statements_run_on_both_engines_and_stay_in_their_region() {
    assert_clean("memory", &memory::store::statements(), EXCEPTIONS);
}
