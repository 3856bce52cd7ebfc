//! Trackers and web servers on loopback, as small as the rules under test allow, against the whole client.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fetch;
mod http_tracker;
mod server;
mod udp_tracker;
mod webseed;

use std::net::IpAddr;
use std::sync::Arc;

use codec::{InfoHash, PeerId};
use peernet::policy::DestinationPolicy;
use peernet::tracker::{AnnounceEvent, AnnounceParams, TrackerClient};

fn loopback() -> Arc<DestinationPolicy> {
    Arc::new(
        DestinationPolicy::public().allow("127.0.0.0/8".parse().unwrap()).allow("::1/128".parse().unwrap()),
    )
}

fn client() -> TrackerClient {
    TrackerClient::new(loopback(), None)
}

fn bound_client(ip: &str) -> TrackerClient {
    TrackerClient::new(loopback(), Some(ip.parse::<IpAddr>().unwrap()))
}

fn params() -> AnnounceParams {
    AnnounceParams {
        info_hash: InfoHash(*b"\x00&info hash of 20 by"),
        peer_id: PeerId(*b"-SW0100-abcdefghijkl"),
        port: 6881,
        uploaded: 1,
        downloaded: 2,
        left: 3,
        event: AnnounceEvent::Started,
        num_want: 80,
        key: 0xbeef,
        tracker_id: None,
    }
}
