//! The node downloads from a plain web server, alone and beside an ordinary client.

use std::path::PathBuf;

use swarmscope_tests::content::Content;
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::metainfo;
use swarmscope_tests::node::Node;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::wait;
use swarmscope_tests::web_server::WebServer;

/// Pieces lie across the borders of files, a name has to be encoded, and one file is empty.
const FILES: [(&str, u64); 4] =
    [("a b?.bin", 3_000_001), ("sub/empty", 0), ("sub/b.bin", 17), ("c.bin", 6_000_000)];

fn torrent_file(scratch: &Scratch, content: &Content, trackers: &[&str], server: &WebServer) -> PathBuf {
    let torrent = metainfo::with_web_seeds(&content.torrent(trackers), &[&server.url]);
    let path = scratch.path().join("web-seed.torrent");
    std::fs::write(&path, torrent).expect("the folder for the test can be written");
    path
}

#[tokio::test]
async fn the_node_gets_a_whole_folder_from_a_plain_web_server() {
    let scratch = Scratch::new("web-seed");
    let content = Content::multi(&scratch, "folder", &FILES, 131_072);
    let server = WebServer::start(&content.parent).await;
    let torrent = torrent_file(&scratch, &content, &[], &server);
    let downloads = scratch.folder("node");
    Node::get(&scratch, &torrent, &downloads).wait_until_done(wait::LONG).await;
    // The node stores the file under a name that every system can hold.
    let renamed = downloads.join("folder/a b_.bin");
    std::fs::rename(&renamed, downloads.join("folder/a b?.bin")).expect("the file has its safe name");
    content.assert_same_in(&downloads);
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.range.is_some()), "{requests:?}");
    assert_eq!(server.asked_bytes(), content.len(), "each byte once: {requests:?}");
}

#[tokio::test]
async fn the_node_gets_from_a_web_server_and_libtorrent_together() {
    let scratch = Scratch::new("web-seed-and-peer");
    let content = Content::single(&scratch, "film.bin", 24_000_000, 131_072);
    let tracker = OpenTracker::start(&scratch, &[&content]).await;
    let server = WebServer::start(&content.parent).await;
    let torrent = torrent_file(&scratch, &content, &[&tracker.http_url()], &server);
    let _seed = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    tracker.wait_for_seeds(&content, 1).await;
    let downloads = scratch.folder("node");
    Node::get(&scratch, &torrent, &downloads).wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
    assert!(server.asked_bytes() > 0, "the web seed takes part");
}
