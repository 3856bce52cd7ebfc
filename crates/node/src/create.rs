//! `swarmscope-node create`: makes a .torrent file.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::{
    ContentTrees, FileEntry, FileTree, Metainfo, NewContent, NewTorrent, PieceHasher, PieceHashes,
    PieceIndex, TreeCheck, piece_len_for,
};

use crate::cli::CreateArgs;
use crate::content::{Access, Content, ContentError};
use crate::hashing::for_each_piece;
use crate::report::Reporter;
use crate::session::Outcome;

type AnyError = Box<dyn Error + Send + Sync>;

/// What a torrent says beside its content.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Addresses of trackers, one tier each: the first is tried first.
    pub trackers: Vec<String>,
    /// Addresses of web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// Bytes of a piece; `None`: what suits the size.
    pub piece_len: Option<u32>,
    /// Only the trackers may introduce peers (BEP 27).
    pub is_private: bool,
    /// For people.
    pub comment: Option<String>,
    /// Which versions of the format it has.
    pub format: Format,
}

/// Which versions of the format a torrent has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Version 1 (BEP 3): everybody can read it.
    #[default]
    V1,
    /// Version 2 alone (BEP 52).
    V2,
    /// Both.
    Hybrid,
}

/// Makes the .torrent file that the arguments name.
///
/// # Errors
/// With a text for the user.
pub async fn run(args: CreateArgs) -> Outcome {
    let reporter = Reporter::new(args.output);
    let shown = reporter.clone();
    let wishes = Wishes {
        trackers: args.trackers,
        web_seeds: args.web_seeds,
        piece_len: args.piece_len,
        is_private: args.private,
        comment: args.comment,
        format: match (args.v2, args.hybrid) {
            (true, _) => Format::V2,
            (_, true) => Format::Hybrid,
            _ => Format::V1,
        },
    };
    let path = args.path;
    let making = tokio::task::spawn_blocking(move || {
        make(&path, &wishes, |hashed_bytes, total_bytes| shown.hashing(hashed_bytes, total_bytes))
    });
    let metainfo = making.await??;
    let out = args.out.unwrap_or_else(|| PathBuf::from(format!("{}.torrent", metainfo.name())));
    write_new(&out, metainfo.as_bytes(), args.force)
        .map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    reporter.created(&metainfo, &out);
    Ok(ExitCode::SUCCESS)
}

/// Hashes the file or folder at `path`. `on_progress` hears of hashed and of all bytes.
///
/// # Errors
/// With a text for the user.
pub fn make(
    path: &Path,
    wishes: &Wishes,
    mut on_progress: impl FnMut(u64, u64),
) -> Result<Metainfo, AnyError> {
    let path = fs::canonicalize(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let name = path.file_name().ok_or("this folder has no name")?;
    let name = name.to_str().ok_or("the name is not UTF-8, and torrents know no other")?;
    let files = if path.is_dir() { Some(list_files(&path)?) } else { None };
    let (content, total_len) = match &files {
        Some(files) => (NewContent::Folder(files), files.iter().map(|(_, len)| len).sum()),
        None => {
            let len = fs::metadata(&path)?.len();
            (NewContent::File(len), len)
        }
    };
    if total_len == 0 {
        return Err("there is nothing in it: a torrent needs at least one byte".into());
    }
    let piece_len = wishes.piece_len.unwrap_or_else(|| piece_len_for(total_len)).max(1);
    let trackers: Vec<Vec<String>> = wishes.trackers.iter().map(|url| vec![url.clone()]).collect();
    let new = NewTorrent {
        name,
        content,
        piece_len,
        piece_hashes: &[],
        trackers: &trackers,
        is_private: wishes.is_private,
        comment: wishes.comment.as_deref(),
        created_by: Some(concat!("swarmscope-node/", env!("CARGO_PKG_VERSION"))),
    };
    let layout = Arc::new(layout(&new, wishes.format, total_len)?);
    if let Some(files) = &files {
        refuse_unfit_names(files, &layout)?;
    }
    let content = Content::new(Arc::clone(&layout), path.clone(), Access::Read);
    let mut hashed_bytes = 0;
    let hashes = hash(&content, |bytes| {
        hashed_bytes += bytes;
        on_progress(hashed_bytes, layout.total_len());
    })?;
    let piece_hashes: Vec<[u8; 20]> = hashes.iter().filter_map(|hash| hash.v1).collect();
    let new = NewTorrent { piece_hashes: &piece_hashes, ..new };
    if wishes.format == Format::V1 {
        return Ok(new.build()?.with_web_seeds(&wishes.web_seeds)?);
    }
    let trees = file_trees(&layout, &hashes);
    let trees = ContentTrees { files: &trees, is_hybrid: wishes.format == Format::Hybrid };
    Ok(new.build_v2(trees)?.with_web_seeds(&wishes.web_seeds)?)
}

/// The torrent with hashes that are none: where each piece lies does not depend on them.
fn layout(new: &NewTorrent<'_>, format: Format, total_len: u64) -> Result<Metainfo, AnyError> {
    if format != Format::V1 {
        return Ok(new.layout_v2(format == Format::Hybrid)?);
    }
    let pieces_total = usize::try_from(total_len.div_ceil(u64::from(new.piece_len)))?;
    Ok(NewTorrent { piece_hashes: &vec![[0; 20]; pieces_total], ..new.clone() }.build()?)
}

/// What a piece hashes to, in the versions that are asked for.
#[derive(Clone, Debug, Default)]
struct Hashes {
    v1: Option<[u8; 20]>,
    v2: Option<[u8; 32]>,
}

/// Hashes every piece for what the torrent asks to be checked. `on_piece` hears of the length of each.
fn hash(content: &Content, mut on_piece: impl FnMut(u64)) -> Result<Vec<Hashes>, AnyError> {
    let layout = content.metainfo();
    let mut hashes = vec![Hashes::default(); layout.pieces_total() as usize];
    let work = |piece, buffer: &mut Vec<u8>| {
        // What it will have to be is not known yet, only what it takes to find out.
        let v2 = layout.tree_width(piece).map(|width| TreeCheck { root: [0; 32], width });
        let asked = PieceHashes { v2, ..layout.piece_hashes(piece) };
        let mut hasher = PieceHasher::new(asked);
        content.read_piece(piece, buffer, |slice| hasher.update(slice))?;
        let (v1, v2) = hasher.hashes();
        Ok::<_, ContentError>(Hashes { v1, v2 })
    };
    let on_done = |piece: PieceIndex, hash| {
        hashes[piece.0 as usize] = hash;
        on_piece(u64::from(layout.piece_size(piece)));
    };
    for_each_piece(layout.pieces_total(), work, on_done, &AtomicBool::new(false))?;
    Ok(hashes)
}

/// The hash tree of each file, from those of its pieces.
fn file_trees(layout: &Metainfo, hashes: &[Hashes]) -> Vec<FileTree> {
    let piece_len = u64::from(layout.piece_len());
    let tree = |file: &FileEntry| {
        let first = (file.offset / piece_len) as usize;
        let pieces = &hashes[first..first + file.len.div_ceil(piece_len) as usize];
        FileTree::new(pieces.iter().filter_map(|hash| hash.v2).collect(), layout.piece_len())
    };
    layout.files().iter().filter(|file| !file.is_padding).map(tree).collect()
}

/// Everyone who reads a torrent, we too, changes names that some file system cannot hold, and would then not find these
/// files on the disk they came from.
fn refuse_unfit_names(files: &[(Vec<String>, u64)], layout: &Metainfo) -> Result<(), AnyError> {
    let entries = layout.files().iter().filter(|entry| !entry.is_padding);
    let changed = files.iter().zip(entries).find(|((path, _), entry)| *path != entry.path);
    changed.map_or(Ok(()), |((path, _), entry)| {
        let (unfit, fit) = (path.join("/"), entry.path.join("/"));
        Err(format!("not every system can store a file named {unfit:?}; rename it, for instance to {fit:?}")
            .into())
    })
}

/// All files below `folder` in the order of their paths, so that the same folder gives the same info hash everywhere.
fn list_files(folder: &Path) -> Result<Vec<(Vec<String>, u64)>, AnyError> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), Vec::<String>::new())];
    while let Some((folder, names)) = folders.pop() {
        let unreadable = |error: io::Error| format!("cannot read {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| format!("the name {} is not UTF-8", name.display()))?;
            let path = [names.as_slice(), &[name]].concat();
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                folders.push((entry.path(), path));
            } else if kind.is_file() {
                files.push((path, entry.metadata().map_err(unreadable)?.len()));
            }
            // Links are left out: what they point at may lie outside, and would be shared unawares.
        }
    }
    files.sort();
    Ok(files)
}

fn write_new(path: &Path, bytes: &[u8], may_replace: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if may_replace {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_name_that_not_every_system_can_store_is_refused_with_a_better_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("what?.txt"), b"x").unwrap();
        let error = make(folder.path(), &Wishes::default(), |_, _| {}).unwrap_err().to_string();
        assert!(
            error.contains("what?.txt") && error.contains("rename it, for instance to \"what_.txt\""),
            "{error}"
        );
        fs::rename(folder.path().join("what?.txt"), folder.path().join("what_.txt")).unwrap();
        assert_eq!(make(folder.path(), &Wishes::default(), |_, _| {}).unwrap().files().len(), 1);
    }

    #[test]
    fn a_web_seed_stands_in_the_torrent() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), b"x").unwrap();
        let url = "https://mirror.example/pub/".to_owned();
        let wishes = Wishes { web_seeds: vec![url.clone()], ..Wishes::default() };
        let metainfo = make(&folder.path().join("a"), &wishes, |_, _| {}).unwrap();
        assert_eq!(metainfo.web_seeds()[0].url, url);
    }
}
