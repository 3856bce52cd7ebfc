//! A torrent to move around.

use std::sync::Arc;

use engine::{Bitfield, BlockRef, Metainfo, NewContent, NewTorrent, PieceIndex};

/// The content of a torrent and what its .torrent file says.
#[derive(Clone)]
pub struct Content {
    pub bytes: Arc<Vec<u8>>,
    pub metainfo: Arc<Metainfo>,
}

impl Content {
    /// `len` bytes in pieces of `piece_len`, no two blocks alike.
    pub fn new(len: usize, piece_len: u32) -> Self {
        let bytes = (0..len).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ (at >> 16)) as u8).collect();
        Self { bytes: Arc::new(bytes), ..Self::opaque(len as u64, piece_len) }
    }

    /// A folder of files of these lengths, named by their numbers.
    pub fn folder(lens: &[u64], piece_len: u32) -> Self {
        let files: Vec<_> = lens.iter().enumerate().map(|(at, &len)| (vec![at.to_string()], len)).collect();
        let len = lens.iter().sum::<u64>();
        let metainfo = Self::build(NewContent::Folder(&files), len, piece_len);
        Self { metainfo, ..Self::new(len as usize, piece_len) }
    }

    /// A torrent whose bytes nobody has.
    pub fn opaque(len: u64, piece_len: u32) -> Self {
        let metainfo = Self::build(NewContent::File(len), len, piece_len);
        Self { bytes: Arc::new(Vec::new()), metainfo }
    }

    /// The same for members of its trackers only (BEP 27), with two tiers of one tracker each.
    pub fn private(len: u64, piece_len: u32) -> Self {
        let trackers = ["http://127.0.0.1/announce", "http://127.0.0.2/announce"];
        let trackers = trackers.map(|url| vec![url.to_owned()]);
        let metainfo = Self::describe(NewContent::File(len), len, piece_len, &trackers, true);
        Self { bytes: Arc::new(Vec::new()), metainfo }
    }

    fn build(content: NewContent<'_>, len: u64, piece_len: u32) -> Arc<Metainfo> {
        Self::describe(content, len, piece_len, &[vec!["http://127.0.0.1/announce".to_owned()]], false)
    }

    fn describe(
        content: NewContent<'_>,
        len: u64,
        piece_len: u32,
        trackers: &[Vec<String>],
        is_private: bool,
    ) -> Arc<Metainfo> {
        let torrent = NewTorrent {
            name: "content",
            content,
            piece_len,
            // Hashing is the host's business, so the hashes need not be right here.
            piece_hashes: &vec![[0; 20]; len.div_ceil(u64::from(piece_len)) as usize],
            trackers,
            is_private,
            comment: None,
            created_by: None,
        };
        Arc::new(torrent.build().unwrap())
    }

    pub fn pieces(&self) -> u32 {
        self.metainfo.pieces_total()
    }

    pub fn all(&self) -> Bitfield {
        Bitfield::all(self.pieces())
    }

    pub fn none(&self) -> Bitfield {
        Bitfield::none(self.pieces())
    }

    /// Where a piece begins.
    pub fn offset(&self, piece: PieceIndex) -> usize {
        piece.0 as usize * self.metainfo.piece_len() as usize
    }

    pub fn block(&self, block: &BlockRef) -> &[u8] {
        let start = self.offset(block.piece) + block.begin as usize;
        &self.bytes[start..start + block.len as usize]
    }

    pub fn piece(&self, piece: PieceIndex) -> &[u8] {
        let start = self.offset(piece);
        &self.bytes[start..start + self.metainfo.piece_size(piece) as usize]
    }
}
