//! Saving shows how far it is, and is done once however often it is asked for meanwhile.

use serde_json::json;
use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::Content;
use swarmscope_tests::page::Page;

use crate::stage::{Stage, Swarm};

/// Counts what is handed to the browser to be saved, and writes down how far the bar was each time it changed.
const WATCH: &str = r"
    window.handedOver = 0;
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => {
        handedOver += 1;
        return make.call(URL, blob);
    };
    window.shares = [];
    const note = () => {
        const bar = document.querySelector('[data-testid=saving] progress');
        if (bar && bar.value !== shares.at(-1)) shares.push(bar.value);
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
";

const CLICK_TWICE: &str = r"
    const button = document.querySelector(arguments[0]);
    button.click();
    button.click();
";

#[tokio::test]
async fn saving_a_folder_shows_its_progress_and_a_second_click_does_nothing() {
    let stage = Stage::new("save-folder").await;
    let files = [("a.bin", 40_000_000), ("b.bin", 20_000_000), ("c.txt", 3)];
    let content = Content::multi(&stage.scratch, "album", &files, 262_144);
    let swarm = Swarm::of(&stage.scratch, content, 1 << 40).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    save_twice(&page).await;
    wait_for_download(&stage.profile.downloads, "album.zip").await;

    assert_eq!(handed_over(&page).await, 1);
    let shares: Vec<f64> = page.browser.run("return shares", vec![]).await;
    assert!(shares.first().is_some_and(|share| *share < 1.0), "no progress was shown: {shares:?}");
    assert!(shares.is_sorted(), "{shares:?}");
    stage.browser.close().await;
}

#[tokio::test]
async fn a_double_click_saves_a_file_once_and_a_later_click_saves_it_again() {
    let stage = Stage::new("save-twice").await;
    let swarm = Swarm::new(&stage.scratch, "once.bin", 500_000, 65_536).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    save_twice(&page).await;
    assert_eq!(handed_over(&page).await, 1);
    page.press(&swarm.content, "save").await;
    wait_for_download(&stage.profile.downloads, "once (1).bin").await;
    stage.browser.close().await;
}

/// Clicks twice, and waits until it is over and the button can be pressed again.
async fn save_twice(page: &Page<'_>) {
    page.browser.run::<()>(WATCH, vec![]).await;
    page.browser.element("[data-testid=save]:not(:disabled)").await;
    page.browser.run::<()>(CLICK_TWICE, vec![json!("[data-testid=save]")]).await;
    page.browser.element("[data-testid=saving]").await;
    page.browser.element("[data-testid=save]:disabled").await;
    page.browser.element("[data-testid=save]:not(:disabled)").await;
}

async fn handed_over(page: &Page<'_>) -> u32 {
    page.browser.run("return handedOver", vec![]).await
}
