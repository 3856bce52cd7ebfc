//! How much the browser still stores for this page.

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, StorageEstimate};

/// Whether so many more bytes would fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// They fit, or the browser does not say.
    Enough,
    /// They do not; so many are free.
    TooLittle {
        /// Free bytes.
        free_bytes: u64,
    },
}

impl Space {
    /// Compares what is wanted with what is free.
    pub(crate) fn of(wanted_bytes: u64, free_bytes: Option<u64>) -> Self {
        match free_bytes {
            Some(free_bytes) if free_bytes < wanted_bytes => Self::TooLittle { free_bytes },
            _ => Self::Enough,
        }
    }
}

/// Free bytes in this origin's quota, if the browser says.
pub(crate) async fn free_bytes() -> Option<u64> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let promise = scope.navigator().storage().estimate().ok()?;
    let estimate: StorageEstimate = JsFuture::from(promise).await.ok()?.unchecked_into();
    let free = estimate.get_quota()? - estimate.get_usage()?;
    Some(free.max(0.0) as u64)
}
