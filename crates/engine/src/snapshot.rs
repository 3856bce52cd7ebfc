//! What the engine shows of itself: plain copies, made when a host asks for them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::{
    AnnounceEvent, BanReason, ChokeReason, CloseReason, FetchFault, Instant, PeerId, PeerKey, PeerSource,
    WebSeedUrl,
};

/// The torrent in numbers. Cheap: nothing in it is counted when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// `false` while paused.
    pub is_running: bool,
    /// All wanted pieces are there.
    pub is_complete: bool,
    /// All wanted pieces are there, but not all pieces (BEP 21).
    pub is_partial_seed: bool,
    /// Number of pieces.
    pub pieces_total: u32,
    /// Verified and stored pieces.
    pub pieces_have: u32,
    /// Bytes of wanted pieces: those that lie in a file that is not skipped.
    pub wanted_bytes: u64,
    /// Verified and stored bytes among them.
    pub verified_bytes: u64,
    /// Payload bytes received since the start, whatever became of them.
    pub down_bytes: u64,
    /// Payload bytes sent since the start.
    pub up_bytes: u64,
    /// Bytes thrown away: unasked for, twice, or corrupt.
    pub wasted_bytes: u64,
    /// Payload received, bytes a second over the last 20 s.
    pub down_rate: u64,
    /// Payload sent, bytes a second over the last 20 s.
    pub up_rate: u64,
    /// Time as a seed, in all sessions.
    pub seeding_time: Duration,
    /// Connected peers, handshake done.
    pub peers: u32,
    /// Addresses known and not connected.
    pub peers_known: u32,
    /// Every missing block is requested.
    pub is_endgame: bool,
}

/// One connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSnapshot {
    /// Which connection.
    pub peer: PeerKey,
    /// Its address; `None` for a web seed, which has a URL.
    pub addr: Option<SocketAddr>,
    /// Its address if it is a web seed.
    pub url: Option<String>,
    /// How we came to know it.
    pub source: PeerSource,
    /// It connected to us. (We may also have connected to an address that we know from an earlier time when it did.)
    pub is_incoming: bool,
    /// Its peer id; `None` before the handshake.
    pub peer_id: Option<PeerId>,
    /// Its client's name (BEP 20), empty if unknown.
    pub client: String,
    /// We refuse to send.
    pub am_choking: bool,
    /// It has something that we want.
    pub am_interested: bool,
    /// It refuses to send.
    pub peer_choking: bool,
    /// We have something that it wants.
    pub peer_interested: bool,
    /// It is unchoked, yet delivered nothing for a minute.
    pub is_snubbed: bool,
    /// It holds the optimistic slot.
    pub is_optimistic: bool,
    /// Why it is choked or unchoked; `None` before the first decision.
    pub choke_reason: Option<ChokeReason>,
    /// Payload bytes from it.
    pub down_bytes: u64,
    /// Payload bytes to it.
    pub up_bytes: u64,
    /// Bytes a second over the last 20 s.
    pub down_rate: u64,
    /// Bytes a second over the last 20 s.
    pub up_rate: u64,
    /// Pieces that it has.
    pub pieces_have: u32,
    /// Blocks requested from it and not yet there.
    pub requests_out: u32,
    /// How many we would keep outstanding.
    pub requests_depth: u32,
    /// Blocks that it requested and that wait.
    pub requests_in: u32,
    /// How long it has been connected.
    pub connected: Duration,
}

/// A host that is refused, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanSnapshot {
    /// The host.
    pub ip: IpAddr,
    /// Only this port of it (on loopback, where every port may be another client).
    pub port: Option<u16>,
    /// Only who calls itself so (on loopback).
    pub peer_id: Option<PeerId>,
    /// Why.
    pub reason: BanReason,
    /// Until when.
    pub until: Instant,
}

/// One web seed, whether it is used or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSeedSnapshot {
    /// As in picks and peers.
    pub peer: PeerKey,
    /// Its address, and how it is asked.
    pub source: WebSeedUrl,
    /// A request is under way.
    pub is_fetching: bool,
    /// What went wrong last, until it delivers again.
    pub fault: Option<FetchFault>,
    /// How long it is left alone.
    pub wait: Option<Duration>,
    /// Why it is used no more.
    pub dropped: Option<CloseReason>,
    /// Payload bytes from it.
    pub down_bytes: u64,
    /// Bytes a second over the last 20 s.
    pub down_rate: u64,
}

/// One tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerSnapshot {
    /// Its address.
    pub url: String,
    /// Its tier (BEP 12), from zero.
    pub tier: u32,
    /// The announce under way, if any.
    pub asking: Option<AnnounceEvent>,
    /// When we ask it next.
    pub next: Option<Instant>,
    /// Seeds that it last counted.
    pub complete: Option<u32>,
    /// Completed downloads that it last counted; only a scrape tells (BEP 48).
    pub downloaded: Option<u32>,
    /// Downloaders that it last counted.
    pub incomplete: Option<u32>,
    /// What went wrong last, until it answers again; or what it warned of in its last answer.
    pub error: Option<String>,
}

/// A [`crate::MetadataFetch`] in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataSummary {
    /// `false` while paused, and when it is done.
    pub is_running: bool,
    /// The info dictionary is there.
    pub is_done: bool,
    /// Length of the info dictionary in bytes, as peers say; `None` if none has said so.
    pub len: Option<u32>,
    /// Pieces of it, of 16 KiB.
    pub pieces_total: u32,
    /// Those that are there; their hash is known only of the whole.
    pub pieces_have: u32,
    /// Connected peers, handshake done.
    pub peers: u32,
    /// Addresses known and not connected.
    pub peers_known: u32,
    /// A length that a peer named and that is longer than any that is read, in bytes.
    pub refused_len: Option<u32>,
}

/// One peer that is asked for the info dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataPeer {
    /// Which connection.
    pub peer: PeerKey,
    /// Its address.
    pub addr: SocketAddr,
    /// How we came to know it.
    pub source: PeerSource,
    /// Its client's name, empty if unknown.
    pub client: String,
    /// Length of the info dictionary in bytes, if it offers to send that.
    pub len: Option<u32>,
    /// Bytes of the info dictionary from it.
    pub down_bytes: u64,
}

/// State of a piece, for a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PieceState {
    /// Not there, and no connected peer has it.
    Unavailable = 0,
    /// Not there; somebody has it.
    Missing = 1,
    /// Some of its blocks are requested or there.
    Partial = 2,
    /// All blocks are there, the hash is being computed.
    Checking = 3,
    /// Verified and stored.
    Have = 4,
    /// Not there and not wanted.
    Skipped = 5,
}
