//! The content of one torrent: pieces and blocks in, files out.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use engine::{BlockRef, FileSpan, Metainfo};
use web_sys::FileSystemDirectoryHandle;

use super::handles::FileKey;
use super::opfs::{Access, SyncFile};
use super::{Handles, StorageError};

/// Files are read in runs of this many bytes where no block says how many.
const READ_LEN: usize = 1 << 20;

/// Content files of one torrent.
#[derive(Debug)]
pub(crate) struct Content {
    torrent: u32,
    metainfo: Arc<Metainfo>,
    folder: FileSystemDirectoryHandle,
    handles: Rc<Handles>,
    access: Cell<Access>,
    is_gone: Cell<bool>,
}

impl Content {
    /// The content of `metainfo` in `folder`; `torrent` numbers it among the open files.
    pub(crate) fn new(
        torrent: u32,
        metainfo: Arc<Metainfo>,
        folder: FileSystemDirectoryHandle,
        handles: Rc<Handles>,
    ) -> Self {
        Self {
            torrent,
            metainfo,
            folder,
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
        for span in self.metainfo.spans(block) {
            if !self.is_padding(&span) {
                let file = self.open(span.file).await?;
                file.write_at(run(bytes, &span), span.offset_in_file)?;
            }
        }
        Ok(())
    }

    /// As [`Self::write`], at once; `None`, with nothing written, if a file is not open.
    pub(crate) fn try_write(&self, block: &BlockRef, bytes: &[u8]) -> Option<Result<(), StorageError>> {
        let files = self.open_files(block)?;
        Some(
            files
                .into_iter()
                .try_for_each(|(span, file)| file.write_at(run(bytes, &span), span.offset_in_file)),
        )
    }

    /// Reads a run of a piece into `buffer`. Returns `false` if the files are too short for it.
    pub(crate) async fn read(&self, block: &BlockRef, buffer: &mut [u8]) -> Result<bool, StorageError> {
        for span in self.metainfo.spans(block) {
            let target = run_mut(buffer, &span);
            if self.is_padding(&span) {
                target.fill(0);
                continue;
            }
            let file = self.open(span.file).await?;
            if file.read_at(target, span.offset_in_file)? < target.len() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As [`Self::read`], at once; `None` if a file is not open.
    pub(crate) fn try_read(&self, block: &BlockRef, buffer: &mut [u8]) -> Option<Result<bool, StorageError>> {
        let files = self.open_files(block)?;
        if files.iter().map(|(span, _)| span.len).sum::<u32>() < block.len {
            buffer.fill(0);
        }
        let mut is_whole = true;
        for (span, file) in files {
            let target = run_mut(buffer, &span);
            match file.read_at(target, span.offset_in_file) {
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
            let read = self.open(file).await?.read_at(&mut buffer[..want], at)?;
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

    async fn open(&self, file: usize) -> Result<Rc<SyncFile>, StorageError> {
        let key = FileKey { torrent: self.torrent, file };
        while !self.is_gone.get() {
            let access = self.access.get();
            let opened = self.handles.open(key, &self.folder, access).await?;
            if !self.is_gone.get() && self.access.get() == access {
                return Ok(opened);
            }
            // While it was being opened all files were to close.
            drop(opened);
            self.close();
        }
        Err(StorageError::NotFound)
    }

    /// All files of a block with their runs, padding left out; `None` if one is not open.
    fn open_files(&self, block: &BlockRef) -> Option<Vec<(FileSpan, Rc<SyncFile>)>> {
        self.metainfo
            .spans(block)
            .filter(|span| !self.is_padding(span))
            .map(|span| {
                let file = self.handles.get(FileKey { torrent: self.torrent, file: span.file })?;
                Some((span, file))
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
