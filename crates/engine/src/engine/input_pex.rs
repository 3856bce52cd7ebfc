//! Peer exchange (BEP 11), both ways; never for a private torrent (BEP 27): there it is not offered, so that no message
//! of it gets here, and nobody is told of anybody.

use std::net::{IpAddr, SocketAddr};

use super::Engine;
use super::peer::Peer;
use crate::ext::{BadExtended, Extension, PexFlags, PexMessage};
use crate::peers::Hearing;
use crate::{CloseReason, FlatMap, FlatSet, PeerKey, PeerSource};

impl Engine {
    /// A peer tells us of others.
    pub(super) fn handle_pex(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        let Some(peer) = self.peers.get_mut(&key) else { return Ok(()) };
        match peer.exchange.hear(self.now) {
            Hearing::Take { entries_max } => {
                let message = PexMessage::parse(payload, entries_max)?;
                let addrs = self.worth_trying(&message);
                self.handle_peers_found(PeerSource::Pex, &addrs);
            }
            Hearing::Ignore => {}
            Hearing::Flood { ignored } => self.close(key, CloseReason::PexFlood { ignored }),
        }
        Ok(())
    }

    /// Tells peers who came and who left, as far as their time has come. Looks at every connection.
    pub(super) fn exchange_peers(&mut self) {
        if !self.offers(Extension::Pex) {
            return;
        }
        let is_due = |peer: &Peer| {
            peer.is_joined() && peer.extensions.id(Extension::Pex).is_some() && peer.exchange.is_due(self.now)
        };
        let due: Vec<PeerKey> =
            self.peers.iter().filter(|(_, peer)| is_due(peer)).map(|(&key, _)| key).collect();
        if due.is_empty() {
            return;
        }
        let connected = self.connected();
        for key in due {
            let Some(peer) = self.peers.get_mut(&key) else { continue };
            let listener = peer.dial_addr();
            if let Some(message) = peer.exchange.next_message(self.now, &connected, listener) {
                self.send_extended(key, Extension::Pex, message.encode());
            }
        }
    }

    /// Who is connected and can be reached by others: those to which we connected, and those that named their port.
    fn connected(&self) -> FlatMap<SocketAddr, PexFlags> {
        let joined = self.peers.values().filter(|peer| peer.is_joined());
        let entry = |peer: &Peer| {
            let is_seed = peer.has.is_complete() || peer.extensions.is_upload_only();
            let flags = PexFlags::default()
                .with(PexFlags::SEED, is_seed)
                .with(PexFlags::REACHABLE, !peer.is_incoming);
            peer.dial_addr().map(|addr| (addr, flags))
        };
        joined.filter_map(entry).collect()
    }

    /// Not seeds if we want nothing, not ourselves, and one address of each host: others are most often made up. On
    /// loopback every port may be another client.
    fn worth_trying(&self, message: &PexMessage) -> Vec<SocketAddr> {
        let wants_nothing = self.am_upload_only();
        let mut hosts: FlatSet<IpAddr> = FlatSet::default();
        let mut is_worth = |(addr, flags): &(SocketAddr, PexFlags)| {
            let is_wanted = !(wants_nothing && flags.has(PexFlags::SEED));
            let is_other = self.book.own().towards(*addr) != Some(*addr);
            is_wanted && is_other && (hosts.insert(addr.ip()) || addr.ip().is_loopback())
        };
        message.added.iter().filter(|entry| is_worth(entry)).map(|(addr, _)| *addr).collect()
    }
}
