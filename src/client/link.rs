//! The bottom of the main thread's messaging: JSON text, with a byte array beside it where there is one.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{BroadcastChannel, Worker};

/// Sends to the worker.
pub(super) fn post(worker: &Worker, message: &impl Serialize) {
    let outcome = worker.post_message(&pack(message, None));
    report(outcome);
}

/// Sends to the other tabs.
pub(super) fn broadcast(channel: &BroadcastChannel, message: &impl Serialize, map: Option<&Uint8Array>) {
    let outcome = channel.post_message(&pack(message, map));
    report(outcome);
}

/// `[json]` or `[json, bytes]`, as [`read`] takes it apart.
fn pack(message: &impl Serialize, map: Option<&Uint8Array>) -> Array {
    let json = serde_json::to_string(message).unwrap_or_default();
    match map {
        Some(map) => Array::of2(&json.into(), map),
        None => Array::of1(&json.into()),
    }
}

/// Takes a message apart; `None` if it is none of ours, such as one of another version.
pub(super) fn read<M: DeserializeOwned>(data: &JsValue) -> Option<(M, Option<Uint8Array>)> {
    let parts = data.dyn_ref::<Array>()?;
    let message = serde_json::from_str(&parts.get(0).as_string()?).ok()?;
    Some((message, parts.get(1).dyn_into().ok()))
}

/// What a thrown value says, for a person.
pub(super) fn describe(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}

/// Calls `f` when the page is left, closed or reloaded.
pub(super) fn on_page_hide(f: impl Fn() + 'static) {
    let on_hide = Closure::<dyn Fn()>::new(f);
    if let Some(window) = web_sys::window() {
        report(window.add_event_listener_with_callback("pagehide", on_hide.as_ref().unchecked_ref()));
    }
    on_hide.forget();
}

/// 32 random bits, for a tab's number.
pub(super) fn random_u32() -> u32 {
    // A tab's number tells tabs apart and guards nothing, so that this generator is good enough.
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

fn report(outcome: Result<(), JsValue>) {
    if let Err(error) = outcome {
        web_sys::console::error_2(&"messaging:".into(), &error);
    }
}
