//! What happens because time passes, and when to come back for it.

use std::time::Duration;

use super::Engine;
use super::peer::Stage;
use crate::{CloseReason, Instant, Message, PeerKey};

/// Between two looks at every connection for silence, stalls and keep-alives; their limits are many seconds.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The next look at every connection; `None` while there is none.
    look_at: Option<Instant>,
    /// The choker's next round; `None` while there is no connection.
    rechoke_at: Option<Instant>,
    /// A peer waits for the upload limit.
    pub(super) is_upload_waiting: bool,
    /// A peer waits for what the choker allots to it; until then, as far as is known.
    pub(super) upload_held_until: Option<Instant>,
    /// A peer has room for requests and waits for the download limit.
    pub(super) is_download_waiting: bool,
}

impl Engine {
    /// Does what is due for every connection, and the choker's round.
    pub(super) fn run_timers(&mut self) {
        if self.timers.look_at.is_some_and(|at| at <= self.now) {
            self.timers.look_at = None;
            self.look_at_connections();
        }
        if self.timers.rechoke_at.is_some_and(|at| at <= self.now) {
            self.timers.rechoke_at = None;
            self.rechoke();
        }
    }

    /// Lets those go on that waited for a limit.
    pub(super) fn run_limits(&mut self) {
        if self.timers.is_upload_waiting && self.upload_bucket.is_open(self.now) {
            self.timers.is_upload_waiting = false;
            self.serve_in_turn();
        }
        if self.timers.upload_held_until.is_some_and(|until| until <= self.now) {
            self.timers.upload_held_until = None;
            self.serve_held();
        }
        if self.timers.is_download_waiting && self.download_bucket.is_open(self.now) {
            self.timers.is_download_waiting = false;
            self.request_from_all();
        }
    }

    /// Sets what comes next. After this, nothing is due now.
    pub(super) fn set_timers(&mut self) {
        if self.peers.is_empty() {
            self.timers = Timers::default();
        } else {
            self.timers.look_at.get_or_insert(self.now + LOOK_INTERVAL);
            if self.timers.rechoke_at.is_none() {
                self.timers.rechoke_at = Some(self.now + self.config.rechoke_interval);
                self.round_since = self.now;
            }
        }
    }

    /// When to come back with [`crate::Input::Timeout`] at the latest.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let upload = if self.timers.is_upload_waiting { self.upload_bucket.opens_at() } else { None };
        let download = if self.timers.is_download_waiting { self.download_bucket.opens_at() } else { None };
        let connect = if self.can_connect() { self.book.next_due() } else { None };
        let announce = self.trackers.next_at(self.is_hungry());
        let Timers { look_at, rechoke_at, upload_held_until, .. } = self.timers;
        let (goal, web_seed) = (self.goal_at(), self.next_web_seed_timeout());
        let all =
            [look_at, rechoke_at, upload_held_until, upload, download, connect, announce, goal, web_seed];
        all.into_iter().flatten().min()
    }

    fn look_at_connections(&mut self) {
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        for key in keys {
            self.look_at_connection(key);
            self.close_if_neither_downloads(key);
            self.note_uselessness(key);
        }
        if self.playback.is_some() {
            self.play();
        } else {
            self.look_at_deadlines();
        }
        self.exchange_peers();
        self.replace_useless();
        self.request_hashes_from_all();
    }

    fn look_at_connection(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let since = |instant| self.now.since(instant);
        let (silent, silent_max) = match peer.stage {
            Stage::Connecting | Stage::Handshaking => {
                (since(peer.stage_since), self.config.handshake_timeout)
            }
            Stage::Joined => (since(peer.received_at), self.config.silence_max),
        };
        if silent >= silent_max {
            let silent_s = u32::try_from(silent.as_secs()).unwrap_or(u32::MAX);
            return self.close(key, CloseReason::TimedOut { silent_s });
        }
        if !peer.is_joined() {
            return;
        }
        if peer.refused_until.is_some_and(|until| until <= self.now) {
            peer.refused_until = None;
            self.has_room_news = true;
        }
        let waited = since(peer.progress_at);
        let is_waiting = !peer.outstanding.is_empty();
        let is_snubbing = is_waiting && waited >= self.config.snubbed_after;
        let is_stalled = is_waiting && waited >= peer.pipeline.stall_after(&self.config);
        let is_counted_on = (peer.released as usize) < peer.outstanding.len();
        let needs_keep_alive = since(peer.sent_at) >= self.config.keep_alive_after;
        if is_snubbing {
            // Who chokes us owes us nothing, but then what it allowed all the same is not to be had.
            peer.is_snubbed = !peer.peer_choking;
            peer.allowed_fast.clear();
            self.give_up_on_requests(key);
        } else if is_stalled && is_counted_on {
            self.count_off(key);
        }
        self.show_more(key);
        if needs_keep_alive {
            self.send(key, &Message::KeepAlive);
        }
    }
}
