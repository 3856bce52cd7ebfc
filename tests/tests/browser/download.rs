//! From real peers to a file on disk, and back to a real peer.

use swarmscope_tests::aria2::Aria2;
use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::{Content, assert_same_file};
use swarmscope_tests::libtorrent::Libtorrent;
use swarmscope_tests::opentracker::OpenTracker;
use swarmscope_tests::transmission::Transmission;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

const PIECE_LEN: u32 = 256 * 1024;

#[tokio::test]
async fn a_torrent_comes_from_transmission_and_libtorrent_is_saved_and_seeded_to_aria2() {
    let stage = Stage::new("real-swarm").await;
    let content = Content::single(&stage.scratch, "film.bin", 96 * 1024 * 1024 + 12_345, PIECE_LEN);
    let tracker = OpenTracker::start(&stage.scratch, &[&content]).await;
    let torrent = content.torrent_file(&stage.scratch, &[tracker.http_url()]);
    let mut libtorrent = Libtorrent::seed(&stage.scratch, &torrent, &content.parent).await;
    // Slow enough that the other seed, which unchokes newcomers only every ten seconds, has something left to give.
    libtorrent.limit_upload(4_000_000).await;
    let transmission = Transmission::start(&stage.scratch, &content.parent).await;
    transmission.add(&content.torrent(&[tracker.http_url()])).await;
    transmission.wait_until_seeding().await;
    tracker.wait_for_seeds(&content, 2).await;

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.wait_for_state(&content, "seeding").await;
    let of_libtorrent = libtorrent.status().await.payload_up;
    let of_transmission = transmission.status().await.uploaded_ever;
    assert!(of_libtorrent > 0, "libtorrent sent nothing");
    assert!(of_transmission > 0, "Transmission sent nothing");

    page.press(&content, "save").await;
    let saved = wait_for_download(&stage.profile.downloads, &content.name).await;
    assert_same_file(&content.parent.join(&content.name), &saved);

    // From now on the tab is the only seed.
    libtorrent.kill().await;
    drop(transmission);
    let row = page.row(&content).await.expect("the torrent is in the list");
    let downloads = stage.scratch.folder("aria2");
    Aria2::get(&stage.scratch, &torrent, &downloads).wait_until_done(wait::LONG).await;
    content.assert_same_in(&downloads);
    page.wait_for(&content, "uploaded to aria2", |now| now.up_bytes >= row.up_bytes + content.len()).await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_folder_of_files_is_saved_as_a_zip_with_all_of_them() {
    let stage = Stage::new("folder").await;
    let files = [("a.bin", 700_001), ("sub/b.bin", 0), ("sub/deeper/c.bin", 2_000_003), ("d.txt", 17)];
    let content = Content::multi(&stage.scratch, "album", &files, 65_536);
    let tracker = OpenTracker::start(&stage.scratch, &[&content]).await;
    let torrent = content.torrent_file(&stage.scratch, &[tracker.udp_url()]);
    let _libtorrent = Libtorrent::seed(&stage.scratch, &torrent, &content.parent).await;
    tracker.wait_for_seeds(&content, 1).await;

    let page = stage.page().await;
    page.add_file(&torrent).await;
    page.wait_for_state(&content, "seeding").await;
    page.press(&content, "save").await;
    let zip = wait_for_download(&stage.profile.downloads, "album.zip").await;

    let unpacked = stage.scratch.folder("unpacked");
    let status = tokio::process::Command::new("python3")
        .args(["-m", "zipfile", "-e"])
        .args([&zip, &unpacked])
        .status()
        .await
        .expect("python3 is there");
    assert!(status.success(), "the archive is broken");
    content.assert_same_in(&unpacked);
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrent_is_added_by_its_address() {
    let stage = Stage::new("by-address").await;
    let swarm = Swarm::new(&stage.scratch, "linked.bin", 1_000_000, 65_536).await;
    let torrent = std::fs::read(&swarm.torrent).expect("the torrent file is there");
    let routes =
        axum::Router::new().route("/linked.torrent", axum::routing::get(async move || torrent.clone()));
    let listener = tokio::net::TcpListener::bind((swarmscope_tests::places::fresh_ip(), 0)).await;
    let listener = listener.expect("a server can listen");
    let addr = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let page = stage.page().await;
    page.add_link(&format!("http://{addr}/linked.torrent")).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    swarm.seed.record().assert_no_verified_piece_twice();
    stage.browser.close().await;
}
