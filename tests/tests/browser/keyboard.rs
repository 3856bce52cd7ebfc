//! The page without a mouse, and in the dark.

use serde_json::json;
use swarmscope_tests::page::Page;
use thirtyfour::Key;

use crate::stage::{Stage, Swarm};

const FOCUS: &str = r"
    const element = document.activeElement;
    return [element?.dataset.testid ?? '', element?.closest('[data-testid=torrent]')?.dataset.infoHash ?? ''];
";

#[tokio::test]
async fn a_torrent_is_added_and_paused_with_the_keyboard_alone() {
    let stage = Stage::new("keyboard").await;
    let swarm = Swarm::with_blocks(&stage.scratch, "typed.bin", 3_000_000, 65_536, 10).await;
    let page = stage.page().await;
    // The path goes into the field without a dialog, which belongs to the desktop and not to the page.
    let field = page.browser.element("[data-testid=add-file]").await;
    field
        .send_keys(swarm.torrent.to_str().expect("a path of ours is text"))
        .await
        .expect("the field takes a path");
    press_focused(&page, "add-confirm", Key::Enter).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    press_focused(&page, "pause", Key::Space).await;
    page.wait_for_state(&swarm.content, "paused").await;
    press_focused(&page, "resume", Key::Enter).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn the_page_is_readable_in_light_and_in_dark() {
    let stage = Stage::new("themes").await;
    let page = stage.page().await;
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        stage.browser.devtools("Emulation.setEmulatedMedia", features).await;
        let [text, background]: [f64; 2] = page.browser.run(LUMINANCES, vec![]).await;
        let contrast = (text.max(background) + 0.05) / (text.min(background) + 0.05);
        assert!(contrast >= 4.5, "{scheme}: contrast {contrast}, at least 4.5 is readable (WCAG 2.2, AA)");
        backgrounds.push(background);
    }
    assert!(backgrounds[0] > 0.5 && backgrounds[1] < 0.2, "{backgrounds:?}");
    stage.browser.close().await;
}

/// Moves the focus with the Tab key until it is on the button, and presses `key`.
async fn press_focused(page: &Page<'_>, test_id: &str, key: Key) {
    let actions = || page.browser.driver().action_chain();
    let mut seen = Vec::new();
    for _ in 0..60 {
        let [focused, _]: [String; 2] = page.browser.run(FOCUS, vec![]).await;
        if focused == test_id {
            actions().send_keys(key).perform().await.expect("the browser takes keys");
            return;
        }
        seen.push(focused);
        actions().send_keys(Key::Tab).perform().await.expect("the browser takes keys");
    }
    panic!("the Tab key never leads to {test_id}: {seen:?}");
}

/// Relative luminance (WCAG 2.2) of the text and of what is behind it.
const LUMINANCES: &str = r"
    const canvas = document.createElement('canvas').getContext('2d');
    const luminance = color => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
            .map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const hint = document.querySelector('[data-testid=relay-state]');
    const behind = [hint, hint.parentElement, document.body, document.documentElement]
        .map(element => getComputedStyle(element).backgroundColor)
        .find(color => color !== 'rgba(0, 0, 0, 0)' && color !== 'transparent') ?? 'white';
    return [luminance(getComputedStyle(hint).color), luminance(behind)];
";
