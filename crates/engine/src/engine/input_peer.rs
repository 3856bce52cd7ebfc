//! Connections: found, asked for, made, accepted, closed.

use std::net::SocketAddr;
use std::time::Duration;

use super::Engine;
use super::peer::{Peer, Stage};
use crate::{
    AddressRefusal, CloseReason, Event, Handshake, InfoHash, Message, Output, PeerId, PeerKey, PeerSource,
    Reserved,
};

/// Addresses of peers that have left, remembered so that a piece they shared in can still be held against them.
const DEPARTED_MAX: usize = 1000;
/// Of a connection that was silent for so long, and whose other end connects again, nothing more will come.
const HALF_DEAD_AFTER: Duration = Duration::from_secs(30);

impl Engine {
    pub(super) fn handle_peers_found(&mut self, source: PeerSource, addrs: &[SocketAddr]) {
        if self.metainfo.is_private() && source != PeerSource::Tracker {
            if !addrs.is_empty() {
                let (count, reason) = (addrs.len() as u32, AddressRefusal::PrivateTorrent);
                self.outbox.event(Event::AddressesRefused { source, count, reason });
            }
            return;
        }
        for &addr in addrs {
            if !self.bans.contains(self.now, addr, None) && !self.peers.values().any(|peer| peer.addr == addr)
            {
                self.book.add(&self.config, self.now, source, addr, &mut self.rng);
            }
        }
    }

    pub(super) fn handle_connected(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.stage == Stage::Connecting) else {
            return;
        };
        peer.stage = Stage::Handshaking;
        peer.stage_since = self.now;
        self.connecting -= 1;
        self.send_handshake(key, self.info_hashes.primary());
    }

    pub(super) fn handle_accepted(&mut self, key: PeerKey, addr: SocketAddr) {
        let max = self.config.peers_max;
        let refusal = if !self.is_running {
            Some(CloseReason::Stopped)
        } else if self.bans.contains(self.now, addr, None) {
            Some(CloseReason::Banned)
        } else if self.peers.len() >= max && !self.make_room_for(addr) {
            Some(CloseReason::TooManyPeers { max: max as u32 })
        } else {
            None
        };
        if let Some(reason) = refusal {
            self.outbox.close(key, reason.clone());
            self.outbox.event(Event::PeerLeft { peer: key, reason });
            return;
        }
        let peer = self.new_peer(addr, PeerSource::Incoming, Stage::Handshaking);
        let previous = self.peers.insert(key, peer);
        assert!(previous.is_none(), "invariant: the host never uses a key again");
        self.book.in_use(addr);
    }

    pub(super) fn handle_closed(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else { return };
        let reason = if peer.stage == Stage::Connecting {
            CloseReason::Unreachable
        } else {
            CloseReason::RemoteClosed
        };
        self.forget_peer(key, reason);
    }

    pub(super) fn handle_handshake(&mut self, key: PeerKey, handshake: &Handshake) {
        let Some(peer) = self.peers.get(&key) else { return };
        if !self.info_hashes.contains(handshake.info_hash) {
            return self.close(key, CloseReason::WrongInfoHash);
        }
        if handshake.peer_id == self.peer_id {
            return self.close(key, CloseReason::OurOwnPeerId);
        }
        let (addr, is_incoming) = (peer.addr, peer.is_incoming);
        if self.bans.contains(self.now, addr, Some(handshake.peer_id)) {
            return self.close(key, CloseReason::Banned);
        }
        if let Some(other) = self.other_connection(key, handshake.peer_id) {
            let loser = self.loser_of_duplicates(key, other, handshake.peer_id);
            self.close(loser, CloseReason::Duplicate);
            if loser == key {
                return;
            }
        }
        let speaks_v2 = self.speaks_v2(handshake);
        if is_incoming {
            self.send_handshake(key, self.swarm_for_answer(handshake));
        }
        let is_on_parole = self.suspects.contains(&(addr.ip(), handshake.peer_id));
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.stage = Stage::Joined;
            peer.stage_since = self.now;
            peer.peer_id = Some(handshake.peer_id);
            peer.is_on_parole = is_on_parole;
            peer.speaks_v2 = speaks_v2;
            peer.spoken = self.config.offered().common(Reserved(handshake.reserved));
        }
        self.joined += 1;
        self.outbox.event(Event::PeerJoined { peer: key, addr });
        self.hide_from(key);
        self.send_what_we_have(key);
        self.send_extended_handshake(key);
    }

    /// Connects to known addresses whose time has come, as far as there is room.
    pub(super) fn connect_more(&mut self) {
        while self.can_connect()
            && let Some((addr, source)) = self.book.take_due(self.now)
        {
            let is_there = |peer: &Peer| peer.addr == addr || peer.dial_addr() == Some(addr);
            if self.bans.contains(self.now, addr, None) || self.peers.values().any(is_there) {
                continue;
            }
            let key = PeerKey(self.next_key);
            self.next_key += 2;
            self.connecting += 1;
            let peer = self.new_peer(addr, source, Stage::Connecting);
            self.peers.insert(key, peer);
            self.outbox.push(Output::Connect { peer: key, addr });
        }
    }

    pub(super) fn can_connect(&self) -> bool {
        self.is_running
            && self.peers.len() < self.config.peers_max
            && self.connecting < self.config.connecting_max
    }

    /// Closes a connection and forgets it.
    pub(super) fn close(&mut self, key: PeerKey, reason: CloseReason) {
        self.outbox.close(key, reason.clone());
        self.forget_peer(key, reason);
    }

    /// Appends a message to what goes to this peer.
    pub(super) fn send(&mut self, key: PeerKey, message: &Message) {
        let len = self.outbox.message(key, message);
        self.count_sent(key, len);
    }

    /// The connection is gone: gives back what it was counted on for.
    pub(super) fn forget_peer(&mut self, key: PeerKey, reason: CloseReason) {
        let Some(peer) = self.peers.remove(&key) else { return };
        for request in &peer.outstanding {
            self.give_back(request);
        }
        self.picker.end_alone(key);
        self.give_back_hash_requests(key, &peer.hash_requests);
        match peer.stage {
            Stage::Connecting => self.connecting -= 1,
            Stage::Handshaking => {}
            Stage::Joined => {
                self.joined -= 1;
                self.picker.remove_peer(&peer.has, peer.is_counted_as_seed);
                self.spread_left(peer.reveal.as_deref());
                self.has_slot_news |= !peer.am_choking;
            }
        }
        if peer.down_bytes > 0 {
            self.departed.insert(key, (peer.addr, peer.peer_id));
            if self.departed.len() > DEPARTED_MAX {
                self.departed.pop_first();
            }
        }
        self.keep_address(&peer, &reason);
        self.outbox.event(Event::PeerLeft { peer: key, reason });
    }

    /// When to try the address again, if it is a known one: that of who came to us seldom is.
    fn keep_address(&mut self, peer: &Peer, reason: &CloseReason) {
        let addr = peer.dial_addr().unwrap_or(peer.addr);
        match reason {
            CloseReason::OurOwnPeerId
            | CloseReason::CorruptData { .. }
            | CloseReason::WrongHashes
            | CloseReason::Banned => {
                self.book.never(addr);
            }
            CloseReason::TrackerSwitched => self.book.never(addr),
            CloseReason::Stopped => self.book.retry_now(self.now, addr, &mut self.rng),
            _ => {
                // A seed may have become a downloader by the next try, but seldom has.
                let is_idle = matches!(
                    reason,
                    CloseReason::BothSeeds
                        | CloseReason::BothUploadOnly
                        | CloseReason::Replaced { .. }
                        | CloseReason::OutRanked
                );
                let was_useful = peer.down_bytes + peer.up_bytes > 0 && !is_idle;
                self.book.retry_later(&self.config, self.now, addr, was_useful, &mut self.rng);
            }
        }
    }

    /// A peer that came to us has said at which port it listens: nobody else need be tried there, and it may be when
    /// this connection is gone. Members of a private torrent are found through their tracker alone.
    pub(super) fn learn_port(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key).filter(|peer| peer.is_incoming) else { return };
        if let Some(addr) = peer.dial_addr()
            && !self.is_private()
        {
            self.book.add_in_use(&self.config, PeerSource::Incoming, addr);
        }
    }

    fn other_connection(&self, key: PeerKey, peer_id: PeerId) -> Option<PeerKey> {
        self.peers
            .iter()
            .find(|(other, peer)| **other != key && peer.peer_id == Some(peer_id))
            .map(|(&other, _)| other)
    }

    /// Of two connections to one peer, the newer goes, but for two cases.
    ///
    /// When both sides connected to each other at the same time, "newer" may be another one on each side, and both
    /// would be lost: then the one stays that was asked for by the side with the greater peer id, which both sides
    /// know. (Once the older has stood for a while, it is the older one on both sides.)
    ///
    /// A peer that comes to us a second time knows that the first connection is dead, for instance since its network
    /// went away without a word. The silence and the same host are asked for as proof, since anybody may name any
    /// peer id.
    fn loser_of_duplicates(&self, new: PeerKey, old: PeerKey, their_id: PeerId) -> PeerKey {
        let (Some(new_peer), Some(old_peer)) = (self.peers.get(&new), self.peers.get(&old)) else {
            return new;
        };
        let is_crossing = new_peer.is_incoming != old_peer.is_incoming
            && self.now.since(old_peer.stage_since) < self.config.handshake_timeout;
        let keeps_incoming = their_id > self.peer_id;
        let is_half_dead = new_peer.is_incoming
            && old_peer.is_incoming
            && new_peer.addr.ip() == old_peer.addr.ip()
            && self.now.since(old_peer.received_at) >= HALF_DEAD_AFTER;
        if is_half_dead || is_crossing && new_peer.is_incoming == keeps_incoming { old } else { new }
    }

    fn send_handshake(&mut self, key: PeerKey, info_hash: InfoHash) {
        // libtorrent closes a connection that offers version 2 for a torrent without one.
        let v2 = if self.info_hashes.v2().is_some() { Reserved::V2 } else { Reserved::default() };
        let reserved = self.config.offered().with(v2).0;
        let handshake = Handshake { reserved, info_hash, peer_id: self.peer_id };
        let len = self.outbox.send(key, |bytes| bytes.extend(handshake.encode()));
        self.count_sent(key, len);
    }

    /// It can give and take hashes: it names the torrent as of version 2, or says that it could (BEP 52).
    fn speaks_v2(&self, handshake: &Handshake) -> bool {
        let v2 = self.info_hashes.v2().map(|v2| v2.truncated());
        v2 == Some(handshake.info_hash) || v2.is_some() && Reserved(handshake.reserved).has(Reserved::V2)
    }

    /// By which name we answer: the one that the peer uses, or that of version 2 if it could go over to it.
    fn swarm_for_answer(&self, handshake: &Handshake) -> InfoHash {
        let v2 = self.info_hashes.v2().filter(|_| self.speaks_v2(handshake));
        v2.map_or(handshake.info_hash, |v2| v2.truncated())
    }

    fn count_sent(&mut self, key: PeerKey, len: u64) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.unsent_bytes += len;
            peer.sent_at = self.now;
        }
    }

    fn new_peer(&self, addr: SocketAddr, source: PeerSource, stage: Stage) -> Peer {
        Peer::new(&self.config, self.now, self.geometry.pieces_total(), addr, source, stage)
    }
}
