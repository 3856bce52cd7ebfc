//! Limits and the other settings: shown as the engine keeps to them, and kept over a reload.

use serde_json::json;
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;
use thirtyfour::Key;

use crate::stage::{Stage, Swarm};

const VALUE: &str = "return document.querySelector(arguments[0])?.value ?? ''";
const TOLD: &str = "return document.querySelector(arguments[0])?.dataset.told ?? ''";
const OPEN_OPTIONS: &str = "document.querySelector('[data-testid=options]').open = true";
const CHOOSE: &str = r"
    const list = document.querySelector(arguments[0]);
    list.value = arguments[1];
    list.dispatchEvent(new Event('change', { bubbles: true }));
";
const COMMON_TITLE: &str = "return document.querySelector('[data-testid=common-limits]').title";

#[tokio::test]
async fn limits_and_settings_are_shown_and_are_there_after_a_reload() {
    let stage = Stage::new("settings").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "set.bin", 3_000_000, 65_536, 10).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    open_options(&page).await;
    type_into(&page, "down-limit", "1,5").await;
    type_into(&page, "ratio-goal", "2.5").await;
    type_into(&page, "slots", "7").await;
    choose(&page, "order", "in-order").await;
    choose(&page, "strategy", "prop-share").await;
    choose(&page, "super-seed", "one-by-one").await;
    assert_all_set(&page).await;
    choose(&page, "order", "playing").await;
    wait_for_summary(&page, "in time for a player").await;
    type_into(&page, "play-rate", "250").await;
    choose(&page, "order", "in-order").await;
    assert_all_set(&page).await;
    // What is no number is refused where it was typed.
    type_into(&page, "up-limit", "fast").await;
    let is_valid: bool =
        page.browser.run("return document.querySelector('#up-limit').validity.valid", vec![]).await;
    assert!(!is_valid);

    page.browser.click("[data-testid=common-limits]").await;
    type_into(&page, "common-up-limit", "40").await;
    wait_for_common(&page, "upload 40.0").await;

    let page = stage.page().await;
    page.show_detail(&swarm.content).await;
    wait_for_common(&page, "upload 40.0").await;
    open_options(&page).await;
    assert_all_set(&page).await;
    assert_eq!(value(&page, "up-limit").await, "", "what was refused was kept");
    stage.browser.close().await;
}

#[tokio::test]
async fn a_download_keeps_to_its_limit_until_that_is_lifted() {
    let stage = Stage::new("limited").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "limited.bin", 3_000_000, 65_536, 0).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    open_options(&page).await;
    // So slow that it would take most of an hour.
    type_into(&page, "down-limit", "1").await;
    wait_for_summary(&page, "down to 1.00").await;
    swarm.seed.allow(1 << 40);
    page.wait_for(&swarm.content, "begun", |row| row.down_bytes > 0).await;
    let row = page.row(&swarm.content).await.expect("it is in the list");
    assert!(row.progress < 0.9, "{row:?}");
    type_into(&page, "down-limit", "").await;
    page.wait_for_state(&swarm.content, "seeding").await;
    stage.browser.close().await;
}

async fn open_options(page: &Page<'_>) {
    page.browser.element("[data-testid=options]").await;
    page.browser.run::<()>(OPEN_OPTIONS, vec![]).await;
}

async fn assert_all_set(page: &Page<'_>) {
    wait_for_summary(page, "down to 1.50").await;
    let told = "the choices as they were made";
    wait::until_true(told, wait::LONG, async || {
        let order: String = page.browser.run(TOLD, vec![json!("#order")]).await;
        let strategy: String = page.browser.run(TOLD, vec![json!("#strategy")]).await;
        let seeding: String = page.browser.run(TOLD, vec![json!("#super-seed")]).await;
        order == "in-order" && strategy == "prop-share" && seeding == "one-by-one"
    })
    .await;
    for (field, text) in [("down-limit", "1.5"), ("ratio-goal", "2.5"), ("slots", "7")] {
        assert_eq!(value(page, field).await, text, "{field}");
    }
}

async fn wait_for_summary(page: &Page<'_>, part: &str) {
    page.wait_for_text("[data-testid=options] > summary", part).await;
}

async fn value(page: &Page<'_>, id: &str) -> String {
    page.browser.run(VALUE, vec![json!(format!("#{id}"))]).await
}

async fn choose(page: &Page<'_>, id: &str, value: &str) {
    page.browser.run::<()>(CHOOSE, vec![json!(format!("#{id}")), json!(value)]).await;
}

/// Types into a field in place of what is there, and leaves it.
async fn type_into(page: &Page<'_>, id: &str, text: &str) {
    page.browser.element(&format!("[data-testid={id}]")).await;
    let select = "const field = document.querySelector(arguments[0]); field.focus(); field.select()";
    page.browser.run::<()>(select, vec![json!(format!("#{id}"))]).await;
    let mut keys = if text.is_empty() { char::from(Key::Backspace).to_string() } else { text.to_owned() };
    keys.push(Key::Tab.into());
    let actions = page.browser.driver().action_chain().send_keys(keys);
    actions.perform().await.expect("the browser takes keys");
}

async fn wait_for_common(page: &Page<'_>, part: &str) {
    wait::until_true("the common limit on its button", wait::LONG, async || {
        page.browser.run::<String>(COMMON_TITLE, vec![]).await.contains(part)
    })
    .await;
}
