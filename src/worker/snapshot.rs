//! What the views are shown: the list when it has changed, and the details of torrents that are watched.

use engine::{
    BanSnapshot, ChokeReason, PeerSnapshot, PeerSource, PickReason, TrackerSnapshot, WebSeedSnapshot, order,
};
use gloo::timers::callback::Timeout;

use super::host::{Host, State};
use super::tabs::{tell, tell_with_map};
use super::torrents::{Condition, Torrent, present};
use crate::messages::{
    BanRow, Detail, FilePriority, FileRow, PeerRow, ReasonCount, Snapshot, TorrentRow, TorrentState,
    TrackerRow, Update, WebSeedRow,
};

/// Between two snapshots while something happens: as often as an eye can read numbers that change.
const INTERVAL_MS: u32 = 200;
/// The same while the download is so fast ([`FAST_BYTES_PER_S`]) that it needs the processor that draws: all that is on
/// the page changes with each picture, and drawing five a second took a fifth of a core.
const FAST_INTERVAL_MS: u32 = 500;
/// Bytes a second from the relay above which pictures come at [`FAST_INTERVAL_MS`].
const FAST_BYTES_PER_S: u64 = 30_000_000;
/// Between two snapshots of a watched torrent while nothing happens: its clocks go on.
const IDLE_INTERVAL_MS: u32 = 1000;
/// Totals are written down, and free space is looked at, every so many snapshots.
const HOUSEKEEPING_EVERY: u32 = 100;
/// Refused hosts that are told.
const BANS_TOLD: usize = 100;
/// Files that are told by name.
const FILES_TOLD: usize = 500;

/// What was shown last, and when something is shown next.
#[derive(Debug, Default)]
pub(crate) struct View {
    timer: Option<Timeout>,
    /// The timer is that of [`IDLE_INTERVAL_MS`].
    is_idle: bool,
    /// Something happened that is not shown yet.
    has_news: bool,
    last_list: Option<Snapshot>,
    map: Vec<u8>,
    shown: u32,
    /// What had come from the relay when something was shown last, and how long after that it is shown again.
    shown_at_bytes: u64,
    interval_ms: u32,
}

impl View {
    /// Somebody new listens: show everything again.
    pub(crate) fn forget_last(&mut self) {
        self.last_list = None;
    }

    /// Something happened: show it as soon as the worker has a moment, or else a little after what was shown last.
    pub(super) fn schedule(&mut self, host: &Host) {
        self.has_news = true;
        if self.timer.is_none() || self.is_idle {
            self.arm(host, 0, false);
        }
    }

    /// A person did something, and wants to see at once that it did something.
    pub(super) fn hurry(&mut self, host: &Host) {
        self.has_news = true;
        self.arm(host, 0, false);
    }

    /// How long to wait after what is shown now, when so many bytes have come in all.
    fn next_interval_ms(&mut self, down_bytes: u64) -> u32 {
        let came = down_bytes.saturating_sub(std::mem::replace(&mut self.shown_at_bytes, down_bytes));
        let is_fast = came * 1000 > FAST_BYTES_PER_S * u64::from(self.interval_ms.max(INTERVAL_MS));
        self.interval_ms = if is_fast { FAST_INTERVAL_MS } else { INTERVAL_MS };
        self.interval_ms
    }

    fn arm(&mut self, host: &Host, wait_ms: u32, is_idle: bool) {
        let host = host.clone();
        self.timer = Some(Timeout::new(wait_ms, move || host.show()));
        self.is_idle = is_idle;
    }
}

impl Host {
    /// Shows what has changed, if anything has.
    pub(super) fn show(&self) {
        let is_time_for_housekeeping = self.quiet_turn(|state| {
            state.view.timer = None;
            if !state.view.has_news && !state.view.is_idle {
                if state.tabs.watchers().next().is_some() {
                    state.view.arm(&state.host, IDLE_INTERVAL_MS, true);
                }
                return false;
            }
            state.view.has_news = false;
            state.show();
            let interval_ms = state.view.next_interval_ms(state.wires.relay.down_bytes());
            state.view.arm(&state.host, interval_ms, false);
            state.view.shown += 1;
            state.view.shown % HOUSEKEEPING_EVERY == 0
        });
        if is_time_for_housekeeping == Some(true) {
            self.keep_house();
        }
    }

    fn keep_house(&self) {
        let host = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let free_bytes = super::storage::free_bytes().await;
            host.turn(|state| {
                state.disk.free_bytes = free_bytes;
                state.save_totals();
            });
        });
    }
}

impl State {
    fn show(&mut self) {
        let list = self.list();
        if self.view.last_list.as_ref() != Some(&list) {
            tell(None, Update::List(list.clone()));
            self.view.last_list = Some(list);
        }
        let now = self.wires.clock.now();
        for (tab, info_hash) in self.tabs.watchers() {
            if let Some(magnet) = self.torrents.find_magnet(info_hash) {
                tell_with_map(Some(tab), Update::Detail(Box::new(magnet.detail(now))), &[]);
            } else if let Some(torrent) = self.torrents.find(info_hash) {
                torrent.engine.piece_states(&mut self.view.map);
                tell_with_map(Some(tab), Update::Detail(Box::new(torrent.detail(now))), &self.view.map);
            }
        }
    }

    fn list(&self) -> Snapshot {
        Snapshot {
            relay: self.wires.relay.state(),
            torrents: self.rows(),
            kept: self.kept(),
            free_bytes: self.disk.free_bytes,
            limits: self.wires.common.limits(),
            suggestion: self.wires.relay.suggestion(),
        }
    }
}

impl State {
    /// One for each torrent, in the order in which they were added: one whose metadata came keeps its place.
    fn rows(&self) -> Vec<TorrentRow> {
        let torrents = self.torrents.iter().map(|torrent| (torrent.number, torrent.row()));
        let magnets = self.torrents.magnets().map(|magnet| (magnet.number, magnet.row()));
        let mut rows: Vec<(u32, TorrentRow)> = torrents.chain(magnets).collect();
        order::sort_by_key(&mut rows, |(number, _)| *number);
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

impl Torrent {
    fn row(&self) -> TorrentRow {
        let summary = self.engine.summary();
        let (state, error) = match &self.condition {
            Condition::Checking { .. } => (TorrentState::Checking, None),
            Condition::Failed(message) => (TorrentState::Error, Some(message.clone())),
            Condition::Paused => (TorrentState::Paused, None),
            Condition::Running if summary.is_complete => (TorrentState::Seeding, None),
            Condition::Running => (TorrentState::Downloading, None),
        };
        let (done_bytes, of_bytes) = match self.condition {
            Condition::Checking { done_bytes, .. } => (done_bytes, self.metainfo.total_len()),
            _ => (summary.verified_bytes, summary.wanted_bytes),
        };
        let missing_bytes = summary.wanted_bytes - summary.verified_bytes;
        let is_downloading = state == TorrentState::Downloading;
        // The rates are means of the last seconds, and nothing moves them on when everybody has left.
        let is_alone = summary.peers == 0;
        let has_source = !is_alone || !self.metainfo.web_seeds().is_empty();
        TorrentRow {
            info_hash: self.info_hash().to_string(),
            name: self.metainfo.name().to_owned(),
            state,
            error,
            progress: if of_bytes == 0 { 1.0 } else { done_bytes as f64 / of_bytes as f64 },
            wanted_bytes: summary.wanted_bytes,
            verified_bytes: summary.verified_bytes,
            down_bytes: self.down_bytes(),
            up_bytes: self.up_bytes(),
            down_rate: if has_source { summary.down_rate } else { 0 },
            up_rate: if is_alone { 0 } else { summary.up_rate },
            peers: summary.peers,
            pieces_total: summary.pieces_total,
            pieces_have: summary.pieces_have,
            piece_len: self.metainfo.piece_len(),
            time_left_s: missing_bytes.checked_div(summary.down_rate).filter(|_| is_downloading),
            can_save: self.can_save(),
            saving: self.saving,
        }
    }

    fn detail(&self, now: engine::Instant) -> Detail {
        let summary = self.engine.summary();
        let pieces_total = summary.pieces_total;
        let peers = self.engine.peers();
        Detail {
            info_hash: self.info_hash().to_string(),
            files: self.files().take(FILES_TOLD).map(|(number, file)| self.file_row(number, file)).collect(),
            files_total: u32::try_from(self.files().count()).unwrap_or(u32::MAX),
            // Those that do not stand yet are nothing to look at.
            peers: peers
                .iter()
                .filter(|peer| peer.peer_id.is_some() || peer.url.is_some())
                .map(|peer| peer_row(peer, pieces_total))
                .collect(),
            bans: self.engine.bans().iter().take(BANS_TOLD).map(|ban| ban_row(ban, now)).collect(),
            trackers: self.engine.trackers().into_iter().map(|tracker| tracker_row(tracker, now)).collect(),
            web_seeds: self.engine.web_seeds().into_iter().map(web_seed_row).collect(),
            log: self.log().lines(),
            reason_counts: self.reason_counts(),
            wasted_bytes: summary.wasted_bytes,
            is_endgame: summary.is_endgame,
            magnet: self.metainfo.magnet().to_string(),
            comment: self.metainfo.comment().map(str::to_owned),
            created_by: self.metainfo.created_by().map(str::to_owned),
            is_private: self.metainfo.is_private(),
            settings: present(&self.settings()),
            seeding_s: self.so_far().seeding_time.as_secs(),
        }
    }

    /// Those that are there for the user.
    fn files(&self) -> impl Iterator<Item = (usize, &engine::FileEntry)> {
        self.metainfo.files().iter().enumerate().filter(|(_, file)| !file.is_padding)
    }

    fn file_row(&self, number: usize, file: &engine::FileEntry) -> FileRow {
        let priority = self.engine.file_priorities().get(number).copied().unwrap_or_default();
        FileRow {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            path: file.path.join("/"),
            len: file.len,
            verified_bytes: self.engine.file_verified_bytes(number),
            priority: match priority {
                engine::FilePriority::Skip => FilePriority::Skip,
                engine::FilePriority::Low => FilePriority::Low,
                engine::FilePriority::Normal => FilePriority::Normal,
                engine::FilePriority::High => FilePriority::High,
            },
        }
    }

    fn reason_counts(&self) -> Vec<ReasonCount> {
        let (picks, chokes) = self.engine.reason_counts();
        let picks = PickReason::ALL
            .iter()
            .zip(picks)
            .map(|(reason, count)| count_of("pick", reason.code(), reason.text(), *count));
        let chokes = ChokeReason::ALL
            .iter()
            .zip(chokes)
            .map(|(reason, count)| count_of("choke", reason.code(), reason.text(), *count));
        picks.chain(chokes).collect()
    }
}

fn count_of(kind: &str, code: &str, text: &str, count: u64) -> ReasonCount {
    ReasonCount { kind: kind.to_owned(), code: code.to_owned(), text: text.to_owned(), count }
}

fn ban_row(ban: &BanSnapshot, now: engine::Instant) -> BanRow {
    BanRow {
        ip: ban.ip.to_string(),
        port: ban.port,
        reason: ban.reason.code().to_owned(),
        text: ban.reason.text().to_owned(),
        left_s: ban.until.since(now).as_secs(),
    }
}

/// As messages name it.
pub(super) const fn source_code(source: PeerSource) -> &'static str {
    match source {
        PeerSource::Tracker => "tracker",
        PeerSource::User => "user",
        PeerSource::Incoming => "incoming",
        PeerSource::Pex => "pex",
        PeerSource::Dht => "dht",
        PeerSource::Lsd => "lsd",
        PeerSource::Magnet => "magnet",
        PeerSource::WebSeed => "web-seed",
    }
}

fn peer_row(peer: &PeerSnapshot, pieces_total: u32) -> PeerRow {
    PeerRow {
        key: peer.peer.0,
        addr: peer.url.clone().or_else(|| peer.addr.map(|addr| addr.to_string())).unwrap_or_default(),
        client: peer.client.clone(),
        source: source_code(peer.source).to_owned(),
        is_incoming: peer.is_incoming,
        am_choking: peer.am_choking,
        am_interested: peer.am_interested,
        peer_choking: peer.peer_choking,
        peer_interested: peer.peer_interested,
        is_snubbed: peer.is_snubbed,
        is_optimistic: peer.is_optimistic,
        choke_reason: peer.choke_reason.map(|reason| reason.code().to_owned()),
        down_rate: peer.down_rate,
        up_rate: peer.up_rate,
        down_bytes: peer.down_bytes,
        up_bytes: peer.up_bytes,
        progress: f64::from(peer.pieces_have) / f64::from(pieces_total.max(1)),
        requests: (peer.requests_out, peer.requests_depth),
    }
}

fn web_seed_row(seed: WebSeedSnapshot) -> WebSeedRow {
    let status = match (&seed.dropped, seed.fault, seed.wait) {
        (Some(reason), ..) => format!("Not used any more: {reason}."),
        (None, Some(fault), Some(_)) => format!("Left alone for now: {fault}."),
        (None, ..) if seed.is_fetching => "Sending.".to_owned(),
        (None, ..) => "Nothing to ask it for.".to_owned(),
    };
    WebSeedRow {
        url: seed.source.url,
        status,
        down_bytes: seed.down_bytes,
        down_rate: seed.down_rate,
        next_s: seed.wait.map(|wait| wait.as_secs()),
    }
}

/// A tracker as the detail view shows it.
pub(super) fn tracker_row(tracker: TrackerSnapshot, now: engine::Instant) -> TrackerRow {
    let status = match (&tracker.error, tracker.asking) {
        (Some(error), _) => error.clone(),
        (None, Some(_)) => "Asking.".to_owned(),
        (None, None)
            if tracker.complete.is_some() || tracker.incomplete.is_some() || tracker.next.is_some() =>
        {
            "Answered.".to_owned()
        }
        (None, None) => "Not asked yet.".to_owned(),
    };
    TrackerRow {
        url: tracker.url,
        tier: tracker.tier,
        status,
        seeds: tracker.complete,
        downloaders: tracker.incomplete,
        downloads: tracker.downloaded,
        next_s: tracker.next.map(|next| next.since(now).as_secs()),
    }
}
