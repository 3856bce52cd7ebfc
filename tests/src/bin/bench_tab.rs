//! `cargo xtask bench tab`: one torrent from one libtorrent seed, in the tab, with aria2, and the same bytes in a page
//! without BitTorrent, side by side. Absolute figures drift with the machine; the ratios of one run are what counts.

use clap::{Parser, ValueEnum};
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
    /// Measures only this one, without ratios.
    #[arg(long, value_enum)]
    only: Option<Way>,
    /// Measures memory only: the tab alone with 6 GiB in pieces of 16 MiB, one file beginning beyond 4 GiB.
    #[arg(long)]
    memory: bool,
}

/// A way of getting the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// The torrent in the tab.
    Tab,
    /// The torrent with aria2.
    Aria2,
    /// The same bytes in a page without BitTorrent.
    Bare,
}

impl Way {
    const ALL: [Self; 3] = [Self::Tab, Self::Aria2, Self::Bare];

    const fn name(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Aria2 => "aria2",
            Self::Bare => "bare page",
        }
    }

    async fn measure(self, bench: &Bench) -> Run {
        match self {
            Self::Tab => bench.tab().await,
            Self::Aria2 => bench.aria2().await,
            Self::Bare => bench.bare().await,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Options::parse();
    let scratch = Scratch::inside(&programs::workspace().join("target/bench"), "tab");
    if options.memory {
        let files = [("first.bin", 4608 * MIB + 1), ("second.bin", 1536 * MIB - 1)];
        println!("6 GiB in pieces of 16 MiB, the second file begins at byte {}", files[0].1);
        let content = Content::multi(&scratch, "large", &files, 16 * 1024 * 1024);
        print_run(Way::Tab, &Bench::new(scratch, content).await.tab().await);
        return;
    }
    println!("{} MiB in pieces of {} KiB", options.size_mib, options.piece_kib);
    let content = Content::single(&scratch, "content.bin", options.size_mib * MIB, options.piece_kib * 1024);
    let bench = Bench::new(scratch, content).await;
    if let Some(way) = options.only {
        for _ in 0..options.runs {
            print_run(way, &way.measure(&bench).await);
        }
        return;
    }
    let mut ratios = Vec::new();
    for number in 0..options.runs {
        let mut rates = [0.0; 3];
        for place in 0..3 {
            let which = (number + place) % 3;
            let run = Way::ALL[which].measure(&bench).await;
            print_run(Way::ALL[which], &run);
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

fn print_run(way: Way, run: &Run) {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    print!("  {:10} {:6.1} MB/s", way.name(), run.mb_per_s);
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
