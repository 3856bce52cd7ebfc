use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::tempdir;

use crate::program::Program;
use crate::{PIECE_LEN, Sample, fresh_addr};

const LEN: usize = 4 << 20;

fn seed(sample: &Sample, more: &[&str]) -> Program {
    let listen = fresh_addr().to_string();
    let (torrent, data) = (sample.torrent.to_str().unwrap(), sample.data.to_str().unwrap());
    Program::start([&["seed", torrent, "--data", data, "--listen", &listen], more].concat())
}

fn get(sample: &Sample, out: &Path, peer: &str) -> Program {
    let listen = fresh_addr().to_string();
    let (torrent, out) = (sample.torrent.to_str().unwrap(), out.to_str().unwrap());
    Program::start(["get", torrent, "--out", out, "--listen", &listen, "--peer", peer])
}

#[tokio::test]
async fn a_kill_in_mid_download_loses_no_verified_piece_and_none_is_fetched_again() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), LEN, &[]);
    let out = folder.path().join("out");
    let peer = seed(&sample, &["--up-limit", "1000"]).listen_addr_and_keep().await;

    let mut first = get(&sample, &out, &peer.addr);
    let seen =
        first.wait_for("progress", |line| line["verified_bytes"].as_u64() >= Some(LEN as u64 / 4)).await;
    assert_eq!(seen["is_complete"], false, "the kill came too late to show anything");
    first.kill().await;

    let mut second = get(&sample, &out, &peer.addr);
    let kept = second.wait_for("started", |_| true).await["verified_bytes"].as_u64().unwrap();
    assert!(kept >= seen["verified_bytes"].as_u64().unwrap(), "{kept} of {seen}");
    let complete = second.wait_for("complete", |_| true).await;
    assert_eq!(complete["down_bytes"].as_u64().unwrap(), LEN as u64 - kept);
    assert!(second.end().await.0.success());
    assert_eq!(fs::read(out.join("sample.bin")).unwrap(), fs::read(&sample.data).unwrap());
}

/// What a `get` has received when it ends itself with `interrupt`, and what is verified of it.
async fn interrupted_at(mut get: Program, down_bytes: u64) -> (u64, u64) {
    let seen = get.wait_for("progress", |line| line["down_bytes"].as_u64() >= Some(down_bytes)).await;
    assert_eq!(seen["is_complete"], false, "the interrupt came too late to show anything");
    get.interrupt();
    let stopped = get.wait_for("stopped", |_| true).await;
    get.end().await;
    (stopped["down_bytes"].as_u64().unwrap(), stopped["verified_bytes"].as_u64().unwrap())
}

#[tokio::test]
async fn an_interrupt_keeps_the_blocks_of_unfinished_pieces_that_were_in_memory() {
    let folder = tempdir().unwrap();
    let sample = Sample::with_pieces(folder.path(), LEN, 2 << 20, &[]);
    let out = folder.path().join("out");
    let peer = seed(&sample, &["--up-limit", "1000"]).listen_addr_and_keep().await;

    let (received, verified) = interrupted_at(get(&sample, &out, &peer.addr), LEN as u64 / 4).await;
    let mut second = get(&sample, &out, &peer.addr);
    let complete = second.wait_for("complete", |_| true).await;
    let fetched = complete["down_bytes"].as_u64().unwrap();
    // Of each block that was under way a part is lost.
    assert!(fetched <= LEN as u64 - received + 4 * 16_384, "{fetched} after {received}, verified {verified}");
    assert_eq!(complete["wasted_bytes"], 0);
    assert!(second.end().await.0.success());
    assert_eq!(fs::read(out.join("sample.bin")).unwrap(), fs::read(&sample.data).unwrap());
}

const LONG_PIECE: u32 = 32 << 20;
const LONG_LEN: u64 = 24 << 20;

/// A download of one piece that is too long for memory, killed in the middle; returns what it had received.
async fn killed_within_a_long_piece(sample: &Sample, out: &Path, peer: &str) -> u64 {
    let mut first = get(sample, out, peer);
    let seen = first.wait_for("progress", |line| line["down_bytes"].as_u64() >= Some(LONG_LEN / 4)).await;
    assert_eq!(seen["verified_bytes"], 0, "the kill came too late to show anything");
    first.kill().await;
    seen["down_bytes"].as_u64().unwrap()
}

#[tokio::test]
async fn a_kill_keeps_the_blocks_of_a_piece_that_is_too_long_for_memory() {
    let folder = tempdir().unwrap();
    let sample = Sample::with_pieces(folder.path(), LONG_LEN as usize, LONG_PIECE, &[]);
    let out = folder.path().join("out");
    let peer = seed(&sample, &["--up-limit", "5000"]).listen_addr_and_keep().await;
    let received = killed_within_a_long_piece(&sample, &out, &peer.addr).await;

    let mut second = get(&sample, &out, &peer.addr);
    let complete = second.wait_for("complete", |_| true).await;
    let fetched = complete["down_bytes"].as_u64().unwrap();
    // Blocks are recorded by the megabyte, after those that wait for the disk.
    assert!(fetched <= LONG_LEN - received + (3 << 20), "{fetched} after {received}");
    assert!(second.end().await.0.success());
    assert_eq!(fs::read(out.join("sample.bin")).unwrap(), fs::read(&sample.data).unwrap());
}

#[tokio::test]
async fn a_kept_block_that_went_bad_costs_its_piece_and_nobody_is_blamed() {
    let folder = tempdir().unwrap();
    let sample = Sample::with_pieces(folder.path(), LONG_LEN as usize, LONG_PIECE, &[]);
    let out = folder.path().join("out");
    let peer = seed(&sample, &["--up-limit", "8000"]).listen_addr_and_keep().await;
    killed_within_a_long_piece(&sample, &out, &peer.addr).await;
    let mut bytes = fs::read(out.join("sample.bin")).unwrap();
    bytes[1000..3_000_000].fill(0x55);
    fs::write(out.join("sample.bin"), bytes).unwrap();

    // The only peer there is: were it banned, the download would not end.
    let mut second = get(&sample, &out, &peer.addr);
    let complete = second.wait_for("complete", |_| true).await;
    assert!(complete["down_bytes"].as_u64().unwrap() > LONG_LEN, "{complete}");
    assert!(second.end().await.0.success());
    assert_eq!(fs::read(out.join("sample.bin")).unwrap(), fs::read(&sample.data).unwrap());
}

#[tokio::test]
async fn a_seed_that_has_given_enough_says_so_and_ends() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 300_000, &[]);
    let mut giving = seed(&sample, &["--ratio", "0.5"]);
    let addr = giving.listen_addr().await;
    let _getting = get(&sample, &folder.path().join("out"), &addr);
    assert_eq!(giving.wait_for("goal_met", |_| true).await["goal"], "ratio");
    assert!(giving.end().await.0.success());
    let mut waiting = seed(&sample, &["--seed-time", "1s"]);
    assert_eq!(waiting.wait_for("goal_met", |_| true).await["goal"], "seeding-time");
    assert!(waiting.end().await.0.success());
}

#[tokio::test]
async fn corrupt_data_without_a_record_is_fetched_again_and_nothing_else() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), LEN, &[]);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let mut bytes = fs::read(&sample.data).unwrap();
    bytes[5 * PIECE_LEN as usize] ^= 1;
    fs::write(out.join("sample.bin"), bytes).unwrap();

    let peer = seed(&sample, &[]).listen_addr_and_keep().await;
    let mut get = get(&sample, &out, &peer.addr);
    let complete = get.wait_for("complete", |_| true).await;
    assert_eq!(complete["down_bytes"], PIECE_LEN);
    assert_eq!(fs::read(out.join("sample.bin")).unwrap(), fs::read(&sample.data).unwrap());
}

#[tokio::test]
async fn a_record_without_its_data_is_not_believed() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 300_000, &[]);
    let out = folder.path().join("out");
    let peer = seed(&sample, &[]).listen_addr_and_keep().await;
    for _ in 0..2 {
        let mut get = get(&sample, &out, &peer.addr);
        assert_eq!(get.wait_for("complete", |_| true).await["down_bytes"], 300_000);
        assert!(get.end().await.0.success());
        fs::remove_file(out.join("sample.bin")).unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_download_with_a_plain_word() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 300_000, &[]);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    symlink("/dev/full", out.join("sample.bin")).unwrap();
    let peer = seed(&sample, &[]).listen_addr_and_keep().await;
    let (status, errors) = get(&sample, &out, &peer.addr).end().await;
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("there is no space left for") && errors.contains("is kept"), "{errors}");
}

#[tokio::test]
async fn two_programs_do_not_download_to_the_same_place() {
    let folder = tempdir().unwrap();
    let sample = Sample::new(folder.path(), 300_000, &[]);
    let out = folder.path().join("out");
    // Nobody is there to download from, so the first stays.
    let mut first = get(&sample, &out, "127.0.0.1:9");
    first.listen_addr().await;
    let (status, errors) = get(&sample, &out, "127.0.0.1:9").end().await;
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("another program is downloading"), "{errors}");
    first.interrupt();
    assert_eq!(first.end().await.0.code(), Some(130));
}

/// A seed that runs, and where.
struct Peer {
    addr: String,
    _program: Program,
}

impl Program {
    async fn listen_addr_and_keep(mut self) -> Peer {
        Peer { addr: self.listen_addr().await, _program: self }
    }
}
