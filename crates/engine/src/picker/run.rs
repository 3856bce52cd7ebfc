//! What to ask of a web seed: runs of blocks that lie one behind the other, since one long request costs both sides
//! less than many short ones (BEP 19).
//!
//! It first finishes its own piece, then goes on into the pieces behind it. It does so only while nothing else is wanted
//! more, and while the gap there, that is the pieces in a row that nobody has begun, is longer than BEP 19's X, the
//! square root of the number of peers less one: many peers will soon fill a short gap anyhow. Else it begins where the
//! rules for all peers send it, and goes on from there. A suspect gets what any suspect gets.

use super::choose::Choice;
use super::{Asker, Picked, Picker};
use crate::rng::Rng;
use crate::{BlockRef, Config, PickOrder, PickReason, PieceIndex, order};

impl Picker {
    /// Chooses up to `wanted` blocks for a web seed, in the order of the content, and counts on it for them. Replaces
    /// what is in `picked`.
    pub(crate) fn pick_run(
        &mut self,
        config: &Config,
        asker: &Asker<'_>,
        wanted: usize,
        peers: usize,
        rng: &mut Rng,
        picked: &mut Picked,
    ) {
        picked.blocks.clear();
        picked.discarded.clear();
        if !asker.is_on_parole {
            self.go_on(&mut Choice { config, asker, wanted, peers, rng, picked });
        }
        if picked.blocks.is_empty() {
            let one_piece = self.geometry.blocks_in(PieceIndex(0)) as usize;
            self.pick(config, asker, wanted.min(one_piece), peers, rng, picked);
            order::sort_by_key(&mut picked.blocks, |(block, _)| (block.piece, block.begin));
        }
        if !asker.is_on_parole {
            self.lengthen(&mut Choice { config, asker, wanted, peers, rng, picked });
        }
        picked.is_exhausted = picked.blocks.is_empty();
        self.note_endgame();
    }

    /// Finishes the piece, or begins the one behind it.
    fn go_on(&mut self, choice: &mut Choice<'_>) {
        let Some(current) = choice.asker.current else { return };
        if !self.is_nothing_wanted_more(current) {
            return;
        }
        self.take(choice, current, PickReason::StartedPiece, PickReason::StartedPiece);
        let next = PieceIndex(current.0 + 1);
        let fills_soon = choice.peers.isqrt().saturating_sub(1) as u32;
        let is_gap = (0..=fills_soon)
            .all(|nth| self.is_untouched_by_all(choice, PieceIndex(next.0.saturating_add(nth))));
        if choice.picked.blocks.is_empty() && is_gap && self.is_nothing_wanted_more(next) {
            self.take_untouched(choice, next);
        }
    }

    /// Goes on into the pieces behind the last one that was taken.
    fn lengthen(&mut self, choice: &mut Choice<'_>) {
        while !choice.is_done()
            && let Some((last, _)) = choice.picked.blocks.last()
            && self.ends_piece(last)
        {
            let (this, next) = (last.piece, PieceIndex(last.piece.0 + 1));
            let is_next = self.is_untouched_by_all(choice, next)
                && self.order.priority(next) == self.order.priority(this);
            if !is_next || !self.take_untouched(choice, next) {
                break;
            }
        }
    }

    /// No other untouched piece has to come before this one.
    fn is_nothing_wanted_more(&self, piece: PieceIndex) -> bool {
        let is_first = |level| (0..level).all(|above| self.order.pieces(above).is_empty());
        self.pick_order != PickOrder::Sequential
            && self.deadlines.get(0).is_none()
            && piece.0 < self.geometry.pieces_total()
            && self.order.priority(piece).level().is_some_and(is_first)
    }

    fn ends_piece(&self, block: &BlockRef) -> bool {
        block.begin + block.len == self.geometry.piece_size(block.piece)
    }

    fn is_untouched_by_all(&self, choice: &Choice<'_>, piece: PieceIndex) -> bool {
        piece.0 < self.geometry.pieces_total() && self.order.contains(piece) && choice.may_give(piece)
    }

    /// Begins a piece that nobody has begun, and takes its first blocks. Returns whether there was room for it.
    fn take_untouched(&mut self, choice: &mut Choice<'_>, piece: PieceIndex) -> bool {
        let has_begun = self.begin(choice, piece);
        if has_begun {
            self.take(choice, piece, PickReason::WebSeedRun, PickReason::StartedPiece);
        }
        has_begun
    }
}
