//! What happens because time passes, and when to come back for it.

use std::time::Duration;

use super::MetadataFetch;
use super::peer::Stage;
use crate::{CloseReason, Instant, Message, PeerKey};

/// Between two looks at every connection; their limits are many seconds.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl MetadataFetch {
    pub(super) fn look_if_due(&mut self) {
        if self.look_at.is_some_and(|at| at <= self.now) {
            self.look_at = None;
            let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
            for key in keys {
                self.look_at_connection(key);
            }
        }
    }

    /// Sets what comes next. After this, nothing is due now.
    pub(super) fn set_timers(&mut self) {
        if self.peers.is_empty() {
            self.look_at = None;
        } else {
            self.look_at.get_or_insert(self.now + LOOK_INTERVAL);
        }
    }

    /// When to come back with [`crate::Input::Timeout`] at the latest.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let connect = if self.can_connect() { self.book.next_due() } else { None };
        let announce = if self.is_done { None } else { self.trackers.next_at(self.is_hungry()) };
        let hand_out = self.fetched.as_ref().map(|(due, _)| *due);
        [self.look_at, connect, announce, hand_out].into_iter().flatten().min()
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
            return self.close(key, &CloseReason::TimedOut { silent_s });
        }
        if peer.waits_since.is_some_and(|waits| since(waits) >= self.config.metadata_patience) {
            return self.close(key, &CloseReason::NoMetadata);
        }
        let timeout = self.config.metadata_request_timeout;
        let is_slow = peer.waits_since.is_some_and(|waits| since(waits) >= timeout);
        let needs_keep_alive = peer.is_joined() && since(peer.sent_at) >= self.config.keep_alive_after;
        if is_slow && peer.active() > 0 {
            peer.is_idle = true;
            self.stop_counting_on(key);
        }
        if needs_keep_alive {
            self.send(key, &Message::KeepAlive);
        }
    }
}
