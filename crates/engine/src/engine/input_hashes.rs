//! Hashes of pieces that the .torrent file left out (BEP 52): asked of peers, and given to peers that ask.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use crate::hash_fetch::Answer;
use crate::{BanReason, CloseReason, Event, HashRange, Message, Output, PeerKey, PieceIndex};

/// Requests for hashes outstanding with one peer: an answer has 16 KiB, as a block has.
const REQUESTS_PER_PEER_MAX: usize = 4;
/// Requests for hashes of one peer that wait to be answered; what is beyond is rejected. (An answer to each, of 512 hashes
/// and a proof, has 16 KiB: together a megabyte.)
pub(super) const HASH_REQUESTS_FROM_PEER_MAX: usize = 64;
/// Pieces whose blocks are all there and whose hash is not. With so many no further block is asked for: should the hashes
/// never come, all would be for nothing.
const UNHASHED_PIECES_MAX: usize = 16;
/// A peer that will not give hashes is asked again after so long.
const REJECTED_RETRY: Duration = Duration::from_secs(30);

impl Engine {
    /// Asks the peer for hashes, as far as some are missing and there is room.
    pub(super) fn request_hashes(&mut self, key: PeerKey) {
        if !self.is_running || self.hashes.is_complete() {
            return;
        }
        while let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.speaks_v2 && peer.is_joined()) {
            let may_ask = peer.hash_requests.len() < REQUESTS_PER_PEER_MAX && peer.hashes_from <= self.now;
            let picked = if may_ask { self.hashes.pick(self.now, key, &peer.has) } else { None };
            let Some(range) = picked else { return };
            if !peer.hash_requests.contains(&range) {
                peer.hash_requests.push(range);
            }
            self.send(key, &Message::HashRequest(range));
        }
    }

    pub(super) fn handle_hashes(&mut self, key: PeerKey, range: &HashRange, hashes: &[u8]) {
        if !self.forget_hash_request(key, range) {
            // Nobody asked, or it is late beyond use.
            return;
        }
        match self.hashes.take(range, hashes) {
            Answer::Proved(pieces) => self.handle_hashes_proved(&pieces),
            Answer::Wrong => {
                self.hashes.give_back(key, range);
                self.has_hash_news = true;
                return self.ban(key, BanReason::WrongHashes, &CloseReason::WrongHashes);
            }
            Answer::Useless => {}
        }
        self.request_hashes(key);
    }

    pub(super) fn handle_hash_reject(&mut self, key: PeerKey, range: &HashRange) {
        if self.forget_hash_request(key, range) {
            self.hashes.give_back(key, range);
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.hashes_from = self.now + REJECTED_RETRY;
            }
        }
    }

    /// A request that can be answered from the layers that we have waits its turn for the upload limit, as one for a block
    /// does, whether we choke the peer or not (BEP 52).
    pub(super) fn handle_hash_request(&mut self, key: PeerKey, range: HashRange) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let has_room = peer.hash_requests_in.len() < HASH_REQUESTS_FROM_PEER_MAX;
        if has_room && self.hashes.serve(&range).is_some() {
            peer.hash_requests_in.push_back(range);
        } else {
            self.send(key, &Message::HashReject(range));
        }
    }

    /// Answers the peer's first waiting request for hashes. Returns how many bytes that took; `None` if none waits.
    pub(super) fn send_hashes(&mut self, key: PeerKey) -> Option<u64> {
        let range = self.peers.get_mut(&key)?.hash_requests_in.pop_front()?;
        // Layers only grow, so what could be answered still can.
        let hashes = self.hashes.serve(&range)?;
        let len = hashes.len() as u64;
        self.send(key, &Message::Hashes { range, hashes });
        Some(len)
    }

    /// The blocks of a piece are all there: it can be hashed, or waits for its hash.
    pub(super) fn verify(&mut self, piece: PieceIndex) {
        let hashes = self.hashes.piece_hashes(&self.metainfo, piece);
        if hashes.is_known() {
            self.outbox.push(Output::Verify { piece, hashes });
        } else {
            self.unhashed.insert(piece);
        }
    }

    /// No further block is asked for until some hashes are there.
    pub(super) fn waits_for_hashes(&self) -> bool {
        self.unhashed.len() >= UNHASHED_PIECES_MAX
    }

    /// The peer is gone: others may be asked for what it was.
    pub(super) fn give_back_hash_requests(&mut self, key: PeerKey, requests: &[HashRange]) {
        requests.iter().for_each(|range| self.hashes.give_back(key, range));
        self.has_hash_news |= !requests.is_empty();
    }

    /// Asks every peer that may be asked, if hashes have become free to be asked for.
    pub(super) fn offer_hash_requests(&mut self) {
        if std::mem::take(&mut self.has_hash_news) {
            self.request_hashes_from_all();
        }
    }

    /// Asks every peer that may be asked, for instance since another one does not answer.
    pub(super) fn request_hashes_from_all(&mut self) {
        if !self.hashes.is_complete() {
            let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
            keys.into_iter().for_each(|key| self.request_hashes(key));
        }
    }

    fn handle_hashes_proved(&mut self, pieces: &[PieceIndex]) {
        for piece in pieces {
            if self.unhashed.remove(piece) {
                self.verify(*piece);
            }
        }
        self.has_room_news = true;
        if self.hashes.is_complete() {
            // With the hashes the file may be longer than any that is read; then they are fetched again the next time.
            if let Ok(complete) = self.metainfo.with_piece_layers(self.hashes.layers()) {
                self.metainfo = Arc::new(complete);
                self.outbox.event(Event::HashesComplete);
            }
        }
    }

    /// Returns whether it was outstanding.
    fn forget_hash_request(&mut self, key: PeerKey, range: &HashRange) -> bool {
        let Some(peer) = self.peers.get_mut(&key) else { return false };
        let at = peer.hash_requests.iter().position(|asked| asked == range);
        at.map(|at| peer.hash_requests.swap_remove(at)).is_some()
    }
}
