//! Torrents of version 2 and hybrids (BEP 52): made by the node, read, downloaded and seeded by libtorrent.

use std::path::PathBuf;

use swarmscope_tests::content::Content;
use swarmscope_tests::libtorrent::{Libtorrent, read_torrent};
use swarmscope_tests::node::Node;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::wait;

/// Files that end within a piece and within a block, a small one, and an empty one.
const FILES: [(&str, u64); 5] =
    [("a.bin", 3_000_001), ("b/c.bin", 17), ("b/empty", 0), ("d.bin", 131_072), ("e.bin", 2_000_000)];

/// Content and the torrent that the node makes of it.
async fn made(name: &str, flag: &str) -> (Scratch, Content, PathBuf) {
    let scratch = Scratch::new(name);
    let content = Content::multi(&scratch, "folder", &FILES, 131_072);
    let torrent = scratch.path().join("made.torrent");
    Node::create(&scratch, &content.parent.join("folder"), &torrent, &[flag, "--piece-len", "128k"]).await;
    (scratch, content, torrent)
}

async fn assert_read_alike(flag: &str, has_v1: bool) {
    let (_scratch, content, torrent) = made(&format!("made{flag}"), flag).await;
    let theirs = read_torrent(&torrent).await;
    let ours = engine::Metainfo::parse(&std::fs::read(&torrent).expect("it was made")).expect("it is sound");
    let hashes = ours.info_hashes();
    assert_eq!(theirs.v1, hashes.v1().map(|hash| hash.to_string()));
    assert_eq!(theirs.v2, hashes.v2().map(|hash| hash.to_string()));
    assert_eq!((theirs.v1.is_some(), theirs.v2.is_some()), (has_v1, true));
    let listed = content.files.iter().map(|(path, len)| (path.display().to_string(), *len));
    assert_eq!(theirs.files, listed.collect::<Vec<_>>());
}

#[tokio::test]
async fn libtorrent_reads_a_version_2_torrent_of_the_node_alike() {
    assert_read_alike("--v2", false).await;
}

#[tokio::test]
async fn libtorrent_reads_a_hybrid_of_the_node_alike() {
    assert_read_alike("--hybrid", true).await;
}

async fn assert_node_gets(flag: &str) {
    let (scratch, content, torrent) = made(&format!("v2-from{flag}"), flag).await;
    let seed = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    let downloads = scratch.folder("node");
    let mut node = Node::get(&scratch, &torrent, &downloads);
    node.process.wait_for_port(node.addr).await;
    seed.connect(node.addr).await;
    node.wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}

#[tokio::test]
async fn the_node_gets_a_version_2_torrent_from_libtorrent() {
    assert_node_gets("--v2").await;
}

#[tokio::test]
async fn the_node_gets_a_hybrid_from_libtorrent() {
    assert_node_gets("--hybrid").await;
}

async fn assert_libtorrent_gets(flag: &str) {
    let (scratch, content, torrent) = made(&format!("v2-to{flag}"), flag).await;
    let mut node = Node::seed(&scratch, &torrent, &content.parent);
    node.process.wait_for_port(node.addr).await;
    let downloads = scratch.folder("libtorrent");
    let libtorrent = Libtorrent::get(&scratch, &torrent, &downloads).await;
    libtorrent.connect(node.addr).await;
    libtorrent.wait_until_seeding().await;
    assert_eq!(libtorrent.status().await.failed, 0);
    content.assert_same_in(&downloads);
}

#[tokio::test]
async fn libtorrent_gets_a_version_2_torrent_from_the_node() {
    assert_libtorrent_gets("--v2").await;
}

#[tokio::test]
async fn libtorrent_gets_a_hybrid_from_the_node() {
    assert_libtorrent_gets("--hybrid").await;
}

/// Both of them without piece layers, which then travel as hashes.
async fn without_layers(scratch: &Scratch, torrent: &std::path::Path) -> PathBuf {
    let whole = std::fs::read(torrent).expect("it was made");
    let metainfo = engine::Metainfo::parse(&whole).expect("it is sound");
    scratch.file("bare.torrent", [b"d4:info", metainfo.info_bytes(), b"e"].concat())
}

#[tokio::test]
async fn the_node_gets_the_hashes_from_libtorrent() {
    let (scratch, content, torrent) = made("v2-hashes-from", "--v2").await;
    let seed = Libtorrent::seed(&scratch, &torrent, &content.parent).await;
    let bare = without_layers(&scratch, &torrent).await;
    let downloads = scratch.folder("node");
    let mut node = Node::get(&scratch, &bare, &downloads);
    node.process.wait_for_port(node.addr).await;
    seed.connect(node.addr).await;
    node.wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
}

#[tokio::test]
async fn libtorrent_gets_the_hashes_from_the_node() {
    let (scratch, content, torrent) = made("v2-hashes-to", "--v2").await;
    let mut node = Node::seed(&scratch, &torrent, &content.parent);
    node.process.wait_for_port(node.addr).await;
    let bare = without_layers(&scratch, &torrent).await;
    let downloads = scratch.folder("libtorrent");
    let libtorrent = Libtorrent::get(&scratch, &bare, &downloads).await;
    libtorrent.connect(node.addr).await;
    libtorrent.wait_until_seeding().await;
    content.assert_same_in(&downloads);
}
