//! Under which address others see us: what peers (BEP 10, `yourip`) and trackers (BEP 24, `external ip`) say, by
//! majority, since any of them may be wrong or lie.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::{FlatMap, TrackerKey};

/// Voters whose word counts at most: the latest ones, so that a new address shows soon.
const VOTERS_MAX: usize = 32;

/// What is known of our own address, for each family by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnAddress {
    votes_v4: Votes,
    votes_v6: Votes,
    /// Our incoming port; zero while there is none.
    port: u16,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voter {
    /// A peer, by its host.
    Peer(IpAddr),
    Tracker(TrackerKey),
}

#[derive(Clone, Debug, Default)]
struct Votes {
    /// Who said what, the latest last.
    votes: VecDeque<(Voter, IpAddr)>,
    winner: Option<IpAddr>,
}

impl OwnAddress {
    /// `voter` saw us come from `ip`. Each has one vote. Returns whether that changes our address.
    pub(crate) fn vote(&mut self, voter: Voter, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if ip.is_unspecified() || ip.is_multicast() {
            return false;
        }
        let votes = if ip.is_ipv4() { &mut self.votes_v4 } else { &mut self.votes_v6 };
        votes.add(voter, ip)
    }

    /// Our incoming port, of which nobody needs to tell us. Returns whether it changes.
    pub(crate) fn set_port(&mut self, port: u16) -> bool {
        std::mem::replace(&mut self.port, port) != port
    }

    /// Our address as a peer at `theirs` sees it, if it is known.
    pub(crate) fn towards(&self, theirs: SocketAddr) -> Option<SocketAddr> {
        let votes = if theirs.is_ipv4() { &self.votes_v4 } else { &self.votes_v6 };
        votes.winner.map(|ip| SocketAddr::new(ip, self.port))
    }

    /// Recomputes the winners and compares.
    pub(crate) fn check(&self) {
        for votes in [&self.votes_v4, &self.votes_v6] {
            assert_eq!(votes.winner, votes.count(), "invariant: the majority is up to date");
            assert!(votes.votes.len() <= VOTERS_MAX, "invariant: voters are bounded");
        }
    }

    #[cfg(test)]
    pub(crate) fn known(addr: &str) -> Self {
        let addr: SocketAddr = addr.parse().expect("an address");
        let mut own = Self::default();
        own.vote(Voter::Tracker(TrackerKey(0)), addr.ip());
        own.set_port(addr.port());
        own
    }
}

impl Votes {
    fn add(&mut self, voter: Voter, ip: IpAddr) -> bool {
        self.votes.retain(|(other, _)| *other != voter);
        if self.votes.len() == VOTERS_MAX {
            self.votes.pop_front();
        }
        self.votes.push_back((voter, ip));
        let before = self.winner;
        self.winner = self.count();
        before != self.winner
    }

    /// The address with the most votes; of several, the lowest.
    fn count(&self) -> Option<IpAddr> {
        let mut counts: FlatMap<IpAddr, usize> = FlatMap::new();
        for (_, ip) in &self.votes {
            *counts.get_or_insert_with(*ip, || 0) += 1;
        }
        counts.into_iter().min_by_key(|(_, count)| Reverse(*count)).map(|(ip, _)| ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn peer_at(last: u8) -> Voter {
        Voter::Peer(IpAddr::from([10, 0, 0, last]))
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([5, 5, 5, 5], 5))
    }

    #[test]
    fn the_majority_decides_and_each_voter_has_one_vote() {
        let mut own = OwnAddress::default();
        assert_eq!(own.towards(peer()), None);
        assert!(own.vote(peer_at(1), ip("1.1.1.1")));
        own.set_port(7);
        for _ in 0..5 {
            own.vote(peer_at(2), ip("2.2.2.2"));
        }
        assert_eq!(own.towards(peer()), Some(SocketAddr::new(ip("1.1.1.1"), 7)), "one against one");
        assert!(own.vote(peer_at(3), ip("2.2.2.2")));
        assert_eq!(own.towards(peer()).map(|addr| addr.ip()), Some(ip("2.2.2.2")));
        own.check();
    }

    #[test]
    fn old_words_are_forgotten() {
        let mut own = OwnAddress::default();
        for last in 0..20 {
            own.vote(peer_at(last), ip("1.1.1.1"));
        }
        for last in 20..40 {
            own.vote(peer_at(last), ip("2.2.2.2"));
        }
        assert_eq!(own.towards(peer()).map(|addr| addr.ip()), Some(ip("2.2.2.2")));
        own.check();
    }

    #[test]
    fn each_family_has_its_own_address() {
        let mut own = OwnAddress::default();
        assert!(own.vote(peer_at(1), ip("2001:db8::1")));
        assert_eq!(own.towards(peer()), None);
        assert!(own.vote(peer_at(1), ip("::ffff:1.1.1.1")), "an IPv4 address, however it is written");
        assert_eq!(own.towards(peer()).map(|addr| addr.ip()), Some(ip("1.1.1.1")));
        assert!(!own.vote(peer_at(2), ip("0.0.0.0")));
    }
}
