//! Connections: found, asked for, made, accepted, closed.

use std::net::SocketAddr;

use super::MetadataFetch;
use super::peer::{Peer, Stage};
use crate::ext::{CLIENT, ExtendedHandshake, Extension, HANDSHAKE_ID};
use crate::{
    CloseReason, Event, Handshake, InfoHash, Message, Output, PeerId, PeerKey, PeerSource, Reserved,
};

impl MetadataFetch {
    pub(super) fn handle_peers_found(&mut self, source: PeerSource, addrs: &[SocketAddr]) {
        for &addr in addrs {
            if !self.bans.contains(self.now, addr, None) && !self.is_connected_to(addr) {
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
        self.send_handshake(key, self.magnet.info_hash());
    }

    pub(super) fn handle_accepted(&mut self, key: PeerKey, addr: SocketAddr) {
        let max = self.config.peers_max;
        let refusal = if !self.is_running {
            Some(CloseReason::Stopped)
        } else if self.bans.contains(self.now, addr, None) {
            Some(CloseReason::Banned)
        } else if self.peers.len() >= max {
            Some(CloseReason::TooManyPeers { max: max as u32 })
        } else {
            None
        };
        if let Some(reason) = refusal {
            self.outbox.close(key, reason.clone());
            self.outbox.event(Event::PeerLeft { peer: key, reason });
            return;
        }
        let peer = Peer::new(&self.config, self.now, addr, PeerSource::Incoming, Stage::Handshaking);
        let previous = self.peers.insert(key, peer);
        assert!(previous.is_none(), "invariant: the host never uses a key again");
        self.book.in_use(addr);
    }

    pub(super) fn handle_closed(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else { return };
        let is_connecting = peer.stage == Stage::Connecting;
        let reason = if is_connecting { CloseReason::Unreachable } else { CloseReason::RemoteClosed };
        self.forget_peer(key, &reason);
    }

    pub(super) fn handle_handshake(&mut self, key: PeerKey, handshake: &Handshake) {
        let Some(peer) = self.peers.get(&key) else { return };
        let (addr, is_incoming) = (peer.addr, peer.is_incoming);
        let refusal = if !self.magnet.info_hashes().contains(&handshake.info_hash) {
            Some(CloseReason::WrongInfoHash)
        } else if handshake.peer_id == self.peer_id {
            Some(CloseReason::OurOwnPeerId)
        } else if self.bans.contains(self.now, addr, Some(handshake.peer_id)) {
            Some(CloseReason::Banned)
        } else if !Reserved(handshake.reserved).has(Reserved::EXTENDED) {
            Some(CloseReason::NoMetadata)
        } else {
            None
        };
        if let Some(reason) = refusal {
            return self.close(key, &reason);
        }
        if let Some(other) = self.other_connection(key, handshake.peer_id) {
            let loser = self.loser_of_duplicates(key, other, handshake.peer_id);
            self.close(loser, &CloseReason::Duplicate);
            if loser == key {
                return;
            }
        }
        if is_incoming {
            self.send_handshake(key, handshake.info_hash);
        }
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.stage = Stage::Joined;
            peer.stage_since = self.now;
            peer.peer_id = Some(handshake.peer_id);
            // Until it says that it has the info dictionary.
            peer.waits_since = Some(self.now);
        }
        self.outbox.event(Event::PeerJoined { peer: key, addr });
        self.send_extended_handshake(key, addr);
    }

    /// Connects to known addresses whose time has come, as far as there is room.
    pub(super) fn connect_more(&mut self) {
        while self.can_connect()
            && let Some((addr, source)) = self.book.take_due(self.now)
        {
            if self.bans.contains(self.now, addr, None) || self.is_connected_to(addr) {
                continue;
            }
            let key = PeerKey(self.next_key);
            self.next_key += 2;
            self.connecting += 1;
            let peer = Peer::new(&self.config, self.now, addr, source, Stage::Connecting);
            self.peers.insert(key, peer);
            self.outbox.push(Output::Connect { peer: key, addr });
        }
    }

    pub(super) fn can_connect(&self) -> bool {
        self.is_running
            && self.peers.len() < self.config.peers_max
            && self.connecting < self.config.connecting_max
    }

    pub(super) fn close_all(&mut self, reason: &CloseReason) {
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        for key in keys {
            self.close(key, reason);
        }
    }

    /// Closes a connection and forgets it.
    pub(super) fn close(&mut self, key: PeerKey, reason: &CloseReason) {
        self.outbox.close(key, reason.clone());
        self.forget_peer(key, reason);
    }

    /// The connection is gone: nobody counts on it any more.
    pub(super) fn forget_peer(&mut self, key: PeerKey, reason: &CloseReason) {
        let Some(peer) = self.peers.remove(&key) else { return };
        self.connecting -= usize::from(peer.stage == Stage::Connecting);
        for asked in peer.asked.iter().filter(|asked| asked.is_active) {
            if let Some(assembly) = self.assemblies.get_mut(&asked.len) {
                assembly.unask(asked.piece);
            }
        }
        self.assemblies.values_mut().for_each(|assembly| assembly.give_up_on(key));
        match reason {
            // Of no use here, though perhaps to the engine that follows.
            CloseReason::OurOwnPeerId | CloseReason::Banned | CloseReason::BadMetadata => {
                self.book.never(peer.addr);
            }
            CloseReason::Stopped => self.book.retry_now(self.now, peer.addr, &mut self.rng),
            _ => {
                let was_useful = peer.down_bytes > 0;
                self.book.retry_later(&self.config, self.now, peer.addr, was_useful, &mut self.rng);
            }
        }
        self.outbox.event(Event::PeerLeft { peer: key, reason: reason.clone() });
    }

    /// Appends a message to what goes to this peer.
    pub(super) fn send(&mut self, key: PeerKey, message: &Message) {
        self.outbox.message(key, message);
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.sent_at = self.now;
        }
    }

    fn is_connected_to(&self, addr: SocketAddr) -> bool {
        self.peers.values().any(|peer| peer.addr == addr)
    }

    fn other_connection(&self, key: PeerKey, peer_id: PeerId) -> Option<PeerKey> {
        let mut others = self.peers.iter().filter(|(other, _)| **other != key);
        others.find(|(_, peer)| peer.peer_id == Some(peer_id)).map(|(&other, _)| other)
    }

    /// The newer one, unless both sides connected to each other at the same time: then the one stays that was asked for
    /// by the side with the greater peer id, which both sides know.
    fn loser_of_duplicates(&self, new: PeerKey, old: PeerKey, their_id: PeerId) -> PeerKey {
        let (Some(new_peer), Some(old_peer)) = (self.peers.get(&new), self.peers.get(&old)) else {
            return new;
        };
        let is_crossing = new_peer.is_incoming != old_peer.is_incoming
            && self.now.since(old_peer.stage_since) < self.config.handshake_timeout;
        if is_crossing && new_peer.is_incoming == (their_id > self.peer_id) { old } else { new }
    }

    fn send_handshake(&mut self, key: PeerKey, info_hash: InfoHash) {
        let handshake = Handshake { reserved: Reserved::EXTENDED.0, info_hash, peer_id: self.peer_id };
        self.outbox.send(key, |bytes| bytes.extend(handshake.encode()));
    }

    fn send_extended_handshake(&mut self, key: PeerKey, addr: SocketAddr) {
        let handshake = ExtendedHandshake {
            client: Some(CLIENT.into()),
            port: Some(self.port).filter(|port| *port > 0),
            your_ip: Some(addr.ip().to_canonical()),
            ..ExtendedHandshake::default()
        };
        let handshake = handshake.with(Extension::Metadata, Extension::Metadata.local_id());
        self.send(key, &Message::Extended { id: HANDSHAKE_ID, payload: handshake.encode() });
    }
}
