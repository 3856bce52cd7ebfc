//! The connect policy: which of the addresses whose time has come is tried first. One function; see
//! [`super::AddressBook`] for when an address's time comes, and [`super::priority`] for the number.

use std::cmp::Reverse;
use std::net::SocketAddr;

use super::OwnAddress;
use super::priority::priority;
use crate::PeerSource;

/// What is known of an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) addr: SocketAddr,
    pub(crate) source: PeerSource,
    /// Tries since it was last of use.
    pub(crate) failures: u32,
    /// Drawn when it was queued.
    pub(crate) salt: u32,
}

/// A candidate's place: the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    failures: u32,
    source: u8,
    priority: Reverse<u32>,
}

/// Who has failed less goes first; then whom a better source named; then the higher canonical priority (BEP 40), and
/// chance as long as we do not know our own address.
pub(crate) fn rank(own: &OwnAddress, candidate: &Candidate) -> Rank {
    let Candidate { addr, source, failures, salt } = *candidate;
    let priority = own.towards(addr).and_then(|ours| priority(ours, addr)).unwrap_or(salt);
    Rank { failures, source: source_order(source), priority: Reverse(priority) }
}

/// What the user says goes first. A tracker has been told of each peer by itself, and the local network is near;
/// what others pass on may be stale or made up.
const fn source_order(source: PeerSource) -> u8 {
    match source {
        PeerSource::User => 0,
        PeerSource::Magnet => 1,
        PeerSource::Lsd => 2,
        PeerSource::Tracker => 3,
        PeerSource::Incoming => 4,
        PeerSource::Pex => 5,
        PeerSource::Dht => 6,
        // Web seeds have no address that would be connected to.
        PeerSource::WebSeed => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The candidates, one a line (source, address, failures), in the order in which they are tried.
    fn check(own: &OwnAddress, candidates: &[(PeerSource, &str, u32)], expected: &[&str]) {
        let mut ranked: Vec<(Rank, &str)> = Vec::new();
        for (salt, &(source, text, failures)) in (0..).zip(candidates) {
            let addr = text.parse().expect("an address");
            ranked.push((rank(own, &Candidate { addr, source, failures, salt }), text));
        }
        ranked.sort_unstable();
        assert_eq!(ranked.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn who_failed_less_goes_first_whoever_named_it() {
        check(
            &OwnAddress::default(),
            &[
                (PeerSource::User, "1.0.0.1:1", 2),
                (PeerSource::Dht, "1.0.0.2:1", 1),
                (PeerSource::Pex, "1.0.0.3:1", 0),
            ],
            &["1.0.0.3:1", "1.0.0.2:1", "1.0.0.1:1"],
        );
    }

    #[test]
    fn of_those_who_failed_alike_a_better_source_goes_first() {
        check(
            &OwnAddress::default(),
            &[
                (PeerSource::Dht, "1.0.0.7:1", 0),
                (PeerSource::Pex, "1.0.0.6:1", 0),
                (PeerSource::Incoming, "1.0.0.5:1", 0),
                (PeerSource::Tracker, "1.0.0.4:1", 0),
                (PeerSource::Lsd, "1.0.0.3:1", 0),
                (PeerSource::Magnet, "1.0.0.2:1", 0),
                (PeerSource::User, "1.0.0.1:1", 0),
            ],
            &["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1", "1.0.0.4:1", "1.0.0.5:1", "1.0.0.6:1", "1.0.0.7:1"],
        );
    }

    #[test]
    fn then_the_canonical_priority_decides_and_chance_while_our_own_address_is_unknown() {
        let tracker = |text| (PeerSource::Tracker, text, 0);
        // The priorities of the BEP: ec2d7224 and 99568189.
        let candidates = [tracker("98.76.54.32:2"), tracker("123.213.32.234:2")];
        let own = OwnAddress::known("123.213.32.10:1");
        check(&own, &candidates, &["98.76.54.32:2", "123.213.32.234:2"]);
        // The later drawn salts are higher.
        check(&OwnAddress::default(), &candidates, &["123.213.32.234:2", "98.76.54.32:2"]);
    }
}
