//! Piece hashes of version 2 that come from peers (BEP 52).

use std::fs;

use engine::{Metainfo, PieceIndex};
use node::create::{Format, Wishes, make};
use tempfile::tempdir;

use crate::program::Program;
use crate::{PIECE_LEN, fresh_addr, noise};

const LEN: u64 = 20 * PIECE_LEN as u64 + 7;

#[tokio::test]
async fn hashes_that_peers_have_sent_for_a_magnet_link_are_not_fetched_again() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("sample.bin");
    fs::write(&data, noise(LEN as usize)).unwrap();
    let wishes = Wishes { piece_len: Some(PIECE_LEN), format: Format::V2, ..Wishes::default() };
    let metainfo = make(&data, &wishes, |_, _| {}).unwrap();
    let torrent = folder.path().join("sample.torrent");
    fs::write(&torrent, metainfo.as_bytes()).unwrap();
    let out = folder.path().join("out");
    let (magnet, out_arg) = (metainfo.magnet().to_string(), out.to_str().unwrap());
    let get = |more: &[&str]| {
        let listen = fresh_addr().to_string();
        Program::start([&["get", &magnet, "--out", out_arg, "--listen", &listen], more].concat())
    };

    let listen = fresh_addr().to_string();
    let (torrent, data) = (torrent.to_str().unwrap(), data.to_str().unwrap());
    let mut seed = Program::start(["seed", torrent, "--data", data, "--listen", &listen]);
    let peer = seed.listen_addr().await;
    let mut first = get(&["--peer", &peer]);
    assert_eq!(first.wait_for("complete", |_| true).await["down_bytes"], LEN);
    assert!(first.end().await.0.success());
    seed.kill().await;

    let kept = fs::read(out.join(format!(".{}.torrent", metainfo.info_hash()))).unwrap();
    let kept = Metainfo::parse(&kept).unwrap();
    for piece in (0..metainfo.pieces_total()).map(PieceIndex) {
        assert_eq!(kept.piece_hashes(piece), metainfo.piece_hashes(piece), "{piece:?}");
    }
    // Nobody is there to ask: what is checked is checked against what was kept.
    let mut second = get(&["--check"]);
    let complete = second.wait_for("complete", |_| true).await;
    assert_eq!((&complete["verified_bytes"], &complete["down_bytes"]), (&LEN.into(), &0.into()));
    assert!(second.end().await.0.success());
}
