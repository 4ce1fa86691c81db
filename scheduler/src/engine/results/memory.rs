//! What is to be remembered of a mission, checked. Pure.

use std::collections::BTreeSet;

use scheduler_client::wire;

use crate::engine::check;
use crate::refusal::{Fault, Refusal};
use crate::store::mission::MemoryRow;

/// Most characters of a title.
const TITLE: usize = 500;
/// Most bytes of a description or a solution.
const TEXT: usize = 32 << 10;
/// Most characters of an issue's name.
const ISSUE: usize = 300;
/// Most memories that a mission was shown.
const SHOWN: usize = 50;

pub(super) fn checked(memory: wire::MissionMemory) -> Result<MemoryRow, Refusal> {
    let wire::MissionMemory { title, description, solution, issue, pr_number, shown, with_memory } = memory;
    let line = |pointer: &str, text: &Option<String>, most: usize| {
        text.as_ref().map_or(Ok(()), |text| check::text(pointer, text, most))
    };
    line("/memory/title", &title, TITLE)?;
    line("/memory/issue", &issue, ISSUE)?;
    bounded("/memory/description", description.as_deref())?;
    bounded("/memory/solution", solution.as_deref())?;
    if let Some(number) = pr_number {
        check::range("/memory/pr_number", number, 1, i64::MAX)?;
    }
    if shown.len() > SHOWN {
        let detail = format!("it must have at most {SHOWN} entries, not {}", shown.len());
        return Err(Refusal::invalid(Fault::Count, "/memory/shown", detail));
    }
    let mut seen = BTreeSet::new();
    if let Some(at) = shown.iter().position(|one| !seen.insert(one.memory)) {
        let pointer = format!("/memory/shown/{at}/memory");
        return Err(Refusal::invalid(Fault::Duplicate, pointer, "a memory is named once"));
    }
    let shown = shown.into_iter().map(|one| (one.memory, one.used)).collect();
    Ok(MemoryRow { title, description, solution, issue, pr_number, shown, with_memory })
}

fn bounded(pointer: &str, text: Option<&str>) -> Result<(), Refusal> {
    let Some(text) = text else { return Ok(()) };
    check::nul_free(pointer, text)?;
    if text.len() > TEXT {
        let detail = format!("it must have at most {TEXT} bytes, not {}", text.len());
        return Err(Refusal::invalid(Fault::TooLarge, pointer, detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use scheduler_client::wire::{MissionMemory, ShownMemory};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_part_of_a_memory_is_bounded_and_named_where_it_is_not() {
        let twice = ShownMemory { memory: Uuid::from_u128(1), used: true };
        let many = (0..51).map(|n| ShownMemory { memory: Uuid::from_u128(n), used: false }).collect();
        let with = MissionMemory::default;
        let cases = [
            (MissionMemory { title: Some(String::new()), ..with() }, "text_length", "/memory/title"),
            (MissionMemory { title: Some("é".repeat(501)), ..with() }, "text_length", "/memory/title"),
            (MissionMemory { issue: Some("i".repeat(301)), ..with() }, "text_length", "/memory/issue"),
            (MissionMemory { description: Some("a\0".to_owned()), ..with() }, "nul_character", "/memory/description"),
            (MissionMemory { solution: Some("s".repeat(TEXT + 1)), ..with() }, "value_too_large", "/memory/solution"),
            (MissionMemory { pr_number: Some(0), ..with() }, "number_out_of_range", "/memory/pr_number"),
            (MissionMemory { shown: many, ..with() }, "wrong_count", "/memory/shown"),
            (MissionMemory { shown: vec![twice, twice], ..with() }, "duplicate_name", "/memory/shown/1/memory"),
        ];
        for (memory, code, at) in cases {
            let refusal = checked(memory).unwrap_err();
            assert_eq!(refusal.code(), code);
            assert!(matches!(refusal, Refusal::Invalid { pointer, .. } if pointer == at), "{at}");
        }
        let longest = Some("s".repeat(TEXT));
        assert!(checked(MissionMemory { description: longest.clone(), solution: longest, ..with() }).is_ok());
    }
}
