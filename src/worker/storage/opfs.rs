//! The origin's private file system, as far as the worker uses it: folders, and files by synchronous handles.

use js_sys::{Array, AsyncIterator, Function, IteratorNext, Object, Promise, Reflect};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, DomException, FileSystemDirectoryHandle, FileSystemFileHandle,
    FileSystemGetDirectoryOptions, FileSystemGetFileOptions, FileSystemReadWriteOptions,
    FileSystemRemoveOptions, FileSystemSyncAccessHandle,
};

use super::StorageError;

/// A tab that was just closed may hold its files for a moment longer.
const LOCKED_RETRIES: u32 = 40;
const LOCKED_RETRY_MS: u32 = 250;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// For us alone; made if it is not there.
    ReadWrite,
    /// Only to be read, so that the page can read it as well.
    ReadOnly,
}

/// The top of the private file system.
pub(crate) async fn root() -> Result<FileSystemDirectoryHandle, StorageError> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(resolve(scope.navigator().storage().get_directory()).await?.unchecked_into())
}

/// A folder, made if it is not there.
pub(crate) async fn folder(
    parent: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<FileSystemDirectoryHandle, StorageError> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    Ok(resolve(parent.get_directory_handle_with_options(name, &options)).await?.unchecked_into())
}

/// Deletes a file, or a folder with all that is in it. One that is not there is no error.
pub(crate) async fn remove(parent: &FileSystemDirectoryHandle, name: &str) -> Result<(), StorageError> {
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    match resolve(parent.remove_entry_with_options(name, &options)).await {
        Ok(_) | Err(StorageError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Names of everything in a folder.
pub(crate) async fn names(folder: &FileSystemDirectoryHandle) -> Result<Vec<String>, StorageError> {
    let keys: AsyncIterator = folder.keys();
    let mut names = Vec::new();
    loop {
        let step: IteratorNext =
            resolve(keys.next().map_err(|error| from_js(&error))?).await?.unchecked_into();
        if step.done() {
            return Ok(names);
        }
        names.extend(step.value().as_string());
    }
}

/// Opens a file; waits for a while if another tab, about to close, still holds it.
pub(crate) async fn open(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    access: Access,
) -> Result<SyncFile, StorageError> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let handle: FileSystemFileHandle =
        resolve(folder.get_file_handle_with_options(name, &options)).await?.unchecked_into();
    let mut tries = 0;
    loop {
        match resolve(create_sync_handle(&handle, access)?).await {
            Ok(sync) => return Ok(SyncFile(sync.unchecked_into())),
            Err(StorageError::Locked) if tries < LOCKED_RETRIES => {
                tries += 1;
                gloo_timers::future::TimeoutFuture::new(LOCKED_RETRY_MS).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// `createSyncAccessHandle` with its `mode`, which `web-sys` does not have yet. A browser that does not know modes
/// ignores it.
fn create_sync_handle(handle: &FileSystemFileHandle, access: Access) -> Result<Promise, StorageError> {
    let options = Object::new();
    let mode = match access {
        Access::ReadWrite => "readwrite",
        Access::ReadOnly => "read-only",
    };
    Reflect::set(&options, &"mode".into(), &mode.into())
        .and_then(|_| Reflect::get(handle, &"createSyncAccessHandle".into()))
        .and_then(|function| function.dyn_into::<Function>())
        .and_then(|function| function.apply(handle, &Array::of1(&options)))
        .and_then(|promise| promise.dyn_into::<Promise>())
        .map_err(|error| from_js(&error))
}

/// An open file. It closes when it is dropped.
#[derive(Debug)]
pub(crate) struct SyncFile(FileSystemSyncAccessHandle);

impl SyncFile {
    /// Fills `buffer` from `offset` on. Returns how many bytes the file had there.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        let read =
            self.0.read_with_u8_array_and_options(buffer, &at(offset)).map_err(|error| from_js(&error))?;
        Ok(read as usize)
    }

    /// Writes all of `bytes` at `offset`. The file grows as needed; what lies between is zero.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        let written =
            self.0.write_with_u8_array_and_options(bytes, &at(offset)).map_err(|error| from_js(&error))?;
        // Chromium reports a full disk by a short write.
        if (written as usize) < bytes.len() { Err(StorageError::Full) } else { Ok(()) }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> Result<u64, StorageError> {
        Ok(self.0.get_size().map_err(|error| from_js(&error))? as u64)
    }

    /// Cuts it or fills it up with zeros.
    pub(crate) fn set_len(&self, len: u64) -> Result<(), StorageError> {
        self.0.truncate_with_f64(len as f64).map_err(|error| from_js(&error))
    }

    /// Everything that it holds.
    pub(crate) fn read_all(&self) -> Result<Vec<u8>, StorageError> {
        let len =
            usize::try_from(self.len()?).map_err(|_| StorageError::Other("a file is too long".to_owned()))?;
        let mut bytes = vec![0; len];
        let read = self.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

impl Drop for SyncFile {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Offsets beyond 4 GiB: JavaScript's numbers are exact up to 2^53.
fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at(offset as f64);
    options
}

async fn resolve(promise: Promise) -> Result<JsValue, StorageError> {
    JsFuture::from(promise).await.map_err(|error| from_js(&error))
}

fn from_js(error: &JsValue) -> StorageError {
    let Some(exception) = error.dyn_ref::<DomException>() else {
        return StorageError::Other(
            error
                .dyn_ref::<js_sys::Error>()
                .map_or_else(|| format!("{error:?}"), |error| error.message().into()),
        );
    };
    match exception.name().as_str() {
        "QuotaExceededError" => StorageError::Full,
        "NoModificationAllowedError" => StorageError::Locked,
        "NotFoundError" => StorageError::NotFound,
        name => StorageError::Other(format!("{name}: {}", exception.message())),
    }
}
