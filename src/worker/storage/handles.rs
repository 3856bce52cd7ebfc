//! Open content files of all torrents: at most so many, the least recently used one closes first.

use std::cell::RefCell;
use std::rc::Rc;

use engine::FlatMap;
use futures_util::lock::Mutex;
use web_sys::FileSystemDirectoryHandle;

use super::StorageError;
use super::opfs::{self, Access, SyncFile};

/// Each open file costs the browser a descriptor and a mojo pipe.
const OPEN_FILES_MAX: usize = 64;

/// Names a content file: the torrent's number in this session and the file's index in the metainfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileKey {
    /// Which torrent.
    pub(crate) torrent: u32,
    /// Which of its files.
    pub(crate) file: usize,
    /// Not the file itself, but what is kept of it while it is skipped.
    pub(crate) is_parts: bool,
}

/// The open files.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    open: RefCell<FlatMap<FileKey, Open>>,
    uses: std::cell::Cell<u64>,
    /// Opening takes time, and a second handle on a file is refused: one at a time.
    opening: Mutex<()>,
}

#[derive(Debug)]
struct Open {
    file: Rc<SyncFile>,
    used: u64,
}

impl Handles {
    /// The file, if it is open. Do not keep it across an await: it could not be opened again meanwhile.
    pub(crate) fn get(&self, key: FileKey) -> Option<Rc<SyncFile>> {
        let mut open = self.open.borrow_mut();
        let entry = open.get_mut(&key)?;
        self.uses.set(self.uses.get() + 1);
        entry.used = self.uses.get();
        Some(Rc::clone(&entry.file))
    }

    /// The file, opened if it is not.
    pub(crate) async fn open(
        &self,
        key: FileKey,
        folder: &FileSystemDirectoryHandle,
        access: Access,
    ) -> Result<Rc<SyncFile>, StorageError> {
        if let Some(file) = self.get(key) {
            return Ok(file);
        }
        let _one_at_a_time = self.opening.lock().await;
        // Whoever held the lock may have opened it.
        if let Some(file) = self.get(key) {
            return Ok(file);
        }
        self.make_room();
        let file = Rc::new(opfs::open(folder, &key.file.to_string(), access).await?);
        self.uses.set(self.uses.get() + 1);
        self.open.borrow_mut().insert(key, Open { file: Rc::clone(&file), used: self.uses.get() });
        Ok(file)
    }

    /// Closes one file.
    pub(crate) fn close_file(&self, key: FileKey) {
        self.open.borrow_mut().remove(&key);
    }

    /// Closes all files of a torrent.
    pub(crate) fn close(&self, torrent: u32) {
        self.open.borrow_mut().retain(|key, _| key.torrent != torrent);
    }

    fn make_room(&self) {
        let mut open = self.open.borrow_mut();
        while open.len() >= OPEN_FILES_MAX {
            let oldest = open.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
            match oldest {
                Some(key) => open.remove(&key),
                None => return,
            };
        }
    }
}
