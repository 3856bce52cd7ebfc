//! What the browser promises about stored files.

use gloo::utils::window;
use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::StorageManager;

/// Whether stored files outlive a full disk; `None` if the browser does not say.
pub(super) async fn is_persisted() -> Option<bool> {
    answer(manager()?.persisted()).await
}

/// Asks that they do. Firefox asks the user, Chromium decides by itself.
pub(super) async fn ask_to_persist() -> Option<bool> {
    answer(manager()?.persist()).await
}

/// Missing on a page that is no secure context.
fn manager() -> Option<StorageManager> {
    let storage = Reflect::get(&window().navigator(), &"storage".into()).ok()?;
    storage.is_object().then(|| storage.unchecked_into())
}

async fn answer(asked: Result<Promise, JsValue>) -> Option<bool> {
    JsFuture::from(asked.ok()?).await.ok()?.as_bool()
}
