use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::{Bitfield, Metainfo};
use node::content::{Access, Content};
use node::demo::tracker::Bound;
use node::host::{Earlier, Node, ResumeFile, Setup};
use tempfile::tempdir;
use tokio::time::timeout;

use crate::{LIMIT, Sample, fresh_addr, loopback};

fn start(metainfo: &Arc<Metainfo>, root: &Path, have: Bitfield, access: Access) -> Node {
    start_with(metainfo, root, have, access, engine::Config::default())
}

fn start_with(
    metainfo: &Arc<Metainfo>,
    root: &Path,
    have: Bitfield,
    access: Access,
    config: engine::Config,
) -> Node {
    let listen = fresh_addr();
    let setup = Setup {
        content: Arc::new(Content::new(metainfo.clone(), root.to_owned(), access)),
        have,
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
        config,
    };
    Node::start(setup).unwrap()
}

async fn complete(node: &Node) -> engine::Summary {
    let mut status = node.status();
    let over = status.wait_for(|status| status.summary.is_complete || status.error.is_some());
    let status = timeout(LIMIT, over).await.unwrap().unwrap().clone();
    assert_eq!(status.error, None);
    status.summary
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_find_each_other_through_a_tracker_and_trade_pieces() {
    let folder = tempdir().unwrap();
    let bound = Bound::new(fresh_addr()).await.unwrap();
    let sample = Sample::new(folder.path(), 3_000_001, &[bound.announce_url()]);
    let metainfo = &sample.metainfo;
    let _tracker = bound.serve(metainfo.clone(), Duration::from_secs(1));
    // A slow seed and fast downloaders: they get more from each other than from the seed.
    let seed_config = engine::Config { upload_rate_max: Some(1_500_000), ..engine::Config::default() };
    let seed =
        start_with(metainfo, &sample.data, Bitfield::all(metainfo.pieces_total()), Access::Read, seed_config);
    let soon = engine::Config { announce_interval_min: Duration::from_secs(1), ..engine::Config::default() };
    let roots: Vec<_> = (0..3).map(|nth| folder.path().join(format!("copy-{nth}"))).collect();
    let none = || Bitfield::none(metainfo.pieces_total());
    let nodes: Vec<_> =
        roots.iter().map(|root| start_with(metainfo, root, none(), Access::Write, soon.clone())).collect();
    let mut uploaded = 0;
    for (node, root) in nodes.iter().zip(&roots) {
        complete(node).await;
        assert!(fs::read(root).unwrap() == fs::read(&sample.data).unwrap(), "{}", root.display());
    }
    for node in nodes {
        let status = node.status();
        node.stop().await;
        uploaded += status.borrow().summary.up_bytes;
    }
    assert!(uploaded > 0, "nobody but the seed has uploaded");
    seed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_too_long_for_memory_are_assembled_on_the_disk() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("sample.bin");
    // Longer than the longest piece that is buffered.
    let bytes = crate::noise((17 << 20) + 5);
    fs::write(&data, &bytes).unwrap();
    let wishes = node::create::Wishes { piece_len: Some(32 << 20), ..node::create::Wishes::default() };
    let metainfo = Arc::new(node::create::make(&data, &wishes, |_, _| {}).unwrap());
    let seed = start(&metainfo, &data, Bitfield::all(metainfo.pieces_total()), Access::Read);
    let copy = folder.path().join("copy");
    let listen = fresh_addr();
    let setup = Setup {
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
        peers: vec![seed.listen_addr()],
        config: engine::Config::default(),
    };
    let node = Node::start(setup).unwrap();
    complete(&node).await;
    assert!(fs::read(copy).unwrap() == bytes);
    node.stop().await;
    seed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_has_let_go_of_its_record() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 100_000, &[]);
    let path = ResumeFile::path_for(&sample.data);
    let open = || ResumeFile::open(path.clone(), &sample.metainfo);
    let (mut resume, recorded) = open().unwrap();
    assert!(recorded.is_none());
    let have = Bitfield::all(sample.metainfo.pieces_total());
    resume.begin_with(&have).unwrap();
    let setup = Setup {
        content: Arc::new(Content::new(sample.metainfo.clone(), sample.data.clone(), Access::Write)),
        have: have.clone(),
        earlier: Earlier::default(),
        goals: engine::Goals::default(),
        order: engine::PickOrder::default(),
        resume: Some(resume),
        kept_at: None,
        listen: Some(fresh_addr()),
        arrival: None,
        bind: None,
        policy: loopback(),
        peers: Vec::new(),
        config: engine::Config::default(),
    };
    let node = Node::start(setup).unwrap();
    assert!(open().is_err());
    node.stop().await;
    assert_eq!(open().unwrap().1.map(|recorded| recorded.have), Some(have));
}
