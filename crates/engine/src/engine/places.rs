//! Places for peers: who is of use, and who makes room for whom.

use std::net::SocketAddr;

use super::Engine;
use crate::peers::{self, Look, Picture};
use crate::{CloseReason, PeerKey};

impl Engine {
    /// Notes whether a peer is of use, for the time when its place is wanted.
    pub(super) fn note_uselessness(&mut self, key: PeerKey) {
        let is_seeding = self.am_upload_only();
        let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.is_joined()) else { return };
        let why = peers::useless(&Look {
            is_seeding,
            am_interested: peer.am_interested,
            peer_interested: peer.peer_interested,
            am_choking: peer.am_choking,
            is_snubbed: peer.is_snubbed,
            is_trading: peer.is_trading(self.now),
        });
        let since = peer.useless.map_or(self.now, |(_, since)| since);
        peer.useless = why.map(|why| (why, since));
    }

    /// Closes the peer that has been useless longest if all places are taken and addresses wait to be tried. One at a
    /// time: whoever comes in its place may fill it with better.
    pub(super) fn replace_useless(&mut self) {
        if self.peers.len() >= self.config.peers_max && self.book.due(self.now, 1) > 0 {
            self.close_longest_useless();
        }
    }

    /// Somebody comes to us and all places are taken: makes room if there is somebody to make it.
    pub(super) fn make_room_for(&mut self, addr: SocketAddr) -> bool {
        if self.close_longest_useless() {
            return true;
        }
        let Some(newcomer) = self.priority_of(addr) else { return false };
        let Some(outranked) = peers::outranked(&self.config, newcomer, &self.pictures()) else {
            return false;
        };
        self.close(outranked, CloseReason::OutRanked);
        true
    }

    fn close_longest_useless(&mut self) -> bool {
        let Some((key, why, span)) = peers::longest_useless(&self.config, &self.pictures()) else {
            return false;
        };
        let useless_s = u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        self.close(key, CloseReason::Replaced { why, useless_s });
        true
    }

    fn pictures(&self) -> Vec<Picture> {
        let joined = self.peers.iter().filter(|(_, peer)| peer.is_joined());
        let picture = |(&key, peer): (_, &super::peer::Peer)| Picture {
            peer: key,
            useless: peer.useless.map(|(why, since)| (why, self.now.since(since))),
            is_trading: peer.is_trading(self.now),
            connected_for: self.now.since(peer.stage_since),
            priority: self.priority_of(peer.addr),
        };
        joined.map(picture).collect()
    }

    /// The canonical priority of a connection with this address (BEP 40), if our own is known.
    fn priority_of(&self, addr: SocketAddr) -> Option<u32> {
        self.book.own().towards(addr).and_then(|ours| peers::priority(ours, addr))
    }
}
