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

/// Asks that they do, before this returns. Firefox asks the user, Chromium decides by itself.
pub(super) fn ask_to_persist() -> impl Future<Output = Option<bool>> {
    let asked = manager().map(|manager| manager.persist());
    async move { answer(asked?).await }
}

/// Missing on a page that is no secure context.
fn manager() -> Option<StorageManager> {
    let storage = Reflect::get(&window().navigator(), &"storage".into()).ok()?;
    storage.is_object().then(|| storage.unchecked_into())
}

async fn answer(asked: Result<Promise, JsValue>) -> Option<bool> {
    JsFuture::from(asked.ok()?).await.ok()?.as_bool()
}
