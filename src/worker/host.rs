//! The worker's state and its turns: whatever happens outside becomes one turn, at whose end everything that came
//! of it is carried out.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};

use engine::{FlatMap, FlatSet, InfoHash, Input};
use web_sys::FileSystemDirectoryHandle;

use super::clock::Clock;
use super::limits::CommonLimits;
use super::ranges::Ranges;
use super::relay::{Relay, SocketEvent};
use super::requests::{Announcing, Requests};
use super::snapshot::View;
use super::storage::{GlobalFile, Handles};
use super::streams::Streams;
use super::tabs::Tabs;
use super::torrents::{Torrent, Torrents, Verifier};
use crate::messages::KeptRow;

/// Memory for unfinished pieces of all torrents together. Beyond it blocks go to storage as they come.
const ASSEMBLY_BYTES_MAX: usize = 16 << 20;

/// Blocks of all torrents together that may wait for their files to be opened. Beyond it the relay is told to send no
/// more: a file that another tab still holds keeps a block waiting for up to ten seconds. What is on its way by then,
/// at most the session's window of 8 MiB, comes on top.
const LATE_BYTES_MAX: usize = 4 << 20;

/// A hold on the worker's state. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Host(Weak<RefCell<State>>);

/// Everything in the worker.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) host: Host,
    pub(crate) torrents: Torrents,
    pub(crate) wires: Wires,
    pub(crate) tabs: Tabs,
    pub(crate) view: View,
    pub(crate) disk: Disk,
    /// A message of the relay is copied here; one allocation for all of them.
    pub(super) message: Vec<u8>,
    pub(super) is_initialised: bool,
}

/// What a torrent needs to carry out what its engine wants.
#[derive(Debug)]
pub(crate) struct Wires {
    pub(crate) host: Host,
    pub(crate) clock: Clock,
    pub(crate) relay: Relay,
    pub(crate) common: CommonLimits,
    pub(crate) streams: Streams,
    pub(crate) ranges: Ranges,
    pub(crate) requests: Requests,
    pub(crate) verifier: Verifier,
    /// Streams with something to send.
    pub(crate) to_pump: BTreeSet<u32>,
    /// Streams on which something was sent that the engines do not know yet.
    pub(crate) sent: Vec<u32>,
    /// Torrents whose storage failed, and how.
    pub(crate) failures: Vec<(u32, String)>,
    /// Announces that no relay can make.
    pub(crate) unanswered: Vec<Announcing>,
    /// Reused for each data frame.
    pub(crate) scratch: Vec<u8>,
}

/// The private file system.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Our folder in it; there once the stored torrents are loaded.
    pub(crate) top: Option<FileSystemDirectoryHandle>,
    /// What is kept for all torrents together; there with `top`.
    pub(crate) global: Option<GlobalFile>,
    /// Why nothing can be loaded or stored, for a person.
    pub(crate) failure: Option<String>,
    /// Open content files.
    pub(crate) handles: Rc<Handles>,
    /// Content that stayed when its torrent was removed.
    pub(crate) kept: FlatMap<InfoHash, KeptRow>,
    /// Free bytes at the last look.
    pub(crate) free_bytes: Option<u64>,
    /// Torrents that are being added, loaded or deleted.
    pub(crate) busy: FlatSet<InfoHash>,
}

/// Makes the worker's state. It lives for as long as the worker.
pub(crate) fn new() -> Host {
    let state = Rc::new_cyclic(|weak| {
        let host = Host(weak.clone());
        RefCell::new(State {
            torrents: Torrents::default(),
            wires: Wires {
                clock: Clock::new(),
                relay: Relay::new(host.clone()),
                common: CommonLimits::default(),
                streams: Streams::default(),
                ranges: Ranges::default(),
                requests: Requests::default(),
                verifier: Verifier::default(),
                to_pump: BTreeSet::new(),
                sent: Vec::new(),
                failures: Vec::new(),
                unanswered: Vec::new(),
                scratch: Vec::new(),
                host: host.clone(),
            },
            tabs: Tabs::default(),
            view: View::default(),
            disk: Disk::default(),
            message: Vec::new(),
            is_initialised: false,
            host,
        })
    });
    let host = Host(Rc::downgrade(&state));
    // The browser ends the worker; nothing else does.
    std::mem::forget(state);
    host
}

impl Host {
    /// One turn: `f` takes in what happened, then everything that came of it is carried out.
    pub(crate) fn turn<R>(&self, f: impl FnOnce(&mut State) -> R) -> Option<R> {
        self.quiet_turn(|state| {
            let result = f(state);
            state.schedule_snapshot();
            result
        })
    }

    /// A turn that is no news for the views.
    pub(crate) fn quiet_turn<R>(&self, f: impl FnOnce(&mut State) -> R) -> Option<R> {
        let state = self.0.upgrade()?;
        let mut state = state.borrow_mut();
        let result = f(&mut state);
        state.settle();
        Some(result)
    }

    /// Something happened on a socket to the relay.
    pub(crate) fn on_socket(&self, number: u64, event: SocketEvent) {
        self.turn(|state| {
            if state.wires.relay.is_current(number) {
                state.on_socket(event);
            }
        });
    }
}

impl State {
    fn settle(&mut self) {
        loop {
            self.pump_all();
            let reported = self.report_sent();
            let answered = self.answer_unanswered();
            let failed = self.fail_torrents();
            if !(reported || answered || failed) && self.wires.to_pump.is_empty() {
                break;
            }
        }
        self.share_memory();
        self.wires.verifier.start(&self.host);
        self.wires.relay.acknowledge(self.is_storage_behind());
        self.wires.relay.flush();
    }

    fn answer_unanswered(&mut self) -> bool {
        let unanswered = std::mem::take(&mut self.wires.unanswered);
        for announcing in &unanswered {
            self.on_announced(*announcing, Err("The relay is not connected.".to_owned()));
        }
        !unanswered.is_empty()
    }

    fn fail_torrents(&mut self) -> bool {
        let failures = std::mem::take(&mut self.wires.failures);
        let any = !failures.is_empty();
        for (number, message) in failures {
            if let Some(torrent) = self.torrents.get_mut(number) {
                torrent.fail(&mut self.wires, message);
            }
        }
        any
    }

    /// So much waits for files to be opened that no more should come in.
    fn is_storage_behind(&self) -> bool {
        self.torrents.iter().map(Torrent::late_bytes).sum::<usize>() > LATE_BYTES_MAX
    }

    /// Divides the memory for unfinished pieces among the torrents that download.
    fn share_memory(&mut self) {
        let downloading = self.torrents.iter().filter(|torrent| torrent.is_downloading()).count();
        let share = ASSEMBLY_BYTES_MAX / downloading.max(1);
        for torrent in self.torrents.iter_mut() {
            torrent.limit_memory(share);
        }
    }

    /// A snapshot follows within a tenth of a second.
    fn schedule_snapshot(&mut self) {
        if !self.tabs.is_empty() {
            self.view.schedule(&self.host);
        }
    }

    /// The answer to an announce, for the engine that asked.
    pub(super) fn on_announced(&mut self, asked: Announcing, result: Result<engine::AnnounceAnswer, String>) {
        let input = Input::Announced { tracker: asked.tracker, result };
        if let Some(magnet) = self.torrents.magnet_mut(asked.torrent) {
            magnet.drive(&mut self.wires, input);
        } else if let Some(torrent) = self.torrents.get_mut(asked.torrent)
            && torrent.epoch() == asked.epoch
        {
            torrent.drive(&mut self.wires, input);
        }
    }
}
