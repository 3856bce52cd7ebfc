//! What a .torrent file says (BEP 3, 12, 27, 47, 52), checked once, so that nothing behind it has to doubt it.

mod ends;
mod error;
mod file_tree;
mod from_info;
mod hybrid;
mod info_hashes;
pub(crate) mod layers;
mod layout;
mod listed;
mod parse;
mod path;
mod place;
pub(crate) mod raw;
#[cfg(test)]
mod tests;
mod trackers;
mod versions;
mod web_seeds;

pub use ends::FileEnd;
pub use error::MetainfoError;
pub(crate) use from_info::byte_string;
pub use info_hashes::InfoHashes;
pub use layout::{FileSpan, Spans};
pub(crate) use path::safe_name;
pub(crate) use trackers::{TRACKERS_MAX, sane_url};
pub use web_seeds::{WebSeedKind, WebSeedUrl};

use std::ops::Range;

use codec::InfoHash;

use crate::geometry::Geometry;
use crate::{BlockRef, Magnet, PieceIndex};
use layers::PieceLayers;

/// Largest .torrent file that is read, in bytes. It also bounds the number of pieces, at 20 bytes each.
pub const METAINFO_LEN_MAX: usize = 16 << 20;
/// Shortest piece, in bytes: one block.
pub const PIECE_LEN_MIN: u32 = 16 << 10;
/// Longest piece, in bytes. A piece cannot be passed on before it is whole, so longer ones serve nobody; libtorrent
/// reads them up to this length, so some will be met.
pub const PIECE_LEN_MAX: u32 = 512 << 20;
/// Most pieces (libtorrent's `max_pieces`). A .torrent file of version 2 may leave out their hashes, so its own length
/// is no bound.
pub const PIECES_MAX: u32 = 1 << 21;

/// A torrent: its content's names and lengths, the hash of every piece, and its trackers.
#[derive(Clone, PartialEq, Eq)]
pub struct Metainfo {
    bytes: Vec<u8>,
    /// Where the info dictionary lies in `bytes`.
    info: Range<usize>,
    info_hashes: InfoHashes,
    name: String,
    geometry: Geometry,
    /// Of version 1; empty if there is none.
    piece_hashes: Vec<[u8; 20]>,
    /// Of version 2.
    piece_layers: PieceLayers,
    files: Vec<FileEntry>,
    is_single_file: bool,
    trackers: Vec<Vec<String>>,
    dht_nodes: Vec<(String, u16)>,
    is_private: bool,
    comment: Option<String>,
    created_by: Option<String>,
    web: web_seeds::WebParts,
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
    /// It only aligns the next file to a piece (BEP 47, and the gaps of version 2): its bytes are zero, and nobody wants
    /// it on a disk.
    pub is_padding: bool,
    /// It is a program (BEP 47).
    pub is_executable: bool,
    /// It is not meant to be seen (BEP 47).
    pub is_hidden: bool,
    /// Root of its hash tree (BEP 52); `None` without a version 2, and for empty files and padding.
    pub pieces_root: Option<[u8; 32]>,
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

    /// Names the torrent: SHA-1 over the info dictionary as it was written, or the first 20 bytes of its SHA-256 where
    /// there is only a version 2. Its swarms are in [`Metainfo::info_hashes`].
    #[must_use]
    pub fn info_hash(&self) -> InfoHash {
        self.info_hashes.primary()
    }

    /// All names of the torrent.
    #[must_use]
    pub const fn info_hashes(&self) -> InfoHashes {
        self.info_hashes
    }

    /// Name of the file, or of the folder; fit for any file system.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of every piece in bytes, but for the last one and those that end in padding.
    #[must_use]
    pub const fn piece_len(&self) -> u32 {
        self.geometry.piece_len()
    }

    /// Number of pieces; never zero.
    #[must_use]
    pub const fn pieces_total(&self) -> u32 {
        self.geometry.pieces_total()
    }

    /// Length of this piece in bytes, without the padding at its end; zero for a piece outside the torrent.
    #[must_use]
    pub fn piece_size(&self, piece: PieceIndex) -> u32 {
        self.geometry.piece_size(piece)
    }

    /// Whether these bytes lie within the piece, the padding at its end included. No bytes lie nowhere.
    #[must_use]
    pub fn contains(&self, block: &BlockRef) -> bool {
        self.geometry.contains(block)
    }

    /// Length of all pieces together in bytes, without the padding at their ends; never zero.
    #[must_use]
    pub const fn total_len(&self) -> u64 {
        self.geometry.total_len()
    }

    /// How it is cut into pieces and blocks.
    pub(crate) fn geometry(&self) -> Geometry {
        self.geometry.clone()
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

    /// Hosts and ports of nodes through which the DHT may be joined (BEP 5).
    #[must_use]
    pub fn dht_nodes(&self) -> &[(String, u16)] {
        &self.dht_nodes
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
        write!(f, "Metainfo({} {:?}, {} pieces)", self.info_hash(), self.name, self.pieces_total())
    }
}
