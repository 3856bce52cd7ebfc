//! Super-seeding (BEP 16): a seed with a slow line that wants to send each piece about once looks like a downloader and
//! shows its pieces one by one. A peer sees the next one when another peer has the last one, so it is worth passing
//! on what it gets, and whoever keeps it waits.
//!
//! [`may_see_more`] decides when a peer is shown another piece, [`Spread::rarest`] which one.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::rng::Rng;
use crate::{Config, PieceIndex, RevealReason};

/// What is known of a peer and the piece that it was shown last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// The peer has it.
    pub(crate) has_it: bool,
    /// For how long the peer has had it.
    pub(crate) has_it_for: Duration,
    /// Another connected peer has it.
    pub(crate) is_elsewhere: bool,
    /// Downloaders that are connected, besides this one.
    pub(crate) others: usize,
}

/// Whether the peer is shown another piece, and why; `last` is `None` if it was not shown any.
pub(crate) fn may_see_more(config: &Config, last: Option<Shown>) -> Option<RevealReason> {
    match last {
        None => Some(RevealReason::First),
        // Without it, it would take the next one as well and have nothing to pass on sooner.
        Some(shown) if !shown.has_it => None,
        Some(shown) if shown.is_elsewhere => Some(RevealReason::PassedOn),
        Some(shown) if shown.others == 0 => Some(RevealReason::Alone),
        Some(shown) if shown.has_it_for >= config.super_seed_patience => Some(RevealReason::Patience),
        Some(_) => None,
    }
}

/// How far each piece has spread: the peers that have it, and those that were shown it and do not have it yet.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    counts: Vec<u32>,
    /// Breaks ties, so that two super-seeds of one swarm begin with different pieces.
    salts: Vec<u32>,
    /// By count, then salt.
    order: BTreeSet<(u32, u32, u32)>,
}

impl Spread {
    pub(crate) fn new(pieces_total: u32, rng: &mut Rng) -> Self {
        let salts: Vec<u32> = (0..pieces_total).map(|_| rng.bits()).collect();
        let order = (0..pieces_total).zip(&salts).map(|(piece, &salt)| (0, salt, piece)).collect();
        Self { counts: vec![0; pieces_total as usize], salts, order }
    }

    /// One peer more has the piece or was shown it.
    pub(crate) fn add(&mut self, piece: PieceIndex) {
        self.change(piece, |count| count + 1);
    }

    /// One peer less.
    pub(crate) fn remove(&mut self, piece: PieceIndex) {
        self.change(piece, |count| count - 1);
    }

    /// The piece that has spread least among those that somebody lacks. The first ones are nearly always lacking, since
    /// few have them.
    pub(crate) fn rarest(&self, lacks: impl Fn(PieceIndex) -> bool) -> Option<PieceIndex> {
        self.order.iter().map(|&(_, _, piece)| PieceIndex(piece)).find(|&piece| lacks(piece))
    }

    /// Compares with the counts that are right.
    pub(crate) fn check(&self, count: impl Fn(PieceIndex) -> usize) {
        for (piece, &counted) in (0..).zip(&self.counts) {
            assert_eq!(counted as usize, count(PieceIndex(piece)), "invariant: spread of piece {piece}");
            let place = (counted, self.salts[piece as usize], piece);
            assert!(self.order.contains(&place), "invariant: piece {piece} is in its place");
        }
        assert_eq!(self.order.len(), self.counts.len(), "invariant: each piece has one place");
    }

    fn change(&mut self, piece: PieceIndex, change: impl FnOnce(u32) -> u32) {
        let at = piece.0 as usize;
        let (count, salt) = (self.counts[at], self.salts[at]);
        self.order.remove(&(count, salt, piece.0));
        self.counts[at] = change(count);
        self.order.insert((self.counts[at], salt, piece.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUST_NOW: Duration = Duration::ZERO;

    #[test]
    fn every_reason_to_show_a_piece_has_its_case() {
        let config = Config::default();
        let shown = |has_it, is_elsewhere, others, has_it_for| {
            may_see_more(&config, Some(Shown { has_it, has_it_for, is_elsewhere, others }))
        };
        let long = config.super_seed_patience;
        let cases = [
            may_see_more(&config, None),
            shown(true, true, 5, JUST_NOW),
            shown(true, false, 0, JUST_NOW),
            shown(true, false, 5, long),
        ];
        assert_eq!(cases, RevealReason::ALL.iter().copied().map(Some).collect::<Vec<_>>()[..]);
        assert_eq!(shown(true, false, 5, JUST_NOW), None, "it has not passed it on");
        assert_eq!(shown(false, true, 5, JUST_NOW), None, "it does not have it yet");
        assert_eq!(shown(false, false, 0, long), None);
    }

    #[test]
    fn the_piece_that_has_spread_least_comes_first() {
        let mut spread = Spread::new(4, &mut Rng::new(1));
        for (piece, times) in [(0, 2), (1, 1), (2, 3), (3, 1)] {
            (0..times).for_each(|_| spread.add(PieceIndex(piece)));
        }
        spread.remove(PieceIndex(3));
        assert_eq!(spread.rarest(|_| true), Some(PieceIndex(3)));
        assert_eq!(spread.rarest(|piece| piece.0 != 3), Some(PieceIndex(1)));
        assert_eq!(spread.rarest(|_| false), None);
        spread.check(|piece| [2, 1, 3, 0][piece.0 as usize]);
    }

    #[test]
    fn untouched_pieces_come_in_another_order_for_each_seed() {
        let first = |rng_seed| Spread::new(1000, &mut Rng::new(rng_seed)).rarest(|_| true);
        assert_eq!(first(1), first(1));
        assert!((2..6).any(|rng_seed| first(rng_seed) != first(1)));
    }
}
