//! Who is refused because it sent corrupt data.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::{Config, Instant};

/// Refused addresses, each until its time is over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bans(BTreeMap<(IpAddr, u16), Instant>);

impl Bans {
    /// Refuses an address from now on. When the list is full, the ban that ends first ends now.
    pub(crate) fn add(&mut self, config: &Config, now: Instant, addr: SocketAddr) {
        self.0.retain(|_, until| *until > now);
        if self.0.len() >= config.known_peers_max
            && let Some((&first, _)) = self.0.iter().min_by_key(|(_, until)| **until)
        {
            self.0.remove(&first);
        }
        self.0.insert(key(addr), now + config.ban_duration);
    }

    pub(crate) fn contains(&self, now: Instant, addr: SocketAddr) -> bool {
        self.0.get(&key(addr)).is_some_and(|until| *until > now)
    }
}

/// A host is banned with all its ports, or it would come back from another one; but on loopback every port may be
/// another client, as in a class on one machine.
fn key(addr: SocketAddr) -> (IpAddr, u16) {
    let ip = addr.ip().to_canonical();
    (ip, if ip.is_loopback() { addr.port() } else { 0 })
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
        bans.add(&config, start, addr("192.0.2.1:1"));
        bans.add(&config, start, addr("127.0.0.1:1"));
        assert!(
            bans.contains(start, addr("192.0.2.1:2")) && bans.contains(start, addr("[::ffff:192.0.2.1]:3"))
        );
        assert!(bans.contains(start, addr("127.0.0.1:1")) && !bans.contains(start, addr("127.0.0.1:2")));
        assert!(!bans.contains(start + config.ban_duration, addr("192.0.2.1:1")));
    }
}
