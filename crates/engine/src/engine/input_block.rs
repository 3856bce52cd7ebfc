//! Payload from peers: blocks that were asked for, and others.

use std::ops::Range;

use super::Engine;
use super::peer::Incoming;
use crate::picker::Outstanding;
use crate::{BlockRef, CloseReason, Message, Output, PeerKey};

impl Engine {
    pub(super) fn handle_piece_header(&mut self, key: PeerKey, block: BlockRef) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.has_spoken = true;
        if !self.geometry.contains(&block) {
            let BlockRef { piece, begin, len } = block;
            return self.close(key, CloseReason::OutOfRange { piece: piece.0, begin, len });
        }
        let is_asked = peer.outstanding.iter().any(|request| request.block == block);
        let is_wanted = is_asked || self.take_in_late(key, &block);
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.incoming = Some(Incoming { block, is_wanted });
        }
    }

    /// A block that was on its way when the peer choked us, or when we gave up waiting, is as good as any other while
    /// it is missing. Returns whether it is: then its request is outstanding again.
    fn take_in_late(&mut self, key: PeerKey, block: &BlockRef) -> bool {
        let Some(peer) = self.peers.get_mut(&key) else { return false };
        let Some(at) = peer.late.iter().position(|request| request.block == *block) else { return false };
        let has_room = peer.outstanding.len() < self.config.requests_per_peer_max as usize;
        let late = peer.late.remove(at).filter(|_| has_room);
        let lost = peer.lost.iter().position(|lost| lost == block);
        let is_pardoned = lost.and_then(|at| peer.lost.remove(at)).is_none();
        let alone = peer.is_on_parole.then_some(key);
        let Some(late) = late.filter(|_| self.picker.take_in_late(alone, block)) else { return false };
        peer.progress_at = self.now;
        if is_pardoned {
            peer.pardoned_bytes = peer.pardoned_bytes.saturating_sub(u64::from(block.len));
        }
        peer.outstanding.push_back(Outstanding { is_active: true, ..late });
        self.download_bucket.spend(u64::from(block.len));
        true
    }

    pub(super) fn handle_payload(&mut self, key: PeerKey, part: BlockRef, from: Range<usize>) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let len = u64::from(part.len);
        peer.down_bytes += len;
        peer.down_rate.add(self.now, len);
        self.totals.down_bytes += len;
        self.totals.down_rate.add(self.now, len);
        if peer.incoming.is_some_and(|incoming| incoming.is_wanted) {
            peer.progress_at = self.now;
            peer.pipeline.handle_payload(self.now, len);
            self.picker.add_contributor(part.piece, key);
            self.outbox.push(Output::Store { block: part, from });
            return;
        }
        self.totals.wasted_bytes += len;
        let pardoned = len.min(peer.pardoned_bytes);
        peer.pardoned_bytes -= pardoned;
        peer.unrequested_bytes += len - pardoned;
        let bytes = peer.unrequested_bytes;
        if bytes > self.config.unrequested_bytes_max {
            self.close(key, CloseReason::UnrequestedBlocks { bytes });
        }
    }

    pub(super) fn handle_block_end(&mut self, key: PeerKey, block: BlockRef) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if !peer.incoming.take().is_some_and(|incoming| incoming.is_wanted) {
            return;
        }
        let request = peer
            .take_outstanding(&block)
            .expect("invariant: a wanted block is outstanding until it is there");
        peer.is_snubbed = false;
        peer.pipeline.handle_block(&self.config, self.now, self.now.since(request.sent_at));
        self.count_on_again(key);
        self.end_block(&block, request.is_active);
    }

    /// A block that was missing is there; the request for it is no longer outstanding.
    pub(super) fn end_block(&mut self, block: &BlockRef, was_active: bool) {
        let received = self.picker.receive(block, was_active);
        if received.has_other_askers {
            self.cancel(block);
        }
        if received.is_piece_complete {
            self.picker.begin_check(block.piece);
            self.verify(block.piece);
        }
    }

    /// The block is there: whoever else was asked for it need not send it any more.
    fn cancel(&mut self, block: &BlockRef) {
        let asked = |(&key, peer): (&PeerKey, &super::peer::Peer)| {
            peer.outstanding.iter().any(|request| request.block == *block).then_some(key)
        };
        let keys: Vec<PeerKey> = self.peers.iter().filter_map(asked).collect();
        for key in keys {
            let Some(peer) = self.peers.get_mut(&key) else { continue };
            let Some(request) = peer.take_outstanding(block) else { continue };
            peer.pardoned_bytes += u64::from(block.len);
            let is_under_way = peer.incoming.as_mut().filter(|incoming| incoming.block == *block);
            match is_under_way {
                // Its bytes are coming already; a cancel would be too late.
                Some(incoming) => incoming.is_wanted = false,
                None => self.send(key, &Message::Cancel(*block)),
            }
            self.give_back(&request);
            // It may have nothing left to do, and no answer of its own will tell.
            self.has_room_news = true;
        }
        self.cancel_at_web_seeds(block);
    }
}
