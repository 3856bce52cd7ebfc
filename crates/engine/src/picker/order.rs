//! Untouched pieces in the order of their availability, kept sorted by single swaps.
//!
//! ```text
//! pieces:      3 7 0 | 5 2 | 1 6 8 4        sorted by availability, random within a bucket
//! bucket_end:      3     5         9        where the pieces with availability 0, 1, 2 end
//! ```
//! One peer more or less for a piece swaps it with the piece at the edge of its bucket and moves the edge over it. A
//! further swap to a random place within its new bucket makes ties random, at the cost of a random number per change
//! instead of a scan per choice.

use crate::PieceIndex;
use crate::rng::Rng;

/// No place: the piece is not in the order.
const NOWHERE: u32 = u32::MAX;

/// The order, and for every piece of the torrent how many peers have it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Peers that have the piece, but for seeds: these have all, change no order, and are counted once in `seeds`.
    availability: Vec<u32>,
    seeds: u32,
    /// Untouched pieces, rarest first.
    pieces: Vec<u32>,
    /// Where a piece stands in `pieces`.
    place: Vec<u32>,
    /// `bucket_end[a]`: where the pieces with availability `a` end.
    bucket_end: Vec<u32>,
}

impl Order {
    /// All of `pieces_total` pieces that are wanted, none of them available.
    pub(crate) fn new(pieces_total: u32, is_wanted: impl Fn(PieceIndex) -> bool, rng: &mut Rng) -> Self {
        let mut pieces: Vec<u32> = (0..pieces_total).filter(|&piece| is_wanted(PieceIndex(piece))).collect();
        rng.shuffle(&mut pieces);
        let mut place = vec![NOWHERE; pieces_total as usize];
        for (at, &piece) in (0..).zip(&pieces) {
            place[piece as usize] = at;
        }
        let bucket_end = vec![pieces.len() as u32];
        Self { availability: vec![0; pieces_total as usize], seeds: 0, pieces, place, bucket_end }
    }

    /// The untouched pieces, rarest first.
    pub(crate) fn pieces(&self) -> &[u32] {
        &self.pieces
    }

    /// Untouched pieces that only seeds have, or nobody: they come first.
    pub(crate) fn only_with_seeds(&self) -> usize {
        self.bucket_end[0] as usize
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(crate) fn availability(&self, piece: PieceIndex) -> u32 {
        self.availability[piece.0 as usize] + self.seeds
    }

    pub(crate) fn contains(&self, piece: PieceIndex) -> bool {
        self.place[piece.0 as usize] != NOWHERE
    }

    pub(crate) fn add_seed(&mut self) {
        self.seeds += 1;
    }

    pub(crate) fn remove_seed(&mut self) {
        self.seeds -= 1;
    }

    /// One peer more has the piece.
    pub(crate) fn increase(&mut self, piece: PieceIndex, rng: &mut Rng) {
        let bucket = self.availability[piece.0 as usize] as usize;
        self.availability[piece.0 as usize] += 1;
        if self.contains(piece) {
            self.move_up(piece.0, bucket);
            self.mix(piece.0, bucket + 1, rng);
        }
    }

    /// One peer less has the piece.
    pub(crate) fn decrease(&mut self, piece: PieceIndex, rng: &mut Rng) {
        let bucket = self.availability[piece.0 as usize] as usize;
        self.availability[piece.0 as usize] -= 1;
        if self.contains(piece) {
            self.move_down(piece.0, bucket);
            self.mix(piece.0, bucket - 1, rng);
        }
    }

    /// The piece is untouched again.
    pub(crate) fn insert(&mut self, piece: PieceIndex, rng: &mut Rng) {
        let bucket = self.availability[piece.0 as usize] as usize;
        self.reach(bucket);
        self.place[piece.0 as usize] = self.pieces.len() as u32;
        self.pieces.push(piece.0);
        let top = self.bucket_end.len() - 1;
        self.bucket_end[top] += 1;
        for from in (bucket + 1..=top).rev() {
            self.move_down(piece.0, from);
        }
        self.mix(piece.0, bucket, rng);
    }

    /// The piece is begun, or there.
    pub(crate) fn remove(&mut self, piece: PieceIndex) {
        let top = self.bucket_end.len() - 1;
        for from in self.availability[piece.0 as usize] as usize..top {
            self.move_up(piece.0, from);
        }
        self.swap(self.place[piece.0 as usize], self.pieces.len() as u32 - 1);
        self.pieces.pop();
        self.bucket_end[top] -= 1;
        self.place[piece.0 as usize] = NOWHERE;
    }

    /// Moves the edge above `bucket` down over the piece.
    fn move_up(&mut self, piece: u32, bucket: usize) {
        self.reach(bucket + 1);
        self.bucket_end[bucket] -= 1;
        self.swap(self.place[piece as usize], self.bucket_end[bucket]);
    }

    /// Moves the edge below `bucket` up over the piece.
    fn move_down(&mut self, piece: u32, bucket: usize) {
        self.swap(self.place[piece as usize], self.bucket_end[bucket - 1]);
        self.bucket_end[bucket - 1] += 1;
    }

    fn mix(&mut self, piece: u32, bucket: usize, rng: &mut Rng) {
        let start = if bucket == 0 { 0 } else { self.bucket_end[bucket - 1] };
        let other = start + rng.below(self.bucket_end[bucket] - start);
        self.swap(self.place[piece as usize], other);
    }

    fn swap(&mut self, a: u32, b: u32) {
        self.pieces.swap(a as usize, b as usize);
        self.place[self.pieces[a as usize] as usize] = a;
        self.place[self.pieces[b as usize] as usize] = b;
    }

    /// Makes sure that `bucket` exists.
    fn reach(&mut self, bucket: usize) {
        if self.bucket_end.len() <= bucket {
            self.bucket_end.resize(bucket + 1, self.pieces.len() as u32);
        }
    }

    /// Recomputes all that is cached and compares.
    pub(crate) fn check(&self) {
        for (at, &piece) in (0..).zip(&self.pieces) {
            assert_eq!(self.place[piece as usize], at, "invariant: place and order agree");
            let bucket = self.availability[piece as usize] as usize;
            let start = if bucket == 0 { 0 } else { self.bucket_end[bucket - 1] };
            assert!(
                (start..self.bucket_end[bucket]).contains(&at),
                "invariant: piece {piece} is in its bucket"
            );
        }
        let placed = self.place.iter().filter(|&&place| place != NOWHERE).count();
        assert_eq!(placed, self.pieces.len(), "invariant: only ordered pieces have a place");
        assert_eq!(
            self.bucket_end.last().copied(),
            Some(self.pieces.len() as u32),
            "invariant: the last bucket ends"
        );
    }
}
