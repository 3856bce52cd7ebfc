//! Which pieces are on the disk already.

use std::sync::atomic::AtomicBool;

use engine::{Bitfield, Metainfo};

use crate::content::{Content, ContentError};
use crate::hashing::hash_pieces;

/// Hashes everything that is there and says which pieces are right. `on_progress` hears of every piece with the
/// number of bytes looked at so far. After `cancel` is set, the answer means nothing.
///
/// # Errors
/// If a file is there and cannot be read; one that is missing or too short is no error.
pub fn check(
    content: &Content,
    mut on_progress: impl FnMut(u64),
    cancel: &AtomicBool,
) -> Result<Bitfield, ContentError> {
    let metainfo = content.metainfo();
    let mut have = Bitfield::none(metainfo.pieces_total());
    if !content.root().exists() {
        return Ok(have);
    }
    let read = |piece, bytes: &mut Vec<u8>| match content.read_piece(piece, bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    };
    let mut checked_bytes = 0;
    let on_hash = |piece, hash: Option<[u8; 20]>| {
        if hash.is_some_and(|hash| metainfo.piece_hash(piece) == Some(&hash)) {
            have.insert(piece);
        }
        checked_bytes += u64::from(metainfo.piece_size(piece));
        on_progress(checked_bytes);
    };
    hash_pieces(metainfo.pieces_total(), read, on_hash, cancel)?;
    Ok(have)
}

/// Length of these pieces together, in bytes.
#[must_use]
pub fn verified_bytes(metainfo: &Metainfo, have: &Bitfield) -> u64 {
    have.iter().map(|piece| u64::from(metainfo.piece_size(piece))).sum()
}
