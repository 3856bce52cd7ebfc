//! One WebSocket to the relay, with its callbacks.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// What a socket reports.
#[derive(Debug)]
pub(crate) enum SocketEvent {
    /// It stands.
    Open,
    /// A message came.
    Message(ArrayBuffer),
    /// A text came, which no relay sends.
    Text,
    /// It is gone or never stood.
    Closed,
}

/// An open or opening socket; it closes, without a further event, when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn Fn()>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_close: Closure<dyn Fn(CloseEvent)>,
}

impl Socket {
    /// Begins to connect. `on_event` is never called before this returns.
    pub(crate) fn open(url: &str, on_event: impl Fn(SocketEvent) + Clone + 'static) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let report = on_event.clone();
        let on_open = Closure::<dyn Fn()>::new(move || report(SocketEvent::Open));
        let report = on_event.clone();
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            report(match event.data().dyn_into::<ArrayBuffer>() {
                Ok(message) => SocketEvent::Message(message),
                Err(_) => SocketEvent::Text,
            });
        });
        let on_close = Closure::<dyn Fn(CloseEvent)>::new(move |_event| on_event(SocketEvent::Closed));
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }

    /// Hands a message to the browser.
    pub(crate) fn send(&self, message: &[u8]) -> Result<(), JsValue> {
        self.socket.send_with_u8_array(message)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Closing one that is closing already is no loss.
        let _ = self.socket.close();
    }
}

/// Copies a message into `buffer`, which keeps its allocation from message to message.
pub(crate) fn copy_message(message: &ArrayBuffer, buffer: &mut Vec<u8>) {
    let view = Uint8Array::new(message);
    buffer.resize(view.length() as usize, 0);
    view.copy_to(buffer);
}
