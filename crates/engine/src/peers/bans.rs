//! Who is refused because it sent corrupt data.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::{Config, Instant, PeerId};

/// What is refused of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    All,
    Port(u16),
    Id(PeerId),
}

/// Refused peers, each until its time is over.
///
/// A host is banned with all its ports, or it would come back from another one; but on loopback every port may be
/// another client, as in a class on one machine: there a peer is banned by its port and by its peer id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bans(BTreeMap<(IpAddr, Part), Instant>);

impl Bans {
    /// Refuses a peer from now on. When the list is full, the ban that ends first ends now.
    pub(crate) fn add(&mut self, config: &Config, now: Instant, addr: SocketAddr, peer_id: Option<PeerId>) {
        self.0.retain(|_, until| *until > now);
        for key in keys(addr, peer_id) {
            if self.0.len() >= config.known_peers_max
                && let Some((&first, _)) = self.0.iter().min_by_key(|(_, until)| **until)
            {
                self.0.remove(&first);
            }
            self.0.insert(key, now + config.ban_duration);
        }
    }

    /// Whether this peer is refused. Before its handshake it has no peer id.
    pub(crate) fn contains(&self, now: Instant, addr: SocketAddr, peer_id: Option<PeerId>) -> bool {
        keys(addr, peer_id).any(|key| self.0.get(&key).is_some_and(|until| *until > now))
    }
}

fn keys(addr: SocketAddr, peer_id: Option<PeerId>) -> impl Iterator<Item = (IpAddr, Part)> {
    let ip = addr.ip().to_canonical();
    let parts = if ip.is_loopback() {
        [Some(Part::Port(addr.port())), peer_id.map(Part::Id)]
    } else {
        [Some(Part::All), None]
    };
    parts.into_iter().flatten().map(move |part| (ip, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_ban_holds_for_its_time_and_for_all_ports_but_on_loopback() {
        let (config, mut bans, start) = (Config::default(), Bans::default(), Instant::ZERO);
        bans.add(&config, start, addr("192.0.2.1:1"), None);
        bans.add(&config, start, addr("127.0.0.1:1"), None);
        let refuses = |now, text| bans.contains(now, addr(text), None);
        assert!(refuses(start, "192.0.2.1:2") && refuses(start, "[::ffff:192.0.2.1]:3"));
        assert!(refuses(start, "127.0.0.1:1") && !refuses(start, "127.0.0.1:2"));
        assert!(!refuses(start + config.ban_duration, "192.0.2.1:1"));
    }

    #[test]
    fn on_loopback_a_peer_is_known_again_by_its_id_and_elsewhere_an_id_proves_nothing() {
        let (config, mut bans, start) = (Config::default(), Bans::default(), Instant::ZERO);
        let id = Some(PeerId([7; 20]));
        bans.add(&config, start, addr("127.0.0.1:1"), id);
        bans.add(&config, start, addr("192.0.2.1:1"), id);
        assert!(bans.contains(start, addr("127.0.0.1:2"), id));
        assert!(!bans.contains(start, addr("127.0.0.1:2"), Some(PeerId([8; 20]))));
        assert!(!bans.contains(start, addr("192.0.2.2:1"), id), "anybody may name any peer id");
    }
}
