//! How commands and updates travel between the tabs of one browser profile and the one worker that serves them all.
//!
//! Each tab draws a number for itself. The worker's answers to one tab's request carry that number back, so that
//! the request numbers of two tabs never collide and only the tab that asked to save gets the file.
//!
//! A message is an array: [`MESSAGES_VERSION`], the message as postcard writes it, and for an update of a detail the
//! piece map beside it. Postcard names no field, which keeps the code that reads and writes messages small: as JSON
//! they took a fifth of the page. So nothing of another version is read at all.

use js_sys::{Array, Uint8Array};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::JsValue;

use crate::messages::{Command, MESSAGES_VERSION, Update};

/// A tab of this profile: drawn at random when the page loads.
pub type TabNumber = u32;

/// From a tab to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToWorker {
    /// Who speaks.
    pub tab: TabNumber,
    /// What it wants.
    pub ask: Ask,
}

/// What a tab wants of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// The tab has just begun to listen: send it the whole state.
    Join,
    /// The tab closes: nobody watches for it any more.
    Leave,
    /// What the view wants.
    Command(Command),
}

/// From the worker to the tabs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromWorker {
    /// The tab that is meant; `None`: all of them.
    pub to: Option<TabNumber>,
    /// What is told.
    pub update: Update,
}

/// On the channel between the tabs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BetweenTabs {
    /// For the worker, by way of the tab that holds it.
    ToWorker(ToWorker),
    /// From the worker, passed on by the tab that holds it; a piece map may travel beside it.
    FromWorker(FromWorker),
    /// Another tab holds the worker from now on: join again.
    EngineMoved,
}

/// A message as it travels, and what of it may be handed over instead of copied.
pub fn pack(message: &impl Serialize, map: Option<&Uint8Array>) -> (Array, Array) {
    // Nothing in the messages can fail: none has a length that is not known, or a map.
    let bytes = Uint8Array::from(postcard::to_allocvec(message).unwrap_or_default().as_slice());
    let (parts, to_hand_over) = (Array::of2(&MESSAGES_VERSION.into(), &bytes), Array::of1(&bytes.buffer()));
    if let Some(map) = map {
        parts.push(map);
        to_hand_over.push(&map.buffer());
    }
    (parts, to_hand_over)
}

/// What came, taken apart.
#[derive(Debug)]
pub enum Unpacked<M> {
    /// One of ours, and the piece map beside it.
    Message(M, Option<Uint8Array>),
    /// A message of a page or worker of another version.
    OtherVersion,
    /// Nothing that [`pack`] made.
    Foreign,
}

/// Takes a message apart.
pub fn unpack<M: DeserializeOwned>(data: &JsValue) -> Unpacked<M> {
    let Some(parts) = data.dyn_ref::<Array>() else { return Unpacked::Foreign };
    match parts.get(0).as_f64() {
        Some(version) if version == f64::from(MESSAGES_VERSION) => {}
        Some(_) => return Unpacked::OtherVersion,
        None => return Unpacked::Foreign,
    }
    let message =
        parts.get(1).dyn_into().ok().and_then(|bytes: Uint8Array| postcard::from_bytes(&bytes.to_vec()).ok());
    match message {
        Some(message) => Unpacked::Message(message, parts.get(2).dyn_into().ok()),
        None => Unpacked::Foreign,
    }
}
