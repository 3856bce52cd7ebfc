//! The page shows the engine's own reasons, all of them and no other.

use engine::{ChokeReason, PickReason};

use crate::stage::{Stage, Swarm};

#[tokio::test]
async fn the_reasons_shown_are_the_engines_own_lists() {
    let stage = Stage::new("reasons").await;
    let swarm = Swarm::new(&stage.scratch, "reasons.bin", 8_000_000, 65_536).await;
    let page = stage.page().await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;
    page.show_detail(&swarm.content).await;

    let shown = page.reasons().await;
    let of_engine: Vec<(String, String)> = PickReason::ALL
        .iter()
        .map(|reason| ("pick".to_owned(), reason.code().to_owned()))
        .chain(ChokeReason::ALL.iter().map(|reason| ("choke".to_owned(), reason.code().to_owned())))
        .collect();
    let listed: Vec<(String, String)> =
        shown.iter().map(|reason| (reason.kind.clone(), reason.code.clone())).collect();
    assert_eq!(listed, of_engine);
    let count = |code: &str| shown.iter().find(|reason| reason.code == code).map_or(0, |reason| reason.count);
    assert!(
        count("random-first") > 0 && count("rarest-first") > 0 && count("started-piece") > 0,
        "{shown:?}"
    );
    let picks: u64 = shown.iter().filter(|reason| reason.kind == "pick").map(|reason| reason.count).sum();
    assert!(
        picks >= swarm.seed.record().blocks_sent_total(),
        "{picks} picks are fewer than the blocks that came"
    );
    stage.browser.close().await;
}
