//! `swarmscope-node create`: makes a .torrent file.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::{Metainfo, NewContent, NewTorrent, piece_len_for};

use crate::cli::CreateArgs;
use crate::content::{Access, Content};
use crate::hashing::hash_pieces;
use crate::report::Reporter;
use crate::session::Outcome;

type AnyError = Box<dyn Error + Send + Sync>;

/// What a torrent says beside its content.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Addresses of trackers, one tier each: the first is tried first.
    pub trackers: Vec<String>,
    /// Bytes of a piece; `None`: what suits the size.
    pub piece_len: Option<u32>,
    /// Only the trackers may introduce peers (BEP 27).
    pub is_private: bool,
    /// For people.
    pub comment: Option<String>,
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
        piece_len: args.piece_len,
        is_private: args.private,
        comment: args.comment,
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
    let build = |piece_hashes: &[[u8; 20]]| {
        let new = NewTorrent {
            name,
            content,
            piece_len,
            piece_hashes,
            trackers: &trackers,
            is_private: wishes.is_private,
            comment: wishes.comment.as_deref(),
            created_by: Some(concat!("swarmscope-node/", env!("CARGO_PKG_VERSION"))),
        };
        new.build()
    };
    let pieces_total = usize::try_from(total_len.div_ceil(u64::from(piece_len)))?;
    let mut hashes = vec![[0; 20]; pieces_total];
    // The layout of the files does not depend on the hashes, so a torrent with none says where each piece lies.
    let layout = Arc::new(build(&hashes)?);
    if let Some(files) = &files {
        refuse_unfit_names(files, &layout)?;
    }
    let content = Content::new(Arc::clone(&layout), path.clone(), Access::Read);
    let mut hashed_bytes = 0;
    let on_hash = |piece: engine::PieceIndex, hash: Option<[u8; 20]>| {
        hashes[piece.0 as usize] = hash.unwrap_or_default();
        hashed_bytes += u64::from(layout.piece_size(piece));
        on_progress(hashed_bytes, total_len);
    };
    let read = |piece, bytes: &mut Vec<u8>| content.read_piece(piece, bytes).map(|()| true);
    hash_pieces(layout.pieces_total(), read, on_hash, &AtomicBool::new(false))?;
    Ok(build(&hashes)?)
}

/// Everyone who reads a torrent, we too, changes names that some file system cannot hold, and would then not find these
/// files on the disk they came from.
fn refuse_unfit_names(files: &[(Vec<String>, u64)], layout: &Metainfo) -> Result<(), AnyError> {
    let changed = files.iter().zip(layout.files()).find(|((path, _), entry)| *path != entry.path);
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
}
