//! The content of one torrent: pieces and blocks in, files out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use engine::{BlockRef, FilePriority, FileSpan, Metainfo};
use futures_util::lock::Mutex;
use web_sys::FileSystemDirectoryHandle;

use super::handles::FileKey;
use super::opfs::{self, Access, SyncFile};
use super::{Handles, Places, StorageError};

/// Files are read in runs of this many bytes where no block says how many.
const READ_LEN: usize = 1 << 20;

/// Where a torrent's content lies.
#[derive(Debug)]
pub(crate) struct ContentFolders {
    /// One file for each of the torrent's.
    pub(super) content: FileSystemDirectoryHandle,
    /// One for each skipped file of which only the ends are kept.
    pub(super) parts: FileSystemDirectoryHandle,
}

/// Content files of one torrent.
#[derive(Debug)]
pub(crate) struct Content {
    torrent: u32,
    metainfo: Arc<Metainfo>,
    folders: ContentFolders,
    places: RefCell<Places>,
    /// Held by whoever reads, writes or moves with awaits in between: a place must not change under its feet.
    at_work: Mutex<()>,
    handles: Rc<Handles>,
    access: Cell<Access>,
    is_gone: Cell<bool>,
}

impl Content {
    /// The content of `metainfo` in `folders`, in which there is what `places` says; `torrent` numbers it among the open
    /// files.
    pub(crate) fn new(
        torrent: u32,
        metainfo: Arc<Metainfo>,
        (folders, places): (ContentFolders, Places),
        handles: Rc<Handles>,
    ) -> Self {
        Self {
            torrent,
            metainfo,
            folders,
            places: RefCell::new(places),
            at_work: Mutex::new(()),
            handles,
            access: Cell::new(Access::ReadWrite),
            is_gone: Cell::new(false),
        }
    }

    /// From now on files are opened this way; those that are open otherwise close.
    pub(crate) fn set_access(&self, access: Access) {
        if self.access.replace(access) != access {
            self.close();
        }
    }

    /// Closes all files. They open again when they are needed.
    fn close(&self) {
        self.handles.close(self.torrent);
    }

    /// Closes all files for good: the torrent is removed, and work that is still under way must not open them again,
    /// or they could neither be deleted nor opened by the next torrent of this name.
    pub(crate) fn abandon(&self) {
        self.is_gone.set(true);
        self.close();
    }

    /// Writes a run of a piece.
    pub(crate) async fn write(&self, block: &BlockRef, bytes: &[u8]) -> Result<(), StorageError> {
        let _one_at_a_time = self.at_work.lock().await;
        for span in self.metainfo.spans(block) {
            if !self.is_padding(&span) {
                let (key, offset) = self.place(&span);
                self.open(key).await?.write_at(run(bytes, &span), offset)?;
            }
        }
        Ok(())
    }

    /// As [`Self::write`], at once; `None`, with nothing written, if a file is not open.
    pub(crate) fn try_write(&self, block: &BlockRef, bytes: &[u8]) -> Option<Result<(), StorageError>> {
        let files = self.open_files(block)?;
        Some(files.into_iter().try_for_each(|(span, offset, file)| file.write_at(run(bytes, &span), offset)))
    }

    /// Reads a run of a piece into `buffer`. Returns `false` if the files are too short for it.
    pub(crate) async fn read(&self, block: &BlockRef, buffer: &mut [u8]) -> Result<bool, StorageError> {
        let _one_at_a_time = self.at_work.lock().await;
        for span in self.metainfo.spans(block) {
            let target = run_mut(buffer, &span);
            if self.is_padding(&span) {
                target.fill(0);
                continue;
            }
            let (key, offset) = self.place(&span);
            if self.open(key).await?.read_at(target, offset)? < target.len() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As [`Self::read`], at once; `None` if a file is not open.
    pub(crate) fn try_read(&self, block: &BlockRef, buffer: &mut [u8]) -> Option<Result<bool, StorageError>> {
        let files = self.open_files(block)?;
        if files.iter().map(|(span, ..)| span.len).sum::<u32>() < block.len {
            buffer.fill(0);
        }
        let mut is_whole = true;
        for (span, offset, file) in files {
            let target = run_mut(buffer, &span);
            match file.read_at(target, offset) {
                Ok(read) => is_whole &= read == target.len(),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(is_whole))
    }

    /// CRC-32 of a whole file, with pauses in which other work is done. `on_read` hears of each run how long it was.
    pub(crate) async fn crc32(&self, file: usize, mut on_read: impl FnMut(u64)) -> Result<u32, StorageError> {
        let len = self.metainfo.files().get(file).map_or(0, |entry| entry.len);
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0; READ_LEN];
        let mut at = 0;
        while at < len {
            let want = usize::try_from(len - at).unwrap_or(READ_LEN).min(READ_LEN);
            let read = {
                let _one_at_a_time = self.at_work.lock().await;
                self.open(self.key(file, false)).await?.read_at(&mut buffer[..want], at)?
            };
            if read == 0 {
                return Err(StorageError::NotFound);
            }
            hasher.update(&buffer[..read]);
            at += read as u64;
            on_read(read as u64);
            gloo_timers::future::TimeoutFuture::new(0).await;
        }
        Ok(hasher.finalize())
    }

    /// Whether everything is where it belongs when files are wanted as much as this.
    pub(crate) fn is_arranged(&self, wanted: &[FilePriority]) -> bool {
        let places = self.places.borrow();
        places.apart == places.apart_for(&self.metainfo, wanted)
    }

    /// From now on the ends of these files are kept where they belong when files are wanted as much as this. What was
    /// kept of files that are wanted now moves into them. A kill in between leaves what was kept, and it is done again at
    /// the next start; so it is after an error.
    pub(crate) async fn arrange(&self, wanted: &[FilePriority]) -> Result<(), StorageError> {
        let _one_at_a_time = self.at_work.lock().await;
        let (before, after) = {
            let places = self.places.borrow();
            (places.apart.clone(), places.apart_for(&self.metainfo, wanted))
        };
        for &file in before.iter().filter(|file| !after.contains(file)) {
            self.move_from_parts(file).await?;
            self.places.borrow_mut().apart.remove(&file);
        }
        self.places.borrow_mut().apart = after;
        Ok(())
    }

    /// As long as there is a file of parts, it holds all that there is of the ends, and the file itself nothing of them:
    /// all of it may be moved, verified or not, and more than once.
    async fn move_from_parts(&self, file: usize) -> Result<(), StorageError> {
        for end in self.metainfo.file_ends(file) {
            let mut bytes = vec![0; usize::try_from(end.len).unwrap_or(usize::MAX)];
            let read = self.open(self.key(file, true)).await?.read_at(&mut bytes, end.offset_in_parts)?;
            if read > 0 {
                self.open(self.key(file, false)).await?.write_at(&bytes[..read], end.offset_in_file)?;
            }
        }
        self.handles.close_file(self.key(file, true));
        opfs::remove(&self.folders.parts, &file.to_string()).await
    }

    fn key(&self, file: usize, is_parts: bool) -> FileKey {
        FileKey { torrent: self.torrent, file, is_parts }
    }

    /// Where a run of bytes lies: in which file, and where in it.
    fn place(&self, span: &FileSpan) -> (FileKey, u64) {
        let is_apart = self.places.borrow().apart.contains(&span.file);
        let in_parts =
            is_apart.then(|| self.metainfo.offset_in_parts(span.file, span.offset_in_file)).flatten();
        (self.key(span.file, in_parts.is_some()), in_parts.unwrap_or(span.offset_in_file))
    }

    async fn open(&self, key: FileKey) -> Result<Rc<SyncFile>, StorageError> {
        let folder = if key.is_parts { &self.folders.parts } else { &self.folders.content };
        while !self.is_gone.get() {
            let access = self.access.get();
            if !key.is_parts {
                self.places.borrow_mut().begun.insert(key.file);
            }
            let opened = self.handles.open(key, folder, access).await?;
            if !self.is_gone.get() && self.access.get() == access {
                return Ok(opened);
            }
            // While it was being opened all files were to close.
            drop(opened);
            self.close();
        }
        Err(StorageError::NotFound)
    }

    /// All files of a block with their runs and where these lie in them, padding left out; `None` if one is not open, or if
    /// somebody else is at work on them.
    fn open_files(&self, block: &BlockRef) -> Option<Vec<(FileSpan, u64, Rc<SyncFile>)>> {
        let _one_at_a_time = self.at_work.try_lock()?;
        self.metainfo
            .spans(block)
            .filter(|span| !self.is_padding(span))
            .map(|span| {
                let (key, offset) = self.place(&span);
                Some((span, offset, self.handles.get(key)?))
            })
            .collect()
    }

    fn is_padding(&self, span: &FileSpan) -> bool {
        self.metainfo.files().get(span.file).is_some_and(|file| file.is_padding)
    }
}

fn run<'a>(bytes: &'a [u8], span: &FileSpan) -> &'a [u8] {
    let start = span.offset_in_block as usize;
    bytes.get(start..start + span.len as usize).unwrap_or_default()
}

fn run_mut<'a>(bytes: &'a mut [u8], span: &FileSpan) -> &'a mut [u8] {
    let start = span.offset_in_block as usize;
    bytes.get_mut(start..start + span.len as usize).unwrap_or_default()
}
