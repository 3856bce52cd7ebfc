//! Two engines in one thread, one of which downloads from the other, and two libtorrents over loopback, in turn.
//!
//! `cargo bench -p engine --bench pair [-- --only-engine]`. What the engine itself costs is what is asked for, so
//! payload travels by reference and verification is answered at once; beside it stands the rate with SHA-1 over real
//! bytes. libtorrent is Debian's, for Debian's Python; where it is not installed, its line is missing.

#![allow(clippy::disallowed_methods, reason = "a benchmark's clock")]

mod pair;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pair::Payload;

const RUNS: usize = 3;
const MIB: u32 = 1 << 20;
/// Long enough that starting does not show.
const MIB_BY_REFERENCE: u32 = 16 * 1024;
const MIB_HASHED: u32 = 1024;
const MIB_LIBTORRENT: u32 = 1024;

fn main() {
    let is_only_engine = std::env::args().any(|argument| argument == "--only-engine");
    let mut ratios = Vec::new();
    for run in 1..=RUNS {
        let engine = mb_per_s(MIB_BY_REFERENCE, pair::run(MIB_BY_REFERENCE, Payload::ByReference));
        print!("run {run}: engine to engine {engine:.0} MB/s");
        if !is_only_engine {
            let hashed = mb_per_s(MIB_HASHED, pair::run(MIB_HASHED, Payload::Hashed));
            print!(", with SHA-1 {hashed:.0} MB/s");
            if let Some(elapsed) = libtorrent() {
                let libtorrent = mb_per_s(MIB_LIBTORRENT, elapsed);
                let ratio = engine / libtorrent;
                print!(", libtorrent over loopback {libtorrent:.0} MB/s: {ratio:.1} times as fast");
                ratios.push(ratio);
            }
        }
        println!();
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!(
            "median of {}: {median:.1} times as fast as libtorrent (at least 10 are wanted)",
            ratios.len()
        );
    }
}

fn mb_per_s(mib: u32, elapsed: Duration) -> f64 {
    f64::from(mib) * f64::from(MIB) / 1e6 / elapsed.as_secs_f64()
}

/// From the dial to the last verified byte.
fn libtorrent() -> Option<Duration> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/pair/libtorrent_pair.py");
    let output =
        Command::new("/usr/bin/python3").arg(script).arg(MIB_LIBTORRENT.to_string()).output().ok()?;
    let seconds = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
