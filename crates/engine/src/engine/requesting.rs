//! Keeps the pipelines to the peers full. Requests go out when something arrives, never on a beat.

use std::collections::VecDeque;

use super::Engine;
use crate::picker::{Asker, Outstanding, Speed};
use crate::{Event, Message, Output, PeerKey, PieceIndex};

impl Engine {
    /// Requests from this peer what its pipeline has room for.
    pub(super) fn request_from(&mut self, key: PeerKey) {
        let generation = self.picker.generation();
        let waits_for_hashes = self.waits_for_hashes();
        let Some(peer) = self.peers.get_mut(&key) else { return };
        // A stalled peer gets nothing new until it goes on.
        if !self.is_running
            || !peer.can_be_asked()
            || peer.released > 0
            || peer.starved_at == Some(generation)
            || waits_for_hashes
        {
            return;
        }
        let depth = if peer.is_snubbed { 1 } else { peer.pipeline.depth() as usize };
        let room = depth.saturating_sub(peer.outstanding.len());
        if room == 0 {
            return;
        }
        let wanted = room.min(self.download_bucket.blocks_open(self.now));
        if wanted == 0 {
            self.timers.is_download_waiting = true;
            return;
        }
        let asker = Asker {
            peer: key,
            has: &peer.has,
            current: peer.current,
            is_on_parole: peer.is_on_parole,
            outstanding: &peer.outstanding,
            released: peer.released,
            only: peer.peer_choking.then_some(&peer.allowed_fast),
            suggested: &peer.suggested,
            speed: Speed::of(peer.pipeline.rate()),
            is_fast: peer.pipeline.rate() >= self.best_rate / 2,
            now: self.now,
        };
        let peers = self.joined as usize;
        self.picker.pick(&self.config, &asker, wanted, peers, &mut self.rng, &mut self.picked);
        if self.picked.is_exhausted {
            peer.starved_at = Some(self.picker.generation());
        } else if wanted < room {
            self.timers.is_download_waiting = true;
        }
        if peer.outstanding.is_empty() {
            peer.progress_at = self.now;
            peer.pipeline.handle_refilled_from_empty(self.now);
        }
        self.send_picked(key);
    }

    /// Offers work to peers with room, if some has become available, or room without an answer from the peer.
    pub(super) fn offer_work(&mut self) {
        // A request may begin the endgame, which is again news for others; each turn uses up free blocks or places for
        // duplicates, so this ends.
        while std::mem::take(&mut self.has_room_news) || self.offered_generation != self.picker.generation() {
            self.offered_generation = self.picker.generation();
            self.request_from_all();
        }
    }

    /// Requests from every peer what its pipeline has room for.
    pub(super) fn request_from_all(&mut self) {
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        keys.into_iter().for_each(|key| self.request_from(key));
    }

    /// A request will not be answered any more.
    pub(super) fn give_back(&mut self, request: &Outstanding) {
        self.picker.forget(request);
        self.download_bucket.refund(u64::from(request.block.len));
    }

    /// Nothing that this peer was asked for will come: its blocks may be asked of others. What comes all the same, since
    /// it was on its way, is no fault.
    pub(super) fn take_back_all(&mut self, key: PeerKey) -> VecDeque<Outstanding> {
        let Some(peer) = self.peers.get_mut(&key) else { return VecDeque::new() };
        peer.released = 0;
        peer.current = None;
        if let Some(incoming) = &mut peer.incoming {
            incoming.is_wanted = false;
        }
        let outstanding = std::mem::take(&mut peer.outstanding);
        self.withdraw(key, &outstanding);
        self.picker.end_alone(key);
        outstanding
    }

    /// These requests stand no more, though their answers may be on their way.
    pub(super) fn withdraw(&mut self, key: PeerKey, requests: &VecDeque<Outstanding>) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.pardoned_bytes += requests.iter().map(|request| u64::from(request.block.len)).sum::<u64>();
        }
        self.expect_late(key, requests);
    }

    /// A block of these that comes late is used while it is missing.
    fn expect_late(&mut self, key: PeerKey, requests: &VecDeque<Outstanding>) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.late.extend(requests);
        let beyond = peer.late.len().saturating_sub(self.config.requests_per_peer_max as usize);
        peer.late.drain(..beyond);
        for request in requests {
            self.give_back(request);
        }
    }

    /// The peer has lost this piece: as [`Engine::take_back_all`] for its blocks. But what it sent of them it sent before
    /// it said so: nothing is pardoned, or a peer that has and loses one piece in turn could send any amount of anything.
    pub(super) fn take_back_piece(&mut self, key: PeerKey, piece: PieceIndex) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let (lost, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut peer.outstanding)
            .into_iter()
            .partition(|request| request.block.piece == piece);
        peer.outstanding = kept;
        peer.released = peer.outstanding.iter().filter(|request| !request.is_active).count() as u32;
        peer.current = peer.current.filter(|&current| current != piece);
        if let Some(incoming) = peer.incoming.as_mut().filter(|incoming| incoming.block.piece == piece) {
            incoming.is_wanted = false;
        }
        peer.lost.extend(lost.iter().map(|request| request.block));
        let beyond = peer.lost.len().saturating_sub(self.config.requests_per_peer_max as usize);
        peer.lost.drain(..beyond);
        self.expect_late(key, &lost);
    }

    /// A snubbed peer may have lost our requests: they are cancelled, and it is tried again with one at a time.
    pub(super) fn give_up_on_requests(&mut self, key: PeerKey) {
        for request in self.take_back_all(key) {
            self.send(key, &Message::Cancel(request.block));
        }
        self.has_room_news = true;
    }

    /// The peer stalls: its blocks may be asked of others. It may still answer; nothing is cancelled yet.
    pub(super) fn count_off(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        for request in peer.outstanding.iter_mut().filter(|request| request.is_active) {
            request.is_active = false;
            self.picker.release(&request.block);
        }
        peer.released = peer.outstanding.len() as u32;
        peer.current = None;
        peer.pipeline.handle_stalled();
        self.picker.end_alone(key);
    }

    /// The peer goes on: it is counted on again for what nobody else was asked for in the meantime.
    pub(super) fn count_on_again(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.released > 0) else { return };
        for request in peer.outstanding.iter_mut().filter(|request| !request.is_active) {
            request.is_active = self.picker.reclaim(&request.block);
        }
        peer.released = peer.outstanding.iter().filter(|request| !request.is_active).count() as u32;
    }

    /// We are interested while the peer has a piece that we lack (BEP 3: to be kept up to date at all times).
    pub(super) fn update_interest(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let am_interested = peer.wanted_pieces > 0;
        if peer.am_interested != am_interested {
            peer.am_interested = am_interested;
            self.send(key, if am_interested { &Message::Interested } else { &Message::NotInterested });
        }
    }

    fn send_picked(&mut self, key: PeerKey) {
        let picked = std::mem::take(&mut self.picked);
        for &piece in &picked.discarded {
            self.outbox.push(Output::Discard { piece });
        }
        for &(block, reason) in &picked.blocks {
            self.pick_counts[reason as usize] += 1;
            self.download_bucket.spend(u64::from(block.len));
            self.send(key, &Message::Request(block));
            self.outbox.event(Event::Picked { peer: key, block, reason });
        }
        if let Some(peer) = self.peers.get_mut(&key) {
            let request = |&(block, _): &_| Outstanding { block, sent_at: self.now, is_active: true };
            peer.outstanding.extend(picked.blocks.iter().map(request));
            peer.current = picked.blocks.last().map(|(block, _)| block.piece).or(peer.current);
        }
        self.picked = picked;
    }
}
