//! What the view and the worker tell each other. Both come from one build, so the version only guards against a
//! page and a worker of two deployments meeting.
//!
//! `envelope` says how they travel. The piece map, which is a byte a piece, travels beside its message
//! ([`Update::Detail`]). The engine's own types are not serialised: these are copies.

use serde::{Deserialize, Serialize};

/// Raised with every change of this file.
pub const MESSAGES_VERSION: u32 = 7;

/// What the view asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// First message: where the relay is. The worker begins to connect and loads the stored torrents.
    Init {
        /// Address of the relay's WebSocket, for instance `ws://127.0.0.1:7077/relay`.
        relay_url: String,
        /// Its token; empty if the user has none.
        token: String,
        /// Another one, to be tried if the relay refuses that.
        spare_token: Option<String>,
        /// `navigator.storage.persist()` was granted; `None` if the browser does not say.
        persisted: Option<bool>,
    },
    /// Try another token, if the one in use is not accepted. One that is accepted comes back in
    /// [`Update::TokenAccepted`].
    Token {
        /// The token.
        token: String,
    },
    /// Add a torrent file. Answered with [`Update::Added`] or [`Update::AddFailed`].
    AddMetainfo {
        /// Number chosen by the view; returns in the answer.
        request: u32,
        /// The file's name, for messages.
        name: String,
        /// The file's bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Fetch a torrent file through the relay and add it.
    AddLink {
        /// Number chosen by the view; returns in the answer.
        request: u32,
        /// Its address.
        link: String,
    },
    /// Go on.
    Resume {
        /// Which torrent.
        info_hash: String,
    },
    /// Stop for now.
    Pause {
        /// Which torrent.
        info_hash: String,
    },
    /// Hash everything that is stored again.
    Recheck {
        /// Which torrent.
        info_hash: String,
    },
    /// Forget the torrent.
    Remove {
        /// Which torrent.
        info_hash: String,
        /// Delete its files too.
        with_data: bool,
    },
    /// Delete what was kept of a torrent that is not in the list ([`Snapshot::kept`]).
    DeleteKept {
        /// Which torrent.
        info_hash: String,
    },
    /// Hand out the finished content. Answered with [`Update::SaveReady`] or [`Update::Notice`].
    Save {
        /// Which torrent.
        info_hash: String,
    },
    /// Limit all torrents together, from now on and after a restart. Shown in [`Snapshot::limits`].
    SetGlobalLimits {
        /// The limits.
        limits: GlobalLimits,
    },
    /// Set limits, strategy and goals of a torrent, all at once, from now on and after a restart. Shown in
    /// [`Detail::settings`].
    SetTorrent {
        /// Which torrent.
        info_hash: String,
        /// What is wanted.
        settings: TorrentSettings,
    },
    /// Want some files more or less than others, at any time; those that are not named stay as they are. Shown in
    /// [`FileRow::priority`], and kept for the next start.
    SetFilePriorities {
        /// Which torrent.
        info_hash: String,
        /// [`FileRow::number`] of each file, and how much it is wanted.
        files: Vec<(u32, FilePriority)>,
    },
    /// Let a host connect again that is refused ([`Detail::bans`]).
    LiftBan {
        /// Which torrent.
        info_hash: String,
        /// [`BanRow::ip`].
        ip: String,
    },
    /// Send [`Update::Detail`] of this torrent from now on, or of none.
    Watch {
        /// Which torrent.
        info_hash: Option<String>,
    },
}

/// Limits that all torrents have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GlobalLimits {
    /// Payload bytes a second sent; absent: no limit.
    pub up_rate_max: Option<u64>,
    /// Payload bytes a second received; absent: no limit.
    pub down_rate_max: Option<u64>,
}

/// What the user may set for one torrent. In a command, what is absent is as the engine has it by itself.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TorrentSettings {
    /// Payload bytes a second sent; absent: no limit.
    pub up_rate_max: Option<u64>,
    /// Payload bytes a second received; absent: no limit.
    pub down_rate_max: Option<u64>,
    /// Connected peers at most.
    pub peers_max: Option<u32>,
    /// Unchoke slots beside the optimistic one.
    pub slots: Option<u32>,
    /// Code of the engine's `Strategy`.
    pub strategy: Option<String>,
    /// Seeding stops when so many thousandths of what was downloaded were uploaded.
    pub ratio_permille: Option<u32>,
    /// Seeding stops after so many seconds in all.
    pub seeding_s: Option<u64>,
    /// Pieces are begun in the order of the content, instead of the rarest first. (Absent in what earlier versions
    /// stored.)
    #[serde(default)]
    pub in_order: bool,
    /// As a seed, each peer is shown one piece after another (BEP 16). (Absent in what earlier versions stored.)
    #[serde(default)]
    pub super_seed: bool,
    /// Pieces come in time for a player that shows so many bytes a second; counts more than [`TorrentSettings::in_order`].
    /// (Absent in what earlier versions stored.)
    #[serde(default)]
    pub play_rate: Option<u64>,
}

/// What the worker tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Update {
    /// The worker runs and listens.
    Ready,
    /// The relay let us in: this token is worth keeping.
    TokenAccepted {
        /// The token.
        token: String,
    },
    /// The whole list, at most ten times a second.
    List(Snapshot),
    /// The watched torrent, at most ten times a second; the piece map comes beside it.
    Detail(Box<Detail>),
    /// A torrent was added.
    Added {
        /// As in the command.
        request: u32,
        /// Its info hash.
        info_hash: String,
    },
    /// A torrent was not added.
    AddFailed {
        /// As in the command.
        request: u32,
        /// Why, and what to do, for a person.
        message: String,
    },
    /// The content lies in these files of the origin's private file system, to be handed out by the view.
    SaveReady {
        /// Which torrent.
        info_hash: String,
        /// Name of the torrent: of its file, or of its folder.
        name: String,
        /// `true` if `name` is a folder.
        is_folder: bool,
        /// Its files.
        files: Vec<SavedFile>,
    },
    /// Something a person should know that belongs to no torrent.
    Notice {
        /// In plain words.
        message: String,
    },
}

/// One finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Path below the torrent's folder; for a single file its name.
    pub path: Vec<String>,
    /// Path in the origin's private file system.
    pub stored_at: Vec<String>,
    /// Length in bytes.
    pub len: u64,
    /// CRC-32 as zip wants it; absent for a single file.
    pub crc32: Option<u32>,
}

/// The state of the tab.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// The link to the relay.
    pub relay: RelayState,
    /// All torrents, in the order in which they were added.
    pub torrents: Vec<TorrentRow>,
    /// Content that stayed when its torrent was removed, by name.
    pub kept: Vec<KeptRow>,
    /// Free bytes in the browser's storage, if it says so.
    pub free_bytes: Option<u64>,
    /// Limits that all torrents have in common.
    pub limits: GlobalLimits,
    /// A torrent's address that the relay suggests, for an empty list.
    pub suggestion: Option<String>,
}

/// Content without a torrent. If that is added again, it goes on from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRow {
    /// 40 hexadecimal digits.
    pub info_hash: String,
    /// Name of the file or folder; the info hash if that is lost.
    pub name: String,
    /// Verified bytes; `None` if nothing says how many.
    pub bytes: Option<u64>,
}

/// The link to the relay.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayState {
    /// How it stands.
    pub kind: RelayKind,
    /// For a person: what is going on, and what to do if it is refused.
    pub text: String,
    /// Our incoming port at the relay.
    pub incoming_port: Option<u16>,
    /// Bytes received from the relay since the page was opened.
    pub down_bytes: u64,
    /// Bytes sent to the relay since the page was opened.
    pub up_bytes: u64,
}

/// How the link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RelayKind {
    /// Connected and let in.
    Connected,
    /// Trying, or waiting to try again.
    #[default]
    Connecting,
    /// The relay does not let us in; trying again by itself would not help.
    Refused,
}

/// State of a torrent as `data-state` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TorrentState {
    /// The info dictionary is still to come.
    Metadata,
    /// Stored pieces are being hashed.
    Checking,
    /// Pieces are missing.
    Downloading,
    /// All there.
    Seeding,
    /// Stopped by the user.
    Paused,
    /// Stopped by a fault.
    Error,
}

/// One torrent of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TorrentRow {
    /// 40 hexadecimal digits.
    pub info_hash: String,
    /// Name of the file or folder.
    pub name: String,
    /// State.
    pub state: TorrentState,
    /// What is wrong, and what to do, for a person; with [`TorrentState::Error`].
    pub error: Option<String>,
    /// Verified bytes of wanted pieces over all bytes of these, 0 to 1; while checking, checked bytes over all bytes.
    pub progress: f64,
    /// Wanted bytes.
    pub wanted_bytes: u64,
    /// Verified bytes.
    pub verified_bytes: u64,
    /// Payload received in all sessions.
    pub down_bytes: u64,
    /// Payload sent in all sessions.
    pub up_bytes: u64,
    /// Bytes a second.
    pub down_rate: u64,
    /// Bytes a second.
    pub up_rate: u64,
    /// Connected peers.
    pub peers: u32,
    /// Number of pieces.
    pub pieces_total: u32,
    /// Verified pieces.
    pub pieces_have: u32,
    /// Bytes of a piece.
    pub piece_len: u32,
    /// Seconds left at the present rate.
    pub time_left_s: Option<u64>,
    /// All wanted files can be saved now.
    pub can_save: bool,
    /// The content is being saved: how much is ready to be handed to the browser, 0 to 1.
    pub saving: Option<f64>,
}

/// All that the detail view shows of one torrent beside its row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// Which torrent.
    pub info_hash: String,
    /// The first files: there may be tens of thousands, and this is told several times a second.
    pub files: Vec<FileRow>,
    /// How many files there are.
    pub files_total: u32,
    /// Connected peers.
    pub peers: Vec<PeerRow>,
    /// Hosts that are refused: the first ones, if there are many.
    pub bans: Vec<BanRow>,
    /// Trackers.
    pub trackers: Vec<TrackerRow>,
    /// Web seeds, whether they are used or not.
    pub web_seeds: Vec<WebSeedRow>,
    /// The last decisions and events, newest last: at most 100 picks and at most 100 others.
    pub log: Vec<LogLine>,
    /// How often each reason was given since the start: of picks, then of chokes, in the order of the engine's lists.
    pub reason_counts: Vec<ReasonCount>,
    /// Bytes thrown away.
    pub wasted_bytes: u64,
    /// Every missing block is requested.
    pub is_endgame: bool,
    /// Its magnet link, for somebody else.
    pub magnet: String,
    /// Comment in the metainfo.
    pub comment: Option<String>,
    /// Program that made the metainfo.
    pub created_by: Option<String>,
    /// Only its trackers may introduce peers (BEP 27).
    pub is_private: bool,
    /// What the engine keeps to at present; what has no value here has no limit.
    pub settings: TorrentSettings,
    /// Time as a seed in all sessions, in seconds.
    pub seeding_s: u64,
}

/// How much a file is wanted; strictly in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilePriority {
    /// Not at all.
    Skip,
    /// When nothing else is left.
    Low,
    /// As usual.
    Normal,
    /// Before all others.
    High,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// Its number among all files of the torrent, padding included.
    pub number: u32,
    /// Path, with slashes.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
    /// Verified bytes of it.
    pub verified_bytes: u64,
    /// How much it is wanted.
    pub priority: FilePriority,
}

/// One connected peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerRow {
    /// The engine's key of the connection, to tie log lines to rows.
    pub key: u32,
    /// Address and port; of a web seed its URL.
    pub addr: String,
    /// Its client's name, empty if unknown.
    pub client: String,
    /// Who told us of it: `tracker`, `user`, `incoming`, `pex`, `dht`, `lsd`, `magnet` or `web-seed`.
    pub source: String,
    /// It came to us.
    pub is_incoming: bool,
    /// Choked by us.
    pub am_choking: bool,
    /// We want something of it.
    pub am_interested: bool,
    /// It chokes us.
    pub peer_choking: bool,
    /// It wants something of us.
    pub peer_interested: bool,
    /// It let us down for a minute.
    pub is_snubbed: bool,
    /// It holds the optimistic slot.
    pub is_optimistic: bool,
    /// Code of the reason for which it is choked or unchoked.
    pub choke_reason: Option<String>,
    /// Bytes a second.
    pub down_rate: u64,
    /// Bytes a second.
    pub up_rate: u64,
    /// Payload from it.
    pub down_bytes: u64,
    /// Payload to it.
    pub up_bytes: u64,
    /// Share of the pieces that it has, 0 to 1.
    pub progress: f64,
    /// Requests outstanding and the depth aimed at.
    pub requests: (u32, u32),
}

/// A host that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanRow {
    /// Its address.
    pub ip: String,
    /// Only this port of it is refused.
    pub port: Option<u16>,
    /// Code of the reason.
    pub reason: String,
    /// The reason for a person.
    pub text: String,
    /// Seconds until it may connect again.
    pub left_s: u64,
}

/// One tracker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerRow {
    /// Address.
    pub url: String,
    /// Tier, from zero.
    pub tier: u32,
    /// What it last said or what is wrong, for a person.
    pub status: String,
    /// Seeds that it last counted.
    pub seeds: Option<u32>,
    /// Downloaders that it last counted.
    pub downloaders: Option<u32>,
    /// Completed downloads that it last counted.
    pub downloads: Option<u32>,
    /// Seconds until the next announce.
    pub next_s: Option<u64>,
}

/// One web seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebSeedRow {
    /// Address.
    pub url: String,
    /// What it does, or what is wrong, for a person.
    pub status: String,
    /// Payload from it.
    pub down_bytes: u64,
    /// Bytes a second.
    pub down_rate: u64,
    /// Seconds until it is asked again.
    pub next_s: Option<u64>,
}

/// One line of the log of decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts up, so that the view can tell what is new.
    pub number: u64,
    /// Milliseconds since the engine started.
    pub at_ms: u64,
    /// `pick`, `choke`, `unchoke`, `reveal`, `verified`, `failed`, `joined`, `left`, `banned`, `refused`, `completed`, `goal` or
    /// `error`.
    pub kind: String,
    /// Peer, if one is concerned.
    pub peer: Option<u32>,
    /// Piece, if one is concerned.
    pub piece: Option<u32>,
    /// Code of the reason, as the engine's enum has it.
    pub reason: Option<String>,
    /// The whole line for a person.
    pub text: String,
}

/// One reason of the engine's lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCount {
    /// `pick` or `choke`.
    pub kind: String,
    /// Its code.
    pub code: String,
    /// Its sentence.
    pub text: String,
    /// How often it was given.
    pub count: u64,
}
