//! Version 2 of a new torrent, alone or in a hybrid.

use std::collections::BTreeMap;

use codec::bencode::{Limits, scan};
use serde_bytes::ByteBuf;

use super::{NewContent, NewTorrent, bytes, number};
use crate::merkle::{Node, root};
use crate::metainfo::byte_string;
use crate::metainfo::layers::piece_height;
use crate::metainfo::raw::{RawFile, RawInfo};
use crate::{METAINFO_LEN_MAX, Metainfo, MetainfoError, order};

/// What was just encoded here is sound; only its length is open.
const LIMITS: Limits = Limits { len_max: METAINFO_LEN_MAX, depth_max: 100, items_max: usize::MAX };

/// The hash tree of a new torrent's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTree {
    /// Its root; `None` for an empty file.
    pub root: Option<Node>,
    /// The roots of its pieces, if it has more than one.
    pub layer: Vec<Node>,
}

impl FileTree {
    /// The tree of a file with these piece roots (see [`crate::TreeCheck`]), in a torrent of this piece length.
    #[must_use]
    pub fn new(pieces: Vec<Node>, piece_len: u32) -> Self {
        match pieces[..] {
            [] => Self { root: None, layer: Vec::new() },
            // A file of one piece has the tree of that piece, which is only as wide as it needs.
            [root] => Self { root: Some(root), layer: Vec::new() },
            _ => {
                let root = root(&pieces, piece_height(piece_len), pieces.len().next_power_of_two());
                Self { root: Some(root), layer: pieces }
            }
        }
    }

    /// One that only holds the place of another, so that a layout can be made before anything is hashed. Each file has a
    /// root of its own: with one they would have to be of one length.
    fn placeholder(nth: u64, len: u64) -> Self {
        let mut root = [0xff; 32];
        root[..8].copy_from_slice(&nth.to_be_bytes());
        Self { root: (len > 0).then_some(root), layer: Vec::new() }
    }
}

/// The hash trees of all files, in their order, which must be that of their paths.
#[derive(Clone, Copy, Debug)]
pub struct ContentTrees<'a> {
    /// One for each file.
    pub files: &'a [FileTree],
    /// There is a version 1 as well.
    pub is_hybrid: bool,
}

impl NewTorrent<'_> {
    /// As [`NewTorrent::build`] with a version 2, and with a version 1 only in a hybrid. The piece length must be a power
    /// of two, the files in the order of their paths.
    ///
    /// # Errors
    /// Those of [`Metainfo::parse`].
    pub fn build_v2(&self, trees: ContentTrees<'_>) -> Result<Metainfo, MetainfoError> {
        let files = self.files();
        let padded = self.padded_files(&files);
        let mut info = RawInfo {
            meta_version: Some(2),
            name: Some(bytes(self.name)),
            piece_len: Some(i64::from(self.piece_len)),
            private: self.is_private.then_some(1),
            ..RawInfo::default()
        };
        if trees.is_hybrid {
            info.pieces = Some(ByteBuf::from(self.piece_hashes.as_flattened()));
            match self.content {
                NewContent::File(len) => info.length = Some(number(len)?),
                NewContent::Folder(_) => info.files = Some(padded?),
            }
        }
        let known = serde_bencode::to_bytes(&info).map_err(|_| MetainfoError::NotATorrent)?;
        let tree = tree(&files, trees.files)?;
        let info = with_entry(&known, b"file tree", &tree)?;
        let outside = serde_bencode::to_bytes(&self.raw(RawInfo::default()));
        let file = outside.map_err(|_| MetainfoError::NotATorrent)?;
        let file = with_entry(&with_entry(&file, b"info", &info)?, b"piece layers", &layers(trees.files))?;
        Metainfo::parse(&file)
    }

    /// The torrent as it will be, with hashes that are none: it says where each piece lies and what is hashed with it.
    ///
    /// # Errors
    /// Those of [`NewTorrent::build_v2`].
    pub fn layout_v2(&self, is_hybrid: bool) -> Result<Metainfo, MetainfoError> {
        let files = self.files();
        let trees: Vec<FileTree> =
            (0..).zip(&files).map(|(nth, (_, len))| FileTree::placeholder(nth, *len)).collect();
        let alone = self.build_v2(ContentTrees { files: &trees, is_hybrid: false })?;
        if !is_hybrid {
            return Ok(alone);
        }
        let piece_hashes = vec![[0; 20]; alone.pieces_total() as usize];
        let Self { name, content, piece_len, trackers, is_private, comment, created_by, .. } = *self;
        let new = NewTorrent {
            name,
            content,
            piece_len,
            piece_hashes: &piece_hashes,
            trackers,
            is_private,
            comment,
            created_by,
        };
        new.build_v2(ContentTrees { files: &trees, is_hybrid })
    }

    /// Path and length of each file; that of a single one is the torrent's name.
    fn files(&self) -> Vec<(Vec<String>, u64)> {
        match self.content {
            NewContent::File(len) => vec![(vec![self.name.to_owned()], len)],
            NewContent::Folder(files) => files.to_vec(),
        }
    }

    /// The files of version 1, with padding before each that would not begin at a piece (BEP 47).
    fn padded_files(&self, files: &[(Vec<String>, u64)]) -> Result<Vec<RawFile>, MetainfoError> {
        let mut padded = Vec::with_capacity(2 * files.len());
        let mut offset = 0_u64;
        for (path, len) in files {
            let end = offset.checked_next_multiple_of(u64::from(self.piece_len.max(1)));
            let gap = end.ok_or(MetainfoError::TotalTooLarge)? - offset;
            if gap > 0 && *len > 0 {
                padded.push(RawFile {
                    attr: Some(bytes("p")),
                    length: Some(number(gap)?),
                    path: Some(vec![bytes(".pad"), bytes(gap.to_string())]),
                    ..RawFile::default()
                });
                offset += gap;
            }
            padded.push(super::raw_file(path, *len)?);
            offset = offset.checked_add(*len).ok_or(MetainfoError::TotalTooLarge)?;
        }
        Ok(padded)
    }
}

/// A folder of the tree: files and folders by name.
#[derive(Default)]
struct Folder<'a> {
    entries: BTreeMap<&'a [u8], Entry<'a>>,
}

enum Entry<'a> {
    File(u64, &'a FileTree),
    Folder(Folder<'a>),
}

fn tree(files: &[(Vec<String>, u64)], trees: &[FileTree]) -> Result<Vec<u8>, MetainfoError> {
    let mut top = Folder::default();
    for ((path, len), tree) in files.iter().zip(trees) {
        let duplicate = || MetainfoError::DuplicatePath { path: path.join("/") };
        let (name, folders) = path.split_last().ok_or(MetainfoError::PathMissing { number: 1 })?;
        let mut folder = &mut top;
        for name in folders {
            let entry = folder.entries.entry(name.as_bytes());
            let Entry::Folder(inner) = entry.or_insert_with(|| Entry::Folder(Folder::default())) else {
                return Err(duplicate());
            };
            folder = inner;
        }
        if folder.entries.insert(name.as_bytes(), Entry::File(*len, tree)).is_some() {
            return Err(duplicate());
        }
    }
    let mut out = Vec::new();
    top.encode(&mut out);
    Ok(out)
}

impl Folder<'_> {
    /// Recurses as deep as the paths have parts.
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(b'd');
        for (name, entry) in &self.entries {
            byte_string(out, name);
            match entry {
                Entry::Folder(folder) => folder.encode(out),
                Entry::File(len, tree) => {
                    out.extend_from_slice(b"d0:d");
                    byte_string(out, b"length");
                    out.extend_from_slice(format!("i{len}e").as_bytes());
                    if let Some(root) = &tree.root {
                        byte_string(out, b"pieces root");
                        byte_string(out, root);
                    }
                    out.extend_from_slice(b"ee");
                }
            }
        }
        out.push(b'e');
    }
}

fn layers(trees: &[FileTree]) -> Vec<u8> {
    let layered = trees.iter().filter(|tree| !tree.layer.is_empty());
    let layers: BTreeMap<_, _> =
        order::gather(layered.map(|tree| (tree.root.unwrap_or_default(), &tree.layer)));
    let mut out = vec![b'd'];
    for (root, layer) in layers {
        byte_string(&mut out, &root);
        byte_string(&mut out, layer.as_flattened());
    }
    out.push(b'e');
    out
}

/// A bencoded dictionary with one entry put in, or in place of the one with that key.
fn with_entry(dict: &[u8], key: &[u8], value: &[u8]) -> Result<Vec<u8>, MetainfoError> {
    let document = scan(dict, &LIMITS).map_err(MetainfoError::Damaged)?;
    let entries = document.root().dict().into_iter().flatten();
    let mut entries: BTreeMap<&[u8], &[u8]> = order::gather(entries.map(|(key, value)| (key, value.raw())));
    entries.insert(key, value);
    let mut out = vec![b'd'];
    for (key, value) in entries {
        byte_string(&mut out, key);
        out.extend_from_slice(value);
    }
    out.push(b'e');
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::PieceIndex;

    fn new<'a>(content: NewContent<'a>, piece_hashes: &'a [[u8; 20]]) -> NewTorrent<'a> {
        NewTorrent {
            name: "n",
            content,
            piece_len: 32_768,
            piece_hashes,
            trackers: &[],
            is_private: true,
            comment: Some("c"),
            created_by: None,
        }
    }

    fn files() -> Vec<(Vec<String>, u64)> {
        let path = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        vec![(path("a/b"), 40_000), (path("a/c"), 0), (path("d"), 5), (path("e"), 70_000)]
    }

    fn trees() -> Vec<FileTree> {
        vec![
            FileTree::new(vec![[1; 32], [2; 32]], 32_768),
            FileTree::new(vec![], 32_768),
            FileTree::new(vec![[3; 32]], 32_768),
            FileTree::new(vec![[4; 32], [5; 32], [6; 32]], 32_768),
        ]
    }

    #[test]
    fn version_2_alone_reads_back_what_went_in() {
        let (files, trees) = (files(), trees());
        let new = new(NewContent::Folder(&files), &[]);
        let metainfo = new.build_v2(ContentTrees { files: &trees, is_hybrid: false }).unwrap();
        assert!(metainfo.info_hashes().v1().is_none() && metainfo.is_private());
        let listed = metainfo.files().iter().filter(|file| !file.is_padding);
        assert_eq!(listed.map(|file| (file.path.clone(), file.len)).collect::<Vec<_>>(), files);
        let roots: Vec<u8> =
            (0..6).map(|piece| metainfo.piece_hashes(PieceIndex(piece)).v2.unwrap().root[0]).collect();
        assert_eq!(roots, [1, 2, 3, 4, 5, 6]);
        assert_eq!(new.layout_v2(false).unwrap().files().len(), metainfo.files().len());
    }

    #[test]
    fn a_hybrid_is_padded_so_that_both_versions_agree() {
        let (files, trees) = (files(), trees());
        let hashes: Vec<[u8; 20]> = (0..6).map(|nth| [nth; 20]).collect();
        let new = new(NewContent::Folder(&files), &hashes);
        let metainfo = new.build_v2(ContentTrees { files: &trees, is_hybrid: true }).unwrap();
        assert!(metainfo.info_hashes().is_hybrid());
        let pads = metainfo.files().iter().filter(|file| file.is_padding).map(|file| file.len);
        assert_eq!(pads.collect::<Vec<_>>(), [2 * 32_768 - 40_000, 32_768 - 5]);
        assert_eq!(metainfo.total_len(), 110_005);
        let layout = new.layout_v2(true).unwrap();
        assert_eq!(layout.piece_hashes(PieceIndex(1)).v1.unwrap().padding, 2 * 32_768 - 40_000);
    }

    #[test]
    fn a_single_file_is_one_in_both_versions() {
        let tree = [FileTree::new(vec![[9; 32]], 32_768)];
        let new = new(NewContent::File(5), &[[7; 20]]);
        for is_hybrid in [false, true] {
            let metainfo = new.build_v2(ContentTrees { files: &tree, is_hybrid }).unwrap();
            assert!(metainfo.is_single_file());
            assert_eq!((metainfo.name(), metainfo.files()[0].path.join("/").as_str()), ("n", "n"));
        }
    }

    #[test]
    fn what_nobody_could_read_is_not_made() {
        let tree = [FileTree::new(vec![[9; 32]], 32_768)];
        let odd = NewTorrent { piece_len: 40_000, ..new(NewContent::File(5), &[]) };
        let error = odd.build_v2(ContentTrees { files: &tree, is_hybrid: false }).unwrap_err();
        assert_eq!(error, MetainfoError::PieceLenNotPowerOfTwo { len: 40_000 });
    }
}
