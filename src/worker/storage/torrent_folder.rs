//! The folder of one torrent: its metainfo, its state and the log of its verified pieces.

use std::cell::{Cell, RefCell};

use engine::{FilePriority, FlatSet, InfoHash};
use web_sys::FileSystemDirectoryHandle;

use super::content::ContentFolders;
use super::opfs::{self, Access, SyncFile};
use super::wanted::StoredWishes;
use super::{Places, StorageError, StoredState, torrent_file};

/// Everything of ours lies in this folder of the private file system.
const TOP_FOLDER: &str = "swarmscope";
/// Name of the folder that holds the content files.
const CONTENT_FOLDER: &str = "content";
/// Name of the folder that holds what is kept of skipped files.
const PARTS_FOLDER: &str = "parts";
const WANTED_FILE: &str = "wanted";
const MAGNET_FILE: &str = "magnet";
const STATE_FILE: &str = "state";
const RESUME_FILE: &str = "resume";
const PROBE_FILE: &str = "probe";

/// The files beside the content, kept open while the torrent is in the list.
#[derive(Debug)]
pub(crate) struct TorrentFolder {
    folder: FileSystemDirectoryHandle,
    state_file: SyncFile,
    resume_file: SyncFile,
    resume_len: Cell<u64>,
    state: RefCell<StoredState>,
}

/// A folder that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its name.
    pub(crate) info_hash: InfoHash,
    /// What is in it.
    pub(crate) folder: TorrentFolder,
    /// The .torrent file; not yet parsed, perhaps cut off.
    pub(crate) metainfo: Vec<u8>,
}

impl TorrentFolder {
    /// Opens the folder of this torrent or makes it.
    pub(crate) async fn open(
        top: &FileSystemDirectoryHandle,
        info_hash: InfoHash,
    ) -> Result<Self, StorageError> {
        let folder = opfs::folder(top, &info_hash.to_string()).await?;
        let state_file = opfs::open(&folder, STATE_FILE, Access::ReadWrite).await?;
        let resume_file = opfs::open(&folder, RESUME_FILE, Access::ReadWrite).await?;
        let state = StoredState::decode(&state_file.read_all()?).unwrap_or_default();
        let resume_len = Cell::new(resume_file.len()?);
        Ok(Self { folder, state_file, resume_file, resume_len, state: RefCell::new(state) })
    }

    /// Stores the .torrent file in place of the one before. A kill leaves one of the two.
    pub(crate) async fn write_metainfo(&self, bytes: &[u8]) -> Result<(), StorageError> {
        let places = self.metainfo_places().await?;
        let free = torrent_file::free(&places);
        let file = self.open_metainfo(free).await?;
        file.set_len(0)?;
        file.write_at(bytes, 0)?;
        if places[1 - free].is_empty() {
            return Ok(());
        }
        self.open_metainfo(1 - free).await?.set_len(0)
    }

    /// The stored .torrent file; empty if it was never written.
    pub(crate) async fn read_metainfo(&self) -> Result<Vec<u8>, StorageError> {
        let mut places = self.metainfo_places().await?;
        Ok(std::mem::take(&mut places[torrent_file::newest(&places)]))
    }

    async fn metainfo_places(&self) -> Result<[Vec<u8>; 2], StorageError> {
        Ok([self.open_metainfo(0).await?.read_all()?, self.open_metainfo(1).await?.read_all()?])
    }

    async fn open_metainfo(&self, place: usize) -> Result<SyncFile, StorageError> {
        opfs::open(&self.folder, torrent_file::NAMES[place], Access::ReadWrite).await
    }

    /// Stores the magnet link, for as long as there is no .torrent file.
    pub(crate) async fn write_magnet(&self, link: &str) -> Result<(), StorageError> {
        let file = opfs::open(&self.folder, MAGNET_FILE, Access::ReadWrite).await?;
        file.set_len(link.len() as u64)?;
        file.write_at(link.as_bytes(), 0)
    }

    /// The stored magnet link; empty if there is none.
    pub(crate) async fn read_magnet(&self) -> Result<String, StorageError> {
        let bytes = opfs::open(&self.folder, MAGNET_FILE, Access::ReadWrite).await?.read_all()?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether so many more bytes may be stored. Estimates are vague by design; a file of that length, which takes no
    /// room until it is written, is what the browser really checks.
    pub(crate) async fn has_room_for(&self, bytes: u64) -> Result<bool, StorageError> {
        let probe = opfs::open(&self.folder, PROBE_FILE, Access::ReadWrite).await?;
        let outcome = probe.set_len(bytes);
        drop(probe);
        opfs::remove(&self.folder, PROBE_FILE).await?;
        match outcome {
            Ok(()) => Ok(true),
            Err(StorageError::Full) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The folders of the content files and of what is kept of skipped ones, and what there is in them.
    pub(crate) async fn content_folders(&self) -> Result<(ContentFolders, Places), StorageError> {
        let content = opfs::folder(&self.folder, CONTENT_FOLDER).await?;
        let parts = opfs::folder(&self.folder, PARTS_FOLDER).await?;
        let places = Places { apart: numbers(&parts).await?, begun: numbers(&content).await? };
        Ok((ContentFolders { content, parts }, places))
    }

    /// Stores how much each file is wanted. To be called again only when it is done.
    pub(crate) async fn write_wanted(&self, wanted: &[FilePriority]) -> Result<(), StorageError> {
        let file = opfs::open(&self.folder, WANTED_FILE, Access::ReadWrite).await?;
        let number = StoredWishes::decode(&file.read_all()?, wanted.len()).number + 1;
        let (at, slot) = StoredWishes { number, wanted: wanted.to_vec() }.encode();
        file.write_at(&slot, at)
    }

    /// How much each of so many files is wanted.
    pub(crate) async fn read_wanted(&self, files: usize) -> Result<Vec<FilePriority>, StorageError> {
        let file = opfs::open(&self.folder, WANTED_FILE, Access::ReadWrite).await?;
        Ok(StoredWishes::decode(&file.read_all()?, files).wanted)
    }

    /// Path of a content file in the private file system.
    pub(crate) fn content_path(info_hash: InfoHash, file: usize) -> Vec<String> {
        vec![TOP_FOLDER.to_owned(), info_hash.to_string(), CONTENT_FOLDER.to_owned(), file.to_string()]
    }

    /// The state as it was last written.
    pub(crate) fn state(&self) -> StoredState {
        self.state.borrow().clone()
    }

    /// Changes the state and writes it, if that changes anything.
    pub(crate) fn update_state(&self, change: impl FnOnce(&mut StoredState)) -> Result<(), StorageError> {
        let mut state = self.state();
        change(&mut state);
        if state == *self.state.borrow() {
            return Ok(());
        }
        state.number += 1;
        let (at, slot) = state.encode();
        self.state_file.write_at(&slot, at)?;
        *self.state.borrow_mut() = state;
        Ok(())
    }

    /// The log of verified pieces, as it was appended to.
    pub(crate) fn read_resume(&self) -> Result<Vec<u8>, StorageError> {
        self.resume_file.read_all()
    }

    /// Adds to the log.
    pub(crate) fn append_resume(&self, record: &[u8]) -> Result<(), StorageError> {
        self.resume_file.write_at(record, self.resume_len.get())?;
        self.resume_len.set(self.resume_len.get() + record.len() as u64);
        Ok(())
    }

    /// Drops what is behind the first `len` bytes of the log.
    pub(crate) fn cut_resume(&self, len: usize) -> Result<(), StorageError> {
        self.resume_file.set_len(len as u64)?;
        self.resume_len.set(len as u64);
        Ok(())
    }

    /// Replaces the log. A kill in between leaves it short: pieces are then hashed or fetched again, never trusted.
    pub(crate) fn replace_resume(&self, log: &[u8]) -> Result<(), StorageError> {
        self.resume_file.set_len(0)?;
        self.resume_file.write_at(log, 0)?;
        self.resume_len.set(log.len() as u64);
        Ok(())
    }
}

/// Names of files that are numbers.
async fn numbers(folder: &FileSystemDirectoryHandle) -> Result<FlatSet<usize>, StorageError> {
    Ok(opfs::names(folder).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Our folder in the private file system.
pub(crate) async fn top() -> Result<FileSystemDirectoryHandle, StorageError> {
    opfs::folder(&opfs::root().await?, TOP_FOLDER).await
}

/// What is stored.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// All torrents that could be opened, in no order.
    pub(crate) found: Vec<Found>,
    /// The others, and why not.
    pub(crate) failed: Vec<(InfoHash, StorageError)>,
}

/// All stored torrents, also those removed without their content. Folders of torrents removed with it are deleted on
/// the way.
pub(crate) async fn list(top: &FileSystemDirectoryHandle) -> Result<Listing, StorageError> {
    let mut listing = Listing::default();
    for name in opfs::names(top).await? {
        let Ok(info_hash) = name.parse::<InfoHash>() else { continue };
        match find(top, info_hash).await {
            Ok(found) => listing.found.extend(found),
            Err(error) => listing.failed.push((info_hash, error)),
        }
    }
    Ok(listing)
}

async fn find(top: &FileSystemDirectoryHandle, info_hash: InfoHash) -> Result<Option<Found>, StorageError> {
    let folder = TorrentFolder::open(top, info_hash).await?;
    if folder.state().removed_with_data == Some(true) {
        drop(folder);
        // What cannot be deleted now goes with a later start.
        let _ = forget(top, info_hash).await;
        return Ok(None);
    }
    let metainfo = folder.read_metainfo().await?;
    Ok(Some(Found { info_hash, folder, metainfo }))
}

/// Deletes the folder of a torrent. All its files must be closed.
pub(crate) async fn forget(top: &FileSystemDirectoryHandle, info_hash: InfoHash) -> Result<(), StorageError> {
    opfs::remove(top, &info_hash.to_string()).await
}
