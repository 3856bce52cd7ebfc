//! Some files of a torrent and not others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::FilePriority::{Normal, Skip};
use engine::{Bitfield, FilePriority, Metainfo};
use node::check::check;
use node::content::{Access, Content};
use node::create::{Wishes, make};
use node::host::{Node, Setup};
use tempfile::tempdir;
use tokio::time::timeout;

use crate::{LIMIT, PIECE_LEN, fresh_addr, loopback, noise};

/// Three files, none of which begins or ends with a piece but the first and the last.
const LENS: [usize; 3] = [150_000, 300_000, 120_000];

struct Folder {
    data: PathBuf,
    metainfo: Arc<Metainfo>,
}

impl Folder {
    fn new(folder: &Path) -> Self {
        let data = folder.join("data");
        fs::create_dir(&data).unwrap();
        let bytes = noise(LENS.iter().sum());
        let mut start = 0;
        for (number, len) in LENS.iter().enumerate() {
            fs::write(data.join(format!("{number}.bin")), &bytes[start..start + len]).unwrap();
            start += len;
        }
        let wishes = Wishes { piece_len: Some(PIECE_LEN), ..Wishes::default() };
        let metainfo = Arc::new(make(&data, &wishes, |_, _| {}).unwrap());
        Self { data, metainfo }
    }

    fn content(&self, root: &Path, files: &[FilePriority]) -> Content {
        let mut content = Content::new(self.metainfo.clone(), root.to_owned(), Access::Write);
        content.set_priorities(files).unwrap();
        content
    }

    /// What is there and right.
    fn have(&self, root: &Path) -> Bitfield {
        let content = Content::new(self.metainfo.clone(), root.to_owned(), Access::Read);
        check(&content, |_| {}, &false.into()).unwrap()
    }

    fn start(&self, content: Content, have: Bitfield, from: &[&Node]) -> Node {
        let listen = fresh_addr();
        let setup = Setup {
            content: Arc::new(content),
            have,
            earlier: node::host::Earlier::default(),
            goals: engine::Goals::default(),
            order: engine::PickOrder::default(),
            resume: None,
            kept_at: None,
            listen: Some(listen),
            arrival: None,
            bind: Some(listen.ip()),
            policy: loopback(),
            peers: from.iter().map(|node| node.listen_addr()).collect(),
            config: engine::Config::default(),
        };
        Node::start(setup).unwrap()
    }

    fn seed(&self) -> Node {
        self.start(Content::new(self.metainfo.clone(), self.data.clone(), Access::Read), self.all(), &[])
    }

    fn all(&self) -> Bitfield {
        Bitfield::all(self.metainfo.pieces_total())
    }

    fn none(&self) -> Bitfield {
        Bitfield::none(self.metainfo.pieces_total())
    }

    fn is_right(&self, root: &Path, file: usize) -> bool {
        let name = format!("{file}.bin");
        fs::read(root.join(&name)).ok() == fs::read(self.data.join(&name)).ok()
    }
}

async fn complete(node: Node) {
    let mut status = node.status();
    let over = status.wait_for(|status| status.summary.is_complete || status.error.is_some());
    let status = timeout(LIMIT, over).await.unwrap().unwrap().clone();
    assert_eq!(status.error, None);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_file_is_not_made_and_its_part_of_shared_pieces_is_kept_apart() {
    let folder = tempdir().unwrap();
    let torrent = Folder::new(folder.path());
    let seed = torrent.seed();
    let copy = folder.path().join("copy");
    let content = torrent.content(&copy, &[Skip, Normal, Skip]);
    complete(torrent.start(content, torrent.none(), &[&seed])).await;
    assert!(torrent.is_right(&copy, 1));
    assert!(!copy.join("0.bin").exists() && !copy.join("2.bin").exists());
    let have = torrent.have(&copy);
    assert_eq!(
        have.iter().map(|piece| piece.0).collect::<Vec<_>>(),
        [2, 3, 4, 5, 6],
        "shared pieces are whole"
    );

    // What it has it gives, shared pieces too.
    let partial = torrent.start(torrent.content(&copy, &[Skip, Normal, Skip]), have, &[]);
    let second = folder.path().join("second");
    let content = torrent.content(&second, &[Skip, Normal, Skip]);
    complete(torrent.start(content, torrent.none(), &[&partial])).await;
    assert!(torrent.is_right(&second, 1));
    partial.stop().await;
    seed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wanted_later_takes_over_what_was_kept_apart() {
    let folder = tempdir().unwrap();
    let torrent = Folder::new(folder.path());
    let seed = torrent.seed();
    let copy = folder.path().join("copy");
    let content = torrent.content(&copy, &[Skip, Normal, Skip]);
    complete(torrent.start(content, torrent.none(), &[&seed])).await;
    let before = torrent.have(&copy);
    let parts = folder.path().join(".copy.parts");
    assert_eq!(fs::read_dir(&parts).unwrap().count(), 2);
    let content = torrent.content(&copy, &[Normal, Normal, Skip]);
    assert_eq!(fs::read_dir(&parts).unwrap().count(), 1);
    assert_eq!(torrent.have(&copy), before, "nothing was lost on the way");
    complete(torrent.start(content, before, &[&seed])).await;
    assert!(torrent.is_right(&copy, 0) && torrent.is_right(&copy, 1));
    let content = torrent.content(&copy, &[]);
    assert!(!parts.exists());
    complete(torrent.start(content, torrent.have(&copy), &[&seed])).await;
    assert_eq!(torrent.have(&copy), torrent.all());
    assert!((0..3).all(|file| torrent.is_right(&copy, file)));
    seed.stop().await;
}

#[test]
fn a_file_that_is_there_stays_when_it_is_skipped() {
    let folder = tempdir().unwrap();
    let torrent = Folder::new(folder.path());
    let content = torrent.content(&torrent.data, &[Skip, Normal, Skip]);
    assert_eq!(torrent.have(content.root()), torrent.all());
    assert!(content.could_hold(|_| true));
    assert!(!folder.path().join(".data.parts").exists());
}
