//! Peer exchange (BEP 11): without a tracker, two clients that know only a third find each other.

use swarmscope_tests::content::Content;
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::node::Node;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::wait;

/// So slow that nobody is done before the introduction, which takes a second or two.
const SLOW_BYTES_PER_S: u64 = 500_000;

const LEN: u64 = 24_000_000;

async fn wait_for_peers(of: &Libtorrent, peers: u32) {
    wait::until_true(&format!("libtorrent to have {peers} peers"), wait::LONG, async || {
        of.status().await.peers >= peers
    })
    .await;
}

#[tokio::test]
async fn libtorrent_introduces_the_node_to_libtorrent() {
    let scratch = Scratch::new("introduced");
    let content = Content::single(&scratch, "film.bin", LEN, 131_072);
    let torrent = content.torrent_file::<&str>(&scratch, &[]);
    let seed = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    seed.limit_upload(SLOW_BYTES_PER_S).await;
    let between = Libtorrent::get(&scratch, &torrent, &scratch.folder("between")).await;
    between.connect(seed.addr).await;
    wait_for_peers(&between, 1).await;

    let downloads = scratch.folder("node");
    let mut node = Node::get_from(&scratch, &torrent, &downloads, between.addr);
    wait_for_peers(&seed, 2).await;
    seed.limit_upload(0).await;
    node.wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}

#[tokio::test]
async fn the_node_introduces_libtorrent_to_libtorrent() {
    let scratch = Scratch::new("introduces");
    let content = Content::single(&scratch, "film.bin", LEN, 131_072);
    let torrent = content.torrent_file::<&str>(&scratch, &[]);
    let node = Node::slow_seed(&scratch, &torrent, &content.parent, SLOW_BYTES_PER_S);
    let mut downloaders = Vec::new();
    for name in ["first", "second"] {
        let downloader = Libtorrent::get(&scratch, &torrent, &scratch.folder(name)).await;
        wait::until_true("a connection to the node", wait::LONG, async || {
            downloader.connect(node.addr).await;
            downloader.status().await.peers >= 1
        })
        .await;
        downloaders.push(downloader);
    }
    wait_for_peers(&downloaders[0], 2).await;
    wait_for_peers(&downloaders[1], 2).await;
}
