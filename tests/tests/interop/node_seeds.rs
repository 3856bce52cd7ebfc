//! Each ordinary client downloads from the node.

use swarmscope_tests::aria2::Aria2;
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::node::Node;
use swarmscope_tests::transmission::Transmission;
use swarmscope_tests::wait;

use crate::node_gets::{announced, announced_files};

#[tokio::test]
async fn libtorrent_gets_from_the_node() {
    let (scratch, content, tracker, torrent) = announced("to-libtorrent").await;
    let _node = Node::seed(&scratch, &torrent, &content.parent);
    tracker.wait_for_seeds(&content, 1).await;
    let downloads = scratch.folder("libtorrent");
    let libtorrent = Libtorrent::get(&scratch, &torrent, &downloads).await;
    libtorrent.wait_until_seeding().await;
    let status = libtorrent.status().await;
    assert_eq!((status.failed, status.redundant), (0, 0), "{status:?}");
    content.assert_same_in(&downloads);
}

#[tokio::test]
async fn aria2_gets_from_the_node() {
    let (scratch, content, tracker, torrent) = announced("to-aria2").await;
    let _node = Node::seed(&scratch, &torrent, &content.parent);
    tracker.wait_for_seeds(&content, 1).await;
    let downloads = scratch.folder("aria2");
    Aria2::get(&scratch, &torrent, &downloads).wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}

/// The clients have only each other to take from what they were not shown.
#[tokio::test]
async fn libtorrent_and_aria2_get_from_a_super_seed_and_from_each_other() {
    let (scratch, content, tracker, torrent) = announced("from-super-seed").await;
    let _node = Node::super_seed(&scratch, &torrent, &content.parent);
    tracker.wait_for_seeds(&content, 1).await;
    let downloads = ["libtorrent", "aria2"].map(|name| scratch.folder(name));
    let libtorrent = Libtorrent::get(&scratch, &torrent, &downloads[0]).await;
    let mut aria2 = Aria2::get(&scratch, &torrent, &downloads[1]);
    tokio::join!(libtorrent.wait_until_seeding(), aria2.wait_until_done(wait::LONG));
    let status = libtorrent.status().await;
    assert_eq!((status.failed, status.redundant), (0, 0), "{status:?}");
    downloads.iter().for_each(|folder| content.assert_same_in(folder));
}

/// Transmission never dials a loopback address, so here the node has to come to it. Nor does it make empty files. It
/// asks for ten seconds ahead, which is thousands of blocks here, and none of these requests is a fault.
#[tokio::test]
async fn transmission_gets_from_the_node() {
    let (scratch, content, tracker, torrent) =
        announced_files("to-transmission", &[("a.bin", 3_000_001), ("sub/b.bin", 60_000_017)]).await;
    let transmission = Transmission::start(&scratch, &scratch.folder("transmission")).await;
    transmission.add(&content.torrent(&[tracker.http_url()])).await;
    wait::until_true("Transmission to announce itself", wait::LONG, async || {
        tracker.scrape(&content).await.is_some_and(|(_, downloaders)| downloaders == 1)
    })
    .await;
    let _node = Node::seed(&scratch, &torrent, &content.parent);
    transmission.wait_until_seeding().await;
    content.assert_same_in(&transmission.downloads);
}
