//! Which tab of the profile runs the worker: the one that holds the Web Lock.
//!
//! The lock's interface is still unstable in `web-sys`, so it is called by name.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, JsValue};

const LOCK_NAME: &str = "swarmscope-engine";

/// Asks for the lock. `on_first` says whether it was free; if not, `on_late` is called when it comes to us.
/// Once held, it is held until the page is gone.
pub(super) fn stand(locks: &JsValue, on_first: impl Fn(bool) + 'static, on_late: impl Fn() + 'static) {
    let locks = locks.clone();
    let mut on_late = Some(on_late);
    let again = locks.clone();
    let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
        if !lock.is_null() {
            on_first(true);
            return held_for_ever().into();
        }
        on_first(false);
        if let Some(on_late) = on_late.take() {
            let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |_lock: JsValue| {
                on_late();
                held_for_ever().into()
            });
            request(&again, &Object::new(), granted.as_ref().unchecked_ref());
            granted.forget();
        }
        JsValue::UNDEFINED
    });
    let if_available = Object::new();
    // Setting a property of a fresh plain object cannot fail.
    let _ = Reflect::set(&if_available, &"ifAvailable".into(), &JsValue::TRUE);
    request(&locks, &if_available, granted.as_ref().unchecked_ref());
    granted.forget();
}

fn request(locks: &JsValue, options: &Object, granted: &JsValue) {
    let arguments = Array::of3(&LOCK_NAME.into(), options, granted);
    let outcome = Reflect::get(locks, &"request".into())
        .and_then(|request| request.dyn_into::<Function>())
        .and_then(|request| request.apply(locks, &arguments));
    if let Err(error) = outcome {
        web_sys::console::error_2(&"Web Locks:".into(), &error);
    }
}

/// The browser keeps a lock for as long as the promise that its holder returned is pending.
fn held_for_ever() -> Promise {
    Promise::new(&mut |_resolve, _reject| {})
}
