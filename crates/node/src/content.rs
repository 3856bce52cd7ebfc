//! The torrent's bytes as ordinary files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::{BlockRef, FilePriority, FileSpan, Metainfo, PieceIndex};

use crate::parts::Parts;

/// Files kept open at most; a torrent may have more files than a process may open.
const OPEN_FILES_MAX: usize = 64;

/// Long pieces are read in slices of so many bytes.
const SLICE_LEN: u32 = 4 << 20;

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

/// Where the bytes of a file of the torrent may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// In the file itself.
    File,
    /// Among the parts, since the file is skipped.
    Parts,
}

/// Reads and writes runs of a torrent's bytes, wherever they lie in its files. Any number of threads may do so at
/// the same time.
#[derive(Debug)]
pub struct Content {
    metainfo: Arc<Metainfo>,
    root: PathBuf,
    access: Access,
    open: Mutex<BTreeMap<(usize, Kind), Arc<File>>>,
    parts: Parts,
    priorities: Vec<FilePriority>,
}

impl Content {
    /// The content of `metainfo` at `root`: the file itself, or the folder that holds the files.
    #[must_use]
    pub fn new(metainfo: Arc<Metainfo>, root: PathBuf, access: Access) -> Self {
        let parts = Parts::find(&root);
        Self { metainfo, root, access, open: Mutex::default(), parts, priorities: Vec::new() }
    }

    /// These files are wanted from now on, and no others: the others' ends that come with wanted pieces go to the parts,
    /// as far as a file is not there already, and those of files that were not wanted before move into them. No piece
    /// may be read or written meanwhile.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn set_priorities(&mut self, files: &[FilePriority]) -> Result<(), ContentError> {
        self.priorities = files.to_vec();
        let indices = 0..self.metainfo.files().len();
        let metainfo = Arc::clone(&self.metainfo);
        for index in indices.filter(|&index| !metainfo.files()[index].is_padding) {
            let is_wanted = files.get(index).is_none_or(|&priority| priority != FilePriority::Skip);
            if is_wanted && self.parts.holds(index) {
                self.move_out_of_parts(index)?;
            } else if !is_wanted && self.access == Access::Write && !self.path(index, Kind::File).exists() {
                self.parts.add(index);
            }
        }
        Ok(())
    }

    /// The torrent.
    #[must_use]
    pub fn metainfo(&self) -> &Arc<Metainfo> {
        &self.metainfo
    }

    /// How much each file is wanted, as it was last set; files that are not named are of normal priority.
    #[must_use]
    pub fn priorities(&self) -> &[FilePriority] {
        &self.priorities
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
            if file.len == 0 && !file.is_padding && !self.parts.holds(index) {
                self.file(index, Kind::File)?;
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
                let (kind, offset) = self.place(&span);
                let read = self.file(span.file, kind)?.read_exact_at(part, offset);
                read.map_err(|error| ContentError::reading(&self.path(span.file, kind), error))?;
            }
        }
        Ok(())
    }

    /// Reads a whole piece slice by slice into `buffer` and hands each on: a piece may be longer than memory is large.
    ///
    /// # Errors
    /// As [`Content::read`].
    pub fn read_piece(
        &self,
        piece: PieceIndex,
        buffer: &mut Vec<u8>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ContentError> {
        let (mut begin, end) = (0, self.metainfo.piece_size(piece));
        while begin < end {
            let len = (end - begin).min(SLICE_LEN);
            buffer.resize(len as usize, 0);
            self.read(&BlockRef { piece, begin, len }, buffer)?;
            take(buffer);
            begin += len;
        }
        Ok(())
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
            let (kind, offset) = self.place(&span);
            let written = self.file(span.file, kind)?.write_all_at(part, offset);
            written.map_err(|error| ContentError::writing(&self.path(span.file, kind), error))?;
        }
        Ok(())
    }

    /// Whether each file is there and long enough for the last of the pieces in `has` that lies in it: a cheap way
    /// to notice that files were removed or cut since they were verified.
    #[must_use]
    pub fn could_hold(&self, has: impl Fn(PieceIndex) -> bool) -> bool {
        let piece_len = u64::from(self.metainfo.piece_len());
        let files = self.metainfo.files().iter().enumerate();
        files.filter(|(_, file)| !file.is_padding && file.len > 0).all(|(index, file)| {
            let (first, last) = (file.offset / piece_len, (file.offset + file.len - 1) / piece_len);
            let needed = (first..=last).rev().find(|&piece| has(PieceIndex(piece as u32)));
            needed.is_none_or(|piece| {
                let end = ((piece + 1) * piece_len).min(file.offset + file.len) - file.offset;
                let (kind, before_end) = self.place_in(index, end - 1);
                fs::metadata(self.path(index, kind)).is_ok_and(|found| found.len() > before_end)
            })
        })
    }

    /// Where a run of bytes lies.
    fn place(&self, span: &FileSpan) -> (Kind, u64) {
        self.place_in(span.file, span.offset_in_file)
    }

    fn place_in(&self, file: usize, offset_in_file: u64) -> (Kind, u64) {
        let is_in_parts = self.parts.holds(file);
        let in_parts = is_in_parts.then(|| self.metainfo.offset_in_parts(file, offset_in_file)).flatten();
        in_parts.map_or((Kind::File, offset_in_file), |offset| (Kind::Parts, offset))
    }

    /// The file is wanted now: what came of it already moves into it. A kill in between leaves the parts, from which it
    /// is done again.
    fn move_out_of_parts(&mut self, index: usize) -> Result<(), ContentError> {
        let path = self.parts.path(index);
        if path.exists() {
            let parts = self.file(index, Kind::Parts)?;
            for end in self.metainfo.file_ends(index) {
                let mut bytes = vec![0; end.len as usize];
                match parts.read_exact_at(&mut bytes, end.offset_in_parts) {
                    Ok(()) => {
                        let written = self.file(index, Kind::File)?.write_all_at(&bytes, end.offset_in_file);
                        written
                            .map_err(|error| ContentError::writing(&self.path(index, Kind::File), error))?;
                    }
                    // It never came.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                    Err(error) => return Err(ContentError::reading(&path, error)),
                }
            }
            self.open.get_mut().unwrap_or_else(PoisonError::into_inner).remove(&(index, Kind::Parts));
            fs::remove_file(&path).map_err(|error| ContentError::writing(&path, error))?;
        }
        self.parts.remove(index);
        Ok(())
    }

    fn path(&self, index: usize, kind: Kind) -> PathBuf {
        if kind == Kind::Parts {
            return self.parts.path(index);
        }
        if self.metainfo.is_single_file() {
            return self.root.clone();
        }
        let mut path = self.root.clone();
        path.extend(&self.metainfo.files()[index].path);
        path
    }

    fn file(&self, index: usize, kind: Kind) -> Result<Arc<File>, ContentError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&(index, kind)) {
            return Ok(Arc::clone(file));
        }
        if open.len() == OPEN_FILES_MAX {
            open.clear();
        }
        let is_executable = kind == Kind::File && self.metainfo.files()[index].is_executable;
        let file = Arc::new(self.open(&self.path(index, kind), is_executable)?);
        open.insert((index, kind), Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, path: &Path, is_executable: bool) -> Result<File, ContentError> {
        if self.access == Access::Read {
            return File::open(path).map_err(|error| ContentError::reading(path, error));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| ContentError::writing(folder, error))?;
        }
        // What the user's own mask leaves of it.
        let mode = if is_executable { 0o777 } else { 0o666 };
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(mode).open(path);
        opened.map_err(|error| ContentError::writing(path, error))
    }
}
