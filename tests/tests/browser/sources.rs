//! What a torrent may come from beside peers of version 1: web servers, and swarms of version 2.

use std::process::Command;

use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::{Content, assert_same_file};
use swarmscope_tests::fake_tracker::{Answer, FakeTracker};
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::metainfo;
use swarmscope_tests::node::Node;
use swarmscope_tests::web_server::WebServer;

use crate::stage::Stage;

/// Pieces lie across the borders of files, and one file is empty.
const FILES: [(&str, u64); 4] =
    [("a.bin", 3_000_001), ("sub/empty", 0), ("sub/b.bin", 17), ("c.bin", 2_000_000)];

/// Saves the folder and compares each file of it.
async fn assert_saved(stage: &Stage, content: &Content) {
    stage.page_now().press(content, "save").await;
    let zip = wait_for_download(&stage.profile.downloads, &format!("{}.zip", content.name)).await;
    let unpacked = stage.scratch.folder("unpacked");
    let output = Command::new("python3").args(["-m", "zipfile", "-e"]).args([&zip, &unpacked]).output();
    assert!(output.is_ok_and(|output| output.status.success()), "the zip is not sound");
    for (path, _) in &content.files {
        assert_same_file(&content.parent.join(path), &unpacked.join(path));
    }
}

#[tokio::test]
async fn a_folder_comes_from_a_plain_web_server_each_byte_once() {
    let stage = Stage::new("web-seed").await;
    let content = Content::multi(&stage.scratch, "album", &FILES, 65_536);
    let server = WebServer::start(&content.parent).await;
    let torrent = metainfo::with_web_seeds(&content.torrent::<&str>(&[]), &[&server.url]);
    let page = stage.page().await;
    page.add_file(&stage.scratch.file("web-seed.torrent", torrent)).await;
    page.show_detail(&content).await;
    stage.browser.element(&format!("[data-testid=web-seed][data-url='{}']", server.url)).await;
    page.wait_for_state(&content, "seeding").await;
    assert_eq!(server.asked_bytes(), content.len(), "{:?}", server.requests());
    assert_saved(&stage, &content).await;
    stage.browser.close().await;
}

/// A torrent that the node makes with this flag comes from libtorrent.
async fn assert_comes(flag: &str) {
    let stage = Stage::new(&format!("tab{flag}")).await;
    let mut content = Content::multi(&stage.scratch, "album", &FILES, 65_536);
    let folder = content.parent.join("album");
    let without_tracker = stage.scratch.path().join("seed.torrent");
    Node::create(&stage.scratch, &folder, &without_tracker, &[flag, "--piece-len", "64k"]).await;
    let seed = Libtorrent::seed(&stage.scratch, &without_tracker, &content.parent).await;
    let tracker = FakeTracker::start(Answer::Peers(vec![seed.addr])).await;
    let torrent = stage.scratch.path().join("tab.torrent");
    let args = [flag, "--piece-len", "64k", "--tracker", &tracker.url];
    Node::create(&stage.scratch, &folder, &torrent, &args).await;
    let metainfo =
        engine::Metainfo::parse(&std::fs::read(&torrent).expect("it was made")).expect("it is sound");
    content.info_hash = metainfo.info_hashes().primary().to_string();

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.wait_for_state(&content, "seeding").await;
    assert!(seed.status().await.payload_up >= content.len());
    assert_saved(&stage, &content).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrent_of_version_2_comes_from_libtorrent() {
    assert_comes("--v2").await;
}

#[tokio::test]
async fn a_hybrid_comes_from_libtorrent() {
    assert_comes("--hybrid").await;
}
