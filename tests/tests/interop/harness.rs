//! The tools themselves: what they start works without anything of ours.

use swarmscope_tests::aria2::Aria2;
use swarmscope_tests::content::Content;
use swarmscope_tests::fake_peer::{BLOCK_LEN, Behaviour, FakePeer};
use swarmscope_tests::fake_tracker::{Answer, FakeTracker};
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::transmission::Transmission;
use swarmscope_tests::wait;

#[tokio::test]
async fn aria2_gets_from_libtorrent_and_transmission_through_opentracker() {
    let scratch = Scratch::new("harness");
    let content =
        Content::multi(&scratch, "folder", &[("a.bin", 3_000_000), ("sub/b.bin", 5_000_001)], 65_536);
    let tracker = OpenTracker::start(&scratch, &[&content]).await;
    let torrent = content.torrent_file(&scratch, &[tracker.http_url()]);
    let libtorrent = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    let transmission = Transmission::start(&scratch, &content.parent).await;
    transmission.add(&content.torrent(&[tracker.http_url()])).await;
    transmission.wait_until_seeding().await;
    tracker.wait_for_seeds(&content, 2).await;

    let downloads = scratch.folder("aria2");
    let mut aria2 = Aria2::get(&scratch, &torrent, &downloads);
    aria2.wait_until_done(wait::LONG).await;

    content.assert_same_in(&downloads);
    let sent = libtorrent.status().await.payload_up + transmission.status().await.uploaded_ever;
    assert!(sent >= content.len(), "the two seeds sent only {sent} bytes");
}

#[tokio::test]
async fn the_scripted_peer_seeds_to_aria2_and_counts_each_block_once() {
    let scratch = Scratch::new("scripted");
    let content = Content::single(&scratch, "one.bin", 3_000_001, 65_536);
    let peer = FakePeer::start(&content, Behaviour::Honest).await;
    let tracker = FakeTracker::start(Answer::Peers(vec![peer.addr])).await;
    let torrent = content.torrent_file(&scratch, &[&tracker.url]);
    let downloads = scratch.folder("aria2");

    Aria2::get(&scratch, &torrent, &downloads).wait_until_done(wait::LONG).await;

    content.assert_same_in(&downloads);
    let record = peer.record();
    assert_eq!(record.blocks_sent_total(), content.len().div_ceil(u64::from(BLOCK_LEN)));
    record.assert_no_verified_piece_twice();
    assert_ne!(tracker.announces().len(), 0);
}
