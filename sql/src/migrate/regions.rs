//! Database regions: what a row's `crdb_region` may be.
//!
//! CockroachDB keeps them as the values of an enum of its own; PostgreSQL has a domain over text with a CHECK whose
//! name holds a digest of the list, so that two instances agree on whether there is anything to change.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use topology::{DatabaseRegion, Survive};

use super::history::hex;
use super::{Error, Session, steps};
use crate::Engine;
use crate::retry::Retry;

/// Lists the regions of the current database; the name is in the second column.
pub(super) const COCKROACH_READ: &str = "SHOW REGIONS FROM DATABASE";

/// Where rows may live.
#[derive(Debug, Clone)]
pub struct Regions {
    /// Database regions, the primary one first. At least one.
    pub all: Vec<DatabaseRegion>,
    /// What the database survives. PostgreSQL has one machine and ignores it.
    pub survive: Survive,
}

/// Gives a new database its regions and leaves an old one as it is.
pub(super) async fn ensure(session: &Session, regions: &Regions) -> Result<(), Error> {
    let new = match session.engine {
        Engine::Postgres => postgres_constraints(session).await?.is_empty(),
        Engine::Cockroach => cockroach_regions(session).await?.is_empty(),
    };
    if new { sync(session, regions).await } else { Ok(()) }
}

/// Makes the database's regions equal to `regions`.
pub(super) async fn sync(session: &Session, regions: &Regions) -> Result<(), Error> {
    if regions.all.is_empty() {
        return Err(Error::NoRegion);
    }
    let result = match session.engine {
        Engine::Postgres => sync_postgres(session, regions).await,
        Engine::Cockroach => sync_cockroach(session, regions).await,
    };
    result.map_err(|error| match error.sqlstate().map(|state| state.code()) {
        // check_violation of the new constraint; dependent_objects_still_exist.
        Some("23514" | "2BP01") => Error::RegionInUse(error),
        _ => Error::Sql(error),
    })
}

async fn sync_postgres(session: &Session, regions: &Regions) -> Result<(), crate::Error> {
    let mut retry = Retry::new("regions_sync");
    loop {
        let known = postgres_constraints(session).await?;
        let steps = postgres_steps(&known, &regions.all);
        if steps.is_empty() {
            return Ok(());
        }
        match session.command(&steps.join("; ")).await {
            Ok(()) => return Ok(()),
            Err(error) if steps::collides(&error) && retry.pause().await => {}
            Err(error) => return Err(error),
        }
    }
}

/// A CHECK of the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Constraint {
    name: String,
    /// As the catalogue shows it: every region stands in quotes.
    definition: String,
}

/// The statements that lead from constraints `known` to `wanted`. Sent together they are one transaction. Where the
/// list only grows, no row can break the new CHECK, so no table is scanned for one.
fn postgres_steps(known: &[Constraint], wanted: &[DatabaseRegion]) -> Vec<String> {
    let names: BTreeSet<&str> = wanted.iter().map(DatabaseRegion::as_str).collect();
    let list = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let digest = hex(&Sha256::digest(list.as_bytes()));
    let name = format!("crdb_internal_region_{}", &digest[..16]);
    if known.iter().any(|one| one.name == name) {
        return Vec::new();
    }
    if known.is_empty() {
        return vec![format!("CREATE DOMAIN crdb_internal_region AS text CONSTRAINT {name} CHECK (VALUE IN ({list}))")];
    }
    let grows = known.iter().any(|one| one.definition.split('\'').skip(1).step_by(2).all(|old| names.contains(old)));
    let unscanned = if grows { " NOT VALID" } else { "" };
    let add = format!("ALTER DOMAIN crdb_internal_region ADD CONSTRAINT {name} CHECK (VALUE IN ({list})){unscanned}");
    let drop = known.iter().map(|old| format!("ALTER DOMAIN crdb_internal_region DROP CONSTRAINT {}", old.name));
    std::iter::once(add).chain(drop).collect()
}

async fn postgres_constraints(session: &Session) -> Result<Vec<Constraint>, crate::Error> {
    let text = "SELECT conname::TEXT, pg_get_constraintdef(oid)::TEXT FROM pg_constraint \
                WHERE contypid = to_regtype('crdb_internal_region') AND contype = 'c'";
    let rows = session.client.query(text, &[]).await.map_err(|error| session.failed("regions_read", error))?;
    rows.iter().map(|row| Ok(Constraint { name: row.try_get(0)?, definition: row.try_get(1)? })).collect()
}

async fn sync_cockroach(session: &Session, regions: &Regions) -> Result<(), crate::Error> {
    let known = cockroach_regions(session).await?;
    let database = names(session, "SELECT current_database()", 0).await?.remove(0);
    for step in cockroach_steps(&database, &known, regions) {
        steps::run(session, &step).await?;
    }
    Ok(())
}

/// The statements that lead from regions `known` to those wanted, in the order CockroachDB asks for: what weakens the
/// goal first, then new regions, the goal, and what is no longer wanted.
pub(super) fn cockroach_steps(database: &str, known: &[String], wanted: &Regions) -> Vec<String> {
    let alter = format!("ALTER DATABASE \"{}\"", database.replace('"', "\"\""));
    let mut steps = Vec::new();
    let (Some(primary), goal) = (wanted.all.first(), wanted.survive) else { return steps };
    if goal == Survive::Zone && !known.is_empty() {
        steps.push(format!("{alter} SURVIVE ZONE FAILURE"));
    }
    if known.is_empty() {
        steps.push(format!("{alter} SET PRIMARY REGION \"{primary}\""));
    }
    let missing = wanted.all.iter().filter(|one| !known.iter().any(|old| old == one.as_str()));
    steps.extend(
        missing
            .filter(|one| *one != primary || !known.is_empty())
            .map(|one| format!("{alter} ADD REGION IF NOT EXISTS \"{one}\"")),
    );
    if !known.is_empty() {
        steps.push(format!("{alter} SET PRIMARY REGION \"{primary}\""));
    }
    if goal == Survive::Region {
        steps.push(format!("{alter} SURVIVE REGION FAILURE"));
    }
    let gone = known.iter().filter(|old| !wanted.all.iter().any(|one| one.as_str() == old.as_str()));
    steps.extend(gone.map(|old| format!("{alter} DROP REGION IF EXISTS \"{old}\"")));
    steps
}

async fn cockroach_regions(session: &Session) -> Result<Vec<String>, crate::Error> {
    names(session, COCKROACH_READ, 1).await
}

/// One column of a query without parameters.
async fn names(session: &Session, text: &str, column: usize) -> Result<Vec<String>, crate::Error> {
    let rows = session.client.query(text, &[]).await.map_err(|error| session.failed("regions_read", error))?;
    rows.iter().map(|row| Ok(row.try_get(column)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(names: &[&str], survive: Survive) -> Regions {
        Regions { all: names.iter().map(|name| name.parse().unwrap()).collect(), survive }
    }

    fn constraint(names: &[&str]) -> Constraint {
        let step = postgres_steps(&[], &regions(names, Survive::Zone).all).remove(0);
        let name = step.split_whitespace().find(|word| word.starts_with("crdb_internal_region_")).unwrap().to_owned();
        let list: Vec<String> = names.iter().map(|name| format!("'{name}'::text")).collect();
        Constraint { name, definition: format!("CHECK ((VALUE = ANY (ARRAY[{}])))", list.join(", ")) }
    }

    #[test]
    fn the_same_list_in_another_order_changes_nothing() {
        let wanted = regions(&["a", "b"], Survive::Zone);
        assert!(postgres_steps(&[constraint(&["b", "a"])], &wanted.all).is_empty());
    }

    #[test]
    fn rows_are_looked_at_only_where_a_region_is_taken_away() {
        let scans = |old: &[&str], new: &[&str]| {
            let steps = postgres_steps(&[constraint(old)], &regions(new, Survive::Zone).all);
            assert_eq!(steps.len(), 2, "one added, one dropped");
            !steps[0].ends_with(" NOT VALID")
        };
        assert!(!scans(&["a", "b"], &["a", "b", "c"]));
        assert!(scans(&["a", "b"], &["a", "c"]));
        assert!(scans(&["a", "b"], &["a"]));
    }

    #[test]
    fn a_new_cockroach_database_gets_its_primary_region_first_and_its_goal_last() {
        let steps = cockroach_steps("m", &[], &regions(&["a", "b", "c"], Survive::Region));
        assert_eq!(
            steps,
            [
                "ALTER DATABASE \"m\" SET PRIMARY REGION \"a\"",
                "ALTER DATABASE \"m\" ADD REGION IF NOT EXISTS \"b\"",
                "ALTER DATABASE \"m\" ADD REGION IF NOT EXISTS \"c\"",
                "ALTER DATABASE \"m\" SURVIVE REGION FAILURE",
            ]
        );
    }

    #[test]
    fn a_region_is_taken_away_after_the_goal_allows_it() {
        let known = ["a", "b", "c"].map(str::to_owned);
        let steps = cockroach_steps("m", &known, &regions(&["b", "a"], Survive::Zone));
        assert_eq!(
            steps,
            [
                "ALTER DATABASE \"m\" SURVIVE ZONE FAILURE",
                "ALTER DATABASE \"m\" SET PRIMARY REGION \"b\"",
                "ALTER DATABASE \"m\" DROP REGION IF EXISTS \"c\"",
            ]
        );
    }
}
