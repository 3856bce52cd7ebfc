//! Rarest first (Cohen 2003): the piece that the fewest connected peers have, so that what few have becomes common
//! before they leave, and peers have something to trade with each other. Ties are broken at random.

use crate::picker::order::Order;
use crate::rng::Rng;
use crate::{Bitfield, PieceIndex};

/// Pieces looked at in the order of their rarity. A peer that has none of so many has few of what we lack: it is asked
/// for the rarest of some of these, found by their number, since a look at every piece would cost more in a torrent of
/// many pieces.
pub(super) const LOOKS_MAX: usize = 256;
/// How many of these.
const SAMPLE: usize = 16;

/// The rarest untouched piece of this level that the peer has.
pub(in crate::picker) fn choose(
    order: &Order,
    level: usize,
    has: &Bitfield,
    rng: &mut Rng,
) -> Option<PieceIndex> {
    let pieces = order.pieces(level);
    let mut start = pieces.len() - candidates(order, level, has).len();
    let mut looks = 0;
    while start < pieces.len() {
        let end = order.bucket_end(level, start);
        let middle = start + rng.below((end - start) as u32) as usize;
        for &piece in pieces[middle..end].iter().chain(&pieces[start..middle]) {
            if has.has(PieceIndex(piece)) {
                return Some(PieceIndex(piece));
            }
            looks += 1;
            if looks == LOOKS_MAX {
                let from = PieceIndex(rng.below(has.pieces_total()));
                let sample = order.set(level).common(has, from).take(SAMPLE);
                return sample.min_by_key(|&piece| order.availability(piece));
            }
        }
        start = end;
    }
    None
}

/// The untouched pieces that the peer may have: those that only seeds have are of no use to look at otherwise.
pub(super) fn candidates<'a>(order: &'a Order, level: usize, has: &Bitfield) -> &'a [u32] {
    let start = if has.is_complete() { 0 } else { order.only_with_seeds(level) };
    &order.pieces(level)[start..]
}
