//! The bottom of the main thread's messaging.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, JsValue, wasm_bindgen};
use web_sys::{BroadcastChannel, PageTransitionEvent, Worker, WorkerOptions, WorkerType};

use crate::envelope::pack;

#[wasm_bindgen]
extern "C" {
    /// Where the script lies that belongs to this module: its name changes with every build.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static OWN_SCRIPT: String;
}

/// Starts a worker that runs this module; it need be neither loaded nor compiled again.
pub(super) fn start_worker(script: &str) -> Result<Worker, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(script, &options)?;
    let own_script = OWN_SCRIPT.with(String::clone);
    worker.post_message(&Array::of2(&own_script.into(), &wasm_bindgen::module()))?;
    Ok(worker)
}

/// Sends to the worker.
pub(super) fn post(worker: &Worker, message: &impl Serialize) {
    let (message, to_hand_over) = pack(message, None);
    report(worker.post_message_with_transfer(&message, &to_hand_over));
}

/// Sends to the other tabs.
pub(super) fn broadcast(channel: &BroadcastChannel, message: &impl Serialize, map: Option<&Uint8Array>) {
    report(channel.post_message(&pack(message, map).0));
}

/// What a thrown value says, for a person.
pub(super) fn describe(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}

/// Calls `f` when the page is left, closed or reloaded: with `true` if the browser may bring it back as it is.
pub(super) fn on_page_hide(f: impl Fn(bool) + 'static) {
    on_transition("pagehide", f);
}

/// Calls `f` when the browser has brought the page back as it was left.
pub(super) fn on_page_back(f: impl Fn() + 'static) {
    on_transition("pageshow", move |is_back| {
        if is_back {
            f();
        }
    });
}

fn on_transition(name: &str, f: impl Fn(bool) + 'static) {
    let on_event = Closure::<dyn Fn(PageTransitionEvent)>::new(move |event: PageTransitionEvent| {
        f(event.persisted());
    });
    if let Some(window) = web_sys::window() {
        report(window.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref()));
    }
    on_event.forget();
}

/// 32 random bits, for a tab's number.
pub(super) fn random_u32() -> u32 {
    // A tab's number tells tabs apart and guards nothing, so that this generator is good enough.
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

/// Writes down what a browser refused to do that it has no reason to refuse.
pub(super) fn report(outcome: Result<(), JsValue>) {
    if let Err(error) = outcome {
        web_sys::console::error_2(&"messaging:".into(), &error);
    }
}
