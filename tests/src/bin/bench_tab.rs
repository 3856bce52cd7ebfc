//! `cargo xtask bench tab`: one torrent from one libtorrent seed, in the tab, with aria2, and the same bytes in a page
//! without BitTorrent, side by side. Absolute figures drift with the machine; the ratios of one run are what counts.

use clap::Parser;
use swarmscope_tests::bench::runs::{Bench, Run};
use swarmscope_tests::content::Content;
use swarmscope_tests::places::Scratch;
use swarmscope_tests::programs;

const MIB: u64 = 1 << 20;

/// Measures the tab against aria2 and against a page without BitTorrent.
#[derive(Debug, Parser)]
struct Options {
    /// How often each is measured; the order changes from run to run.
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Length of the content in MiB.
    #[arg(long, default_value_t = 1024)]
    size_mib: u64,
    /// Length of a piece in KiB.
    #[arg(long, default_value_t = 256)]
    piece_kib: u32,
    /// Measures memory only: the tab alone with 6 GiB in pieces of 16 MiB, one file beginning beyond 4 GiB.
    #[arg(long)]
    memory: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Options::parse();
    let scratch = Scratch::inside(&programs::workspace().join("target/bench"), "tab");
    if options.memory {
        let files = [("first.bin", 4608 * MIB + 1), ("second.bin", 1536 * MIB - 1)];
        println!("6 GiB in pieces of 16 MiB, the second file begins at byte {}", files[0].1);
        let content = Content::multi(&scratch, "large", &files, 16 * 1024 * 1024);
        print_run("tab", &Bench::new(scratch, content).await.tab().await);
        return;
    }
    println!("{} MiB in pieces of {} KiB", options.size_mib, options.piece_kib);
    let content = Content::single(&scratch, "content.bin", options.size_mib * MIB, options.piece_kib * 1024);
    let bench = Bench::new(scratch, content).await;
    let mut ratios = Vec::new();
    for number in 0..options.runs {
        let mut rates = [0.0; 3];
        for place in 0..3 {
            let which = (number + place) % 3;
            let (name, run) = match which {
                0 => ("tab", bench.tab().await),
                1 => ("aria2", bench.aria2().await),
                _ => ("bare page", bench.bare().await),
            };
            print_run(name, &run);
            rates[which] = run.mb_per_s;
        }
        let [tab, aria2, bare] = rates;
        println!("run {}: tab/aria2 {:.2}, tab/bare page {:.2}", number + 1, tab / aria2, tab / bare);
        ratios.push((tab / aria2, tab / bare));
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let to_aria2 = median(ratios.iter().map(|ratio| ratio.0).collect());
    let to_bare = median(ratios.iter().map(|ratio| ratio.1).collect());
    println!(
        "median of {}: tab/aria2 {to_aria2:.2}, tab/bare page {to_bare:.2} (at least 0.70 is wanted)",
        options.runs
    );
}

fn print_run(name: &str, run: &Run) {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    print!("  {name:10} {:6.1} MB/s", run.mb_per_s);
    if let Some(usage) = run.usage {
        let above = usage.browser_pss_bytes.saturating_sub(run.empty_pss_bytes);
        print!(
            "  CPU: browser {:.1} s, relay {:.1} s  memory: browser {:.0} MB above an empty page of {:.0} MB, relay {:.0} MB",
            usage.browser_cpu_s,
            usage.relay_cpu_s,
            mb(above),
            mb(run.empty_pss_bytes),
            mb(usage.relay_rss_bytes),
        );
    }
    println!();
}
