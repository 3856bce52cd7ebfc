//! A torrent to move around.

use std::sync::Arc;

use engine::merkle::LeafHasher;
use engine::{
    BLOCK_LEN, Bitfield, BlockRef, ContentTrees, FileEntry, FileTree, Metainfo, NewContent, NewTorrent,
    PieceIndex,
};
use sha1::{Digest as _, Sha1};

/// The content of a torrent and what its .torrent file says.
#[derive(Clone)]
pub struct Content {
    pub bytes: Arc<Vec<u8>>,
    pub metainfo: Arc<Metainfo>,
    /// The hashes are those of the bytes; elsewhere nobody looks at them.
    pub has_real_hashes: bool,
}

/// Which versions of the format a torrent has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    V2,
    Hybrid,
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
        Self { bytes: Arc::new(Vec::new()), metainfo, has_real_hashes: false }
    }

    /// The same for members of its trackers only (BEP 27), with two tiers of one tracker each.
    pub fn private(len: u64, piece_len: u32) -> Self {
        let trackers = ["http://127.0.0.1/announce", "http://127.0.0.2/announce"];
        let trackers = trackers.map(|url| vec![url.to_owned()]);
        let metainfo = Self::describe(NewContent::File(len), len, piece_len, &trackers, true);
        Self { bytes: Arc::new(Vec::new()), metainfo, has_real_hashes: false }
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

    /// Files of these lengths in version 2 of the format, with their true hashes.
    pub fn v2(lens: &[u64], piece_len: u32, versions: Versions) -> Self {
        let files: Vec<_> = (0..).zip(lens).map(|(nth, len)| (vec![format!("file {nth}")], *len)).collect();
        let mut new = NewTorrent {
            name: "content",
            content: NewContent::Folder(&files),
            piece_len,
            piece_hashes: &[],
            trackers: &[vec!["http://127.0.0.1/announce".to_owned()]],
            is_private: false,
            comment: None,
            created_by: None,
        };
        let is_hybrid = versions == Versions::Hybrid;
        let layout = new.layout_v2(is_hybrid).unwrap();
        let last = layout.files().last().unwrap();
        let mut bytes: Vec<u8> = Self::new((last.offset + last.len) as usize, piece_len).bytes.to_vec();
        for padding in layout.files().iter().filter(|file| file.is_padding) {
            bytes[padding.offset as usize..][..padding.len as usize].fill(0);
        }
        let content = Self { bytes: Arc::new(bytes), metainfo: Arc::new(layout), has_real_hashes: true };
        let tree = |file: &FileEntry| {
            let start = file.offset as usize;
            let bytes = &content.bytes[start..start + file.len as usize];
            let first = PieceIndex((file.offset / u64::from(piece_len)) as u32);
            let width =
                content.metainfo.piece_hashes(first).v2.map_or(piece_len / BLOCK_LEN, |check| check.width);
            let pieces = bytes.chunks(piece_len as usize).map(|piece| {
                let mut leaves = LeafHasher::default();
                leaves.update(piece);
                leaves.root(width as usize).unwrap()
            });
            FileTree::new(pieces.collect(), piece_len)
        };
        let real_files = content.metainfo.files().iter().filter(|file| !file.is_padding);
        let trees: Vec<FileTree> = real_files.map(tree).collect();
        let hashes: Vec<[u8; 20]> =
            content.bytes.chunks(piece_len as usize).map(|piece| Sha1::digest(piece).into()).collect();
        if is_hybrid {
            new.piece_hashes = &hashes;
        }
        let metainfo = new.build_v2(ContentTrees { files: &trees, is_hybrid }).unwrap();
        Self { metainfo: Arc::new(metainfo), ..content }
    }

    /// The same torrent as it comes by a magnet link: without its piece layers.
    pub fn without_layers(&self) -> Arc<Metainfo> {
        let info = self.metainfo.info_bytes();
        let file = [b"d4:info", info, b"e"].concat();
        Arc::new(Metainfo::parse(&file).unwrap())
    }

    /// The same, to be had at these addresses too.
    pub fn with_web_seeds(self, urls: &[&str]) -> Self {
        let urls: Vec<String> = urls.iter().map(|&url| url.to_owned()).collect();
        Self { metainfo: Arc::new(self.metainfo.with_web_seeds(&urls).unwrap()), ..self }
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
