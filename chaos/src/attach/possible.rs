//! Which faults can be done to a world that is up, and why not the others. Pure.

use std::fmt;

use crate::drill::Fault;
use crate::drill::file::fault::Word;

/// What can be done to a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Possible {
    /// Whether its processes are on this machine, and known.
    pub here: bool,
}

const PROXY: &str = "needs the fault proxy, which stands only in a drill's own world";
const EDGE: &str = "needs the drill's own edge to be the only one, as in a drill's own world";
const DATABASE: &str = "its database is not the drill's, and may hold more than missions of drills";
const AGAIN: &str = "its processes are started by the world itself, and that can be asked of it only once in a while";
const ELSEWHERE: &str =
    "no world that is up on this machine has a scheduler at this address, so its processes are unknown";

impl Possible {
    /// Why a fault cannot be done; none where it can.
    pub(super) const fn refuses(self, fault: &Fault) -> Option<&'static str> {
        self.why_not(Word::of(fault))
    }

    const fn why_not(self, word: Word) -> Option<&'static str> {
        match word {
            Word::Kill | Word::Pause if self.here => None,
            Word::Kill | Word::Pause => Some(ELSEWHERE),
            Word::Cordon | Word::Drain | Word::Load => None,
            Word::Partition | Word::Toxic(_) | Word::GatewayDown | Word::Statements | Word::SilenceInjector => {
                Some(PROXY)
            }
            Word::Edge => Some(EDGE),
            Word::RestartDatabase => Some(DATABASE),
            Word::CrashLoop => Some(AGAIN),
        }
    }
}

impl fmt::Display for Possible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |why: Option<&str>| {
            let words = Word::ALL.into_iter().filter(|word| self.why_not(*word) == why).map(Word::as_str);
            words.collect::<Vec<_>>().join(", ")
        };
        write!(f, "possible here: {}\nnot possible here:", words(None))?;
        let mut told = Vec::new();
        for why in Word::ALL.into_iter().filter_map(|word| self.why_not(word)) {
            if !told.contains(&why) {
                write!(f, "\n  {}: {why}", words(Some(why)))?;
                told.push(why);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_is_told_and_of_the_rest_why_not() {
        let here = Possible { here: true }.to_string();
        assert!(here.starts_with("possible here: kill, pause, cordon, drain, load\nnot possible here:\n"), "{here}");
        assert!(here.contains("\n  crash_loop: "), "{here}");
        let elsewhere = Possible { here: false }.to_string();
        assert!(elsewhere.starts_with("possible here: cordon, drain, load\n"), "{elsewhere}");
        assert!(elsewhere.contains(&format!("\n  kill, pause: {ELSEWHERE}")), "{elsewhere}");
    }
}
