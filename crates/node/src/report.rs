//! What the user, or the user's program, sees.

use std::io::Write;

use engine::{Goal, Metainfo, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::OutputArgs;
use crate::host::{FetchStatus, Status};

/// The lines of `--json`. Fields are only ever added.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Metadata {
        pieces_have: u32,
        pieces_total: u32,
        /// Length of the info dictionary in bytes, as peers say.
        len: Option<u32>,
        peers: u32,
        tracker_error: Option<&'a str>,
    },
    MetadataFetched {
        info_hash: String,
        name: &'a str,
    },
    Checking {
        checked_bytes: u64,
        total_bytes: u64,
    },
    Checked {
        verified_bytes: u64,
        total_bytes: u64,
    },
    Started {
        info_hash: String,
        name: &'a str,
        listen: String,
        verified_bytes: u64,
    },
    Progress {
        #[serde(flatten)]
        numbers: Numbers,
        tracker_error: Option<&'a str>,
    },
    Complete(Numbers),
    GoalMet {
        goal: &'a str,
    },
    Stopped(Numbers),
    File {
        number: usize,
        path: String,
        len: u64,
    },
    Hashing {
        hashed_bytes: u64,
        total_bytes: u64,
    },
    Created {
        info_hash: String,
        path: String,
        pieces: u32,
        piece_len: u32,
        magnet: String,
    },
}

#[derive(Debug, Serialize)]
struct Numbers {
    verified_bytes: u64,
    wanted_bytes: u64,
    down_bytes: u64,
    up_bytes: u64,
    wasted_bytes: u64,
    down_rate: u64,
    up_rate: u64,
    peers: u32,
    is_complete: bool,
}

impl From<&Summary> for Numbers {
    fn from(summary: &Summary) -> Self {
        let &Summary { verified_bytes, wanted_bytes, down_bytes, up_bytes, wasted_bytes, .. } = summary;
        let &Summary { down_rate, up_rate, peers, is_complete, .. } = summary;
        Self {
            verified_bytes,
            wanted_bytes,
            down_bytes,
            up_bytes,
            wasted_bytes,
            down_rate,
            up_rate,
            peers,
            is_complete,
        }
    }
}

/// Shows progress as a bar on a terminal, as JSON lines, or not at all. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    output: OutputArgs,
    bar: ProgressBar,
}

impl Reporter {
    pub(crate) fn new(output: OutputArgs) -> Self {
        let bar = if output.quiet || output.json { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let template = "{prefix} {bar:32} {bytes}/{total_bytes} {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { output, bar: bar.with_style(style) }
    }

    /// The info dictionary of a magnet link is on its way.
    pub(crate) fn metadata(&self, status: &FetchStatus) {
        let summary = &status.summary;
        let tracker_error = status.trackers.iter().find_map(|tracker| tracker.error.as_deref());
        self.line(&Line::Metadata {
            pieces_have: summary.pieces_have,
            pieces_total: summary.pieces_total,
            len: summary.len,
            peers: summary.peers,
            tracker_error,
        });
        let len = u64::from(summary.len.unwrap_or(0));
        let have = len * u64::from(summary.pieces_have) / u64::from(summary.pieces_total.max(1));
        self.draw("fetching metadata", have, len);
        let peers = format!("peers {}", summary.peers);
        self.bar.set_message(match (summary.refused_len, tracker_error) {
            (Some(refused), _) if summary.len.is_none() => {
                format!("{peers} (its metadata has {refused} bytes, which is more than is read)")
            }
            (None, Some(error)) if summary.peers == 0 => format!("{peers} ({error})"),
            _ => peers,
        });
    }

    pub(crate) fn metadata_fetched(&self, metainfo: &Metainfo) {
        let (info_hash, name) = (metainfo.info_hash().to_string(), metainfo.name());
        self.line(&Line::MetadataFetched { info_hash, name });
        self.say(&format!("found: {name}, {} bytes", metainfo.total_len()));
    }

    pub(crate) fn checking(&self, checked_bytes: u64, total_bytes: u64) {
        self.line(&Line::Checking { checked_bytes, total_bytes });
        self.draw("checking", checked_bytes, total_bytes);
    }

    pub(crate) fn checked(&self, verified_bytes: u64, total_bytes: u64) {
        self.line(&Line::Checked { verified_bytes, total_bytes });
    }

    pub(crate) fn started(&self, metainfo: &Metainfo, listen: std::net::SocketAddr, verified_bytes: u64) {
        let (info_hash, name) = (metainfo.info_hash().to_string(), metainfo.name());
        self.line(&Line::Started { info_hash, name, listen: listen.to_string(), verified_bytes });
    }

    pub(crate) fn progress(&self, status: &Status) {
        let summary = &status.summary;
        let tracker_error = status.trackers.iter().find_map(|tracker| tracker.error.as_deref());
        self.line(&Line::Progress { numbers: summary.into(), tracker_error });
        let prefix = if summary.is_complete { "seeding" } else { "downloading" };
        self.draw(prefix, summary.verified_bytes, summary.wanted_bytes);
        let rates =
            format!("down {} up {} peers {}", Rate(summary.down_rate), Rate(summary.up_rate), summary.peers);
        self.bar.set_message(match tracker_error {
            Some(error) if summary.peers == 0 => format!("{rates} ({error})"),
            _ => rates,
        });
    }

    pub(crate) fn complete(&self, name: &str, summary: &Summary) {
        self.line(&Line::Complete(summary.into()));
        self.say(&format!("complete: {name}, {} bytes", summary.wanted_bytes));
    }

    pub(crate) fn goal_met(&self, goal: Goal) {
        self.line(&Line::GoalMet { goal: goal.code() });
        self.say(goal.text());
    }

    pub(crate) fn stopped(&self, summary: &Summary) {
        self.line(&Line::Stopped(summary.into()));
        self.bar.finish_and_clear();
    }

    pub(crate) fn hashing(&self, hashed_bytes: u64, total_bytes: u64) {
        self.line(&Line::Hashing { hashed_bytes, total_bytes });
        self.draw("hashing", hashed_bytes, total_bytes);
    }

    pub(crate) fn created(&self, metainfo: &Metainfo, path: &std::path::Path) {
        let (info_hash, pieces) = (metainfo.info_hash().to_string(), metainfo.pieces_total());
        let (piece_len, magnet) = (metainfo.piece_len(), metainfo.magnet().to_string());
        self.bar.finish_and_clear();
        self.say(&format!(
            "{} ({pieces} pieces of {piece_len} bytes)\ninfo hash {info_hash}\n{magnet}",
            path.display()
        ));
        self.line(&Line::Created { info_hash, path: path.display().to_string(), pieces, piece_len, magnet });
    }

    /// The files of a torrent with their numbers.
    pub(crate) fn files(&self, metainfo: &Metainfo) {
        let files = metainfo.files().iter().enumerate();
        for (number, file) in files.filter(|(_, file)| !file.is_padding) {
            let path = file.path.join("/");
            self.say(&format!("{number:>6} {:>14} {path}", file.len));
            self.line(&Line::File { number, path, len: file.len });
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A sentence for a person.
    pub(crate) fn say(&self, text: &str) {
        if !self.output.quiet && !self.output.json {
            self.bar.suspend(|| write_line(text));
        }
    }

    fn draw(&self, prefix: &'static str, position: u64, total: u64) {
        self.bar.set_prefix(prefix);
        self.bar.set_length(total);
        self.bar.set_position(position);
    }

    fn line(&self, line: &Line<'_>) {
        if self.output.json
            && let Ok(text) = serde_json::to_string(line)
        {
            write_line(&text);
        }
    }
}

/// Whoever read this may have gone (`| head`); the work goes on.
fn write_line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _read = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Bytes a second, for people.
struct Rate(u64);

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0..1000 => write!(f, "{} B/s", self.0),
            1000..1_000_000 => write!(f, "{} kB/s", self.0 / 1000),
            _ => write!(f, "{}.{} MB/s", self.0 / 1_000_000, self.0 / 100_000 % 10),
        }
    }
}
