//! Downloads that begin with a magnet link: the info dictionary comes from the other side (BEP 9), both ways.

use std::path::Path;

use swarmscope_tests::aria2::Aria2;
use swarmscope_tests::content::Content;
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::node::Node;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::transmission::Transmission;
use swarmscope_tests::wait;

use crate::node_gets::announced_files;

/// Content whose info dictionary has several pieces of 16 KiB: three thousand pieces of content.
const FILES: [(&str, u64); 2] = [("a.bin", 3_000_001), ("sub/b.bin", 46_000_017)];
const PIECE_LEN: u32 = 16_384;

/// Content, a tracker that knows it, and its magnet link.
async fn announced(name: &str) -> (Scratch, Content, OpenTracker, String) {
    let scratch = Scratch::new(name);
    let content = Content::multi(&scratch, "folder", &FILES, PIECE_LEN);
    let tracker = OpenTracker::start(&scratch, &[&content]).await;
    let link = content.magnet(&[tracker.http_url()]);
    (scratch, content, tracker, link)
}

#[tokio::test]
async fn the_node_gets_by_magnet_from_libtorrent() {
    let (scratch, content, tracker, link) = announced("magnet-from-libtorrent").await;
    let torrent = content.torrent_file(&scratch, &[tracker.http_url()]);
    let _seed = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    tracker.wait_for_seeds(&content, 1).await;
    assert_node_gets(&scratch, &content, &link).await;
}

#[tokio::test]
async fn the_node_gets_by_magnet_from_transmission() {
    let (scratch, content, tracker, link) = announced("magnet-from-transmission").await;
    let seed = Transmission::start(&scratch, &content.parent).await;
    seed.add(&content.torrent(&[tracker.http_url()])).await;
    seed.wait_until_seeding().await;
    tracker.wait_for_seeds(&content, 1).await;
    assert_node_gets(&scratch, &content, &link).await;
}

#[tokio::test]
async fn the_node_gets_by_magnet_from_aria2() {
    let (scratch, content, tracker, link) = announced("magnet-from-aria2").await;
    let torrent = content.torrent_file(&scratch, &[tracker.http_url()]);
    let _seed = Aria2::seed(&scratch, &torrent, &content.parent);
    tracker.wait_for_seeds(&content, 1).await;
    assert_node_gets(&scratch, &content, &link).await;
}

#[tokio::test]
async fn libtorrent_gets_by_magnet_from_the_node() {
    let (scratch, content, tracker, link) = announced("magnet-to-libtorrent").await;
    let _node = seeding_node(&scratch, &content, &tracker).await;
    let downloads = scratch.folder("libtorrent");
    let libtorrent = Libtorrent::get(&scratch, Path::new(&link), &downloads).await;
    libtorrent.wait_until_seeding().await;
    content.assert_same_in(&downloads);
}

#[tokio::test]
async fn aria2_gets_by_magnet_from_the_node() {
    let (scratch, content, tracker, link) = announced("magnet-to-aria2").await;
    let _node = seeding_node(&scratch, &content, &tracker).await;
    let downloads = scratch.folder("aria2");
    Aria2::get(&scratch, Path::new(&link), &downloads).wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}

/// Transmission never dials a loopback address, so here the node has to come to it.
#[tokio::test]
async fn transmission_gets_by_magnet_from_the_node() {
    let (scratch, content, tracker, torrent) = announced_files("magnet-to-transmission", &FILES).await;
    let transmission = Transmission::start(&scratch, &scratch.folder("transmission")).await;
    transmission.add_magnet(&content.magnet(&[tracker.http_url()])).await;
    wait::until_true("Transmission to announce itself", wait::LONG, async || {
        tracker.scrape(&content).await.is_some_and(|(_, downloaders)| downloaders == 1)
    })
    .await;
    let _node = Node::seed(&scratch, &torrent, &content.parent);
    transmission.wait_until_seeding().await;
    content.assert_same_in(&transmission.downloads);
}

#[tokio::test]
async fn a_node_by_magnet_gets_from_a_node_and_keeps_the_torrent() {
    let (scratch, content, tracker, link) = announced("magnet-node-to-node").await;
    let seed = seeding_node(&scratch, &content, &tracker).await;
    let downloads = assert_node_gets(&scratch, &content, &link).await;
    let kept = std::fs::read(downloads.join(format!(".{}.torrent", content.info_hash)));
    assert!(kept.is_ok_and(|kept| kept.starts_with(b"d8:announce")));
    // Nobody is left to ask, and nobody needs to be.
    drop(seed);
    std::fs::remove_file(downloads.join("folder/a.bin")).expect("the file was downloaded");
    let mut again = Node::get(&scratch, Path::new(&link), &downloads);
    let _seed = seeding_node(&scratch, &content, &tracker).await;
    again.wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}

async fn seeding_node(scratch: &Scratch, content: &Content, tracker: &OpenTracker) -> Node {
    let torrent = content.torrent_file(scratch, &[tracker.http_url()]);
    let node = Node::seed(scratch, &torrent, &content.parent);
    tracker.wait_for_seeds(content, 1).await;
    node
}

async fn assert_node_gets(scratch: &Scratch, content: &Content, link: &str) -> std::path::PathBuf {
    let downloads = scratch.folder("node");
    let mut node = Node::get(scratch, Path::new(link), &downloads);
    node.wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
    downloads
}
