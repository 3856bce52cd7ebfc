//! Untouched wanted pieces by the priority of their files, and within each by availability, kept sorted by single swaps.
//!
//! ```text
//! a level's pieces:  3 7 0 | 5 2 | 1 6 8 4        sorted by availability
//! its bucket_end:          3     5         9      where the pieces with availability 0, 1, 2 end
//! ```
//! One peer more or less for a piece swaps it with the piece at the edge of its bucket and moves the edge over it. What
//! is known of a piece lies together, so that a `have` touches few places in memory however many pieces there are.
//! Pieces of one bucket stand in no particular order: who chooses among them begins at a random one.

use crate::rng::Rng;
use crate::{Bitfield, FilePriority, PieceIndex};

/// No place: the piece is not in the order.
const NOWHERE: u32 = u32::MAX;

/// What is known of one piece.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where it stands in its level's `pieces`.
    place: u32,
    /// Peers that have it, but for seeds. `Config::peers_max` keeps it within 16 bits.
    availability: u16,
    priority: FilePriority,
}

/// The untouched pieces of one priority.
#[derive(Clone, Debug)]
struct Level {
    /// Rarest first.
    pieces: Vec<u32>,
    /// `bucket_end[a]`: where the pieces with availability `a` end.
    bucket_end: Vec<u32>,
    /// The same pieces by number.
    set: Bitfield,
}

/// The order, and for every piece of the torrent how many peers have it and how much it is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    entries: Vec<Entry>,
    /// Seeds have all pieces, change no order, and are counted once.
    seeds: u32,
    /// By [`FilePriority::level`].
    levels: [Level; FilePriority::LEVELS],
}

impl Order {
    /// All of `pieces_total` pieces that are untouched, none of them available, all of normal priority.
    pub(crate) fn new(pieces_total: u32, is_untouched: impl Fn(PieceIndex) -> bool, rng: &mut Rng) -> Self {
        let level = Level { pieces: Vec::new(), bucket_end: vec![0], set: Bitfield::none(pieces_total) };
        let entry = Entry { place: NOWHERE, availability: 0, priority: FilePriority::Normal };
        let mut order = Self {
            entries: vec![entry; pieces_total as usize],
            seeds: 0,
            levels: [level.clone(), level.clone(), level],
        };
        let mut pieces: Vec<u32> =
            (0..pieces_total).filter(|&piece| is_untouched(PieceIndex(piece))).collect();
        rng.shuffle(&mut pieces);
        pieces.into_iter().for_each(|piece| order.insert(PieceIndex(piece)));
        order
    }

    /// Number of untouched wanted pieces.
    pub(crate) fn len(&self) -> usize {
        self.levels.iter().map(|level| level.pieces.len()).sum()
    }

    /// The untouched pieces of a level, rarest first.
    pub(crate) fn pieces(&self, level: usize) -> &[u32] {
        &self.levels[level].pieces
    }

    /// The untouched pieces of a level, by number.
    pub(crate) fn set(&self, level: usize) -> &Bitfield {
        &self.levels[level].set
    }

    /// Where the pieces that only seeds have, or nobody, end in a level: they come first.
    pub(crate) fn only_with_seeds(&self, level: usize) -> usize {
        self.levels[level].bucket_end[0] as usize
    }

    /// Where the bucket of the piece at this place ends.
    pub(crate) fn bucket_end(&self, level: usize, at: usize) -> usize {
        let level = &self.levels[level];
        let bucket = self.entries[level.pieces[at] as usize].availability;
        level.bucket_end[usize::from(bucket)] as usize
    }

    pub(crate) fn availability(&self, piece: PieceIndex) -> u32 {
        u32::from(self.entries[piece.0 as usize].availability) + self.seeds
    }

    pub(crate) fn priority(&self, piece: PieceIndex) -> FilePriority {
        self.entries[piece.0 as usize].priority
    }

    pub(crate) fn contains(&self, piece: PieceIndex) -> bool {
        self.entries[piece.0 as usize].place != NOWHERE
    }

    pub(crate) fn add_seed(&mut self) {
        self.seeds += 1;
    }

    pub(crate) fn remove_seed(&mut self) {
        self.seeds -= 1;
    }

    /// One peer more has the piece.
    pub(crate) fn increase(&mut self, piece: PieceIndex) {
        let entry = &mut self.entries[piece.0 as usize];
        let bucket = usize::from(entry.availability);
        entry.availability += 1;
        if entry.place != NOWHERE {
            self.move_up(piece.0, bucket);
        }
    }

    /// One peer less has the piece.
    pub(crate) fn decrease(&mut self, piece: PieceIndex) {
        let entry = &mut self.entries[piece.0 as usize];
        let bucket = usize::from(entry.availability);
        entry.availability -= 1;
        if entry.place != NOWHERE {
            self.move_down(piece.0, bucket);
        }
    }

    /// The piece is untouched again; it stands in the order if it is wanted.
    pub(crate) fn insert(&mut self, piece: PieceIndex) {
        let entry = &mut self.entries[piece.0 as usize];
        let Some(number) = entry.priority.level() else { return };
        let bucket = usize::from(entry.availability);
        let level = &mut self.levels[number];
        level.reach(bucket);
        entry.place = level.pieces.len() as u32;
        level.pieces.push(piece.0);
        level.set.insert(piece);
        let top = level.bucket_end.len() - 1;
        level.bucket_end[top] += 1;
        for from in (bucket + 1..=top).rev() {
            self.move_down(piece.0, from);
        }
    }

    /// The piece is begun, or there, or no longer wanted. Nothing changes if it did not stand in the order.
    pub(crate) fn remove(&mut self, piece: PieceIndex) {
        let Entry { place, availability, priority } = self.entries[piece.0 as usize];
        let Some(number) = priority.level().filter(|_| place != NOWHERE) else { return };
        let top = self.levels[number].bucket_end.len() - 1;
        for from in usize::from(availability)..top {
            self.move_up(piece.0, from);
        }
        let last = self.levels[number].pieces.len() as u32 - 1;
        self.swap(number, piece.0, last);
        let level = &mut self.levels[number];
        level.pieces.pop();
        level.set.remove(piece);
        level.bucket_end[top] -= 1;
        self.entries[piece.0 as usize].place = NOWHERE;
    }

    /// The piece is wanted as much as this from now on.
    pub(crate) fn set_priority(&mut self, piece: PieceIndex, priority: FilePriority, is_untouched: bool) {
        self.remove(piece);
        self.entries[piece.0 as usize].priority = priority;
        if is_untouched {
            self.insert(piece);
        }
    }

    /// Moves the edge above `bucket` down over the piece.
    fn move_up(&mut self, piece: u32, bucket: usize) {
        let Some(number) = self.entries[piece as usize].priority.level() else { return };
        let level = &mut self.levels[number];
        level.reach(bucket + 1);
        level.bucket_end[bucket] -= 1;
        let edge = level.bucket_end[bucket];
        self.swap(number, piece, edge);
    }

    /// Moves the edge below `bucket` up over the piece.
    fn move_down(&mut self, piece: u32, bucket: usize) {
        let Some(number) = self.entries[piece as usize].priority.level() else { return };
        let edge = self.levels[number].bucket_end[bucket - 1];
        self.swap(number, piece, edge);
        self.levels[number].bucket_end[bucket - 1] += 1;
    }

    /// Puts the piece at another place of its level, and the piece that stands there at its own. Nothing waits for the
    /// memory of the one that makes way: it is only written to.
    fn swap(&mut self, level: usize, piece: u32, to: u32) {
        let pieces = &mut self.levels[level].pieces;
        let other = pieces[to as usize];
        let from = std::mem::replace(&mut self.entries[piece as usize].place, to);
        pieces[to as usize] = piece;
        if other != piece {
            pieces[from as usize] = other;
            self.entries[other as usize].place = from;
        }
    }

    /// Recomputes all that is cached and compares.
    pub(crate) fn check(&self) {
        for (number, level) in self.levels.iter().enumerate() {
            for (at, &piece) in (0..).zip(&level.pieces) {
                let entry = self.entries[piece as usize];
                assert_eq!(entry.place, at, "invariant: place and order agree");
                assert_eq!(entry.priority.level(), Some(number), "invariant: piece {piece} is in its level");
                assert!(level.set.has(PieceIndex(piece)), "invariant: a level's set has its pieces");
                let bucket = usize::from(entry.availability);
                let start = if bucket == 0 { 0 } else { level.bucket_end[bucket - 1] };
                assert!(
                    (start..level.bucket_end[bucket]).contains(&at),
                    "invariant: piece {piece} is in its bucket"
                );
            }
            let total = level.pieces.len() as u32;
            assert_eq!(level.set.count(), total, "invariant: a level's set has no other piece");
            assert_eq!(level.bucket_end.last().copied(), Some(total), "invariant: the last bucket ends");
        }
        let placed = self.entries.iter().filter(|entry| entry.place != NOWHERE).count();
        assert_eq!(placed, self.len(), "invariant: only ordered pieces have a place");
    }
}

impl Level {
    /// Makes sure that `bucket` exists.
    fn reach(&mut self, bucket: usize) {
        if self.bucket_end.len() <= bucket {
            self.bucket_end.resize(bucket + 1, self.pieces.len() as u32);
        }
    }
}
