use std::fs;
use std::time::Duration;

use node::demo::tracker::Bound;
use tempfile::tempdir;

use crate::program::Program;
use crate::{LIMIT, Sample, fresh_addr, noise};

#[tokio::test]
async fn what_is_created_is_seeded_and_got_byte_for_byte() {
    let folder = tempdir().unwrap();
    let original = folder.path().join("original");
    fs::create_dir_all(original.join("deeper/still")).unwrap();
    let files = [("a.bin", 300_000), ("deeper/empty", 0), ("deeper/still/b.bin", 200_001), ("z", 1)];
    for (path, len) in files {
        fs::write(original.join(path), noise(len)).unwrap();
    }
    let torrent = folder.path().join("t.torrent");
    let (original_arg, torrent_arg) = (original.to_str().unwrap(), torrent.to_str().unwrap());
    let mut create = Program::start(["create", original_arg, "-o", torrent_arg, "--comment", "hello"]);
    let created = create.wait_for("created", |_| true).await;
    assert!(create.end().await.0.success());
    let metainfo = engine::Metainfo::parse(&fs::read(&torrent).unwrap()).unwrap();
    assert_eq!(created["info_hash"], metainfo.info_hash().to_string());
    assert_eq!((metainfo.comment(), metainfo.is_private()), (Some("hello"), false));

    let listen = fresh_addr().to_string();
    let mut seed = Program::start(["seed", torrent_arg, "--data", original_arg, "--listen", &listen]);
    let peer = seed.listen_addr().await;
    let out = folder.path().join("out");
    let listen = fresh_addr().to_string();
    let mut get = Program::start([
        "get",
        torrent_arg,
        "--out",
        out.to_str().unwrap(),
        "--listen",
        &listen,
        "--peer",
        &peer,
    ]);
    let complete = get.wait_for("complete", |_| true).await;
    assert_eq!(complete["verified_bytes"], 500_002);
    assert!(get.end().await.0.success());
    for (path, len) in files {
        assert_eq!(fs::read(out.join("original").join(path)).unwrap(), noise(len), "{path}");
    }
}

#[tokio::test]
async fn a_torrent_can_be_created_private_and_then_no_peer_can_be_named() {
    let folder = tempdir().unwrap();
    let (content, torrent) = (folder.path().join("a.bin"), folder.path().join("t.torrent"));
    fs::write(&content, noise(1000)).unwrap();
    let torrent_arg = torrent.to_str().unwrap();
    let mut create = Program::start(["create", content.to_str().unwrap(), "-o", torrent_arg, "--private"]);
    create.wait_for("created", |_| true).await;
    assert!(create.end().await.0.success());
    assert!(engine::Metainfo::parse(&fs::read(&torrent).unwrap()).unwrap().is_private());

    let (listen, peer) = (fresh_addr().to_string(), fresh_addr().to_string());
    let out = folder.path().join("out");
    let out_arg = out.to_str().unwrap();
    let mut get =
        Program::start(["get", torrent_arg, "--out", out_arg, "--listen", &listen, "--peer", &peer]);
    get.wait_for("progress", |_| true).await;
    get.interrupt();
    let (_, errors) = get.end().await;
    assert!(errors.contains("only its trackers may introduce peers"), "{errors}");
}

#[tokio::test]
async fn an_interrupted_seed_tells_its_tracker_and_ends_with_success() {
    let folder = tempdir().unwrap();
    let bound = Bound::new(fresh_addr()).await.unwrap();
    let sample = Sample::new(folder.path(), 100_000, &[bound.announce_url()]);
    let tracker = bound.serve(sample.metainfo.clone(), Duration::from_secs(600));
    let is_known = || tracker.has_visitor(|_| false);
    let listen = fresh_addr().to_string();
    let (torrent, data) = (sample.torrent.to_str().unwrap(), sample.data.to_str().unwrap());
    let mut seed =
        Program::start(["seed", torrent, "--data", data, "--listen", &listen, "--allow-net", "127.0.0.0/8"]);
    let known = async {
        while !is_known() {
            seed.wait_for("progress", |_| true).await;
        }
    };
    tokio::time::timeout(LIMIT, known).await.unwrap();
    seed.interrupt();
    let (status, errors) = seed.end().await;
    assert!(status.success(), "{status}: {errors}");
    assert!(!is_known());
}

#[tokio::test]
async fn what_cannot_be_got_is_told_in_plain_words() {
    let folder = tempdir().unwrap();
    let bad = folder.path().join("bad.torrent");
    fs::write(&bad, "<html>").unwrap();
    let bad = bad.to_str().unwrap();
    for (source, words) in [
        (bad, "not a .torrent file"),
        ("/nowhere/a.torrent", "cannot read /nowhere/a.torrent"),
        ("http://127.0.0.1:9/a.torrent", "--allow-net 127.0.0.1/32"),
    ] {
        let (status, errors) = Program::start(["get", source]).end().await;
        assert_eq!(status.code(), Some(1), "{source}: {errors}");
        assert!(errors.contains(words), "{source}: {errors}");
    }
}

#[tokio::test]
async fn damaged_data_is_not_seeded() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 200_000, &[]);
    let mut bytes = fs::read(&sample.data).unwrap();
    bytes[70_000] ^= 1;
    fs::write(&sample.data, bytes).unwrap();
    let args = ["seed", sample.torrent.to_str().unwrap(), "--data", folder.path().to_str().unwrap()];
    let (status, errors) = Program::start(args).end().await;
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("1 of 4 pieces are missing or damaged"), "{errors}");
}

#[tokio::test]
async fn a_torrent_is_not_overwritten_unless_forced() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 1000, &[]);
    let (data, torrent) = (sample.data.to_str().unwrap(), sample.torrent.to_str().unwrap());
    let (status, errors) = Program::start(["create", data, "-o", torrent]).end().await;
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot write"), "{errors}");
    assert!(Program::start(["create", data, "-o", torrent, "--force"]).end().await.0.success());
}
