//! Blocks for peers, and hashes: handed to the host as fast as the connection takes them and the upload limit allows.

use super::Engine;
use super::peer::Peer;
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
        if self.upload_bucket.is_limited() {
            self.serve_in_turn();
        } else {
            while self.can_serve(key) {
                self.serve_one(key);
            }
            self.note_held(key);
        }
    }

    /// Serves those that the choker allots so much to and no more.
    pub(super) fn serve_held(&mut self) {
        if self.upload_bucket.is_limited() {
            return self.serve_in_turn();
        }
        let held = self.peers.iter().filter(|(_, peer)| peer.up_bucket.is_limited());
        let keys: Vec<PeerKey> = held.map(|(&key, _)| key).collect();
        keys.into_iter().for_each(|key| self.serve(key));
    }

    /// One answer for each peer in turn until the limit is reached or nobody wants more.
    pub(super) fn serve_in_turn(&mut self) {
        loop {
            let mut in_turn = self.peers.keys_from_behind(&self.served_last).copied();
            let Some(key) = in_turn.find(|&key| self.can_serve(key)) else { break };
            if !self.upload_bucket.is_open(self.now) {
                self.timers.is_upload_waiting = true;
                return;
            }
            self.served_last = key;
            self.serve_one(key);
        }
        let limited = self.peers.iter().filter(|(_, peer)| peer.up_bucket.is_limited());
        let keys: Vec<PeerKey> = limited.map(|(&key, _)| key).collect();
        keys.into_iter().for_each(|key| self.note_held(key));
    }

    fn can_serve(&self, key: PeerKey) -> bool {
        let peer = self.peers.get(&key).filter(|peer| self.could_serve(peer));
        peer.is_some_and(|peer| peer.up_bucket.would_be_open(self.now))
    }

    /// It wants something, and its connection takes it.
    pub(super) fn could_serve(&self, peer: &Peer) -> bool {
        // While we choke it, only what it may have all the same waits here.
        let is_waiting = !peer.requests_in.is_empty() || !peer.hash_requests_in.is_empty();
        is_waiting && peer.unsent_bytes < self.config.send_queue_bytes_max
    }

    /// If only the choker's allotment holds this peer back, it goes on when that allows it.
    fn note_held(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key).filter(|peer| self.could_serve(peer)) else { return };
        if peer.up_bucket.would_be_open(self.now) {
            return;
        }
        let until = [self.timers.upload_held_until, peer.up_bucket.opens_at()];
        self.timers.upload_held_until = until.into_iter().flatten().min();
    }

    /// Hashes go first: without them the blocks are of no use.
    fn serve_one(&mut self, key: PeerKey) {
        let Some(len) = self.send_hashes(key).or_else(|| self.send_block(key)) else { return };
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.up_bucket.earn(self.now);
        peer.up_bucket.spend(len);
        self.upload_bucket.spend(len);
    }

    fn send_block(&mut self, key: PeerKey) -> Option<u64> {
        let peer = self.peers.get_mut(&key)?;
        let block = peer.requests_in.pop_front()?;
        peer.unsent_bytes += self.outbox.block(key, block);
        peer.unsent_payload += u64::from(block.len);
        peer.sent_at = self.now;
        Some(block.len.into())
    }
}
