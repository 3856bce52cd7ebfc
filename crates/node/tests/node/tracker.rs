use std::time::Duration;

use codec::PeerId;
use node::demo::tracker::Bound;
use peernet::tracker::{AnnounceEvent, AnnounceParams, TrackerClient};
use tempfile::tempdir;

use crate::{Sample, fresh_addr, loopback};

fn params(sample: &Sample, port: u16, left: u64, event: AnnounceEvent) -> AnnounceParams {
    AnnounceParams {
        info_hash: sample.metainfo.info_hash(),
        peer_id: PeerId([b'x'; 20]),
        port,
        uploaded: 0,
        downloaded: 0,
        left,
        event,
        num_want: 10,
        key: 1,
        tracker_id: None,
    }
}

#[tokio::test]
async fn the_tracker_introduces_peers_of_both_families_and_forgets_those_that_leave() {
    for addr in [fresh_addr(), "[::1]:0".parse().unwrap()] {
        let folder = tempdir().unwrap();
        let bound = Bound::new(addr).await.unwrap();
        let url = bound.announce_url();
        let sample = Sample::new(folder.path(), 1000, &[]);
        let tracker = bound.serve(sample.metainfo.clone(), Duration::from_secs(60));
        let client = TrackerClient::new(loopback(), None);
        let announce =
            async |port, left, event| client.announce(&url, &params(&sample, port, left, event)).await;
        let alone = announce(7001, 1, AnnounceEvent::Started).await.unwrap();
        assert_eq!((alone.peers.len(), alone.interval), (0, Duration::from_secs(60)));
        let second = announce(7002, 0, AnnounceEvent::Started).await.unwrap();
        assert_eq!(second.peers.len(), 1);
        assert_eq!((second.peers[0].port(), second.peers[0].is_ipv4()), (7001, addr.is_ipv4()));
        assert_eq!((second.complete, second.incomplete), (Some(1), Some(1)));
        let counts = client.scrape(&url, &[sample.metainfo.info_hash()]).await.unwrap();
        assert_eq!((counts[0].complete, counts[0].incomplete), (1, 1));
        // A seed has no use for a seed.
        assert_eq!(announce(7003, 0, AnnounceEvent::Started).await.unwrap().peers.len(), 1);
        announce(7001, 1, AnnounceEvent::Stopped).await.unwrap();
        assert_eq!(announce(7003, 0, AnnounceEvent::Regular).await.unwrap().peers.len(), 0);
        assert!(tracker.has_visitor(|_| false));
    }
}

#[tokio::test]
async fn the_tracker_refuses_other_torrents() {
    let folder = tempdir().unwrap();
    let bound = Bound::new(fresh_addr()).await.unwrap();
    let url = bound.announce_url();
    let sample = Sample::new(folder.path(), 1000, &[]);
    let _tracker = bound.serve(sample.metainfo.clone(), Duration::from_secs(60));
    let other = AnnounceParams {
        info_hash: codec::InfoHash([1; 20]),
        ..params(&sample, 7001, 1, AnnounceEvent::Started)
    };
    let error = TrackerClient::new(loopback(), None).announce(&url, &other).await.unwrap_err();
    assert_eq!(error.to_string(), "the tracker refuses: this tracker does not know the torrent");
}
