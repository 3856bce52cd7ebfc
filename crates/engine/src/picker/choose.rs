//! The choice itself, in the order of the policies (Cohen 2003, libtorrent's manual):
//!
//! 1. pieces that somebody waits for, those that are due first in front ([`super::deadline`]);
//! 2. of the files that are wanted most, and only then of the others:
//!    - blocks of a piece that is begun, since only whole pieces can be passed on, if peers of about this speed began
//!      it ([`super::speed`]);
//!    - a piece that the peer suggests;
//!    - the next piece in the order asked for ([`super::orders`]): at random while we have next to nothing, rarest
//!      first, or the first one;
//!    - blocks of any piece that is begun, rather than nothing;
//! 3. endgame: when every missing block is requested, ask others for the same blocks and take the first answer.
//!
//! A suspect gets whole pieces of its own and nothing else. A peer that chokes us is asked for the few pieces that it
//! gives all the same.

use super::deadline::is_late;
use super::orders::{random_first, rarest_first, sequential};
use super::{Asker, Partial, Picker, number};
use crate::rng::Rng;
use crate::{BlockRef, Config, FilePriority, PickOrder, PickReason, PieceIndex};

/// Peers that are asked for the same block in the endgame or for a late piece, or the last blocks would cost many times
/// their size. If both of them stall, the block becomes free for a third.
const DUPLICATE_ASKERS_MAX: u8 = 2;
/// In the endgame a peer gets new requests only when it has fewer than this many: who is nearly done helps the slow.
const ENDGAME_REQUESTS: usize = 4;

/// What was chosen for a peer.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    pub(crate) blocks: Vec<(BlockRef, PickReason)>,
    /// Pieces whose stored blocks were given up to make room for others.
    pub(crate) discarded: Vec<PieceIndex>,
    /// There is nothing more for this peer until the picker's generation changes.
    pub(crate) is_exhausted: bool,
}

/// One choice under way: for whom, how much, and what may be used for it.
pub(super) struct Choice<'a> {
    pub(super) config: &'a Config,
    pub(super) asker: &'a Asker<'a>,
    pub(super) wanted: usize,
    /// Peers that are connected: they bound the pieces that are open at the same time.
    pub(super) peers: usize,
    pub(super) rng: &'a mut Rng,
    pub(super) picked: &'a mut Picked,
}

impl Choice<'_> {
    pub(super) fn is_done(&self) -> bool {
        self.picked.blocks.len() >= self.wanted
    }

    /// The peer has the piece and gives it now.
    pub(super) fn may_give(&self, piece: PieceIndex) -> bool {
        self.asker.has.has(piece) && self.asker.only.is_none_or(|only| only.contains(&piece))
    }
}

impl Picker {
    /// Chooses up to `wanted` blocks to request from this peer and counts on it for them. `peers` is how many are
    /// connected: it bounds the pieces that are open at the same time. Replaces what is in `picked`.
    pub(crate) fn pick(
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
        let mut choice = Choice { config, asker, wanted, peers, rng, picked };
        if let Some(only) = asker.only {
            self.pick_allowed(&mut choice, only);
        } else if asker.is_on_parole {
            self.pick_alone(&mut choice);
        } else {
            self.pick_due(&mut choice);
            for priority in [FilePriority::High, FilePriority::Normal, FilePriority::Low] {
                self.pick_wanted(&mut choice, priority);
            }
        }
        choice.picked.is_exhausted = !choice.is_done();
        if choice.picked.is_exhausted && self.is_endgame() {
            self.pick_endgame(&mut choice);
        }
        self.note_endgame();
    }

    /// A choice may begin the endgame, or end it.
    pub(super) fn note_endgame(&mut self) {
        if self.is_endgame() != self.was_endgame {
            self.was_endgame = !self.was_endgame;
            // Peers that found nothing to do may duplicate now.
            self.generation += u64::from(self.was_endgame);
        }
    }

    /// Pieces that somebody waits for.
    fn pick_due(&mut self, choice: &mut Choice<'_>) {
        let mut at = 0;
        while !choice.is_done()
            && let Some((time, piece)) = self.deadlines.get(at)
        {
            at += 1;
            if !choice.may_give(piece) {
                continue;
            }
            if self.order.contains(piece) && !self.begin(choice, piece) {
                continue;
            }
            self.take(choice, piece, PickReason::Deadline, PickReason::Deadline);
            if choice.asker.is_fast && is_late(time, choice.asker.now) {
                self.duplicate(choice, piece, 0, PickReason::LateDeadline);
            }
        }
    }

    /// Pieces that are wanted as much as this.
    fn pick_wanted(&mut self, choice: &mut Choice<'_>, priority: FilePriority) {
        let current = choice.asker.current.filter(|&piece| self.order.priority(piece) == priority);
        if let Some(piece) = current {
            self.take(choice, piece, PickReason::StartedPiece, PickReason::StartedPiece);
        }
        self.pick_open(choice, priority, PickReason::StartedPiece);
        while !choice.is_done()
            && let Some((piece, reason)) = self.untouched(choice, priority)
            && self.begin(choice, piece)
        {
            self.take(choice, piece, reason, PickReason::StartedPiece);
        }
        self.pick_open(choice, priority, PickReason::OtherSpeed);
    }

    /// Pieces that are begun and of which blocks are free: with the reason [`PickReason::OtherSpeed`] also those that
    /// much faster or slower peers work on.
    fn pick_open(&mut self, choice: &mut Choice<'_>, priority: FilePriority, reason: PickReason) {
        let speed = choice.asker.speed;
        let mut at = 0;
        while !choice.is_done()
            && let Some(open) = self.open.get(at)
        {
            let suits = || {
                reason == PickReason::OtherSpeed
                    || open.speed.suits(speed)
                    || self.partials.get(&open.piece).is_some_and(|partial| !partial.is_asked())
            };
            if open.priority == priority && choice.may_give(open.piece) && suits() {
                self.take(choice, open.piece, reason, reason);
            }
            // A piece that ran out of free blocks has left the list, and the next one stands in its place.
            at += usize::from(self.open.get(at).is_some_and(|still| still.piece == open.piece));
        }
    }

    /// Whole pieces for a suspect, so that the next verdict is about nobody else.
    fn pick_alone(&mut self, choice: &mut Choice<'_>) {
        let reason = PickReason::Parole;
        let mut at = 0;
        while !choice.is_done()
            && let Some(open) = self.open.get(at)
        {
            self.take(choice, open.piece, reason, reason);
            at += usize::from(self.open.get(at).is_some_and(|still| still.piece == open.piece));
        }
        while !choice.is_done() {
            let Some(piece) = self.untouched_for_suspect(choice) else { return };
            if !self.begin(choice, piece) {
                return;
            }
            self.take(choice, piece, reason, reason);
        }
    }

    /// A suspect may not go on with what others began; but before nobody does, it may begin it again.
    fn untouched_for_suspect(&mut self, choice: &mut Choice<'_>) -> Option<PieceIndex> {
        if let Some((piece, _)) = self.untouched_of_any_priority(choice) {
            return Some(piece);
        }
        let has = choice.asker.has;
        let has_room = self.give_up_one(choice, |piece| has.has(piece));
        has_room.then(|| self.untouched_of_any_priority(choice)).flatten().map(|(piece, _)| piece)
    }

    /// What a peer gives although it chokes us.
    fn pick_allowed(&mut self, choice: &mut Choice<'_>, only: &[PieceIndex]) {
        for &piece in only {
            if choice.is_done() {
                return;
            }
            if choice.may_give(piece) && (!self.order.contains(piece) || self.begin(choice, piece)) {
                self.take(choice, piece, PickReason::AllowedFast, PickReason::AllowedFast);
            }
        }
    }

    /// Takes free blocks of one piece, if the peer may have any: `reason` is for the first one.
    pub(super) fn take(
        &mut self,
        choice: &mut Choice<'_>,
        piece: PieceIndex,
        reason: PickReason,
        further: PickReason,
    ) {
        let asker = choice.asker;
        let Some(partial) = self.partials.get_mut(&piece) else { return };
        let alone = asker.is_on_parole.then_some(asker.peer);
        if partial.free.count() == 0 || partial.alone != alone || !choice.may_give(piece) {
            return;
        }
        // A free block may be one that this very peer was asked for before it stalled.
        let may_hold = asker.released > 0;
        let before = choice.picked.blocks.len();
        let (mut from, mut reason) = (0, reason);
        while choice.picked.blocks.len() < choice.wanted
            && let Some(number) = partial.free.next(from)
        {
            from = number + 1;
            let block = self.geometry.block(piece, number);
            if may_hold && is_outstanding(asker, &block) {
                continue;
            }
            partial.ask(number);
            choice.picked.blocks.push((block, reason));
            reason = further;
        }
        self.free_blocks -= (choice.picked.blocks.len() - before) as u64;
        if partial.free.count() == 0 {
            self.close(piece);
        }
    }

    /// Makes an untouched piece a partial one. Returns whether there was room for it.
    pub(super) fn begin(&mut self, choice: &mut Choice<'_>, piece: PieceIndex) -> bool {
        // Half as many again as peers: each may have one of its own, and some wait for a peer that has them.
        if self.open.len() > choice.peers + choice.peers / 2 && !self.give_up_one(choice, |_| true) {
            self.is_open_limited = true;
            return false;
        }
        let asker = choice.asker;
        let alone = asker.is_on_parole.then_some(asker.peer);
        let partial = Partial::new(self.geometry.blocks_in(piece), alone, asker.speed);
        self.order.remove(piece);
        self.free_blocks += u64::from(partial.blocks());
        self.open.push(piece, self.order.priority(piece), &partial);
        self.partials.insert(piece, partial);
        true
    }

    fn untouched_of_any_priority(&self, choice: &mut Choice<'_>) -> Option<(PieceIndex, PickReason)> {
        let wanted = [FilePriority::High, FilePriority::Normal, FilePriority::Low];
        wanted.into_iter().find_map(|priority| self.untouched(choice, priority))
    }

    /// The untouched piece of this priority to begin with this peer, and why.
    fn untouched(&self, choice: &mut Choice<'_>, priority: FilePriority) -> Option<(PieceIndex, PickReason)> {
        let level = priority.level()?;
        if self.order.pieces(level).is_empty() {
            return None;
        }
        let (asker, rng) = (choice.asker, &mut *choice.rng);
        let is_candidate = |piece: &PieceIndex| self.order.set(level).has(*piece) && asker.has.has(*piece);
        if let Some(&piece) = asker.suggested.iter().find(|piece| is_candidate(piece)) {
            return Some((piece, PickReason::Suggested));
        }
        let (piece, reason) = if self.pick_order == PickOrder::Sequential {
            (sequential::choose(&self.order, level, asker.has), PickReason::Sequential)
        } else if self.have.count() < choice.config.random_first_pieces {
            (random_first::choose(&self.order, level, asker.has, rng), PickReason::RandomFirst)
        } else {
            (rarest_first::choose(&self.order, level, asker.has, rng), PickReason::RarestFirst)
        };
        let is_before_others = (0..level).any(|below| !self.order.pieces(below).is_empty());
        Some((piece?, if is_before_others { PickReason::FilePriority } else { reason }))
    }

    /// Makes room for another piece: gives up an open piece of which nothing is requested, best one that nobody has,
    /// then the one that loses least. If there is none, all open pieces make progress, and waiting is right.
    fn give_up_one(&mut self, choice: &mut Choice<'_>, may_go: impl Fn(PieceIndex) -> bool) -> bool {
        let pieces = self.open.iter().map(|open| open.piece);
        let idle = pieces.filter(|&piece| may_go(piece) && !self.partials[&piece].is_asked());
        let loss = |piece: &PieceIndex| {
            (self.order.availability(*piece) > 0, self.partials[piece].received.count(), *piece)
        };
        let Some(piece) = idle.min_by_key(loss) else { return false };
        let partial = self.partials.remove(&piece).expect("invariant: open pieces are partial");
        self.free_blocks -= u64::from(partial.free.count());
        self.open.remove(piece);
        self.order.insert(piece);
        choice.picked.discarded.push(piece);
        true
    }

    /// Blocks that one other peer was asked for, of all pieces in turn.
    fn pick_endgame(&mut self, choice: &mut Choice<'_>) {
        if choice.asker.is_on_parole || choice.asker.only.is_some() {
            return;
        }
        let room = ENDGAME_REQUESTS.saturating_sub(choice.asker.outstanding.len());
        choice.wanted = choice.wanted.min(room);
        if choice.is_done() {
            // It has enough to do; it may help once that is done.
            choice.picked.is_exhausted = false;
            return;
        }
        let (start, start_block) = self.endgame_at;
        let pieces: Vec<PieceIndex> = self
            .partials
            .range(start..)
            .chain(self.partials.range(..start))
            .map(|(&piece, _)| piece)
            .collect();
        for piece in pieces {
            let first = if piece == start { start_block } else { 0 };
            if let Some(last) = self.duplicate(choice, piece, first, PickReason::Endgame) {
                self.endgame_at = (piece, last + 1);
            }
            if choice.is_done() {
                choice.picked.is_exhausted = false;
                return;
            }
        }
    }

    /// Asks this peer too for blocks of a piece that another was asked for, beginning with block `first`. Returns the
    /// last of them.
    fn duplicate(
        &mut self,
        choice: &mut Choice<'_>,
        piece: PieceIndex,
        first: u32,
        reason: PickReason,
    ) -> Option<u32> {
        let partial = self.partials.get_mut(&piece)?;
        if partial.alone.is_some() || !choice.may_give(piece) {
            return None;
        }
        let mut last = None;
        let first = first.min(partial.blocks());
        for number in (first..partial.blocks()).chain(0..first) {
            if choice.is_done() {
                break;
            }
            let block = self.geometry.block(piece, number);
            if partial.received.has(number)
                || partial.free.has(number)
                || partial.askers(number) >= DUPLICATE_ASKERS_MAX
                || is_outstanding(choice.asker, &block)
                || choice.picked.blocks.iter().any(|(other, _)| *other == block)
            {
                continue;
            }
            partial.ask(number);
            choice.picked.blocks.push((block, reason));
            last = Some(number);
        }
        last
    }
}

fn is_outstanding(asker: &Asker<'_>, block: &BlockRef) -> bool {
    asker
        .outstanding
        .iter()
        .any(|request| request.block.piece == block.piece && number(&request.block) == number(block))
}
