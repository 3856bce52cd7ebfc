//! What is wanted, in which order and by when: it may change at any time.

use super::{Deadlines, Picker};
use crate::{Bitfield, FilePriority, Instant, PickOrder, PieceIndex};

impl Picker {
    /// Wanted pieces that are not verified.
    pub(crate) fn missing(&self) -> &Bitfield {
        &self.missing
    }

    /// Everything that is wanted is there.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.count() == 0
    }

    /// How much a piece is wanted.
    pub(crate) fn priority(&self, piece: PieceIndex) -> FilePriority {
        self.order.priority(piece)
    }

    /// Partial pieces that would not be wanted with these priorities.
    pub(crate) fn partials_skipped_by(&self, pieces: &[FilePriority]) -> Vec<PieceIndex> {
        let is_skipped = |piece: &PieceIndex| pieces[piece.0 as usize] == FilePriority::Skip;
        self.partials.keys().copied().filter(is_skipped).collect()
    }

    /// Every piece is wanted as much as this from now on. No request may be outstanding for a partial piece that is
    /// skipped; these are given up and returned.
    pub(crate) fn set_priorities(&mut self, pieces: &[FilePriority]) -> Vec<PieceIndex> {
        let given_up = self.partials_skipped_by(pieces);
        for piece in &given_up {
            if let Some(partial) = self.partials.remove(piece) {
                debug_assert!(!partial.is_asked(), "invariant: nothing is outstanding for {piece:?}");
                self.free_blocks -= u64::from(partial.free.count());
                self.open.remove(*piece);
            }
        }
        for (piece, &priority) in (0..).map(PieceIndex).zip(pieces) {
            if self.order.priority(piece) == priority {
                continue;
            }
            let is_untouched = !self.have.has(piece)
                && !self.partials.contains_key(&piece)
                && !self.checking.contains_key(&piece);
            self.order.set_priority(piece, priority, is_untouched);
            if priority == FilePriority::Skip {
                self.missing.remove(piece);
            } else if !self.have.has(piece) {
                self.missing.insert(piece);
            }
        }
        let order = &self.order;
        self.open.set_priorities(|piece| order.priority(piece));
        self.generation += 1;
        given_up
    }

    /// In which order pieces are begun from now on.
    pub(crate) fn set_pick_order(&mut self, pick_order: PickOrder) {
        self.pick_order = pick_order;
    }

    /// These pieces, as far as they are not there, are waited for until these times, and no others.
    pub(crate) fn set_deadlines(&mut self, deadlines: &[(PieceIndex, Instant)]) {
        let have = &self.have;
        let missing =
            deadlines.iter().filter(|(piece, _)| piece.0 < have.pieces_total() && !have.has(*piece));
        self.deadlines = Deadlines::new(missing.map(|&(piece, at)| (at, piece)));
        self.generation += 1;
    }

    /// Pieces that are late.
    pub(crate) fn late_pieces(&self, now: Instant) -> usize {
        self.deadlines.late(now)
    }

    /// Something changed for peers that found nothing to do.
    pub(crate) fn wake_starved(&mut self) {
        self.generation += 1;
    }
}
