//! The tabs that listen: what they watch, and how they are told.

use engine::{FlatMap, InfoHash};
use js_sys::Uint8Array;
use wasm_bindgen::JsCast as _;
use web_sys::DedicatedWorkerGlobalScope;

use crate::envelope::{FromWorker, TabNumber, pack};
use crate::messages::Update;

/// Tabs that may be remembered; one that crashed cannot say that it leaves.
const TABS_MAX: usize = 64;

/// The tabs and what each watches.
#[derive(Debug, Default)]
pub(crate) struct Tabs {
    watching: FlatMap<TabNumber, Option<InfoHash>>,
}

impl Tabs {
    /// A tab has begun to listen.
    pub(crate) fn join(&mut self, tab: TabNumber) {
        if self.watching.len() >= TABS_MAX {
            self.watching.pop_first();
        }
        self.watching.get_or_insert_with(tab, || None);
    }

    /// A tab closes.
    pub(crate) fn leave(&mut self, tab: TabNumber) {
        self.watching.remove(&tab);
    }

    /// A tab watches this torrent from now on, or none.
    pub(crate) fn watch(&mut self, tab: TabNumber, info_hash: Option<InfoHash>) {
        self.join(tab);
        self.watching.insert(tab, info_hash);
    }

    /// Nobody listens.
    pub(crate) fn is_empty(&self) -> bool {
        self.watching.is_empty()
    }

    /// Every tab that watches a torrent, and which.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = (TabNumber, InfoHash)> + '_ {
        self.watching.iter().filter_map(|(tab, info_hash)| Some((*tab, (*info_hash)?)))
    }
}

/// Tells one tab, or all of them.
pub(crate) fn tell(to: Option<TabNumber>, update: Update) {
    post(to, update, None);
}

/// Tells something with a byte a piece beside it.
pub(crate) fn tell_with_map(to: Option<TabNumber>, update: Update, map: &[u8]) {
    post(to, update, Some(&Uint8Array::from(map)));
}

fn post(to: Option<TabNumber>, update: Update, map: Option<&Uint8Array>) {
    let (message, to_hand_over) = pack(&FromWorker { to, update }, map);
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let outcome = scope.post_message_with_transfer(&message, &to_hand_over);
    if let Err(error) = outcome {
        web_sys::console::error_2(&"messaging:".into(), &error);
    }
}
