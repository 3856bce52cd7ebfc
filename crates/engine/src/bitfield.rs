//! Which pieces somebody has: one bit a piece, in the order of the wire (BEP 3: the high bit of the first byte is
//! piece 0), so that it is sent and received as it lies in memory.

use crate::PieceIndex;

/// A set of pieces of one torrent. Knows how many are in it without counting.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitfield {
    bytes: Vec<u8>,
    pieces_total: u32,
    count: u32,
}

/// Bytes that are no bitfield of this torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitfieldError {
    /// Too many or too few bytes.
    #[error("a bitfield for this torrent has {expected} bytes, this one has {len}")]
    Length {
        /// Bytes that came.
        len: usize,
        /// Bytes that this torrent wants.
        expected: usize,
    },
    /// A bit beyond the last piece is set.
    #[error("a bit beyond the last piece is set")]
    SpareBit,
}

impl Bitfield {
    /// No piece of `pieces_total`.
    #[must_use]
    pub fn none(pieces_total: u32) -> Self {
        Self { bytes: vec![0; Self::wire_len(pieces_total)], pieces_total, count: 0 }
    }

    /// Every piece of `pieces_total`.
    #[must_use]
    pub fn all(pieces_total: u32) -> Self {
        let mut bytes = vec![0xff; Self::wire_len(pieces_total)];
        if let Some(last) = bytes.last_mut() {
            *last &= !spare_mask(pieces_total);
        }
        Self { bytes, pieces_total, count: pieces_total }
    }

    /// Reads the payload of a `bitfield` message.
    ///
    /// # Errors
    /// If the length is not that of this torrent, or if a bit beyond the last piece is set.
    pub fn from_wire(bytes: &[u8], pieces_total: u32) -> Result<Self, BitfieldError> {
        Self::from_wire_vec(bytes.to_vec(), pieces_total)
    }

    /// As [`Bitfield::from_wire`], keeping the allocation.
    pub(crate) fn from_wire_vec(bytes: Vec<u8>, pieces_total: u32) -> Result<Self, BitfieldError> {
        let expected = Self::wire_len(pieces_total);
        if bytes.len() != expected {
            return Err(BitfieldError::Length { len: bytes.len(), expected });
        }
        if bytes.last().is_some_and(|last| last & spare_mask(pieces_total) != 0) {
            return Err(BitfieldError::SpareBit);
        }
        let count = bytes.iter().map(|byte| byte.count_ones()).sum();
        Ok(Self { bytes, pieces_total, count })
    }

    /// Bytes of a `bitfield` message's payload for so many pieces.
    #[must_use]
    pub const fn wire_len(pieces_total: u32) -> usize {
        pieces_total.div_ceil(8) as usize
    }

    /// The payload of a `bitfield` message.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        &self.bytes
    }

    /// Number of pieces of the torrent.
    #[must_use]
    pub const fn pieces_total(&self) -> u32 {
        self.pieces_total
    }

    /// Number of pieces in the set.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Every piece is in the set.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.count == self.pieces_total
    }

    /// Whether a piece is in the set; a piece outside the torrent never is.
    #[must_use]
    pub fn has(&self, piece: PieceIndex) -> bool {
        let (at, mask) = place(piece);
        self.bytes.get(at).is_some_and(|byte| byte & mask != 0)
    }

    /// Puts a piece in. Returns whether that changed anything; a piece outside the torrent changes nothing.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        if piece.0 >= self.pieces_total || self.has(piece) {
            return false;
        }
        let (at, mask) = place(piece);
        self.bytes[at] |= mask;
        self.count += 1;
        true
    }

    /// Takes a piece out. Returns whether that changed anything.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        if !self.has(piece) {
            return false;
        }
        let (at, mask) = place(piece);
        self.bytes[at] &= !mask;
        self.count -= 1;
        true
    }

    /// The pieces in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.bytes.iter().enumerate().flat_map(|(at, &byte)| bits(at, byte))
    }

    /// The pieces not in the set, ascending.
    pub fn iter_missing(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        let total = self.pieces_total;
        self.bytes.iter().enumerate().flat_map(|(at, &byte)| bits(at, !byte)).take_while(move |p| p.0 < total)
    }

    /// The pieces in both sets: those from `from` on, then those before it, each ascending. Looks at 64 at a time.
    pub(crate) fn common<'a>(
        &'a self,
        other: &'a Self,
        from: PieceIndex,
    ) -> impl Iterator<Item = PieceIndex> + 'a {
        let words = self.bytes.len().div_ceil(WORD);
        let first = (from.0 / 64) as usize;
        let low = u64::MAX >> (from.0 % 64);
        let word = move |at: usize| load(&self.bytes, at) & load(&other.bytes, at);
        // The word that `from` lies in is looked at twice: its pieces from there on, and at the end those before.
        let from_there_on = (first..words).map(move |at| (at, if at == first { low } else { u64::MAX }));
        let before = (0..words.min(first + 1)).map(move |at| (at, if at == first { !low } else { u64::MAX }));
        from_there_on.chain(before).flat_map(move |(at, mask)| word_bits(at, word(at) & mask))
    }

    /// Number of pieces in both sets.
    pub(crate) fn count_common(&self, other: &Self) -> u32 {
        let words = self.bytes.len().div_ceil(WORD);
        (0..words).map(|at| (load(&self.bytes, at) & load(&other.bytes, at)).count_ones()).sum()
    }

    /// Whether a piece is in this set and not in `other`: the owner of `other` wants something of the owner of this.
    #[must_use]
    pub fn has_any_missing_in(&self, other: &Self) -> bool {
        self.bytes.iter().zip(&other.bytes).any(|(ours, theirs)| ours & !theirs != 0)
    }
}

impl std::fmt::Debug for Bitfield {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bitfield({} of {})", self.count, self.pieces_total)
    }
}

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// Sixty-four pieces, the first in the high bit; what lies beyond the end is zero.
fn load(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at * WORD..).unwrap_or_default();
    match rest.first_chunk() {
        Some(word) => u64::from_be_bytes(*word),
        None => {
            rest.iter().enumerate().fold(0, |word, (nth, &byte)| word | u64::from(byte) << (56 - 8 * nth))
        }
    }
}

/// The pieces that the word at this place stands for.
fn word_bits(at: usize, mut word: u64) -> impl Iterator<Item = PieceIndex> {
    let first = at as u32 * 64;
    std::iter::from_fn(move || {
        let bit = word.leading_zeros();
        (bit < 64).then(|| {
            word &= !(1 << (63 - bit));
            PieceIndex(first + bit)
        })
    })
}

/// Byte and bit of a piece.
const fn place(piece: PieceIndex) -> (usize, u8) {
    ((piece.0 / 8) as usize, 0x80 >> (piece.0 % 8))
}

/// The bits of the last byte that stand for no piece.
const fn spare_mask(pieces_total: u32) -> u8 {
    match pieces_total % 8 {
        0 => 0,
        used => 0xff >> used,
    }
}

/// The pieces that the byte at this place stands for. Visits set bits only, since most bytes are empty or full.
fn bits(at: usize, mut byte: u8) -> impl Iterator<Item = PieceIndex> {
    let first = at as u32 * 8;
    std::iter::from_fn(move || {
        if byte == 0 {
            return None;
        }
        let bit = byte.leading_zeros();
        byte &= !(0x80 >> bit);
        Some(PieceIndex(first + bit))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn pieces(field: &Bitfield) -> Vec<u32> {
        field.iter().map(|piece| piece.0).collect()
    }

    #[test]
    fn the_high_bit_of_the_first_byte_is_piece_zero() {
        let mut field = Bitfield::none(10);
        assert!(field.insert(PieceIndex(0)) && field.insert(PieceIndex(9)));
        assert_eq!(field.as_wire(), [0b1000_0000, 0b0100_0000]);
    }

    #[test]
    fn wrong_lengths_and_spare_bits_are_refused() {
        let check = |bytes: &[u8], total| Bitfield::from_wire(bytes, total).map(|field| field.count());
        assert_eq!(check(&[0xff, 0xc0], 10), Ok(10));
        assert_eq!(check(&[0xff, 0xe0], 10), Err(BitfieldError::SpareBit));
        assert_eq!(check(&[0xff], 10), Err(BitfieldError::Length { len: 1, expected: 2 }));
        assert_eq!(check(&[0xff, 0, 0], 10), Err(BitfieldError::Length { len: 3, expected: 2 }));
        assert_eq!(check(&[0xff], 8), Ok(8));
        assert_eq!(check(&[], 0), Ok(0));
    }

    #[test]
    fn the_count_follows_every_change() {
        let mut field = Bitfield::none(9);
        assert!(field.insert(PieceIndex(8)));
        assert!(!field.insert(PieceIndex(8)), "twice");
        assert!(!field.insert(PieceIndex(9)), "outside");
        assert_eq!(field.count(), 1);
        assert!(field.remove(PieceIndex(8)));
        assert!(!field.remove(PieceIndex(8)), "twice");
        assert!(!field.remove(PieceIndex(4000)), "outside");
        assert_eq!(field.count(), 0);
    }

    #[test]
    fn a_full_field_is_complete_at_every_length() {
        for total in 0..=17 {
            let field = Bitfield::all(total);
            assert!(field.is_complete());
            assert_eq!(Bitfield::from_wire(field.as_wire(), total).as_ref(), Ok(&field), "{total} pieces");
            assert_eq!(pieces(&field), (0..total).collect::<Vec<_>>());
            assert_eq!(field.iter_missing().count(), 0);
        }
    }

    #[test]
    fn missing_pieces_are_the_rest() {
        let mut field = Bitfield::none(12);
        assert_eq!([1, 3, 11].map(|piece| field.insert(PieceIndex(piece))), [true; 3]);
        assert_eq!(pieces(&field), [1, 3, 11]);
        assert_eq!(field.iter_missing().map(|p| p.0).collect::<Vec<_>>(), [0, 2, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn what_two_sets_share_is_found_from_any_piece_on() {
        for total in [1, 63, 64, 65, 130, 200] {
            let (mut ours, mut theirs) = (Bitfield::none(total), Bitfield::none(total));
            (0..total).filter(|piece| piece % 3 != 1).for_each(|piece| {
                ours.insert(PieceIndex(piece));
            });
            (0..total).filter(|piece| piece % 5 != 2).for_each(|piece| {
                theirs.insert(PieceIndex(piece));
            });
            let shared: Vec<u32> = (0..total).filter(|piece| piece % 3 != 1 && piece % 5 != 2).collect();
            assert_eq!(ours.count_common(&theirs) as usize, shared.len());
            for from in 0..total {
                let (before, behind): (Vec<u32>, Vec<u32>) = shared.iter().partition(|&&piece| piece < from);
                let found: Vec<u32> = ours.common(&theirs, PieceIndex(from)).map(|piece| piece.0).collect();
                assert_eq!(found, [behind, before].concat(), "from {from} of {total}");
            }
        }
    }

    #[test]
    fn interest_is_a_piece_that_the_other_lacks() {
        let mut ours = Bitfield::none(20);
        let mut theirs = Bitfield::none(20);
        theirs.insert(PieceIndex(17));
        assert!(theirs.has_any_missing_in(&ours));
        ours.insert(PieceIndex(17));
        assert!(!theirs.has_any_missing_in(&ours));
    }
}
