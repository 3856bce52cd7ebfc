//! What comes of a skipped file all the same: its bytes in the pieces that it shares with wanted files. Hosts keep them
//! apart, in a small file of parts, instead of creating the skipped file.

use super::Metainfo;

/// The bytes of a file that lie in its first or in its last piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEnd {
    /// Where they begin in the file, in bytes.
    pub offset_in_file: u64,
    /// Where they belong in a file that holds nothing but the ends, in bytes.
    pub offset_in_parts: u64,
    /// How many, never zero.
    pub len: u64,
}

impl Metainfo {
    /// The ends of a file: none if it is empty or not there, one if it lies within one piece, else two.
    pub fn file_ends(&self, file: usize) -> impl Iterator<Item = FileEnd> {
        let piece_len = u64::from(self.piece_len());
        let ends = self.files().get(file).filter(|file| file.len > 0).map(|file| {
            let first_len = (piece_len - file.offset % piece_len).min(file.len);
            let last_start =
                ((file.offset + file.len - 1) / piece_len * piece_len).saturating_sub(file.offset);
            let first = FileEnd { offset_in_file: 0, offset_in_parts: 0, len: first_len };
            let last = FileEnd {
                offset_in_file: last_start,
                offset_in_parts: first_len,
                len: file.len - last_start,
            };
            std::iter::once(first).chain((last_start >= first_len).then_some(last))
        });
        ends.into_iter().flatten()
    }

    /// Where bytes that begin at `offset_in_file` belong in a file that holds nothing but the ends; `None` if they lie in
    /// a piece that is this file's alone.
    #[must_use]
    pub fn offset_in_parts(&self, file: usize, offset_in_file: u64) -> Option<u64> {
        self.file_ends(file).find_map(|end| {
            let within = offset_in_file.checked_sub(end.offset_in_file)?;
            (within < end.len).then_some(end.offset_in_parts + within)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::{NewContent, NewTorrent};

    fn torrent(lens: &[u64]) -> Metainfo {
        let files: Vec<_> = lens.iter().enumerate().map(|(at, &len)| (vec![at.to_string()], len)).collect();
        let torrent = NewTorrent {
            name: "content",
            content: NewContent::Folder(&files),
            piece_len: 16_384,
            piece_hashes: &vec![[0; 20]; lens.iter().sum::<u64>().div_ceil(16_384) as usize],
            trackers: &[],
            is_private: false,
            comment: None,
            created_by: None,
        };
        torrent.build().unwrap()
    }

    #[test]
    fn a_file_has_an_end_in_its_first_and_one_in_its_last_piece() {
        let metainfo = torrent(&[10_000, 100_000, 0, 2000]);
        let ends = |file| {
            let parts = |end: FileEnd| (end.offset_in_file, end.offset_in_parts, end.len);
            metainfo.file_ends(file).map(parts).collect::<Vec<_>>()
        };
        assert_eq!(ends(0), [(0, 0, 10_000)]);
        // It lies from 10 000 to 110 000; its last piece begins at 98 304.
        assert_eq!(ends(1), [(0, 0, 6384), (88_304, 6384, 11_696)]);
        assert_eq!(ends(2), []);
        assert_eq!(ends(3), [(0, 0, 2000)]);
        assert_eq!(ends(4), []);
    }

    #[test]
    fn the_middle_of_a_file_has_no_place_among_the_parts() {
        let metainfo = torrent(&[10_000, 100_000]);
        let offsets = [0, 6383, 6384, 88_303, 88_304, 99_999, 100_000];
        let found = offsets.map(|offset| metainfo.offset_in_parts(1, offset));
        assert_eq!(found, [Some(0), Some(6383), None, None, Some(6384), Some(18_079), None]);
    }
}
