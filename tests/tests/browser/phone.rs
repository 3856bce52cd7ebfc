//! The page on a phone: everything is there, nothing is wider than the screen.

use serde_json::json;
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

const WIDTH: u32 = 390;
const HEIGHT: u32 = 844;

/// What sticks out at the sides. Tables do, inside of boxes that scroll.
const TOO_WIDE: &str = r"
    const problems = [];
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > WIDTH) problems.push(`the page is ${scrollWidth} px wide`);
    for (const element of document.querySelectorAll('body *')) {
        if (element.parentElement.closest('.scroller') || element.closest('.visually-hidden')) continue;
        const { left, right, width } = element.getBoundingClientRect();
        if (width > 0 && (left < -0.5 || right > WIDTH + 0.5)) {
            problems.push(`${element.tagName} .${element.className}: ${left} to ${right}`);
        }
    }
    return problems;
";

/// What a finger cannot press: not there, too small (WCAG 2.2, 2.5.8: 24 px), or under something else.
const OUT_OF_REACH: &str = r"
    return arguments[0].filter(css => {
        const element = document.querySelector(css);
        if (!element) return true;
        // A hidden field is pressed through its label.
        const target = element.closest('label') ?? element;
        target.scrollIntoView({ block: 'center', behavior: 'instant' });
        const { left, top, width, height } = target.getBoundingClientRect();
        const hit = document.elementFromPoint(left + width / 2, top + height / 2);
        return width < 24 || height < 24 || !target.contains(hit);
    });
";

/// Scrolls a table to its end; whether its last column is in sight then.
const LAST_COLUMN_IN_SIGHT: &str = r"
    const scroller = document.querySelector('.detail .scroller:has(table)');
    scroller.scrollIntoView({ block: 'center', behavior: 'instant' });
    scroller.scrollLeft = scroller.scrollWidth;
    return scroller.querySelector('thead th:last-child').getBoundingClientRect().right <= WIDTH + 0.5;
";

const SCROLL_TO_REMOVE: &str = r"
    document.querySelector('[data-testid=remove]').scrollIntoView({ block: 'center', behavior: 'instant' });
";

/// How far below the top of the screen the detail view begins.
const DETAIL_TOP: &str = "return document.querySelector('.detail h2').getBoundingClientRect().top";

#[tokio::test]
async fn on_a_phone_nothing_is_too_wide_and_everything_can_be_pressed() {
    let stage = Stage::new("phone").await;
    let name =
        "a_name_that_is_longer_than_any_phone_is_wide_and_has_no_space_at_which_it_could_be_broken.bin";
    let swarm = Swarm::with_blocks(&stage.scratch, name, 6_000_000, 65_536, 60).await;
    let metrics = json!({ "width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 2, "mobile": true });
    stage.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    let page = stage.page().await;
    assert_fits(&page, "an empty list").await;
    page.add_file(&swarm.torrent).await;
    swarm.seed.wait_for_blocks(60).await;

    // Adding has opened the detail view.
    page.browser.click(".detail-head a[href='#']").await;
    wait::until_true("the list alone", wait::LONG, async || {
        page.browser.run::<bool>("return !document.querySelector('.detail')", vec![]).await
    })
    .await;
    assert_fits(&page, "the list").await;
    let controls = ["theme", "add-link", "add-file", "add-confirm", "pause", "save", "recheck", "remove"];
    let controls: Vec<String> = controls.iter().map(|id| format!("[data-testid={id}]")).collect();
    assert_in_reach(&page, &controls).await;

    page.browser.click("[data-testid=torrent] a.name").await;
    page.browser.element(".detail canvas").await;
    page.wait_for_log("a pick", |line| line.kind == "pick").await;
    let top: f64 = page.browser.run(DETAIL_TOP, vec![]).await;
    assert!((0.0..f64::from(HEIGHT)).contains(&top), "the detail view opens out of sight, at {top} px");
    assert_fits(&page, "the detail view").await;
    let in_sight: bool = page.browser.run(&with_width(LAST_COLUMN_IN_SIGHT), vec![]).await;
    assert!(in_sight, "the peers table cannot be scrolled to its end");
    let in_detail = [".detail-head a[href='#']", ".detail .filter button", ".detail .hold"];
    assert_in_reach(&page, &in_detail.map(str::to_owned)).await;

    // The driver scrolls no farther than it must, which may be under the bar.
    page.browser.run::<()>(SCROLL_TO_REMOVE, vec![]).await;
    page.browser.click("[data-testid=remove]").await;
    page.browser.element("[data-testid=remove-dialog][open]").await;
    assert_fits(&page, "the dialog").await;
    assert_in_reach(
        &page,
        &["[data-testid=remove-data]".to_owned(), "[data-testid=remove-confirm]".to_owned()],
    )
    .await;
    stage.browser.close().await;
}

async fn assert_fits(page: &Page<'_>, what: &str) {
    let problems: Vec<String> = page.browser.run(&with_width(TOO_WIDE), vec![]).await;
    assert!(problems.is_empty(), "{what} does not fit: {problems:#?}");
}

async fn assert_in_reach(page: &Page<'_>, css: &[String]) {
    let problems: Vec<String> = page.browser.run(OUT_OF_REACH, vec![json!(css)]).await;
    assert!(problems.is_empty(), "out of a finger's reach: {problems:?}");
}

fn with_width(script: &str) -> String {
    script.replace("WIDTH", &WIDTH.to_string())
}
