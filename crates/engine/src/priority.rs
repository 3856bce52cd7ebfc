//! What the user wants: how much of each file, what follows for the pieces that lie in it, and in which order.

use crate::Metainfo;

/// How much a file is wanted. The order is strict: nothing of a lower one is begun while a peer has something of a
/// higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FilePriority {
    /// Not at all.
    Skip = 0,
    /// When nothing else is left.
    Low = 1,
    /// As usual.
    #[default]
    Normal = 2,
    /// Before all others.
    High = 3,
}

/// In which order pieces of equal priority are begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PickOrder {
    /// Those that the fewest peers have come first: best for the swarm, and in the end for us.
    #[default]
    RarestFirst,
    /// In the order of the content.
    Sequential,
    /// For a player that begins now with the first wanted piece and waits where one is missing: what it shows within a
    /// minute comes first and in time, the rest rarest first.
    Playing {
        /// Bytes that it shows a second.
        bytes_per_s: u64,
    },
}

impl FilePriority {
    /// Number of priorities that are wanted at all.
    pub(crate) const LEVELS: usize = 3;

    /// A number for each wanted priority, the lowest being zero.
    pub(crate) const fn level(self) -> Option<usize> {
        match self {
            Self::Skip => None,
            Self::Low => Some(0),
            Self::Normal => Some(1),
            Self::High => Some(2),
        }
    }
}

impl Metainfo {
    /// How much each piece is wanted if the files are wanted as much as `files` says: as much as the most wanted of the
    /// files in it. Files for which `files` says nothing are of normal priority.
    #[must_use]
    pub fn piece_priorities(&self, files: &[FilePriority]) -> Vec<FilePriority> {
        of_pieces(self, files)
    }
}

/// A piece is wanted as much as the most wanted of the files in it: the bytes of its other files come with it, since only
/// whole pieces can be verified. Padding (BEP 47) is wanted as much as the file before it. Files for which `files` says
/// nothing are of normal priority.
pub(crate) fn of_pieces(metainfo: &Metainfo, files: &[FilePriority]) -> Vec<FilePriority> {
    let mut pieces = vec![FilePriority::Skip; metainfo.pieces_total() as usize];
    let piece_len = u64::from(metainfo.piece_len());
    let mut before = FilePriority::Normal;
    for (index, file) in metainfo.files().iter().enumerate() {
        if !file.is_padding {
            before = files.get(index).copied().unwrap_or_default();
        }
        if file.len == 0 {
            continue;
        }
        let (first, last) = (file.offset / piece_len, (file.offset + file.len - 1) / piece_len);
        for piece in pieces.iter_mut().take(last as usize + 1).skip(first as usize) {
            *piece = before.max(*piece);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::FilePriority::{High, Low, Normal, Skip};
    use super::*;
    use crate::{NewContent, NewTorrent};

    /// Files of these lengths in pieces of 16 KiB.
    fn torrent(lens: &[u64]) -> Metainfo {
        let names: Vec<Vec<String>> = (0..lens.len()).map(|index| vec![format!("f{index}")]).collect();
        let files: Vec<_> = names.into_iter().zip(lens.iter().copied()).collect();
        let pieces = lens.iter().sum::<u64>().div_ceil(16_384);
        let torrent = NewTorrent {
            name: "content",
            content: NewContent::Folder(&files),
            piece_len: 16_384,
            piece_hashes: &vec![[0; 20]; pieces as usize],
            trackers: &[],
            is_private: false,
            comment: None,
            created_by: None,
        };
        torrent.build().unwrap()
    }

    #[test]
    fn a_piece_is_wanted_as_much_as_its_most_wanted_file() {
        let metainfo = torrent(&[16_384, 10_000, 6_384, 20_000]);
        let of = |files: &[FilePriority]| of_pieces(&metainfo, files);
        assert_eq!(of(&[]), [Normal; 4]);
        assert_eq!(of(&[Low, Skip, Skip, High]), [Low, Skip, High, High]);
        assert_eq!(of(&[Skip, Skip, Low, Skip]), [Skip, Low, Skip, Skip]);
        assert_eq!(of(&[Skip, High, Low, Skip]), [Skip, High, Skip, Skip]);
        assert_eq!(of(&[Skip; 9]), [Skip; 4]);
    }

    #[test]
    fn an_empty_file_wants_nothing() {
        let metainfo = torrent(&[16_384, 0, 16_384]);
        assert_eq!(of_pieces(&metainfo, &[Skip, High, Low]), [Skip, Low]);
    }
}
