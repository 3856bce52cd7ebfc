//! Who is refused, why, and until when.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::{BanReason, BanSnapshot, Config, Instant, PeerId};

/// What is refused of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    All,
    Port(u16),
    Id(PeerId),
}

#[derive(Clone, Copy, Debug)]
struct Ban {
    reason: BanReason,
    until: Instant,
}

/// Refused peers, each until its time is over.
///
/// A host is banned with all its ports, or it would come back from another one; but on loopback every port may be
/// another client, as in a class on one machine: there a peer is banned by its port and by its peer id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bans(BTreeMap<(IpAddr, Part), Ban>);

impl Bans {
    /// Refuses a peer from now on. When the list is full, the ban that ends first ends now.
    pub(crate) fn add(
        &mut self,
        config: &Config,
        now: Instant,
        addr: SocketAddr,
        peer_id: Option<PeerId>,
        reason: BanReason,
    ) {
        self.0.retain(|_, ban| ban.until > now);
        for key in keys(addr, peer_id) {
            if self.0.len() >= config.known_peers_max
                && let Some((&first, _)) = self.0.iter().min_by_key(|(_, ban)| ban.until)
            {
                self.0.remove(&first);
            }
            self.0.insert(key, Ban { reason, until: now + config.ban_duration });
        }
    }

    /// Whether this peer is refused. Before its handshake it has no peer id.
    pub(crate) fn contains(&self, now: Instant, addr: SocketAddr, peer_id: Option<PeerId>) -> bool {
        keys(addr, peer_id).any(|key| self.0.get(&key).is_some_and(|ban| ban.until > now))
    }

    /// Refuses nothing of this host any more.
    pub(crate) fn lift(&mut self, ip: IpAddr) {
        let ip = ip.to_canonical();
        self.0.retain(|(banned, _), _| *banned != ip);
    }

    /// What is refused now, by host.
    pub(crate) fn snapshots(&self, now: Instant) -> Vec<BanSnapshot> {
        let in_force = self.0.iter().filter(|(_, ban)| ban.until > now);
        let snapshot = |(&(ip, part), ban): (&(IpAddr, Part), &Ban)| BanSnapshot {
            ip,
            port: if let Part::Port(port) = part { Some(port) } else { None },
            peer_id: if let Part::Id(id) = part { Some(id) } else { None },
            reason: ban.reason,
            until: ban.until,
        };
        in_force.map(snapshot).collect()
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

    const WHY: BanReason = BanReason::CorruptData;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_ban_holds_for_its_time_and_for_all_ports_but_on_loopback() {
        let (config, mut bans, start) = (Config::default(), Bans::default(), Instant::ZERO);
        bans.add(&config, start, addr("192.0.2.1:1"), None, WHY);
        bans.add(&config, start, addr("127.0.0.1:1"), None, WHY);
        let refuses = |now, text| bans.contains(now, addr(text), None);
        assert!(refuses(start, "192.0.2.1:2") && refuses(start, "[::ffff:192.0.2.1]:3"));
        assert!(refuses(start, "127.0.0.1:1") && !refuses(start, "127.0.0.1:2"));
        assert!(!refuses(start + config.ban_duration, "192.0.2.1:1"));
    }

    #[test]
    fn on_loopback_a_peer_is_known_again_by_its_id_and_elsewhere_an_id_proves_nothing() {
        let (config, mut bans, start) = (Config::default(), Bans::default(), Instant::ZERO);
        let id = Some(PeerId([7; 20]));
        bans.add(&config, start, addr("127.0.0.1:1"), id, WHY);
        bans.add(&config, start, addr("192.0.2.1:1"), id, WHY);
        assert!(bans.contains(start, addr("127.0.0.1:2"), id));
        assert!(!bans.contains(start, addr("127.0.0.1:2"), Some(PeerId([8; 20]))));
        assert!(!bans.contains(start, addr("192.0.2.2:1"), id), "anybody may name any peer id");
    }

    #[test]
    fn bans_are_listed_with_their_reason_and_end_and_can_be_lifted() {
        let (config, mut bans, start) = (Config::default(), Bans::default(), Instant::ZERO);
        let until = start + config.ban_duration;
        bans.add(&config, start, addr("127.0.0.1:1"), Some(PeerId([7; 20])), WHY);
        bans.add(&config, start, addr("192.0.2.1:1"), None, WHY);
        let ban = |ip: &str, port, peer_id| BanSnapshot {
            ip: ip.parse().expect("an address"),
            port,
            peer_id,
            reason: WHY,
            until,
        };
        let loopback = [ban("127.0.0.1", Some(1), None), ban("127.0.0.1", None, Some(PeerId([7; 20])))];
        let other = ban("192.0.2.1", None, None);
        assert_eq!(bans.snapshots(start), [&loopback[..], std::slice::from_ref(&other)].concat());
        bans.lift(addr("127.0.0.1:9").ip());
        assert_eq!(bans.snapshots(start), [other]);
        assert!(!bans.contains(start, addr("127.0.0.1:1"), None));
        assert_eq!(bans.snapshots(until), []);
    }
}
