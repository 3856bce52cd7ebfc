//! How much the browser still stores for this page.

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, StorageEstimate};

/// Chromium says "so much more" to everybody who has more, so that pages cannot tell machines apart by their disks.
const ESTIMATE_CAP_BYTES: f64 = 10.0 * 1024.0 * 1024.0 * 1024.0;

/// Free bytes in this origin's quota; `None` if the browser does not say, or only that there are plenty.
pub(crate) async fn free_bytes() -> Option<u64> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let promise = scope.navigator().storage().estimate().ok()?;
    let estimate: StorageEstimate = JsFuture::from(promise).await.ok()?.unchecked_into();
    let free = estimate.get_quota()? - estimate.get_usage()?;
    (free < ESTIMATE_CAP_BYTES).then_some(free.max(0.0) as u64)
}
