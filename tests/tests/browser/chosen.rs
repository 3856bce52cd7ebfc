//! Some files of a torrent instead of all.

use std::process::Command;

use serde_json::json;
use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::{Content, assert_same_file};
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

const CHOOSE: &str = r"
    const list = document.querySelector(`[data-path='${arguments[0]}'] select`);
    list.value = arguments[1];
    list.dispatchEvent(new Event('change', { bubbles: true }));
";
const TOLD: &str = r"
    return document.querySelector(`[data-path='${arguments[0]}'] select`)?.dataset.told ?? '';
";

#[tokio::test]
async fn a_skipped_file_is_neither_downloaded_nor_saved_also_after_a_reload() {
    let stage = Stage::new("skipped").await;
    // The files begin and end within pieces, so that the ends of the skipped one come with its neighbours.
    let files = [("first.bin", 1_000_000), ("large.bin", 5_000_000), ("last.bin", 700_001)];
    let content = Content::multi(&stage.scratch, "album", &files, 65_536);
    let swarm = Swarm::of(&stage.scratch, content, 0).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    page.browser.element("[data-path='large.bin'] select").await;
    choose(&page, "large.bin", "skip").await;
    choose(&page, "last.bin", "high").await;

    let page = stage.page().await;
    page.show_detail(&swarm.content).await;
    wait_until_told(&page, "large.bin", "skip").await;
    wait_until_told(&page, "last.bin", "high").await;
    wait_until_told(&page, "first.bin", "normal").await;
    swarm.seed.allow(1 << 40);
    let done = page.wait_for_state(&swarm.content, "seeding").await;
    assert!(done.progress >= 1.0, "{done:?}");
    assert!(done.down_bytes < 3_000_000, "what is skipped was downloaded: {done:?}");

    page.press(&swarm.content, "save").await;
    let zip = wait_for_download(&stage.profile.downloads, "album.zip").await;
    let unpacked = stage.scratch.folder("unpacked");
    let output = Command::new("python3").args(["-m", "zipfile", "-e"]).args([&zip, &unpacked]).output();
    assert!(output.is_ok_and(|output| output.status.success()), "the zip is not sound");
    for name in ["first.bin", "last.bin"] {
        let path = format!("album/{name}");
        assert_same_file(&swarm.content.parent.join(&path), &unpacked.join(&path));
    }
    assert!(!unpacked.join("album/large.bin").exists(), "a skipped file was saved");

    // A change of mind brings the rest.
    page.browser.click("[data-testid=files-all]").await;
    let all = page.wait_for(&swarm.content, "whole", |row| row.down_bytes > 6_000_000).await;
    assert!(all.progress > 0.0);
    page.wait_for_state(&swarm.content, "seeding").await;
    stage.browser.close().await;
}

async fn choose(page: &Page<'_>, path: &str, priority: &str) {
    page.browser.run::<()>(CHOOSE, vec![json!(path), json!(priority)]).await;
    wait_until_told(page, path, priority).await;
}

async fn wait_until_told(page: &Page<'_>, path: &str, priority: &str) {
    wait::until_true(&format!("{path} as {priority}"), wait::LONG, async || {
        page.browser.run::<String>(TOLD, vec![json!(path)]).await == priority
    })
    .await;
}
