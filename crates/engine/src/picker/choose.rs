//! The choice itself, in the order of the policies (Cohen 2003, libtorrent's manual):
//!
//! 1. blocks of a piece that is begun, since only whole pieces can be passed on;
//! 2. while we have next to nothing, any piece at random: a rare one would come slowly, and we need something to trade;
//! 3. else the rarest piece that the peer has, ties broken at random;
//! 4. endgame: when every missing block is requested, ask others for the same blocks and take the first answer.

use super::{Asker, Partial, Picker, number};
use crate::rng::Rng;
use crate::{BlockRef, Config, PickReason, PieceIndex};

/// Peers that are asked for the same block in the endgame, or the last blocks would cost many times their size. If both
/// of them stall, the block becomes free for a third.
const ENDGAME_ASKERS_MAX: u8 = 2;
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
        self.pick_started(asker, wanted, picked);
        while picked.blocks.len() < wanted {
            let Some((piece, reason)) = self.begin(config, asker, peers, rng, picked) else { break };
            self.take(asker, piece, reason, wanted, picked);
        }
        picked.is_exhausted = picked.blocks.len() < wanted;
        if picked.is_exhausted && self.is_endgame() {
            self.pick_endgame(asker, wanted, picked);
        }
        if self.is_endgame() != self.was_endgame {
            self.was_endgame = !self.was_endgame;
            // Peers that found nothing to do may duplicate now.
            self.generation += u64::from(self.was_endgame);
        }
    }

    fn pick_started(&mut self, asker: &Asker<'_>, wanted: usize, picked: &mut Picked) {
        if let Some(piece) = asker.current {
            self.take(asker, piece, PickReason::StartedPiece, wanted, picked);
        }
        let mut at = 0;
        while picked.blocks.len() < wanted
            && let Some(&piece) = self.open.get(at)
        {
            self.take(asker, piece, PickReason::StartedPiece, wanted, picked);
            // A piece that ran out of free blocks has left the list, and the next one stands in its place.
            at += usize::from(self.open.get(at) == Some(&piece));
        }
    }

    /// Takes free blocks of one piece, if the peer may have any.
    fn take(
        &mut self,
        asker: &Asker<'_>,
        piece: PieceIndex,
        mut reason: PickReason,
        wanted: usize,
        picked: &mut Picked,
    ) {
        let Some(partial) = self.partials.get_mut(&piece) else { return };
        let alone = asker.is_on_parole.then_some(asker.peer);
        if partial.free.count() == 0 || partial.alone != alone || !asker.has.has(piece) {
            return;
        }
        // A free block may be one that this very peer was asked for before it stalled.
        let may_hold = asker.released > 0;
        let before = picked.blocks.len();
        let mut from = 0;
        while picked.blocks.len() < wanted
            && let Some(number) = partial.free.next(from)
        {
            from = number + 1;
            let block = self.geometry.block(piece, number);
            if may_hold && is_outstanding(asker, &block) {
                continue;
            }
            partial.ask(number);
            picked.blocks.push((block, reason));
            reason = PickReason::StartedPiece;
        }
        self.free_blocks -= (picked.blocks.len() - before) as u64;
        if partial.free.count() == 0 {
            self.close(piece);
        }
    }

    /// Chooses an untouched piece and makes it a partial one.
    fn begin(
        &mut self,
        config: &Config,
        asker: &Asker<'_>,
        peers: usize,
        rng: &mut Rng,
        picked: &mut Picked,
    ) -> Option<(PieceIndex, PickReason)> {
        let (piece, reason) = match self.untouched(config, asker, rng) {
            Some(choice) => choice,
            // A suspect may not go on with what others began; but before nobody does, it may begin it again.
            None if asker.is_on_parole && self.give_up_one(|piece| asker.has.has(piece), rng, picked) => {
                self.untouched(config, asker, rng)?
            }
            None => return None,
        };
        // Half as many again as peers: each may have one of its own, and some wait for a peer that has them.
        if self.open.len() > peers + peers / 2 && !self.give_up_one(|_| true, rng, picked) {
            self.is_open_limited = true;
            return None;
        }
        let partial = Partial::new(self.geometry.blocks_in(piece), asker.is_on_parole.then_some(asker.peer));
        self.order.remove(piece);
        self.free_blocks += u64::from(partial.blocks());
        self.partials.insert(piece, partial);
        self.open.push(piece);
        Some((piece, reason))
    }

    fn untouched(
        &self,
        config: &Config,
        asker: &Asker<'_>,
        rng: &mut Rng,
    ) -> Option<(PieceIndex, PickReason)> {
        if self.have.count() < config.random_first_pieces {
            Some((self.random(asker, rng)?, PickReason::RandomFirst))
        } else {
            Some((self.rarest(asker)?, PickReason::RarestFirst))
        }
    }

    /// The untouched pieces that the peer may have: those that only seeds have are of no use to look at otherwise.
    fn candidates(&self, asker: &Asker<'_>) -> &[u32] {
        let start = if asker.has.is_complete() { 0 } else { self.order.only_with_seeds() };
        &self.order.pieces()[start..]
    }

    fn rarest(&self, asker: &Asker<'_>) -> Option<PieceIndex> {
        self.candidates(asker).iter().map(|&piece| PieceIndex(piece)).find(|&piece| asker.has.has(piece))
    }

    fn random(&self, asker: &Asker<'_>, rng: &mut Rng) -> Option<PieceIndex> {
        let candidates = self.candidates(asker);
        let (before, after) = candidates.split_at(rng.below(candidates.len() as u32) as usize);
        after.iter().chain(before).map(|&piece| PieceIndex(piece)).find(|&piece| asker.has.has(piece))
    }

    /// Makes room for another piece: gives up an open piece of which nothing is requested, best one that nobody has,
    /// then the one that loses least. If there is none, all open pieces make progress, and waiting is right.
    fn give_up_one(
        &mut self,
        may_go: impl Fn(PieceIndex) -> bool,
        rng: &mut Rng,
        picked: &mut Picked,
    ) -> bool {
        let idle =
            self.open.iter().copied().filter(|&piece| may_go(piece) && !self.partials[&piece].is_asked());
        let loss = |piece: &PieceIndex| {
            (self.order.availability(*piece) > 0, self.partials[piece].received.count(), *piece)
        };
        let Some(piece) = idle.min_by_key(loss) else { return false };
        let partial = self.partials.remove(&piece).expect("invariant: open pieces are partial");
        self.free_blocks -= u64::from(partial.free.count());
        self.open.retain(|&open| open != piece);
        self.order.insert(piece, rng);
        picked.discarded.push(piece);
        true
    }

    fn pick_endgame(&mut self, asker: &Asker<'_>, wanted: usize, picked: &mut Picked) {
        if asker.is_on_parole {
            return;
        }
        let room = ENDGAME_REQUESTS.saturating_sub(asker.outstanding.len());
        let wanted = wanted.min(room);
        if picked.blocks.len() >= wanted {
            // It has enough to do; it may help once that is done.
            picked.is_exhausted = false;
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
            let Some(partial) = self.partials.get_mut(&piece) else { continue };
            if partial.alone.is_some() || !asker.has.has(piece) {
                continue;
            }
            let first = if piece == start { start_block.min(partial.blocks()) } else { 0 };
            for number in (first..partial.blocks()).chain(0..first) {
                let block = self.geometry.block(piece, number);
                if partial.received.has(number)
                    || partial.askers(number) >= ENDGAME_ASKERS_MAX
                    || is_outstanding(asker, &block)
                    || picked.blocks.iter().any(|(other, _)| *other == block)
                {
                    continue;
                }
                partial.ask(number);
                picked.blocks.push((block, PickReason::Endgame));
                self.endgame_at = (piece, number + 1);
                if picked.blocks.len() >= wanted {
                    picked.is_exhausted = false;
                    return;
                }
            }
        }
    }
}

fn is_outstanding(asker: &Asker<'_>, block: &BlockRef) -> bool {
    asker
        .outstanding
        .iter()
        .any(|request| request.block.piece == block.piece && number(&request.block) == number(block))
}
