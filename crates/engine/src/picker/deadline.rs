//! Pieces that somebody waits for, such as a player for what it shows next: those first, in the order of their time. What
//! is late is asked of a second peer, one of the fastest.

use std::time::Duration;

use crate::{Instant, PieceIndex, order};

/// Pieces with a deadline at most; of more, those that are due first count. Enough for a minute at 4 MB/s in pieces of
/// 1 MiB.
pub(crate) const DEADLINES_MAX: usize = 256;

/// A piece that is not there so long before its time is late: about what a block takes from an ordinary peer.
const LATE_BEFORE: Duration = Duration::from_secs(2);

/// The pieces with a deadline, those that are due first in front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    due: Vec<(Instant, PieceIndex)>,
}

impl Deadlines {
    /// These and no others; of two for one piece the earlier counts.
    pub(crate) fn new(deadlines: impl Iterator<Item = (Instant, PieceIndex)>) -> Self {
        let mut due: Vec<_> = deadlines.collect();
        order::sort(&mut due);
        let mut seen = std::collections::BTreeSet::new();
        due.retain(|(_, piece)| seen.insert(*piece));
        due.truncate(DEADLINES_MAX);
        Self { due }
    }

    pub(crate) fn get(&self, at: usize) -> Option<(Instant, PieceIndex)> {
        self.due.get(at).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Instant, PieceIndex)> {
        self.due.iter().copied()
    }

    /// The piece is there.
    pub(crate) fn remove(&mut self, piece: PieceIndex) {
        self.due.retain(|(_, other)| *other != piece);
    }

    /// How many are late.
    pub(crate) fn late(&self, now: Instant) -> usize {
        self.due.partition_point(|(at, _)| is_late(*at, now))
    }
}

/// Whether a piece that is due at this time, and not there, is late.
pub(crate) fn is_late(at: Instant, now: Instant) -> bool {
    at <= now + LATE_BEFORE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64, piece: u32) -> (Instant, PieceIndex) {
        (Instant::from_millis(ms), PieceIndex(piece))
    }

    #[test]
    fn the_most_urgent_comes_first_and_each_piece_once() {
        let deadlines = Deadlines::new([at(3000, 7), at(1000, 9), at(2000, 7)].into_iter());
        assert_eq!(deadlines.iter().collect::<Vec<_>>(), [at(1000, 9), at(2000, 7)]);
    }

    #[test]
    fn of_too_many_the_most_urgent_stay() {
        let many = (0..1000).rev().map(|piece| at(u64::from(piece), piece));
        let deadlines = Deadlines::new(many);
        assert_eq!(deadlines.iter().count(), DEADLINES_MAX);
        assert_eq!(deadlines.get(DEADLINES_MAX - 1), Some(at(255, 255)));
    }

    #[test]
    fn a_piece_is_late_two_seconds_before_its_time() {
        let mut deadlines = Deadlines::new([at(5000, 1), at(9000, 2)].into_iter());
        let late =
            |deadlines: &Deadlines| [2999, 3000, 7000].map(|ms| deadlines.late(Instant::from_millis(ms)));
        assert_eq!(late(&deadlines), [0, 1, 2]);
        deadlines.remove(PieceIndex(1));
        assert_eq!(late(&deadlines), [0, 0, 1]);
    }
}
