//! The only way from a component to the engine and to the state.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::File;
use yew::{UseReducerDispatcher, hook, use_context};

use super::format;
use super::route::Route;
use super::settings::{self, RelayAccess};
use super::state::{Action, Adding, View};
use super::storage;
use crate::client::EngineClient;
use crate::messages::{Command, FilePriority, GlobalLimits, TorrentRow, TorrentSettings};

/// No real torrent file is larger (the relay refuses to fetch larger ones, too).
const METAINFO_BYTES_MAX: f64 = (16 * 1024 * 1024) as f64;

/// What components may do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Controls {
    engine: EngineClient,
    view: UseReducerDispatcher<View>,
    next_request: Rc<Cell<u32>>,
}

/// The controls of the page around this component.
#[hook]
pub(super) fn use_controls() -> Controls {
    use_context().expect("invariant: every component lies inside the page, which provides its controls")
}

impl Controls {
    pub(super) fn new(engine: EngineClient, view: UseReducerDispatcher<View>) -> Self {
        Self { engine, view, next_request: Rc::default() }
    }

    /// Tells the engine where the relay is.
    pub(super) fn start(&self, access: RelayAccess) {
        let engine = self.engine.clone();
        spawn_local(async move {
            let persisted = storage::is_persisted().await;
            let RelayAccess { url: relay_url, token, spare_token } = access;
            engine.send(Command::Init { relay_url, token, spare_token, persisted });
        });
    }

    /// Changes the state of the view.
    pub(super) fn dispatch(&self, action: Action) {
        self.view.dispatch(action);
    }

    /// Watches this torrent from now on, or none.
    pub(super) fn watch(&self, info_hash: Option<String>) {
        self.engine.send(Command::Watch { info_hash });
    }

    /// Knocks at the relay with this token; it is kept once the relay has accepted it.
    pub(super) fn use_token(&self, token: String) {
        self.engine.send(Command::Token { token });
    }

    pub(super) fn pause(&self, info_hash: String) {
        self.engine.send(Command::Pause { info_hash });
    }

    pub(super) fn resume(&self, info_hash: String) {
        self.engine.send(Command::Resume { info_hash });
    }

    pub(super) fn recheck(&self, info_hash: String) {
        self.engine.send(Command::Recheck { info_hash });
    }

    pub(super) fn save(&self, info_hash: String) {
        self.engine.send(Command::Save { info_hash });
    }

    /// Asks for a yes before the torrent is removed.
    pub(super) fn ask_to_remove(&self, row: Rc<TorrentRow>) {
        self.dispatch(Action::Removing(Some(row)));
    }

    /// The yes.
    pub(super) fn remove(&self, info_hash: String, with_data: bool) {
        self.dispatch(Action::Removing(None));
        if here() == (Route::Torrent { info_hash: info_hash.clone() }) {
            go(&Route::List);
        }
        self.engine.send(Command::Remove { info_hash, with_data });
    }

    /// Deletes what was kept of a torrent.
    pub(super) fn delete_kept(&self, info_hash: String) {
        self.engine.send(Command::DeleteKept { info_hash });
    }

    /// Limits all torrents together.
    pub(super) fn set_global_limits(&self, limits: GlobalLimits) {
        self.engine.send(Command::SetGlobalLimits { limits });
    }

    /// Sets all that may be set for a torrent.
    pub(super) fn set_torrent(&self, info_hash: String, settings: TorrentSettings) {
        self.engine.send(Command::SetTorrent { info_hash, settings });
    }

    /// Wants files, by their numbers, more or less from now on.
    pub(super) fn set_file_priorities(&self, info_hash: String, files: Vec<(u32, FilePriority)>) {
        self.engine.send(Command::SetFilePriorities { info_hash, files });
    }

    /// Lets a refused host connect again.
    pub(super) fn lift_ban(&self, info_hash: String, ip: String) {
        self.engine.send(Command::LiftBan { info_hash, ip });
    }

    /// Adds what a link leads to.
    pub(super) fn add_link(&self, link: String) {
        self.before_download();
        let request = self.ask(link.clone());
        self.engine.send(Command::AddLink { request, link });
    }

    /// Adds torrent files.
    pub(super) fn add_files(&self, files: Vec<File>) {
        if !files.is_empty() {
            self.before_download();
        }
        for file in files {
            let name = file.name();
            if file.size() > METAINFO_BYTES_MAX {
                let text = format!(
                    "This file has {}; a torrent file has 16 MiB at most. Add the .torrent file, not the content \
                     that it describes.",
                    format::bytes(file.size() as u64)
                );
                self.dispatch(Action::Said { about: Some(name), text, is_failure: true });
                continue;
            }
            let controls = self.clone();
            spawn_local(async move { controls.add_file(name, &file).await });
        }
    }

    async fn add_file(&self, name: String, file: &File) {
        match JsFuture::from(file.array_buffer()).await {
            Ok(buffer) => {
                let request = self.ask(name.clone());
                let bytes = Uint8Array::new(&buffer).to_vec();
                self.engine.send(Command::AddMetainfo { request, name, bytes });
            }
            Err(_) => {
                let text = "The browser cannot read this file. Is it a folder, or was it moved or deleted?"
                    .to_owned();
                self.dispatch(Action::Said { about: Some(name), text, is_failure: true });
            }
        }
    }

    /// Asks the browser to keep what will be stored. The download does not wait for the answer, which may be a
    /// question to the user that stays open for ever.
    fn before_download(&self) {
        let controls = self.clone();
        // Asked at once, and only its answer is waited for elsewhere.
        let answer = storage::ask_to_persist();
        spawn_local(async move {
            if answer.await == Some(false) && !settings::was_told_of_eviction() {
                let text =
                    "The browser does not promise to keep downloads when the disk gets full. Save finished \
                            files soon; what the browser deletes is downloaded again."
                        .to_owned();
                controls.dispatch(Action::Said { about: None, text, is_failure: false });
            }
        });
    }

    fn ask(&self, what: String) -> u32 {
        let request = self.next_request.get();
        self.next_request.set(request.wrapping_add(1));
        self.dispatch(Action::Asked(Adding { request, what }));
        request
    }
}

/// Leads the page to another place.
pub(super) fn go(route: &Route) {
    let outcome = gloo::utils::window().location().set_hash(&route.fragment());
    if let Err(error) = outcome {
        gloo::console::warn!("the address cannot be changed:", error);
    }
}

/// Where the page's address leads.
pub(super) fn here() -> Route {
    Route::parse(&gloo::utils::window().location().hash().unwrap_or_default())
}
