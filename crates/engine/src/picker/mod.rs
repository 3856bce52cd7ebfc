//! Which block to request next. [`choose`] holds the policy; this file holds what it looks at, kept up to date by what
//! the engine reports. No I/O, no clock, no peers but what an [`Asker`] shows.
//!
//! A piece is in exactly one state:
//! ```text
//!               first block picked             last block received           verified
//!   untouched ----------------------> partial ----------------------> checking -------> have
//!       ^  ^                             |                               |
//!       |  +------- given up, lost ------+                               |
//!       +--------------------------- hash mismatch ----------------------+
//! ```
//! An untouched piece that is not wanted is skipped; a partial one that is no longer wanted is given up.

mod choose;
mod deadline;
mod open;
mod order;
mod orders;
mod partial;
mod run;
mod speed;
mod wanted;

use std::collections::{BTreeMap, VecDeque};

use crate::geometry::Geometry;
use crate::rng::Rng;
use crate::{
    BLOCK_LEN, Bitfield, BlockRef, FilePriority, FlatMap, Instant, PeerKey, PickOrder, PieceIndex, PieceState,
};
pub(crate) use choose::Picked;
use deadline::Deadlines;
use open::OpenPieces;
use order::Order;
use partial::Partial;
pub(crate) use speed::Speed;

/// A request that a peer has not answered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outstanding {
    pub(crate) block: BlockRef,
    pub(crate) sent_at: Instant,
    /// We count on it; no longer so once the peer stalls and the block may be asked of others.
    pub(crate) is_active: bool,
}

/// The peer that is to be asked, as the picker sees it.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) peer: PeerKey,
    pub(crate) has: &'a Bitfield,
    /// The piece that it was last asked for: it goes on with that one, so that few peers share in a piece.
    pub(crate) current: Option<PieceIndex>,
    /// It shared in a bad piece: it gets whole pieces alone, until one of them proves it right or wrong.
    pub(crate) is_on_parole: bool,
    pub(crate) outstanding: &'a VecDeque<Outstanding>,
    /// How many of them we no longer count on.
    pub(crate) released: u32,
    /// It chokes us, and these pieces are all that it gives (BEP 6); `None`: it gives what it has.
    pub(crate) only: Option<&'a [PieceIndex]>,
    /// Pieces that it would rather give than others (BEP 6).
    pub(crate) suggested: &'a [PieceIndex],
    pub(crate) speed: Speed,
    /// It is among the fastest: what is late is asked of it too.
    pub(crate) is_fast: bool,
    pub(crate) now: Instant,
}

/// What a received block brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Other peers have requests outstanding for the same block.
    pub(crate) has_other_askers: bool,
    /// All blocks of the piece are there.
    pub(crate) is_piece_complete: bool,
}

/// The state of all pieces.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    geometry: Geometry,
    have: Bitfield,
    /// Wanted pieces that are not verified.
    missing: Bitfield,
    pick_order: PickOrder,
    deadlines: Deadlines,
    order: Order,
    partials: BTreeMap<PieceIndex, Partial>,
    /// Partial pieces with free blocks.
    open: OpenPieces,
    /// Pieces being hashed, and who took part in each.
    checking: FlatMap<PieceIndex, Vec<PeerKey>>,
    free_blocks: u64,
    /// Goes up whenever something may have become pickable for a peer that found nothing before.
    generation: u64,
    /// A peer was refused a new piece because too many are open.
    is_open_limited: bool,
    was_endgame: bool,
    /// Where the endgame looks next, so that its duplicates spread.
    endgame_at: (PieceIndex, u32),
}

impl Picker {
    /// A picker for what is missing in `have`. All pieces are wanted.
    pub(crate) fn new(geometry: Geometry, have: Bitfield, rng: &mut Rng) -> Self {
        let mut missing = Bitfield::all(geometry.pieces_total());
        have.iter().for_each(|piece| {
            missing.remove(piece);
        });
        Self {
            order: Order::new(geometry.pieces_total(), |piece| !have.has(piece), rng),
            geometry,
            have,
            missing,
            pick_order: PickOrder::default(),
            deadlines: Deadlines::default(),
            partials: BTreeMap::new(),
            open: OpenPieces::default(),
            checking: FlatMap::new(),
            free_blocks: 0,
            generation: 0,
            is_open_limited: false,
            was_endgame: false,
            endgame_at: (PieceIndex(0), 0),
        }
    }

    /// The verified pieces.
    pub(crate) fn have(&self) -> &Bitfield {
        &self.have
    }

    /// See the field.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Every missing block is requested.
    pub(crate) fn is_endgame(&self) -> bool {
        self.order.len() == 0 && self.free_blocks == 0 && !self.partials.is_empty()
    }

    /// The state of a piece, for a map.
    pub(crate) fn state(&self, piece: PieceIndex) -> PieceState {
        if self.have.has(piece) {
            PieceState::Have
        } else if self.order.contains(piece) {
            if self.order.availability(piece) == 0 { PieceState::Unavailable } else { PieceState::Missing }
        } else if self.checking.contains_key(&piece) {
            PieceState::Checking
        } else if self.partials.contains_key(&piece) {
            PieceState::Partial
        } else {
            PieceState::Skipped
        }
    }

    /// How many connected peers have the piece.
    pub(crate) fn availability(&self, piece: PieceIndex) -> u32 {
        self.order.availability(piece)
    }

    /// A peer with these pieces is there. Returns whether it is counted as a seed; say so when it leaves.
    pub(crate) fn add_peer(&mut self, has: &Bitfield) -> bool {
        if has.is_complete() {
            self.order.add_seed();
            return true;
        }
        has.iter().for_each(|piece| self.order.increase(piece));
        false
    }

    /// A peer with these pieces is gone.
    pub(crate) fn remove_peer(&mut self, has: &Bitfield, is_counted_as_seed: bool) {
        if is_counted_as_seed {
            self.order.remove_seed();
        } else {
            has.iter().for_each(|piece| self.order.decrease(piece));
        }
    }

    /// A peer that is not counted as a seed has one piece more.
    pub(crate) fn add_have(&mut self, piece: PieceIndex) {
        self.order.increase(piece);
    }

    /// A peer that is not counted as a seed has lost a piece.
    pub(crate) fn remove_have(&mut self, piece: PieceIndex) {
        self.order.decrease(piece);
    }

    /// A peer that was counted as a seed has only these pieces left.
    pub(crate) fn remove_seed_but_for(&mut self, has: &Bitfield) {
        self.order.remove_seed();
        has.iter().for_each(|piece| self.order.increase(piece));
    }

    /// The peer wrote part of this piece: from now on it answers for the piece, with all others that did.
    pub(crate) fn add_contributor(&mut self, piece: PieceIndex, peer: PeerKey) {
        if let Some(partial) = self.partials.get_mut(&piece) {
            partial.add_contributor(peer);
        }
    }

    /// A peer answered a request, which is no longer outstanding, with a block that was missing.
    pub(crate) fn receive(&mut self, block: &BlockRef, was_active: bool) -> Received {
        self.change(block.piece, |partial| {
            partial.receive(number(block));
            partial.forget(number(block), was_active);
            Received {
                has_other_askers: partial.askers(number(block)) > 0,
                is_piece_complete: partial.is_complete(),
            }
        })
    }

    /// A block comes for which the peer was no longer counted on. If it is missing, and the piece is open to the peer
    /// (`alone` is the peer if it may only take part in pieces of its own), the request is outstanding again; returns
    /// whether it is.
    pub(crate) fn take_in_late(&mut self, alone: Option<PeerKey>, block: &BlockRef) -> bool {
        let partial = self.partials.get(&block.piece);
        let is_missing =
            partial.is_some_and(|partial| partial.alone == alone && !partial.received.has(number(block)));
        if is_missing {
            self.change(block.piece, |partial| partial.ask(number(block)));
        }
        is_missing
    }

    /// A request is no longer outstanding, without an answer.
    pub(crate) fn forget(&mut self, request: &Outstanding) {
        self.change(request.block.piece, |partial| partial.forget(number(&request.block), request.is_active));
    }

    /// A peer stalls: its block may be asked of others, though its answer would still be welcome.
    pub(crate) fn release(&mut self, block: &BlockRef) {
        self.change(block.piece, |partial| partial.release(number(block)));
    }

    /// The peer goes on. Returns whether it is counted on again for this block.
    pub(crate) fn reclaim(&mut self, block: &BlockRef) -> bool {
        self.change(block.piece, |partial| partial.reclaim(number(block)))
    }

    /// Blocks of an untouched piece are stored since an earlier session. Returns whether all of them are: then the piece
    /// goes to be hashed.
    pub(crate) fn restore(&mut self, piece: PieceIndex, stored: impl Iterator<Item = u32>) -> bool {
        if !self.order.contains(piece) {
            return false;
        }
        let partial = Partial::restored(self.geometry.blocks_in(piece), stored);
        if partial.received.count() == 0 {
            return false;
        }
        self.order.remove(piece);
        self.free_blocks += u64::from(partial.free.count());
        self.generation += 1;
        let is_complete = partial.is_complete();
        if !is_complete {
            self.open.push(piece, self.order.priority(piece), &partial);
        }
        self.partials.insert(piece, partial);
        is_complete
    }

    /// All blocks of the piece are there and no request for it is outstanding: it goes to be hashed.
    pub(crate) fn begin_check(&mut self, piece: PieceIndex) {
        let partial = self.partials.remove(&piece).expect("invariant: only a partial piece becomes complete");
        self.checking.insert(piece, partial.contributors);
    }

    /// The piece is verified and stored. Returns who took part in it, or nothing if it was there already.
    pub(crate) fn verified(&mut self, piece: PieceIndex) -> Option<Vec<PeerKey>> {
        let contributors = match self.checking.remove(&piece) {
            Some(contributors) => contributors,
            // Its hashing outlived a fault of the storage: the piece was given up, yet here it is.
            None if !self.have.has(piece) && !self.partials.contains_key(&piece) => {
                self.order.remove(piece);
                Vec::new()
            }
            None => return None,
        };
        self.have.insert(piece);
        self.missing.remove(piece);
        self.deadlines.remove(piece);
        Some(contributors)
    }

    /// The piece has the wrong hash. Returns who took part in it; `None` if it was not being hashed.
    pub(crate) fn failed(&mut self, piece: PieceIndex) -> Option<Vec<PeerKey>> {
        let contributors = self.checking.remove(&piece)?;
        self.order.insert(piece);
        self.generation += 1;
        Some(contributors)
    }

    /// Gives up everything that is begun. No request may be outstanding. Returns the pieces.
    pub(crate) fn give_up_all(&mut self) -> Vec<PieceIndex> {
        let mut pieces: Vec<PieceIndex> = self.partials.keys().copied().collect();
        pieces.extend(self.checking.keys());
        self.partials.clear();
        self.checking.clear();
        self.open.clear();
        self.free_blocks = 0;
        self.generation += 1;
        pieces.iter().for_each(|&piece| self.order.insert(piece));
        pieces
    }

    /// The peer has no piece for itself any more: it is cleared, gone, or does not go on.
    pub(crate) fn end_alone(&mut self, peer: PeerKey) {
        for partial in self.partials.values_mut().filter(|partial| partial.alone == Some(peer)) {
            partial.alone = None;
            self.generation += 1;
        }
        self.open.end_alone(peer);
    }

    /// Applies a change to a partial piece and keeps what is counted over all of them.
    fn change<T>(&mut self, piece: PieceIndex, change: impl FnOnce(&mut Partial) -> T) -> T {
        let partial =
            self.partials.get_mut(&piece).expect("invariant: only partial pieces have requests outstanding");
        let free_before = partial.free.count();
        let result = change(partial);
        let free_after = partial.free.count();
        self.free_blocks = self.free_blocks + u64::from(free_after) - u64::from(free_before);
        if free_before == 0 && free_after > 0 {
            self.open.push(piece, self.order.priority(piece), partial);
        } else if free_before > 0 && free_after == 0 {
            self.close(piece);
        }
        if free_after > free_before {
            self.generation += 1;
        }
        result
    }

    fn close(&mut self, piece: PieceIndex) {
        self.open.remove(piece);
        if std::mem::take(&mut self.is_open_limited) {
            self.generation += 1;
        }
    }

    /// Recomputes all that is cached from the peers' pieces and outstanding requests, and compares.
    pub(crate) fn check<'a>(
        &self,
        peers: impl Iterator<Item = (&'a Bitfield, &'a VecDeque<Outstanding>)> + Clone,
    ) {
        self.order.check();
        for piece in (0..self.geometry.pieces_total()).map(PieceIndex) {
            let counted = peers.clone().filter(|(has, _)| has.has(piece)).count();
            assert_eq!(
                self.order.availability(piece) as usize,
                counted,
                "invariant: availability of {piece:?}"
            );
            let is_wanted = self.order.priority(piece) != FilePriority::Skip;
            let (is_partial, is_checking) =
                (self.partials.contains_key(&piece), self.checking.contains_key(&piece));
            let is_there = self.have.has(piece);
            let states = [
                is_there,
                self.order.contains(piece),
                is_partial,
                is_checking,
                !is_wanted && !is_there && !is_checking,
            ];
            assert_eq!(
                states.iter().filter(|&&is| is).count(),
                1,
                "invariant: {piece:?} is in one state: {states:?}"
            );
            assert_eq!(
                self.missing.has(piece),
                is_wanted && !is_there,
                "invariant: missing is wanted and not there: {piece:?}"
            );
        }
        let mut requested: BTreeMap<PieceIndex, Vec<(u32, bool)>> = BTreeMap::new();
        for request in peers.flat_map(|(_, outstanding)| outstanding) {
            let of_piece = requested.entry(request.block.piece).or_default();
            of_piece.push((number(&request.block), request.is_active));
        }
        for (piece, partial) in &self.partials {
            partial.check(&requested.remove(piece).unwrap_or_default());
            self.open.check(*piece, self.order.priority(*piece), partial);
            assert!(!partial.is_complete(), "invariant: a complete piece is being hashed");
        }
        assert!(requested.is_empty(), "invariant: only partial pieces have requests: {requested:?}");
        assert!(
            self.open.iter().all(|open| self.partials.contains_key(&open.piece)),
            "invariant: open means partial"
        );
        assert!(
            self.deadlines.iter().all(|(_, piece)| !self.have.has(piece)),
            "invariant: only what is not there has a deadline"
        );
        let free: u64 = self.partials.values().map(|partial| u64::from(partial.free.count())).sum();
        assert_eq!(self.free_blocks, free, "invariant: free blocks are counted");
    }
}

/// Number of a block in its piece.
fn number(block: &BlockRef) -> u32 {
    block.begin / BLOCK_LEN
}

#[cfg(test)]
mod tests;
