//! What is under way in one direction of a connection, and when it comes out. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::time::Instant;

use super::orders::Flow;

/// Bytes under way after which no more are taken in.
const ROOM: usize = 4 * 1024 * 1024;
/// A slow cable lets out so much at a time: what passes in this time.
const PORTION: Duration = Duration::from_millis(20);

/// Something that travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parcel {
    /// Bytes, at least one.
    Bytes(Bytes),
    /// This end says no more.
    Close,
    /// The whole connection closes, in order.
    HangUp,
    /// The whole connection is reset.
    Abort,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    /// Where between earliest and latest it comes, -1 to 1.
    luck: f64,
    parcel: Parcel,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Cable {
    under_way: VecDeque<Sent>,
    bytes: usize,
    /// When a slow cable takes the next byte.
    free_at: Instant,
}

impl Cable {
    /// An empty one.
    pub(super) const fn new(now: Instant) -> Self {
        Self { under_way: VecDeque::new(), bytes: 0, free_at: now }
    }

    /// Sends something.
    pub(super) fn push(&mut self, now: Instant, luck: f64, parcel: Parcel) {
        if let Parcel::Bytes(bytes) = &parcel {
            self.bytes += bytes.len();
        }
        self.under_way.push_back(Sent { at: now, luck, parcel });
    }

    /// Whether more may be sent.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < ROOM
    }

    /// When the next parcel comes out.
    pub(super) fn due(&self, flow: &Flow) -> Option<Instant> {
        let next = self.under_way.front()?;
        let jitter = flow.jitter.mul_f64(next.luck.abs());
        let late = if next.luck < 0.0 { flow.late.saturating_sub(jitter) } else { flow.late + jitter };
        let due = next.at + late;
        Some(match next.parcel {
            Parcel::Bytes(_) if flow.bytes_per_s.is_some() => due.max(self.free_at),
            Parcel::Bytes(_) => due,
            Parcel::Close | Parcel::HangUp | Parcel::Abort => due + flow.slow_close,
        })
    }

    /// What comes out next; of bytes as many as may.
    pub(super) fn next(&self, flow: &Flow) -> Option<Parcel> {
        let parcel = &self.under_way.front()?.parcel;
        Some(match (parcel, flow.bytes_per_s) {
            (Parcel::Bytes(bytes), Some(per_s)) => Parcel::Bytes(bytes.slice(..portion(per_s).min(bytes.len()))),
            (parcel, _) => parcel.clone(),
        })
    }

    /// So many bytes of the next parcel have come out.
    pub(super) fn let_out(&mut self, count: usize, now: Instant, flow: &Flow) {
        let Some(Sent { parcel: Parcel::Bytes(bytes), .. }) = self.under_way.front_mut() else { return };
        bytes.advance(count);
        self.bytes -= count;
        if bytes.is_empty() {
            self.under_way.pop_front();
        }
        if let Some(per_s) = flow.bytes_per_s {
            self.free_at = self.free_at.max(now) + Duration::from_secs_f64(count as f64 / per_s as f64);
        }
    }

    /// Loses everything; whether there was anything.
    pub(super) fn lose(&mut self) -> bool {
        let any = !self.under_way.is_empty();
        self.under_way.clear();
        self.bytes = 0;
        any
    }
}

/// Bytes that pass at a time, at least one.
fn portion(bytes_per_s: u64) -> usize {
    let portion = PORTION.as_secs_f64() * bytes_per_s as f64;
    (portion as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn bytes(text: &'static str) -> Parcel {
        Parcel::Bytes(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_parcel_is_late_by_what_is_in_force_when_it_comes_out() {
        let now = Instant::now();
        let mut cable = Cable::new(now);
        cable.push(now, -0.5, bytes("a"));
        let slow = Flow { late: 100 * MS, jitter: 40 * MS, ..Flow::default() };
        assert_eq!(cable.due(&slow), Some(now + 80 * MS));
        assert_eq!(cable.due(&Flow::default()), Some(now));
        let early = Flow { late: 10 * MS, jitter: 40 * MS, ..Flow::default() };
        assert_eq!(cable.due(&early), Some(now), "nothing comes before it was sent");
    }

    #[test]
    fn a_close_comes_after_the_bytes_and_later() {
        let now = Instant::now();
        let mut cable = Cable::new(now);
        let flow = Flow { slow_close: 30 * MS, ..Flow::default() };
        cable.push(now, 0.0, bytes("ab"));
        cable.push(now, 0.0, Parcel::Close);
        assert_eq!((cable.due(&flow), cable.next(&flow)), (Some(now), Some(bytes("ab"))));
        cable.let_out(1, now, &flow);
        assert_eq!(cable.next(&flow), Some(bytes("b")));
        cable.let_out(1, now, &flow);
        assert_eq!((cable.due(&flow), cable.next(&flow)), (Some(now + 30 * MS), Some(Parcel::Close)));
    }

    #[test]
    fn a_slow_cable_lets_so_many_bytes_out_in_a_second() {
        let start = Instant::now();
        let mut cable = Cable::new(start);
        let flow = Flow { bytes_per_s: Some(1_000), ..Flow::default() };
        cable.push(start, 0.0, Parcel::Bytes(vec![0; 500].into()));
        let mut last = start;
        while let Some(Parcel::Bytes(some)) = cable.next(&flow) {
            last = cable.due(&flow).unwrap();
            cable.let_out(some.len(), last, &flow);
        }
        assert_eq!(last - start, 480 * MS, "the last portion of 20 ms may leave then");
        assert!(!cable.lose(), "nothing is left");
    }
}
