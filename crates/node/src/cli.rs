//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use engine::PickOrder;
use ipnet::IpNet;
use peernet::policy::DestinationPolicy;

use crate::selection::FileSet;

/// A BitTorrent client for the command line: the engine of Swarmscope over TCP.
///
/// Ctrl-C stops politely: trackers are told, and what is verified is kept for the next time. Set SWARMSCOPE_LOG=debug
/// to see on stderr what happens.
#[derive(Debug, Parser)]
#[command(name = "swarmscope-node", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download a torrent
    Get(GetArgs),
    /// Check content and seed it
    Seed(SeedArgs),
    /// Make a .torrent file
    Create(CreateArgs),
    /// Run a small swarm on this machine, to have something to watch and to download from
    Demo(DemoArgs),
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// A .torrent file, the http(s) address of one, or a magnet link
    pub source: String,
    /// Folder to download into
    #[arg(long, alias = "dir", value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Go on seeding when complete, until Ctrl-C
    #[arg(long, conflicts_with = "exit")]
    pub seed_after: bool,
    /// Exit when complete (what happens anyway, for scripts that want to say so)
    #[arg(long)]
    pub exit: bool,
    /// Hash everything that is there again, instead of trusting the record of the last time
    #[arg(long)]
    pub check: bool,
    /// Download only these files of the torrent, by their numbers from 0, for instance 0,2-4 [default: all]
    #[arg(long, value_name = "FILES")]
    pub files: Option<FileSet>,
    /// Download all files but these
    #[arg(long, value_name = "FILES", conflicts_with = "files")]
    pub skip: Option<FileSet>,
    /// Begin pieces in the order of the content, instead of the rarest first
    #[arg(long, conflicts_with = "play")]
    pub in_order: bool,
    /// For watching while it loads: what a player shows within a minute, at so many KiB a second, comes first and in time
    #[arg(long, value_name = "KIB", value_parser = parse_kib)]
    pub play: Option<u64>,
    /// Show the torrent's files with their numbers, and download nothing
    #[arg(long)]
    pub list: bool,
    /// How to reach the swarm.
    #[command(flatten)]
    pub net: NetArgs,
    /// How to show what happens.
    #[command(flatten)]
    pub output: OutputArgs,
}

impl GetArgs {
    /// In which order pieces are begun.
    #[must_use]
    pub fn order(&self) -> PickOrder {
        match self.play {
            Some(bytes_per_s) => PickOrder::Playing { bytes_per_s },
            None if self.in_order => PickOrder::Sequential,
            None => PickOrder::RarestFirst,
        }
    }
}

/// Arguments of `seed`.
#[derive(Debug, Args)]
pub struct SeedArgs {
    /// A .torrent file, the http(s) address of one, or a magnet link
    pub source: String,
    /// The content, or the folder that it lies in
    #[arg(long, alias = "dir", value_name = "PATH", default_value = ".")]
    pub data: PathBuf,
    /// Show each peer one piece after another, so that a slow line sends each about once (BEP 16)
    #[arg(long)]
    pub super_seed: bool,
    /// How to reach the swarm.
    #[command(flatten)]
    pub net: NetArgs,
    /// How to show what happens.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How to reach the swarm.
#[derive(Debug, Args)]
pub struct NetArgs {
    /// Where to listen for peers; port 0 is any free one [default: all addresses, first free port from 6881]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// Local address of the connections that go out [default: the one of --listen]
    #[arg(long, value_name = "IP")]
    pub bind: Option<IpAddr>,
    /// A peer to begin with, wherever it is; may be repeated; not for private torrents
    #[arg(long = "peer", value_name = "IP:PORT")]
    pub peers: Vec<SocketAddr>,
    /// Also reach this network, which is not part of the public internet; may be repeated
    #[arg(long, value_name = "NETWORK")]
    pub allow_net: Vec<IpNet>,
    /// What to give and to take.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// What to give and to take.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Upload at most so many KiB a second
    #[arg(long, value_name = "KIB", value_parser = parse_kib)]
    pub up_limit: Option<u64>,
    /// Download at most so many KiB a second
    #[arg(long, value_name = "KIB", value_parser = parse_kib)]
    pub down_limit: Option<u64>,
    /// Connect to at most so many peers at a time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub peers_max: Option<u16>,
    /// Upload to so many peers at a time, beside one that is chosen at random
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub slots: Option<u16>,
    /// How upload is given out: standard, fastest-upload, bit-tyrant, bit-tyrant-selfish, prop-share or free-rider
    #[arg(long, default_value_t, value_name = "NAME")]
    pub strategy: engine::Strategy,
    /// Stop seeding when so many bytes were uploaded for each downloaded one, for instance 1.5
    #[arg(long, value_parser = parse_ratio)]
    pub ratio: Option<u32>,
    /// Stop seeding after so many minutes; 90s, 12h and 3d are understood too
    #[arg(long, value_name = "MINUTES", value_parser = parse_span)]
    pub seed_time: Option<Duration>,
}

/// How to show what happens.
#[derive(Clone, Copy, Debug, Args)]
pub struct OutputArgs {
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// One JSON object a line on stdout, for programs
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The file or folder to share
    pub path: PathBuf,
    /// Address of a tracker; may be repeated, the first is tried first
    #[arg(long = "tracker", value_name = "URL")]
    pub trackers: Vec<String>,
    /// Address of a web server that has the content (BEP 19): of the file, or, with a slash at its end, of the folder in
    /// which file or folder lie; may be repeated
    #[arg(long = "web-seed", value_name = "URL", value_parser = parse_web_seed)]
    pub web_seeds: Vec<String>,
    /// Bytes of a piece, for instance 256k (here k and M are powers of two) [default: what suits the size]
    #[arg(long, value_name = "LEN", value_parser = parse_piece_len)]
    pub piece_len: Option<u32>,
    /// Let only the trackers introduce peers (BEP 27)
    #[arg(long)]
    pub private: bool,
    /// Make it of version 2 (BEP 52), which old clients cannot read: SHA-256, and each file by itself
    #[arg(long, conflicts_with = "hybrid")]
    pub v2: bool,
    /// Make it of both versions: old clients read the one, new ones the other
    #[arg(long)]
    pub hybrid: bool,
    /// A word to those who download it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// The .torrent file to write [default: NAME.torrent in the current folder]
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the .torrent file if it exists
    #[arg(long)]
    pub force: bool,
    /// How to show what happens.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Port of the demo's tracker at 127.77.0.1
    #[arg(long, default_value_t = 6880)]
    pub port: u16,
    /// Seeds, at 127.77.1.1 and up
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub seeds: u8,
    /// Downloaders, at 127.77.2.1 and up
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub downloaders: u8,
    /// Upload rates of the seeds in bytes a second, in turn
    #[arg(long, value_name = "RATE,...", value_delimiter = ',', value_parser = parse_rate, default_value = "3M,1500k")]
    pub seed_rates: Vec<u64>,
    /// Upload rates of the downloaders in bytes a second, in turn
    #[arg(long, value_name = "RATE,...", value_delimiter = ',', value_parser = parse_rate, default_value = "800k,400k,200k,100k")]
    pub downloader_rates: Vec<u64>,
    /// Length of the sample in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: u32,
    /// Folder for the sample and the downloads [default: swarmscope-demo in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// How long a downloader seeds before it may start anew, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub seed_for: u64,
}

impl NetArgs {
    /// The public internet, the networks that the user opened, and the peers that the user named.
    #[must_use]
    pub fn policy(&self) -> DestinationPolicy {
        let named = self.peers.iter().map(|peer| IpNet::from(peer.ip()));
        DestinationPolicy::public().allow_all(self.allow_net.iter().copied()).allow_all(named)
    }

    /// Peers should see the same address on connections that go out as on those that come in.
    #[must_use]
    pub fn bind_addr(&self) -> Option<IpAddr> {
        let listen = self.listen.map(|listen| listen.ip()).filter(|ip| !ip.is_unspecified());
        self.bind.or(listen)
    }

    /// The engine's tunables.
    #[must_use]
    pub fn config(&self) -> engine::Config {
        let (limits, default) = (&self.limits, engine::Config::default());
        engine::Config {
            upload_rate_max: limits.up_limit,
            download_rate_max: limits.down_limit,
            peers_max: limits.peers_max.map_or(default.peers_max, usize::from),
            unchoke_slots: limits.slots.map_or(default.unchoke_slots, usize::from),
            strategy: limits.strategy,
            ..default
        }
    }

    /// What ends seeding.
    #[must_use]
    pub const fn goals(&self) -> engine::Goals {
        engine::Goals { ratio_permille: self.limits.ratio, seeding_time: self.limits.seed_time }
    }
}

fn parse_rate(text: &str) -> Result<u64, String> {
    parse_number(text, 1000)
}

/// KiB a second, as bytes a second.
fn parse_kib(text: &str) -> Result<u64, String> {
    let kib = text.parse::<u64>().ok().filter(|&kib| kib > 0);
    let bytes = kib.and_then(|kib| kib.checked_mul(1024));
    bytes.ok_or_else(|| "a number of KiB a second above zero, for instance 500".to_owned())
}

/// A decimal number, as thousandths; what is behind the third digit is left out.
fn parse_ratio(text: &str) -> Result<u32, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<3}");
    let thousandths = part.get(..3).and_then(|digits| digits.parse::<u32>().ok());
    let is_number = [whole, &part].iter().all(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let ratio = whole.parse::<u32>().ok().and_then(|whole| whole.checked_mul(1000)).zip(thousandths);
    ratio
        .filter(|_| is_number)
        .and_then(|(whole, part)| whole.checked_add(part))
        .ok_or_else(|| "a ratio, for instance 1.5".to_owned())
}

/// Minutes, or a number with its unit.
fn parse_span(text: &str) -> Result<Duration, String> {
    let (digits, seconds_each) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(digits) if text.ends_with('s') => (digits, 1),
        Some(digits) if text.ends_with('h') => (digits, 3600),
        Some(digits) if text.ends_with('d') => (digits, 86_400),
        Some(digits) => (digits, 60),
        None => (text, 60),
    };
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds_each));
    // A thousand years: far within what the engine's clock can add up.
    let seconds = seconds.filter(|&seconds| seconds < 1000 * 366 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "a number of minutes, or for instance 12h".to_owned())
}

fn parse_web_seed(text: &str) -> Result<String, String> {
    let known = engine::WebSeedUrl::files(text.as_bytes());
    known
        .map(|seed| seed.url)
        .ok_or_else(|| "an http or https address, for instance https://mirror.example/pub/".to_owned())
}

fn parse_piece_len(text: &str) -> Result<u32, String> {
    let len = parse_number(text, 1024)?;
    u32::try_from(len).map_err(|_| "that is too long".to_owned())
}

fn parse_number(text: &str, kilo: u64) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, kilo),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, kilo * kilo)),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|&number| number > 0)
        .ok_or_else(|| "a number above zero, for instance 500k or 2M".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn rates_and_lengths_have_units() {
        assert_eq!(parse_rate("500"), Ok(500));
        assert_eq!(parse_rate("500k"), Ok(500_000));
        assert_eq!(parse_rate("2M"), Ok(2_000_000));
        assert_eq!(parse_piece_len("256k"), Ok(1 << 18));
        for bad in ["", "0", "-1", "k", "5G", "1.5M", "99999999999999999999"] {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_are_in_kib_ratios_decimal_and_times_in_minutes() {
        assert_eq!((parse_kib("500"), parse_kib("0").is_err()), (Ok(512_000), true));
        for (text, permille) in [("1.5", 1500), ("2", 2000), ("0.1239", 123), (".5", 0), ("1.", 1000)] {
            let expected = if text == ".5" { None } else { Some(permille) };
            assert_eq!(parse_ratio(text).ok(), expected, "{text}");
        }
        for bad in ["", "-1", "1.5x", "1.-50", "4294968", "1,5"] {
            assert!(parse_ratio(bad).is_err(), "{bad}");
        }
        for (text, seconds) in [("90", 5400), ("90s", 90), ("2m", 120), ("12h", 43_200), ("3d", 259_200)] {
            assert_eq!(parse_span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(["", "s", "1w", "-1", "99999999999999999999d"].iter().all(|bad| parse_span(bad).is_err()));
    }

    #[test]
    fn what_the_user_sets_is_what_the_engine_keeps_to() {
        let args = [
            "swarmscope-node",
            "seed",
            "a.torrent",
            "--up-limit",
            "100",
            "--slots",
            "7",
            "--strategy",
            "prop-share",
            "--ratio",
            "1.5",
            "--seed-time",
            "10",
        ];
        let Command::Seed(args) = Cli::try_parse_from(args).unwrap().command else {
            panic!("seed was asked for")
        };
        let config = args.net.config();
        assert_eq!((config.upload_rate_max, config.download_rate_max), (Some(102_400), None));
        assert_eq!((config.unchoke_slots, config.strategy), (7, engine::Strategy::PropShare));
        let goals = args.net.goals();
        assert_eq!((goals.ratio_permille, goals.seeding_time), (Some(1500), Some(Duration::from_secs(600))));
        let unknown = Cli::try_parse_from(["swarmscope-node", "get", "a", "--strategy", "x"]).unwrap_err();
        assert!(unknown.to_string().contains("prop-share"), "{unknown}");
    }

    #[test]
    fn pieces_come_rarest_first_unless_the_user_says_otherwise() {
        let order = |more: &[&str]| {
            let args = [&["swarmscope-node", "get", "a.torrent"], more].concat();
            match Cli::try_parse_from(args).map(|cli| cli.command) {
                Ok(Command::Get(args)) => Some(args.order()),
                _ => None,
            }
        };
        assert_eq!(order(&[]), Some(PickOrder::RarestFirst));
        assert_eq!(order(&["--in-order"]), Some(PickOrder::Sequential));
        assert_eq!(order(&["--play", "500"]), Some(PickOrder::Playing { bytes_per_s: 512_000 }));
        assert_eq!(order(&["--play", "500", "--in-order"]), None);
    }

    #[test]
    fn a_named_peer_may_be_on_loopback_and_nothing_else_may() {
        use peernet::policy::DestinationKind::Peer;
        let args = ["swarmscope-node", "get", "a.torrent", "--peer", "127.0.0.5:6881"];
        let Command::Get(args) = Cli::try_parse_from(args).unwrap().command else {
            panic!("get was asked for")
        };
        let policy = args.net.policy();
        assert!(policy.check("127.0.0.5:6881".parse().unwrap(), Peer).is_ok());
        assert!(policy.check("127.0.0.6:6881".parse().unwrap(), Peer).is_err());
    }
}
