//! What is kept for all torrents together.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use web_sys::FileSystemDirectoryHandle;

use super::StorageError;
use super::opfs::{self, Access, SyncFile};
use super::state::{decode, encode};
use crate::messages::GlobalLimits;

const FILE: &str = "settings";

/// As it is stored, in two slots like the state of a torrent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct StoredGlobal {
    /// Counts up with every write; the higher of two sound slots is the newer one.
    number: u64,
    #[serde(default)]
    limits: GlobalLimits,
}

/// The file, kept open.
#[derive(Debug)]
pub(crate) struct GlobalFile {
    file: SyncFile,
    stored: Cell<StoredGlobal>,
}

impl GlobalFile {
    /// Opens the file in our folder, or makes it.
    pub(crate) async fn open(top: &FileSystemDirectoryHandle) -> Result<Self, StorageError> {
        let file = opfs::open(top, FILE, Access::ReadWrite).await?;
        let stored = decode(&file.read_all()?, |stored: &StoredGlobal| stored.number).unwrap_or_default();
        Ok(Self { file, stored: Cell::new(stored) })
    }

    /// The limits as they were last written.
    pub(crate) fn limits(&self) -> GlobalLimits {
        self.stored.get().limits
    }

    /// Writes limits.
    pub(crate) fn write(&self, limits: GlobalLimits) -> Result<(), StorageError> {
        let stored = StoredGlobal { number: self.stored.get().number + 1, limits };
        let (at, slot) = encode(stored.number, &stored);
        self.file.write_at(&slot, at)?;
        self.stored.set(stored);
        Ok(())
    }
}
