//! The node downloads from each ordinary client.

use std::path::PathBuf;

use swarmscope_tests::aria2::Aria2;
use swarmscope_tests::content::Content;
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::node::Node;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::transmission::Transmission;
use swarmscope_tests::wait;

/// A folder of files, with pieces across their borders and an empty file among them.
const FILES: [(&str, u64); 4] =
    [("a.bin", 3_000_001), ("sub/empty", 0), ("sub/b.bin", 17), ("c.bin", 6_000_000)];

/// Content, its torrent and a tracker that knows it.
pub(crate) async fn announced(name: &str) -> (Scratch, Content, OpenTracker, PathBuf) {
    announced_files(name, &FILES).await
}

/// As [`announced`] with other files.
pub(crate) async fn announced_files(
    name: &str,
    files: &[(&str, u64)],
) -> (Scratch, Content, OpenTracker, PathBuf) {
    let scratch = Scratch::new(name);
    let content = Content::multi(&scratch, "folder", files, 131_072);
    let tracker = OpenTracker::start(&scratch, &[&content]).await;
    let torrent = content.torrent_file(&scratch, &[tracker.http_url()]);
    (scratch, content, tracker, torrent)
}

#[tokio::test]
async fn the_node_gets_from_libtorrent() {
    let (scratch, content, tracker, torrent) = announced("from-libtorrent").await;
    let _seed = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    tracker.wait_for_seeds(&content, 1).await;
    assert_node_gets(&scratch, &content, &torrent).await;
}

#[tokio::test]
async fn the_node_gets_from_transmission() {
    let (scratch, content, tracker, torrent) = announced("from-transmission").await;
    let seed = Transmission::start(&scratch, &content.parent).await;
    seed.add(&content.torrent(&[tracker.http_url()])).await;
    seed.wait_until_seeding().await;
    tracker.wait_for_seeds(&content, 1).await;
    assert_node_gets(&scratch, &content, &torrent).await;
}

#[tokio::test]
async fn the_node_gets_from_aria2() {
    let (scratch, content, tracker, torrent) = announced("from-aria2").await;
    let _seed = Aria2::seed(&scratch, &torrent, &content.parent);
    tracker.wait_for_seeds(&content, 1).await;
    assert_node_gets(&scratch, &content, &torrent).await;
}

#[tokio::test]
async fn the_node_gets_from_all_of_them_through_an_udp_tracker() {
    let scratch = Scratch::new("from-all");
    let content = Content::multi(&scratch, "folder", &FILES, 131_072);
    let tracker = OpenTracker::start(&scratch, &[&content]).await;
    let torrent = content.torrent_file(&scratch, &[tracker.udp_url()]);
    let _libtorrent = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    let transmission = Transmission::start(&scratch, &content.parent).await;
    transmission.add(&content.torrent(&[tracker.udp_url()])).await;
    transmission.wait_until_seeding().await;
    tracker.wait_for_seeds(&content, 2).await;
    assert_node_gets(&scratch, &content, &torrent).await;
}

async fn assert_node_gets(scratch: &Scratch, content: &Content, torrent: &std::path::Path) {
    let downloads = scratch.folder("node");
    let mut node = Node::get(scratch, torrent, &downloads);
    node.wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}
