//! Making a .torrent file, of version 1 (BEP 3), version 2 (BEP 52) or both. Reading and hashing the content is the host's
//! part.

mod version_2;

pub use version_2::{ContentTrees, FileTree};

use serde_bytes::ByteBuf;

use crate::metainfo::raw::{RawFile, RawInfo, RawMetainfo};
use crate::{Metainfo, MetainfoError, PIECE_LEN_MIN};

/// Pieces aimed at: enough to trade early, few enough for a small .torrent file (20 bytes each).
const PIECES_AIMED_AT: u64 = 1500;
/// Longest piece that [`piece_len_for`] chooses: a piece is passed on only when it is whole.
const CHOSEN_PIECE_LEN_MAX: u64 = 16 << 20;

/// What goes into a .torrent file.
#[derive(Clone, Debug)]
pub struct NewTorrent<'a> {
    /// Name of the file or folder.
    pub name: &'a str,
    /// The content.
    pub content: NewContent<'a>,
    /// Bytes of each piece but the last.
    pub piece_len: u32,
    /// SHA-1 of each piece, with the padding at its end (see [`crate::Sha1Check`]); of [`NewTorrent::build_v2`] alone none.
    pub piece_hashes: &'a [[u8; 20]],
    /// Addresses of trackers in tiers (BEP 12).
    pub trackers: &'a [Vec<String>],
    /// Only the trackers may introduce peers (BEP 27).
    pub is_private: bool,
    /// For people.
    pub comment: Option<&'a str>,
    /// The program that makes it.
    pub created_by: Option<&'a str>,
}

/// The content of a new torrent.
#[derive(Clone, Copy, Debug)]
pub enum NewContent<'a> {
    /// One file of this length in bytes.
    File(u64),
    /// A folder of files, each with its path below the folder and its length in bytes, in this order.
    Folder(&'a [(Vec<String>, u64)]),
}

impl NewTorrent<'_> {
    /// Builds the file, in canonical bencode: the same content gives the same info hash everywhere. The bytes are
    /// [`Metainfo::as_bytes`] of the result.
    ///
    /// # Errors
    /// Those of [`Metainfo::parse`], since nobody should make a torrent that nobody can read.
    pub fn build(&self) -> Result<Metainfo, MetainfoError> {
        let encoded =
            serde_bencode::to_bytes(&self.raw(self.info()?)).map_err(|_| MetainfoError::NotATorrent)?;
        Metainfo::parse(&encoded)
    }

    /// What is outside of `info`.
    fn raw(&self, info: RawInfo) -> RawMetainfo {
        let flat: Vec<&String> = self.trackers.iter().flatten().collect();
        let tiers = || self.trackers.iter().map(|tier| tier.iter().map(bytes).collect()).collect();
        RawMetainfo {
            announce: flat.first().map(bytes),
            announce_list: if flat.len() > 1 { tiers() } else { Vec::new() },
            comment: self.comment.map(bytes),
            created_by: self.created_by.map(bytes),
            info: Some(info),
            ..RawMetainfo::default()
        }
    }

    fn info(&self) -> Result<RawInfo, MetainfoError> {
        let (files, length) = match self.content {
            NewContent::File(len) => (None, Some(number(len)?)),
            NewContent::Folder(files) => {
                let files: Result<Vec<_>, _> = files.iter().map(|(path, len)| raw_file(path, *len)).collect();
                (Some(files?), None)
            }
        };
        Ok(RawInfo {
            files,
            length,
            name: Some(bytes(self.name)),
            piece_len: Some(i64::from(self.piece_len)),
            pieces: Some(ByteBuf::from(self.piece_hashes.as_flattened())),
            private: self.is_private.then_some(1),
            ..RawInfo::default()
        })
    }
}

/// A piece length that suits so many bytes of content: a power of two, from 16 KiB to 16 MiB.
#[must_use]
pub fn piece_len_for(total_len: u64) -> u32 {
    let wanted = total_len.div_ceil(PIECES_AIMED_AT).clamp(u64::from(PIECE_LEN_MIN), CHOSEN_PIECE_LEN_MAX);
    wanted.next_power_of_two() as u32
}

fn raw_file(path: &[String], len: u64) -> Result<RawFile, MetainfoError> {
    let path = Some(path.iter().map(bytes).collect());
    Ok(RawFile { length: Some(number(len)?), path, ..RawFile::default() })
}

fn number(len: u64) -> Result<i64, MetainfoError> {
    i64::try_from(len).map_err(|_| MetainfoError::TotalTooLarge)
}

fn bytes(text: impl AsRef<str>) -> ByteBuf {
    ByteBuf::from(text.as_ref().as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn sample<'a>(content: NewContent<'a>, trackers: &'a [Vec<String>]) -> NewTorrent<'a> {
        NewTorrent {
            name: "n",
            content,
            piece_len: 16384,
            piece_hashes: const { &[*b"aaaaaaaaaaaaaaaaaaaa"] },
            trackers,
            is_private: true,
            comment: Some("hello"),
            created_by: None,
        }
    }

    fn tiers(tiers: &[&[&str]]) -> Vec<Vec<String>> {
        tiers.iter().map(|tier| tier.iter().map(|url| (*url).to_owned()).collect()).collect()
    }

    #[test]
    fn the_bytes_are_canonical() {
        let trackers = tiers(&[&["http://t/announce"]]);
        let metainfo = sample(NewContent::File(5), &trackers).build().unwrap();
        let expected = "d8:announce17:http://t/announce7:comment5:hello4:infod6:lengthi5e4:name1:n\
                        12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa7:privatei1eee";
        assert_eq!(metainfo.as_bytes().escape_ascii().to_string(), expected);
    }

    #[test]
    fn what_goes_in_is_read_back() {
        let trackers = tiers(&[&["http://a/", "udp://b:1/"], &["https://c/"]]);
        let files = [(vec!["x".to_owned()], 0), (vec!["y".to_owned(), "z".to_owned()], 9)];
        let metainfo = sample(NewContent::Folder(&files), &trackers).build().unwrap();
        assert_eq!(metainfo.trackers(), trackers);
        assert!(metainfo.is_private() && !metainfo.is_single_file());
        let read: Vec<_> = metainfo.files().iter().map(|file| (file.path.clone(), file.len)).collect();
        assert_eq!(read, files);
    }

    #[test]
    fn a_torrent_that_nobody_could_read_is_not_made() {
        let error = sample(NewContent::File(16385), &[]).build().unwrap_err();
        assert_eq!(error, MetainfoError::PiecesCount { expected: 2, found: 1 });
        assert_eq!(sample(NewContent::File(u64::MAX), &[]).build(), Err(MetainfoError::TotalTooLarge));
        let files = [(vec!["..".to_owned()], 9)];
        assert!(matches!(
            sample(NewContent::Folder(&files), &[]).build(),
            Err(MetainfoError::PathClimbsOut { .. })
        ));
    }

    #[test]
    fn piece_lengths_grow_with_the_content() {
        let table =
            [(0, 16 << 10), (1 << 20, 16 << 10), (1 << 30, 1 << 20), (6 << 30, 8 << 20), (1 << 45, 16 << 20)];
        for (total_len, piece_len) in table {
            assert_eq!(piece_len_for(total_len), piece_len, "{total_len} bytes");
        }
    }
}
