//! Which pieces are on the disk already.

use std::sync::atomic::AtomicBool;

use engine::{Bitfield, Metainfo, PieceHasher, PieceIndex, Verdict};

use crate::content::{Content, ContentError};
use crate::hashing::for_each_piece;

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
    let is_right = |piece: PieceIndex, buffer: &mut Vec<u8>| {
        let hashes = metainfo.piece_hashes(piece);
        if !hashes.is_known() {
            return Ok(false);
        }
        let mut hasher = PieceHasher::new(hashes);
        match content.read_piece(piece, buffer, |slice| hasher.update(slice)) {
            Ok(()) => Ok(hasher.finish() == Verdict::Right),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    };
    let mut checked_bytes = 0;
    let on_checked = |piece, is_right| {
        if is_right {
            have.insert(piece);
        }
        checked_bytes += u64::from(metainfo.piece_size(piece));
        on_progress(checked_bytes);
    };
    for_each_piece(metainfo.pieces_total(), is_right, on_checked, cancel)?;
    Ok(have)
}

/// Length of these pieces together, in bytes.
#[must_use]
pub fn verified_bytes(metainfo: &Metainfo, have: &Bitfield) -> u64 {
    have.iter().map(|piece| u64::from(metainfo.piece_size(piece))).sum()
}
