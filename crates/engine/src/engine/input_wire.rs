//! Bytes from peers: messages, and what they change.

use super::Engine;
use super::peer::Stage;
use crate::wire::Decoded;
use crate::{Bitfield, BlockRef, CloseReason, Message, PeerKey, PieceIndex, Reserved};

impl Engine {
    pub(super) fn handle_received(&mut self, key: PeerKey, data: &[u8]) {
        let mut at = 0;
        while let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.stage != Stage::Connecting) {
            peer.received_at = self.now;
            match peer.decoder.next(data, &mut at) {
                Ok(Some(decoded)) => self.handle_decoded(key, decoded),
                Ok(None) => break,
                Err(reason) => return self.close(key, reason),
            }
        }
        self.answer(key);
    }

    pub(super) fn handle_received_opaque(&mut self, key: PeerKey, len: u32) {
        let mut left = len;
        while let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.stage != Stage::Connecting) {
            peer.received_at = self.now;
            match peer.decoder.next_opaque(&mut left) {
                Ok(Some(decoded)) => self.handle_decoded(key, decoded),
                Ok(None) => break,
                Err(reason) => return self.close(key, reason),
            }
        }
        self.answer(key);
    }

    /// After all that one read brought: new requests go out in one piece, and blocks that were asked for.
    fn answer(&mut self, key: PeerKey) {
        if self.never_reads(key) {
            let max = self.config.requests_from_peer_max;
            return self.close(key, CloseReason::TooManyRequests { max });
        }
        self.request_from(key);
        self.serve(key);
    }

    fn handle_decoded(&mut self, key: PeerKey, decoded: Decoded) {
        match decoded {
            Decoded::Handshake(handshake) => self.handle_handshake(key, &handshake),
            Decoded::Message(message) => self.handle_message(key, message),
            Decoded::PieceHeader { block } => self.handle_piece_header(key, block),
            Decoded::Payload { part, from } => self.handle_payload(key, part, from),
            Decoded::BlockEnd { block } => self.handle_block_end(key, block),
        }
    }

    fn handle_message(&mut self, key: PeerKey, message: Message) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let is_first = !peer.has_spoken;
        // Some clients introduce themselves before they say what they have.
        peer.has_spoken |= !matches!(message, Message::KeepAlive | Message::Extended { .. });
        match message {
            Message::KeepAlive => {}
            Message::Choke => self.handle_choke(key),
            Message::Unchoke => {
                if std::mem::take(&mut peer.peer_choking) {
                    peer.pipeline.handle_unchoked(&self.config, self.now);
                    peer.progress_at = self.now;
                    peer.starved_at = None;
                }
            }
            Message::Interested => {
                peer.peer_interested = true;
                self.has_slot_news = true;
            }
            Message::NotInterested => {
                peer.peer_interested = false;
                self.has_slot_news |= !peer.am_choking;
            }
            Message::Have(piece) => self.handle_have(key, piece),
            Message::Bitfield(has) if is_first => self.handle_bitfield(key, has),
            // BEP 3 allows one bitfield, at the start. aria2 sends another where that is shorter than as many `have`s.
            Message::Bitfield(has) => has.iter().for_each(|piece| self.handle_have(key, piece)),
            Message::Request(block) => self.handle_request(key, block),
            Message::Cancel(block) => {
                if let Some(at) = peer.requests_in.iter().position(|request| *request == block) {
                    peer.requests_in.remove(at);
                    self.refuse(key, block);
                }
            }
            Message::Suggest(_)
            | Message::HaveAll
            | Message::HaveNone
            | Message::Reject(_)
            | Message::AllowedFast(_) => self.handle_fast(key, &message, is_first),
            Message::Extended { id, payload } => self.handle_extended(key, id, &payload),
            Message::HashRequest(range) => self.handle_hash_request(key, range),
            Message::Hashes { range, hashes } => self.handle_hashes(key, &range, &hashes),
            Message::HashReject(range) => self.handle_hash_reject(key, &range),
        }
    }

    /// What it has not sent by now it will not send: its blocks may be asked of others. Some clients still send what
    /// was on its way, which is no fault. Who speaks the fast extension answers each request, also now.
    fn handle_choke(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.peer_choking = true;
        peer.is_snubbed = false;
        peer.starved_at = None;
        if !peer.spoken.has(Reserved::FAST) {
            self.take_back_all(key);
        }
    }

    pub(super) fn handle_have(&mut self, key: PeerKey, piece: PieceIndex) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if !peer.has.insert(piece) {
            return;
        }
        self.picker.add_have(piece);
        if self.picker.missing().has(piece) {
            peer.wanted_pieces += 1;
            peer.starved_at = None;
        }
        self.update_interest(key);
        self.spread_have(key, piece);
        self.close_if_neither_downloads(key);
    }

    pub(super) fn handle_bitfield(&mut self, key: PeerKey, has: Bitfield) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.is_counted_as_seed = self.picker.add_peer(&has);
        peer.wanted_pieces = has.count_common(self.picker.missing());
        peer.pieces_at_first = has.count();
        peer.has = has;
        self.send_allowed_fast(key);
        self.update_interest(key);
        self.request_hashes(key);
        self.close_if_neither_downloads(key);
        self.spread_bitfield(key);
    }

    fn handle_request(&mut self, key: PeerKey, block: BlockRef) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if !self.geometry.contains(&block) || block.len > self.config.message_len_max {
            let BlockRef { piece, begin, len } = block;
            return self.close(key, CloseReason::OutOfRange { piece: piece.0, begin, len });
        }
        let max = self.config.requests_from_peer_max;
        let is_full = peer.requests_in.len() >= max as usize;
        let (am_choking, speaks_fast) = (peer.am_choking, peer.spoken.has(Reserved::FAST));
        // A request that crossed our choke is no fault, nor is one for a piece that we lack.
        let is_refused = !self.picker.have().has(block.piece)
            || self.hides(key, block.piece)
            || am_choking && !self.may_have_while_choked(key, &block)
            || is_full && speaks_fast;
        if is_refused {
            self.refuse(key, block);
        } else if is_full {
            self.close(key, CloseReason::TooManyRequests { max });
        } else {
            self.queue_request(key, block);
        }
    }
}
