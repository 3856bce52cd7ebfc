//! Torrents for the members of a tracker (BEP 27): nobody else introduces peers, ever.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{
    AddressRefusal, AnnounceAnswer, CloseReason, Config, Event, Input, Output, PeerKey, PeerSource,
    TrackerKey,
};

use crate::util::{Content, Remote};

fn private() -> Remote {
    let content = Content::private(4 * 65_536, 65_536);
    Remote::new(Config::default(), &content, content.none())
}

fn addr(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, 1, last], 6881))
}

/// Addresses that were connected to since the last call.
fn connects(remote: &mut Remote) -> Vec<(PeerKey, SocketAddr)> {
    let mut found = Vec::new();
    remote.outputs.retain(|output| match output {
        Output::Connect { peer, addr } => {
            found.push((*peer, *addr));
            false
        }
        _ => true,
    });
    found
}

fn answer(peers: &[u8]) -> AnnounceAnswer {
    let peers = peers.iter().map(|&last| addr(last)).collect();
    AnnounceAnswer { interval: Duration::from_secs(100), peers, ..AnnounceAnswer::default() }
}

#[test]
fn only_trackers_introduce_peers() {
    let mut remote = private();
    for source in [PeerSource::User, PeerSource::Pex, PeerSource::Dht, PeerSource::Lsd, PeerSource::Magnet] {
        remote.input(Input::PeersFound { source, addrs: &[addr(1), addr(2)] });
        let reason = AddressRefusal::PrivateTorrent;
        assert!(remote.events().contains(&Event::AddressesRefused { source, count: 2, reason }));
        assert_eq!(connects(&mut remote), []);
    }
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer(&[1, 2])) });
    assert_eq!(connects(&mut remote).len(), 2);
    assert!(remote.engine.is_private());
}

#[test]
fn who_comes_to_us_is_let_in() {
    let mut remote = private();
    let key = remote.join(1);
    assert_eq!((remote.close_reason(key), remote.engine.summary().peers), (None, 1));
}

#[test]
fn another_tracker_brings_other_peers_and_ends_all_connections() {
    let mut remote = private();
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer(&[1, 2, 3])) });
    let first = connects(&mut remote);
    let incoming = remote.join(1);
    // The same tracker again is no switch.
    remote.wait(100);
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer(&[])) });
    assert_eq!(remote.close_reason(incoming), None);
    // Now it fails, and the second one answers.
    remote.wait(100);
    remote.outputs.clear();
    remote.input(Input::Announced { tracker: TrackerKey(0), result: Err("gone".into()) });
    remote.input(Input::Announced { tracker: TrackerKey(1), result: Ok(answer(&[3, 4])) });
    assert!(first.iter().all(|(key, _)| remote.engine.peers().iter().all(|peer| peer.peer != *key)));
    assert_eq!(remote.close_reason(incoming), Some(CloseReason::TrackerSwitched));
    let mut second: Vec<SocketAddr> = connects(&mut remote).into_iter().map(|(_, addr)| addr).collect();
    second.sort_unstable();
    assert_eq!(second, [addr(3), addr(4)]);
    remote.wait(60);
    assert!(connects(&mut remote).iter().all(|(_, to)| [addr(3), addr(4)].contains(to)));
}
