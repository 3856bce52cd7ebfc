//! In the order of the content, for those who look at it while it comes. Pieces that nobody but the last peers have may
//! be lost with them, so this is for when it is asked for.

use crate::picker::order::Order;
use crate::{Bitfield, PieceIndex};

/// The first untouched piece of this level that the peer has.
pub(in crate::picker) fn choose(order: &Order, level: usize, has: &Bitfield) -> Option<PieceIndex> {
    order.set(level).common(has, PieceIndex(0)).next()
}
