//! The engine's host in the browser: a dedicated worker with the torrents, their storage and the relay.
//!
//! Everything runs on the worker's one thread, in turns (see `host`). Hashing runs beside it in the browser's
//! own `SubtleCrypto`.

mod clock;
mod commands;
mod host;
mod incoming;
mod limits;
mod random;
mod ranges;
mod relay;
mod requests;
mod snapshot;
mod storage;
mod streams;
mod tabs;
mod torrents;
mod words;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::envelope::{Unpacked, unpack};
use crate::messages::Update;

/// Runs the worker: listens to the tabs and tells them that it does.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&info.to_string().into());
        tabs::tell(
            None,
            Update::Notice {
                message: format!(
                    "The engine stopped because of a fault of its own ({info}). Reload the page; nothing verified is lost."
                ),
            },
        );
    }));
    let host = host::new();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Unpacked::Message(message, _) = unpack(&event.data()) {
            host.turn(|state| state.on_ask(message));
        }
    });
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    tabs::tell(None, Update::Ready);
}
