//! The fast extension (BEP 6): every request gets an answer, and a few pieces pass while the other side chokes.

use std::collections::VecDeque;
use std::time::Duration;

use super::Engine;
use super::peer::Peer;
use crate::fast::allowed_fast_set;
use crate::{Bitfield, BlockRef, CloseReason, Message, PeerKey, PieceIndex, Reserved};

/// Who refuses a request though it does not choke us has no room or not the piece: it is left alone for so long.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);
/// Refusals that wait to be sent to one peer at most, in bytes: as many as twice the requests that may wait.
const REFUSALS_BYTES_MAX: u64 = 1 << 20;

impl Engine {
    /// A message that only peers who offer the extension may send; `is_first`: the peer has not said what it has.
    pub(super) fn handle_fast(&mut self, key: PeerKey, message: &Message, is_first: bool) {
        if !self.speaks_fast(key) {
            return self.close(key, CloseReason::NotOffered { bep: 6 });
        }
        match message {
            Message::HaveAll if is_first => {
                self.handle_bitfield(key, Bitfield::all(self.geometry.pieces_total()));
            }
            Message::HaveAll => self.handle_late_have_all(key),
            Message::HaveNone if is_first => {
                self.handle_bitfield(key, Bitfield::none(self.geometry.pieces_total()));
            }
            Message::Suggest(piece) => self.handle_suggest(key, *piece),
            Message::Reject(block) => self.handle_reject(key, *block),
            Message::AllowedFast(piece) => self.handle_allowed_fast(key, *piece),
            _ => {}
        }
    }

    pub(super) fn speaks_fast(&self, key: PeerKey) -> bool {
        self.peers.get(&key).is_some_and(|peer| peer.spoken.has(Reserved::FAST))
    }

    /// What we have, as the first message.
    pub(super) fn send_what_we_have(&mut self, key: PeerKey) {
        let have = self.picker.have();
        let is_hidden = self.peers.get(&key).is_some_and(|peer| peer.reveal.is_some());
        let message = match if is_hidden { 0 } else { have.count() } {
            0 if self.speaks_fast(key) => Message::HaveNone,
            0 => return,
            _ if have.is_complete() && self.speaks_fast(key) => Message::HaveAll,
            _ => Message::Bitfield(have.clone()),
        };
        self.send(key, &message);
    }

    /// A peer that has next to nothing gets a start: pieces that it may ask for while it is choked.
    pub(super) fn send_allowed_fast(&mut self, key: PeerKey) {
        if !self.config.strategy.gives_a_start() {
            return;
        }
        let suits = |peer: &&mut Peer| peer.spoken.has(Reserved::FAST) && peer.reveal.is_none();
        let Some(peer) = self.peers.get_mut(&key).filter(suits) else { return };
        let (ip, pieces_total) = (peer.addr.ip(), self.geometry.pieces_total());
        let set = allowed_fast_set(&self.config, ip, &self.info_hashes.primary(), pieces_total);
        if peer.has.count() as usize >= set.len() {
            return;
        }
        peer.fast_bytes_left = set.iter().map(|&piece| u64::from(self.geometry.piece_size(piece))).sum();
        peer.allowed_to_it.clone_from(&set);
        set.into_iter().for_each(|piece| self.send(key, &Message::AllowedFast(piece)));
    }

    /// Whether a choked peer may have this block: of a piece that was allowed, while it has fewer than those, and no
    /// more bytes than they have.
    pub(super) fn may_have_while_choked(&self, key: PeerKey, block: &BlockRef) -> bool {
        self.peers.get(&key).is_some_and(|peer| {
            peer.allowed_to_it.contains(&block.piece)
                && (peer.has.count() as usize) < peer.allowed_to_it.len()
                && peer.fast_bytes_left >= u64::from(block.len)
        })
    }

    /// A request that will not be answered: who speaks the extension hears of it. Who asks on and on without reading the
    /// answers would fill our memory with them.
    pub(super) fn refuse(&mut self, key: PeerKey, block: BlockRef) {
        if !self.speaks_fast(key) {
            return;
        }
        if self.never_reads(key) {
            let max = self.config.requests_from_peer_max;
            return self.close(key, CloseReason::TooManyRequests { max });
        }
        self.send(key, &Message::Reject(block));
    }

    /// What it was sent, be it blocks or refusals of any kind, piles up.
    pub(super) fn never_reads(&self, key: PeerKey) -> bool {
        let unsent_bytes_max = self.config.send_queue_bytes_max + REFUSALS_BYTES_MAX;
        self.peers.get(&key).is_some_and(|peer| peer.unsent_bytes >= unsent_bytes_max)
    }

    /// The requests of a peer that is choked from now on: those for allowed pieces stay.
    pub(super) fn refuse_choked(&mut self, key: PeerKey, requests: VecDeque<BlockRef>) {
        for block in requests {
            if self.may_have_while_choked(key, &block) {
                self.queue_request(key, block);
            } else {
                self.refuse(key, block);
            }
        }
    }

    /// A request that will be served.
    pub(super) fn queue_request(&mut self, key: PeerKey, block: BlockRef) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if peer.am_choking {
            peer.fast_bytes_left -= u64::from(block.len);
        }
        peer.requests_in.push_back(block);
    }

    /// A request of ours will not be answered.
    fn handle_reject(&mut self, key: PeerKey, block: BlockRef) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let Some(request) = peer.take_outstanding(&block) else {
            return self.handle_late_reject(key, block);
        };
        let allowed = peer.allowed_fast.iter().position(|&piece| piece == block.piece);
        match allowed {
            // It does not keep its word, or has kept it long enough.
            Some(at) if peer.peer_choking => {
                peer.allowed_fast.remove(at);
            }
            _ if peer.peer_choking => {}
            _ => {
                peer.refused_until = Some(self.now + REFUSED_PAUSE);
                peer.pipeline.handle_stalled();
            }
        }
        peer.current = None;
        self.give_back(&request);
        self.picker.end_alone(key);
        self.has_room_news = true;
    }

    /// The answer to a request that we took back; to one that we never made it is a fault.
    fn handle_late_reject(&mut self, key: PeerKey, block: BlockRef) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if let Some(at) = peer.late.iter().position(|request| request.block == block) {
            peer.late.remove(at);
        }
        if let Some(at) = peer.lost.iter().position(|lost| *lost == block) {
            peer.lost.remove(at);
            return;
        }
        let len = u64::from(block.len);
        if peer.pardoned_bytes < len || len == 0 {
            let BlockRef { piece, begin, len } = block;
            return self.close(key, CloseReason::UnrequestedReject { piece: piece.0, begin, len });
        }
        peer.pardoned_bytes -= len;
    }

    /// Advice only; it counts once the peer has the piece and we lack it.
    fn handle_suggest(&mut self, key: PeerKey, piece: PieceIndex) {
        let max = self.config.fast_pieces_max;
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if self.picker.have().has(piece) || peer.suggested.contains(&piece) {
            return;
        }
        peer.suggested.push(piece);
        if peer.suggested.len() > max {
            peer.suggested.remove(0);
        }
        peer.starved_at = None;
    }

    fn handle_allowed_fast(&mut self, key: PeerKey, piece: PieceIndex) {
        let max = self.config.fast_pieces_max;
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if peer.allowed_fast.len() < max && !peer.allowed_fast.contains(&piece) {
            peer.allowed_fast.push(piece);
            peer.starved_at = None;
        }
    }

    /// It has said what it has before: only what is new in this one counts.
    fn handle_late_have_all(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else { return };
        let missing: Vec<PieceIndex> = peer.has.iter_missing().collect();
        missing.into_iter().for_each(|piece| self.handle_have(key, piece));
    }
}
