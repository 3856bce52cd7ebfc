//! The torrent's bytes as ordinary files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::{BlockRef, Metainfo, PieceIndex};

/// Files kept open at most; a torrent may have more files than a process may open.
const OPEN_FILES_MAX: usize = 64;

/// What may be done with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only; nothing is created.
    Read,
    /// Read and write; files and folders are created as they are needed.
    Write,
}

/// A file could not be read or written. The text is for the user.
#[derive(Debug, thiserror::Error)]
#[error("{what} {}: {}", .path.display(), .source)]
pub struct ContentError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl ContentError {
    fn reading(path: &Path, source: io::Error) -> Self {
        Self { what: "cannot read", path: path.to_owned(), source }
    }

    fn writing(path: &Path, source: io::Error) -> Self {
        let what = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "there is no space left for",
            _ => "cannot write",
        };
        Self { what, path: path.to_owned(), source }
    }

    /// The file is not there, or ends too early: not yet downloaded.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
    }
}

/// Reads and writes runs of a torrent's bytes, wherever they lie in its files. Any number of threads may do so at
/// the same time.
#[derive(Debug)]
pub struct Content {
    metainfo: Arc<Metainfo>,
    root: PathBuf,
    access: Access,
    open: Mutex<BTreeMap<usize, Arc<File>>>,
}

impl Content {
    /// The content of `metainfo` at `root`: the file itself, or the folder that holds the files.
    #[must_use]
    pub fn new(metainfo: Arc<Metainfo>, root: PathBuf, access: Access) -> Self {
        Self { metainfo, root, access, open: Mutex::default() }
    }

    /// The torrent.
    #[must_use]
    pub fn metainfo(&self) -> &Arc<Metainfo> {
        &self.metainfo
    }

    /// The file itself, or the folder that holds the files.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates what no piece would create: folders and empty files.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn prepare(&self) -> Result<(), ContentError> {
        for (index, file) in self.metainfo.files().iter().enumerate() {
            if file.len == 0 && !file.is_padding {
                self.file(index)?;
            }
        }
        Ok(())
    }

    /// Reads the bytes of `block` into `out`, which has its length.
    ///
    /// # Errors
    /// If a file is missing, too short, or cannot be read.
    pub fn read(&self, block: &BlockRef, out: &mut [u8]) -> Result<(), ContentError> {
        for span in self.metainfo.spans(block) {
            let start = span.offset_in_block as usize;
            let part = &mut out[start..start + span.len as usize];
            if self.metainfo.files()[span.file].is_padding {
                part.fill(0);
            } else {
                let file = self.file(span.file)?;
                let read = file.read_exact_at(part, span.offset_in_file);
                read.map_err(|error| ContentError::reading(&self.path(span.file), error))?;
            }
        }
        Ok(())
    }

    /// Reads a whole piece.
    ///
    /// # Errors
    /// As [`Content::read`].
    pub fn read_piece(&self, piece: PieceIndex, out: &mut Vec<u8>) -> Result<(), ContentError> {
        let block = BlockRef { piece, begin: 0, len: self.metainfo.piece_size(piece) };
        out.resize(block.len as usize, 0);
        self.read(&block, out)
    }

    /// Writes `bytes` where `block` lies.
    ///
    /// # Errors
    /// If the file system refuses, for instance because it is full.
    pub fn write(&self, block: &BlockRef, bytes: &[u8]) -> Result<(), ContentError> {
        for span in self.metainfo.spans(block) {
            if self.metainfo.files()[span.file].is_padding {
                continue;
            }
            let start = span.offset_in_block as usize;
            let part = &bytes[start..start + span.len as usize];
            let written = self.file(span.file)?.write_all_at(part, span.offset_in_file);
            written.map_err(|error| ContentError::writing(&self.path(span.file), error))?;
        }
        Ok(())
    }

    /// Whether each file is there and long enough for the last of the pieces in `has` that lies in it: a cheap way
    /// to notice that files were removed or cut since they were verified.
    #[must_use]
    pub fn could_hold(&self, has: impl Fn(PieceIndex) -> bool) -> bool {
        let piece_len = u64::from(self.metainfo.piece_len());
        self.metainfo.files().iter().enumerate().filter(|(_, file)| !file.is_padding).all(|(index, file)| {
            let found = fs::metadata(self.path(index)).map(|found| found.len()).ok();
            if file.len == 0 {
                return true;
            }
            let (first, last) = (file.offset / piece_len, (file.offset + file.len - 1) / piece_len);
            let needed = (first..=last).rev().find(|&piece| has(PieceIndex(piece as u32)));
            needed.is_none_or(|piece| {
                let end = ((piece + 1) * piece_len).min(file.offset + file.len) - file.offset;
                found.is_some_and(|len| len >= end)
            })
        })
    }

    fn path(&self, index: usize) -> PathBuf {
        if self.metainfo.is_single_file() {
            return self.root.clone();
        }
        let mut path = self.root.clone();
        path.extend(&self.metainfo.files()[index].path);
        path
    }

    fn file(&self, index: usize) -> Result<Arc<File>, ContentError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&index) {
            return Ok(Arc::clone(file));
        }
        if open.len() == OPEN_FILES_MAX {
            open.clear();
        }
        let file = Arc::new(self.open(index)?);
        open.insert(index, Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, index: usize) -> Result<File, ContentError> {
        let path = self.path(index);
        if self.access == Access::Read {
            return File::open(&path).map_err(|error| ContentError::reading(&path, error));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| ContentError::writing(folder, error))?;
        }
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        opened.map_err(|error| ContentError::writing(&path, error))
    }
}
