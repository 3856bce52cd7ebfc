//! Hands finished content out as an ordinary browser download: a single file as itself, a folder as one zip.
//!
//! The bytes stay on disk: the download refers to the stored files, and the browser copies them by itself.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Blob, BlobPropertyBag, File, FileSystemDirectoryHandle, FileSystemFileHandle, HtmlAnchorElement, Url,
};

use super::zip;
use crate::messages::SavedFile;

/// How long the browser may take to begin reading before the object URL is taken back.
const URL_LIFETIME_MS: u32 = 10 * 60 * 1000;

/// Starts the download; `on_failure` is told in words for a person when it cannot start.
pub(super) fn start(
    name: String,
    is_folder: bool,
    files: Vec<SavedFile>,
    on_failure: impl FnOnce(String) + 'static,
) {
    spawn_local(async move {
        if let Err(error) = save(&name, is_folder, &files).await {
            on_failure(format!("“{name}” could not be saved: {}.", super::link::describe(&error)));
        }
    });
}

async fn save(name: &str, is_folder: bool, files: &[SavedFile]) -> Result<(), JsValue> {
    match files {
        [single] if !is_folder => {
            let file = open(single).await?;
            download(&file, name)
        }
        files => download(&archive(name, files).await?, &format!("{name}.zip")),
    }
}

async fn archive(name: &str, files: &[SavedFile]) -> Result<Blob, JsValue> {
    let headers = zip::plan(name, files);
    let parts = Array::new();
    for (header, file) in headers.before.iter().zip(files) {
        parts.push(&Uint8Array::from(header.as_slice()));
        // A file without bytes need not exist.
        if file.len > 0 {
            let file = open(file).await?;
            parts.push(&file);
        }
    }
    parts.push(&Uint8Array::from(headers.end.as_slice()));
    let kind = BlobPropertyBag::new();
    kind.set_type("application/zip");
    Blob::new_with_buffer_source_sequence_and_options(&parts, &kind)
}

async fn open(file: &SavedFile) -> Result<File, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let root = JsFuture::from(window.navigator().storage().get_directory()).await?;
    let mut folder: FileSystemDirectoryHandle = root.unchecked_into();
    let (name, folders) = file.stored_at.split_last().ok_or("the file has no name")?;
    for name in folders {
        folder = JsFuture::from(folder.get_directory_handle(name)).await?.unchecked_into();
    }
    let handle: FileSystemFileHandle = JsFuture::from(folder.get_file_handle(name)).await?.unchecked_into();
    Ok(JsFuture::from(handle.get_file()).await?.unchecked_into())
}

fn download(blob: &Blob, name: &str) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or("there is no document")?;
    let url = Url::create_object_url_with_blob(blob)?;
    let anchor: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    gloo::timers::callback::Timeout::new(URL_LIFETIME_MS, move || {
        // An address that is already gone is no loss.
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
    Ok(())
}
