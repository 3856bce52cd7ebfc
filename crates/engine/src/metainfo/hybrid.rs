//! Do both versions of a hybrid torrent speak of the same content? (BEP 52, upgrade path.)

use super::MetainfoError;
use super::listed::{Listed, printable};

/// Checks that both lists have the same files with the same lengths in the same order, and that version 1 aligns them as
/// version 2 does by itself. Gives the files of version 1, and thereby the padding, the roots of version 2.
pub(super) fn agree(
    version_1: &mut [Listed<'_>],
    version_2: &[Listed<'_>],
    piece_len: u32,
) -> Result<(), MetainfoError> {
    let differ = |file: &Listed<'_>| MetainfoError::HybridMismatch { file: printable(&file.path) };
    let mut others = version_2.iter();
    let mut offset = 0_u64;
    for file in version_1 {
        if !file.attributes.is_padding {
            let other = others.next().ok_or_else(|| differ(file))?;
            let is_aligned = file.len == 0 || offset.is_multiple_of(u64::from(piece_len));
            if file.path != other.path || file.len != other.len || !is_aligned {
                return Err(differ(file));
            }
            file.pieces_root = other.pieces_root;
        }
        offset = offset.checked_add(file.len).ok_or(MetainfoError::TotalTooLarge)?;
    }
    others.next().map_or(Ok(()), |other| Err(differ(other)))
}
