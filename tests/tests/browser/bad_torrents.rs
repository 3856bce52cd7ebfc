//! What is no good torrent is refused in plain words, and the list stays as it was.

use std::path::Path;

use serde_bencode::value::Value;
use swarmscope_tests::metainfo::{Info, bytes, dict, int, torrent_file};
use swarmscope_tests::page::Page;
use swarmscope_tests::wait;

use crate::stage::{Stage, Swarm};

#[tokio::test]
async fn each_bad_torrent_file_is_refused_in_plain_words_and_the_list_is_kept() {
    let stage = Stage::new("bad-torrents").await;
    let page = stage.page().await;
    let swarm = Swarm::with_blocks(&stage.scratch, "good.bin", 500_000, 65_536, 0).await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "downloading").await;
    let good = std::fs::read(&swarm.torrent).expect("the torrent file is there");

    let nested = |depth: usize| [vec![b'l'; depth], vec![b'e'; depth]].concat();
    let hidden = [b"d8:announce".to_vec(), nested(1_000_000), b"e".to_vec()].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("picture", b"\x89PNG\r\n\x1a\n and so on".to_vec()),
        ("page", b"<!doctype html><title>404 Not Found</title>".to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("trailing", [&good[..], b"more"].concat()),
        ("nested", nested(1_000_000)),
        ("nested-inside", hidden),
        ("no-info", b"d8:announce20:http://127.0.0.1/anne".to_vec()),
        ("climbs", with_path(&["..", "..", "etc", "passwd"])),
        ("climbs-inside", with_path(&["a", "..", "..", "b"])),
        ("absolute", with_path(&["/etc/passwd"])),
        ("nul", with_path(&["a\0b"])),
        ("climbing-name", with(|info| info.set("name", bytes("../up")))),
        ("hashes-missing", with(|info| info.set("pieces", Value::Bytes(vec![1; 20])))),
        ("hashes-uneven", with(|info| info.set("pieces", Value::Bytes(vec![1; 41])))),
        ("piece-len-zero", with(|info| info.set("piece length", int(0)))),
        ("len-negative", with(|info| info.set("length", Value::Int(-1)))),
        ("len-huge", with(|info| info.set("length", Value::Int(i64::MAX)))),
    ];
    for (name, file) in cases {
        let path = stage.scratch.file(&format!("{name}.torrent"), file);
        refused(&page, &path, name).await;
        let rows = page.rows().await;
        assert_eq!(rows.len(), 1, "{name} changed the list: {rows:?}");
        assert_eq!(rows[0].info_hash, swarm.content.info_hash);
    }

    // The torrents that were spoilt are sound otherwise, or the cases would be refused for something else.
    for (name, file) in [("sound-folder", with_path(&["a", "b"])), ("sound-file", with(|_| {}))] {
        let before = page.rows().await.len();
        page.add_file(&stage.scratch.file(&format!("{name}.torrent"), file)).await;
        wait::until_true(&format!("{name} in the list"), wait::LONG, async || {
            page.rows().await.len() == before + 1
        })
        .await;
    }

    // What was there before goes on as if nothing had happened.
    swarm.seed.allow(1 << 40);
    page.wait_for_state(&swarm.content, "seeding").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn a_torrent_that_is_there_already_is_said_to_be_so() {
    let stage = Stage::new("twice").await;
    let page = stage.page().await;
    let swarm = Swarm::new(&stage.scratch, "twice.bin", 500_000, 65_536).await;
    page.add_file(&swarm.torrent).await;
    page.wait_for_state(&swarm.content, "seeding").await;

    page.add_file(&swarm.torrent).await;
    page.wait_for_notice("already").await;
    let rows = page.rows().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].state, "seeding");
    stage.browser.close().await;
}

#[tokio::test]
async fn an_address_that_leads_to_no_torrent_is_said_to_be_so() {
    let stage = Stage::new("bad-address").await;
    let page = stage.page().await;
    // The relay's own page: it answers, but with a page.
    page.add_link(&format!("http://{}/", stage.relay.addr)).await;
    let text = page.wait_for_notice("torrent").await;
    assert!(text.len() > 20, "{text:?} explains nothing");
    assert_eq!(page.rows().await.len(), 0);
    stage.browser.close().await;
}

/// Adds the file and checks that the message names it and reads like a sentence.
async fn refused(page: &Page<'_>, path: &Path, name: &str) {
    page.add_file(path).await;
    let text = page.wait_for_notice(&format!("{name}.torrent")).await;
    assert!(text.len() > name.len() + 30, "{name}: {text:?} explains nothing");
    for word in ["panic", "Error(", "None", "unwrap", "serde", "JsValue", "undefined"] {
        assert!(!text.contains(word), "{name}: {text:?} is not for people");
    }
    wait::until_true("the messages to go", wait::LONG, async || {
        page.browser.run::<()>(CLOSE_ALL, vec![]).await;
        page.notices().await.is_empty()
    })
    .await;
}

/// A torrent of a folder with one file at `path`, which is otherwise sound.
fn with_path(path: &[&str]) -> Vec<u8> {
    let mut info = Info::multi("folder", &[], 65_536, &[7; 20]);
    let path = Value::List(path.iter().map(bytes).collect());
    info.set("files", Value::List(vec![dict([("path", path), ("length", int(1000))])]));
    torrent_file(&info.encode(), &[])
}

/// A torrent of one file of two pieces with one thing wrong.
fn with(spoil: impl FnOnce(&mut Info)) -> Vec<u8> {
    let mut info = Info::single("file.bin", 100_000, 65_536, &[7; 40]);
    spoil(&mut info);
    torrent_file(&info.encode(), &[])
}

const CLOSE_ALL: &str =
    "document.querySelectorAll('[data-testid=notice] button').forEach(button => button.click())";
