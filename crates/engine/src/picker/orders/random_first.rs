//! While we have next to nothing, any piece will do: a rare one would come slowly, and we need something to trade.

use super::rarest_first::{LOOKS_MAX, candidates};
use crate::picker::order::Order;
use crate::rng::Rng;
use crate::{Bitfield, PieceIndex};

/// Any untouched piece of this level that the peer has.
pub(in crate::picker) fn choose(
    order: &Order,
    level: usize,
    has: &Bitfield,
    rng: &mut Rng,
) -> Option<PieceIndex> {
    let candidates = candidates(order, level, has);
    let (before, after) = candidates.split_at(rng.below(candidates.len() as u32) as usize);
    let looked_at = after.iter().chain(before).take(LOOKS_MAX);
    let found = looked_at.map(|&piece| PieceIndex(piece)).find(|&piece| has.has(piece));
    if found.is_some() || candidates.len() <= LOOKS_MAX {
        return found;
    }
    let from = PieceIndex(rng.below(has.pieces_total()));
    order.set(level).common(has, from).next()
}
