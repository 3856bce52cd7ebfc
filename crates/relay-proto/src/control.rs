//! Payloads of the control frames: JSON, so that the specification can be read and another relay can be written.
//!
//! Fields that a reader does not know are ignored, so that a later version may add some.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use codec::{InfoHash, PeerId};
use serde::{Deserialize, Serialize};

use crate::{CloseCode, RefusedCode, hex20};

/// A text that must not reach a log: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Names a session, and proves that its owner comes back to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKey {
    /// Public name of the session.
    pub id: String,
    /// Known to the relay and the tab only.
    pub secret: Secret,
}

/// Tab to relay, first frame on every carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the tab.
    pub version: u32,
    /// The relay's token.
    pub token: Secret,
    /// The session to go on with; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionKey>,
    /// Session offset up to which the tab has received.
    pub received: u64,
    /// Session offset up to which the relay may send.
    pub limit: u64,
    /// Credit in bytes that every stream of a new session has at first for the way down.
    pub stream_credit: u64,
}

/// Relay to tab: let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The session from now on.
    pub session: SessionKey,
    /// The session asked for goes on. If `false` the session is new: all offsets are zero and no stream is left.
    pub resumed: bool,
    /// Session offset up to which the relay has received.
    pub received: u64,
    /// Session offset up to which the tab may send.
    pub limit: u64,
    /// Credit in bytes that every stream has at first for the way up.
    pub stream_credit: u64,
    /// TCP port on which the relay accepts peers for this session; zero if it could not have one.
    pub incoming_port: u16,
    /// What the relay allows a session.
    pub limits: Limits,
    /// Address of a .torrent to offer to a user whose list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// What a relay allows one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Open streams.
    pub streams: u32,
    /// New connections a second; a burst of as many is allowed.
    pub dials_per_s: u32,
    /// Registered info hashes.
    pub info_hashes: u32,
    /// Payload bytes a second, both ways together; zero is without limit.
    pub bytes_per_s: u64,
}

/// Relay to tab: not let in, or sent away. The carrier closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Number of a [`RefusedCode`].
    pub code: u16,
    /// For a person.
    pub text: String,
}

impl Refused {
    /// A refusal with the code's own sentence.
    #[must_use]
    pub fn new(code: RefusedCode) -> Self {
        Self { code: code.number(), text: code.text().to_owned() }
    }
}

/// Tab to relay: from this session offset on, send frames down another carrier. Version 1 relays refuse it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// The carrier: `websocket` or `fetch`.
    pub carrier: String,
    /// Session offset of the first byte on it.
    pub offset: u64,
}

/// Tab to relay: reach a peer. Answered by `opened` or `close` on the same stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Address and port of the peer.
    pub addr: SocketAddr,
    /// The info hash that both handshakes will name. Must be registered.
    #[serde(with = "hex20::hash")]
    pub info_hash: InfoHash,
}

/// Relay to tab: a peer came, and its handshake names a registered info hash. The handshake follows as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Address and port from which it came.
    pub addr: SocketAddr,
    /// What its handshake names.
    #[serde(with = "hex20::hash")]
    pub info_hash: InfoHash,
}

/// Either way: the stream is over, in both directions, and its number is never used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// Number of a [`CloseCode`].
    pub code: u16,
    /// For a person; more exact than the code's sentence where there is more to say.
    pub text: String,
    /// What a web seed answered, as far as the code has numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<WebAnswer>,
}

/// Numbers from the answer of a web seed that brings no data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAnswer {
    /// HTTP status, with code 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds after which to come back, with code 15, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// First byte that it would have sent, with code 17.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Bytes that it would have sent, with code 17.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<u64>,
}

impl Close {
    /// A close with the code's own sentence.
    #[must_use]
    pub fn new(code: CloseCode) -> Self {
        Self { code: code.number(), text: code.text().to_owned(), answer: None }
    }

    /// A close with a more exact text.
    #[must_use]
    pub fn with_text(code: CloseCode, text: impl fmt::Display) -> Self {
        Self { code: code.number(), text: text.to_string(), answer: None }
    }
}

/// Tab to relay: a torrent in which this session takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Number chosen by the tab; registering it again replaces what it named.
    pub torrent: u32,
    /// All info hashes by which its swarm may call it: two for a hybrid torrent.
    #[serde(with = "hex20::hashes")]
    pub info_hashes: Vec<InfoHash>,
    /// Only its trackers may introduce peers (BEP 27).
    pub private: bool,
}

/// Tab to relay: the session leaves the torrent. Its streams close and its trackers are told `stopped`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unregister {
    /// As in `register`.
    pub torrent: u32,
}

/// Why an announce is made (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnounceEvent {
    /// The first one.
    Started,
    /// The download has just become complete.
    Completed,
    /// The session leaves the swarm.
    Stopped,
    /// The interval is over, or more peers are wanted.
    Regular,
}

/// Tab to relay: ask a tracker. The relay adds the session's incoming port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// Number chosen by the tab; returns in the answer.
    pub request: u32,
    /// Address of the tracker: http, https or udp.
    pub url: String,
    /// A registered info hash.
    #[serde(with = "hex20::hash")]
    pub info_hash: InfoHash,
    /// By which the tab calls itself.
    #[serde(with = "hex20::peer_id")]
    pub peer_id: PeerId,
    /// Proves to the tracker that a later announce from another address is the same peer (BEP 7, 15).
    pub key: u32,
    /// Why now.
    pub event: AnnounceEvent,
    /// Payload bytes sent since the start.
    pub uploaded: u64,
    /// Payload bytes received since the start.
    pub downloaded: u64,
    /// Bytes still missing.
    pub left: u64,
    /// How many peers are wanted.
    pub num_want: u32,
    /// What this tracker said in [`AnnounceOk::tracker_id`], if it ever did.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex20::bytes")]
    pub tracker_id: Option<Vec<u8>>,
}

/// What came of a request: `"ok": {…}` or `"error": "…"`, the error for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// It worked.
    Ok(T),
    /// It did not; why, for a person.
    Error(String),
}

/// Relay to tab: the answer to [`Announce`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// As in the request.
    pub request: u32,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome<AnnounceOk>,
}

/// What a tracker answered.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AnnounceOk {
    /// Seconds to wait before the next announce.
    pub interval_s: u32,
    /// The shortest wait in seconds that the tracker tolerates, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_interval_s: Option<u32>,
    /// Seeds in the swarm, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<u32>,
    /// Downloaders in the swarm, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<u32>,
    /// Peers, as `ip:port`, IPv6 in brackets.
    pub peers: Vec<SocketAddr>,
    /// A warning for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// To be sent back with the next announces to this tracker.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex20::bytes")]
    pub tracker_id: Option<Vec<u8>>,
    /// The address from which the tracker saw the announce come (BEP 24).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ip: Option<IpAddr>,
}

/// Tab to relay: ask a tracker for the sizes of swarms (BEP 48, 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrape {
    /// Number chosen by the tab; returns in the answer.
    pub request: u32,
    /// Announce address of the tracker.
    pub url: String,
    /// Registered info hashes.
    #[serde(with = "hex20::hashes")]
    pub info_hashes: Vec<InfoHash>,
}

/// Relay to tab: the answer to [`Scrape`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scraped {
    /// As in the request.
    pub request: u32,
    /// What came of it: an entry for each info hash that the tracker knows.
    #[serde(flatten)]
    pub outcome: Outcome<Vec<ScrapeEntry>>,
}

/// Size of one swarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrapeEntry {
    /// Which swarm.
    #[serde(with = "hex20::hash")]
    pub info_hash: InfoHash,
    /// Seeds.
    pub complete: u32,
    /// Downloads that were ever completed.
    pub downloaded: u32,
    /// Downloaders.
    pub incomplete: u32,
}

/// Tab to relay: fetch a .torrent by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// Number chosen by the tab; returns in the answer and as the stream number of its bytes.
    pub request: u32,
    /// Address: http or https.
    pub url: String,
}

/// Tab to relay: get part of what stands at an address (BEP 19, 17). The bytes come as data on the same stream, which
/// then ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchRange {
    /// Address: http or https.
    pub url: String,
    /// The torrent whose content it is. Must be registered.
    #[serde(with = "hex20::hash")]
    pub info_hash: InfoHash,
    /// First byte; without it, all of the answer is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// How many bytes.
    pub len: u64,
}

/// Relay to tab: the end of the answer to [`Fetch`]; the bytes came before it in `fetch_data` frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// As in the request.
    pub request: u32,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome<FetchOk>,
}

/// A file was fetched whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchOk {
    /// Bytes of the file, the sum of its `fetch_data` frames.
    pub len: u64,
}
