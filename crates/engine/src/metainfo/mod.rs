//! What a .torrent file says (BEP 3, 12, 27, 47), checked once, so that nothing behind it has to doubt it.

mod ends;
mod error;
mod from_info;
mod layout;
mod parse;
mod path;
pub(crate) mod raw;
#[cfg(test)]
mod tests;

pub use ends::FileEnd;
pub use error::MetainfoError;
pub use layout::{FileSpan, Spans};
pub(crate) use parse::{TRACKERS_MAX, sane_url};
pub(crate) use path::safe_name;

use std::ops::Range;

use codec::InfoHash;

use crate::geometry::Geometry;
use crate::{BlockRef, Magnet, PieceIndex};

/// Largest .torrent file that is read, in bytes. It also bounds the number of pieces, at 20 bytes each.
pub const METAINFO_LEN_MAX: usize = 16 << 20;
/// Shortest piece, in bytes: one block.
pub const PIECE_LEN_MIN: u32 = 16 << 10;
/// Longest piece, in bytes. A piece cannot be passed on before it is whole, so longer ones serve nobody.
pub const PIECE_LEN_MAX: u32 = 64 << 20;

/// A torrent: its content's names and lengths, the hash of every piece, and its trackers.
#[derive(Clone, PartialEq, Eq)]
pub struct Metainfo {
    bytes: Vec<u8>,
    /// Where the info dictionary lies in `bytes`.
    info: Range<usize>,
    info_hash: InfoHash,
    name: String,
    geometry: Geometry,
    piece_hashes: Vec<[u8; 20]>,
    files: Vec<FileEntry>,
    is_single_file: bool,
    trackers: Vec<Vec<String>>,
    is_private: bool,
    comment: Option<String>,
    created_by: Option<String>,
}

/// A file of the torrent. The files lie one behind the other in the content, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path below the torrent's folder, fit for any file system; for a single file the torrent's name. Never empty.
    pub path: Vec<String>,
    /// Length in bytes.
    pub len: u64,
    /// Where it begins in the content, in bytes.
    pub offset: u64,
    /// It only aligns the next file to a piece (BEP 47): its bytes are zero, and nobody wants it on a disk.
    pub is_padding: bool,
}

impl Metainfo {
    /// Reads a .torrent file.
    ///
    /// # Errors
    /// If anything in it is unsound. The message says what, and what to do.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetainfoError> {
        parse::parse(bytes)
    }

    /// The .torrent file as it came, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The info dictionary as it was written, as peers without a .torrent file are sent it (BEP 9).
    #[must_use]
    pub fn info_bytes(&self) -> &[u8] {
        &self.bytes[self.info.clone()]
    }

    /// The magnet link of this torrent, for somebody who has no .torrent file.
    #[must_use]
    pub fn magnet(&self) -> Magnet {
        Magnet::of(self)
    }

    /// Names the torrent and its swarm: SHA-1 over the info dictionary as it was written.
    #[must_use]
    pub const fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Name of the file, or of the folder; fit for any file system.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of every piece but the last, in bytes.
    #[must_use]
    pub const fn piece_len(&self) -> u32 {
        self.geometry.piece_len()
    }

    /// Number of pieces; never zero.
    #[must_use]
    pub fn pieces_total(&self) -> u32 {
        self.piece_hashes.len() as u32
    }

    /// Length of this piece in bytes; zero for a piece outside the torrent.
    #[must_use]
    pub fn piece_size(&self, piece: PieceIndex) -> u32 {
        self.geometry.piece_size(piece)
    }

    /// Whether these bytes lie within the piece. No bytes lie nowhere.
    #[must_use]
    pub fn contains(&self, block: &BlockRef) -> bool {
        self.geometry.contains(block)
    }

    /// SHA-1 of a piece; `None` for a piece outside the torrent.
    #[must_use]
    pub fn piece_hash(&self, piece: PieceIndex) -> Option<&[u8; 20]> {
        self.piece_hashes.get(piece.0 as usize)
    }

    /// Length of the content in bytes, padding included; never zero.
    #[must_use]
    pub const fn total_len(&self) -> u64 {
        self.geometry.total_len()
    }

    /// How it is cut into pieces and blocks.
    pub(crate) const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The files, in the order of the content.
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The content is one file named [`Metainfo::name`], not a folder of that name.
    #[must_use]
    pub const fn is_single_file(&self) -> bool {
        self.is_single_file
    }

    /// Addresses of trackers in tiers (BEP 12), in the order of the file; none is empty, none stands twice.
    #[must_use]
    pub fn trackers(&self) -> &[Vec<String>] {
        &self.trackers
    }

    /// Only the trackers may introduce peers (BEP 27).
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.is_private
    }

    /// What its maker says about it.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Program that made it.
    #[must_use]
    pub fn created_by(&self) -> Option<&str> {
        self.created_by.as_deref()
    }
}

impl std::fmt::Debug for Metainfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Metainfo({} {:?}, {} pieces)", self.info_hash, self.name, self.pieces_total())
    }
}
