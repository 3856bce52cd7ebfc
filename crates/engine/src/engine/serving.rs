//! Blocks for peers: handed to the host as fast as the connection takes them and the upload limit allows.

use std::ops::Bound::{Excluded, Unbounded};

use super::Engine;
use crate::PeerKey;

impl Engine {
    pub(super) fn handle_sent(&mut self, key: PeerKey, bytes: u64) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.unsent_bytes = peer.unsent_bytes.saturating_sub(bytes);
        // Headers and small messages are not told apart; they are a thousandth of the whole.
        let payload = peer.unsent_payload.min(bytes);
        peer.unsent_payload -= payload;
        peer.up_bytes += payload;
        peer.up_rate.add(self.now, payload);
        self.totals.up_bytes += payload;
        self.totals.up_rate.add(self.now, payload);
        self.serve(key);
    }

    /// Serves what this peer has asked for. Under a limit, whoever waits longer goes first.
    pub(super) fn serve(&mut self, key: PeerKey) {
        if self.config.upload_rate_max.is_some() {
            self.serve_in_turn();
        } else {
            while self.can_serve(key) {
                self.serve_one(key);
            }
        }
    }

    /// One block for each peer in turn until the limit is reached or nobody wants more.
    pub(super) fn serve_in_turn(&mut self) {
        loop {
            let behind = self.peers.range((Excluded(self.served_last), Unbounded)).map(|(&key, _)| key);
            let before = self.peers.range(..=self.served_last).map(|(&key, _)| key);
            let Some(key) = behind.chain(before).find(|&key| self.can_serve(key)) else { return };
            if !self.upload_bucket.is_open(self.now) {
                self.timers.is_upload_waiting = true;
                return;
            }
            self.served_last = key;
            self.serve_one(key);
        }
    }

    fn can_serve(&self, key: PeerKey) -> bool {
        self.peers.get(&key).is_some_and(|peer| {
            // While we choke it, only what it may have all the same waits here.
            !peer.requests_in.is_empty() && peer.unsent_bytes < self.config.send_queue_bytes_max
        })
    }

    fn serve_one(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let Some(block) = peer.requests_in.pop_front() else { return };
        peer.unsent_bytes += self.outbox.block(key, block);
        peer.unsent_payload += u64::from(block.len);
        peer.sent_at = self.now;
        self.upload_bucket.spend(u64::from(block.len));
    }
}
