//! The buttons of a torrent do what they say.

use serde_json::json;
use swarmscope_tests::chromium::wait_for_download;
use swarmscope_tests::content::assert_same_file;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

const FILES_IN_STORAGE: &str = r"
    const [done] = arguments;
    const count = async folder => {
        let files = 0;
        for await (const entry of folder.values()) {
            files += entry.kind === 'file' && (await entry.getFile()).size > 100000 ? 1 : 0;
            files += entry.kind === 'directory' ? await count(entry) : 0;
        }
        return files;
    };
    navigator.storage.getDirectory().then(count).then(done);
";

/// Notes each state that the first torrent of the list takes on: a check may be over before a script looks.
const NOTE_STATES: &str = r"
    window.statesSeen = [];
    const note = () => {
        const state = document.querySelector('[data-testid=torrent]').dataset.state;
        if (state !== statesSeen.at(-1)) statesSeen.push(state);
    };
    new MutationObserver(note).observe(document.body, { subtree: true, attributeFilter: ['data-state'] });
";

#[tokio::test]
async fn pause_stops_the_traffic_and_resume_goes_on_where_it_was() {
    let stage = Stage::new("pause").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "paused.bin", 3_000_000, 65_536, 60).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(60).await;
    page.press(&swarm.content, "pause").await;
    let paused = page
        .wait_for(&swarm.content, "paused without peers", |row| row.state == "paused" && row.peers == 0)
        .await;

    swarm.seed.allow(1 << 40);
    page.press(&swarm.content, "resume").await;
    let done = page.wait_for_state(&swarm.content, "seeding").await;
    assert!(done.down_bytes >= paused.down_bytes);
    swarm.seed.record().assert_no_verified_piece_twice();
    stage.browser.close().await;
}

#[tokio::test]
async fn a_paused_torrent_is_paused_after_a_reload() {
    let stage = Stage::new("reload").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "reloaded.bin", 3_000_000, 65_536, 60).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(60).await;
    page.press(&swarm.content, "pause").await;
    let before = page.wait_for_state(&swarm.content, "paused").await;

    let page = stage.page().await;
    let after = page.wait_for(&swarm.content, "in the list again", |row| row.state != "checking").await;
    assert_eq!(after.state, "paused");
    assert!(after.progress >= before.progress, "{} after {}", after.progress, before.progress);
    stage.browser.close().await;
}

#[tokio::test]
async fn a_second_check_finds_everything_again() {
    let stage = Stage::new("recheck").await;
    let swarm = Swarm::new(&stage.scratch, "checked.bin", 60_000_000, 262_144).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    let sent = swarm.seed.record().blocks_sent_total();

    stage.browser.run::<()>(NOTE_STATES, vec![]).await;
    page.press(&swarm.content, "recheck").await;
    let states = wait::until("the end of the check", wait::LONG, async || {
        let states: Vec<String> = stage.browser.run("return statesSeen", vec![]).await;
        states.last().is_some_and(|state| state == "seeding").then_some(states)
    })
    .await;
    assert_eq!(states.first().map(String::as_str), Some("checking"), "{states:?}");
    assert_eq!(swarm.seed.record().blocks_sent_total(), sent, "a check fetched something");
    page.press(&swarm.content, "save").await;
    let saved = wait_for_download(&stage.profile.downloads, &swarm.content.name).await;
    assert_same_file(&swarm.content.parent.join(&swarm.content.name), &saved);
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrent_removed_with_its_data_leaves_no_file_behind() {
    let stage = Stage::new("remove").await;
    let swarm = Swarm::new(&stage.scratch, "removed.bin", 1_000_000, 65_536).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    assert_eq!(files_in_storage(&stage).await, 1);
    page.remove(&swarm.content, true).await;
    wait::until_true("the storage to be empty", wait::LONG, async || files_in_storage(&stage).await == 0)
        .await;

    // It can be added again, and begins anew.
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrent_removed_without_its_data_is_complete_when_it_is_added_again() {
    let stage = Stage::new("remove-keep").await;
    let swarm = Swarm::new(&stage.scratch, "kept.bin", 1_000_000, 65_536).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    let sent = swarm.seed.record().blocks_sent_total();
    page.remove(&swarm.content, false).await;

    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    assert_eq!(swarm.seed.record().blocks_sent_total(), sent, "what was kept was fetched again");
    stage.browser.close().await;
}

async fn files_in_storage(stage: &Stage) -> u64 {
    stage.browser.run_async(FILES_IN_STORAGE, vec![], wait::LONG).await
}

#[tokio::test]
async fn a_link_in_the_pages_address_fills_in_the_form() {
    let stage = Stage::new("link").await;
    stage.page().await;
    let script = "location.hash = 'add=' + encodeURIComponent(arguments[0])";
    let link = "http://127.0.0.1:9/a b.torrent?x=1&y=2";
    stage.browser.run::<()>(script, vec![json!(link)]).await;
    wait::until_true("the link in the form", wait::LONG, async || {
        let script = "return document.querySelector('[data-testid=add-link]').value";
        stage.browser.run::<String>(script, vec![]).await == link
    })
    .await;
    stage.browser.close().await;
}
