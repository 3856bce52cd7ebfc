use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Bitfield, Metainfo};
use node::cli::{Cli, Command, DemoArgs};
use node::content::{Access, Content};
use node::demo::Demo;
use node::host::{Earlier, Node, Setup};
use peernet::fetch::{FETCH_TIMEOUT, fetch_torrent};
use tempfile::tempdir;
use tokio::time::timeout;

use crate::{LIMIT, fresh_addr, loopback};

fn args(folder: &std::path::Path) -> DemoArgs {
    let folder = folder.to_str().unwrap();
    let args =
        "swarmscope-node demo --port 0 --seeds 1 --downloaders 2 --size 2 --dir".split(' ').chain([folder]);
    match clap::Parser::try_parse_from(args) {
        Ok(Cli { command: Command::Demo(args) }) => args,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_downloads_from_the_demo_and_a_second_start_makes_no_sample() {
    let folder = tempdir().unwrap();
    let demo = Demo::start(&args(folder.path()), |_, _| {}).await.unwrap();
    assert!(demo.torrent_url().starts_with("http://127.77.0.1:"));
    let bytes = fetch_torrent(&loopback(), &demo.torrent_url(), None, FETCH_TIMEOUT).await.unwrap();
    let metainfo = Arc::new(Metainfo::parse(&bytes).unwrap());
    assert_eq!(metainfo.total_len(), 2 << 20);

    let listen = fresh_addr();
    let copy = folder.path().join("visitor");
    let visitor = Node::start(Setup {
        content: Arc::new(Content::new(metainfo.clone(), copy.clone(), Access::Write)),
        have: Bitfield::none(metainfo.pieces_total()),
        earlier: Earlier::default(),
        goals: engine::Goals::default(),
        order: engine::PickOrder::default(),
        resume: None,
        kept_at: None,
        listen: Some(listen),
        arrival: None,
        bind: Some(listen.ip()),
        policy: loopback(),
        peers: Vec::new(),
        config: engine::Config::default(),
    })
    .unwrap();
    let mut status = visitor.status();
    timeout(LIMIT, status.wait_for(|status| status.summary.is_complete)).await.unwrap().unwrap();
    visitor.stop().await;
    timeout(LIMIT, demo.stop()).await.unwrap();
    let left: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the sample, its hashes and the visitor's copy: {left:?}");

    let is_made = Arc::new(AtomicBool::new(false));
    let made = Arc::clone(&is_made);
    let again =
        Demo::start(&args(folder.path()), move |_, _| made.store(true, Ordering::Relaxed)).await.unwrap();
    assert!(!is_made.load(Ordering::Relaxed));
    let bytes = fetch_torrent(&loopback(), &again.torrent_url(), None, FETCH_TIMEOUT).await.unwrap();
    assert_eq!(Metainfo::parse(&bytes).unwrap().info_hash(), metainfo.info_hash());
    timeout(LIMIT, again.stop()).await.unwrap();
}
