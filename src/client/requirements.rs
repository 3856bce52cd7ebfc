//! What the engine needs of the browser, and what a person is told where it is missing.

use js_sys::Reflect;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_futures::JsFuture;

/// The browser's lock manager, if everything that the engine needs is there; otherwise what to do, for a person.
pub(super) async fn check() -> Result<JsValue, String> {
    let Some(window) = web_sys::window() else {
        return Err("This is no page of a browser.".to_owned());
    };
    if !window.is_secure_context() {
        return Err(insecure(&window.location().host().unwrap_or_default()));
    }
    let navigator = window.navigator();
    let locks = Reflect::get(&navigator, &"locks".into()).unwrap_or(JsValue::UNDEFINED);
    let storage = Reflect::get(&navigator, &"storage".into()).unwrap_or(JsValue::UNDEFINED);
    let has_directory = storage.is_object()
        && Reflect::get(&storage, &"getDirectory".into()).is_ok_and(|function| function.is_function());
    if !locks.is_object() || !has_directory {
        return Err(
            "This browser lacks the private file system or the locks that the engine needs to keep your \
                    files safe. Use a current Chromium, Chrome, Edge, Firefox or Safari."
                .to_owned(),
        );
    }
    let storage: web_sys::StorageManager = storage.unchecked_into();
    if let Err(error) = JsFuture::from(storage.get_directory()).await {
        return Err(format!(
            "The browser does not let this page store files ({}). A private window or a setting that blocks site \
             data may be the cause: allow site data for this address or use an ordinary window.",
            super::link::describe(&error)
        ));
    }
    Ok(locks)
}

fn insecure(host: &str) -> String {
    format!(
        "The browser gives a page storage and locks only over https or on this machine itself, and {host} is \
         neither. Open the page as http://127.0.0.1 on the machine where the relay runs, reach it by an SSH tunnel \
         (ssh -L 7077:127.0.0.1:7077 HOST, then http://127.0.0.1:7077/), or put a TLS proxy in front of the relay, \
         for instance: caddy reverse-proxy --from https://{} --to 127.0.0.1:7077, and open the https address.",
        host.split(':').next().unwrap_or(host)
    )
}
