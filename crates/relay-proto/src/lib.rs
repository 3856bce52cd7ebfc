//! What a tab and a relay say to each other: frames, session offsets with replay, and byte credits.
//!
//! Sans-IO and shared by both ends. [`Frames`] decodes one WebSocket message without copying payload; [`Link`]
//! numbers the bytes of a session so that a cut carrier loses and doubles nothing; [`SendCredit`] and
//! [`ReceiveCredit`] bound each stream. `docs/relay-protocol.md` specifies all of it for other implementations.

mod close;
mod control;
mod credit;
mod error;
mod frame;
mod hex20;
mod link;

pub use close::{CloseCode, RefusedCode};
pub use control::{
    Accept, Announce, AnnounceEvent, AnnounceOk, Announced, Close, Fetch, FetchOk, FetchRange, Fetched,
    Hello, Limits, Open, Outcome, Refused, Register, Scrape, ScrapeEntry, Scraped, Secret, SessionKey,
    Switch, Unregister, WebAnswer, Welcome,
};
pub use credit::{ReceiveCredit, SendCredit};
pub use error::ProtocolError;
pub use frame::{Frame, FrameType, Frames, encode};
pub use link::Link;

/// The version of the protocol that this crate speaks; raised when the two ends would misunderstand each other.
pub const PROTOCOL_VERSION: u32 = 1;
/// Bytes of a frame's header: type u8, stream u32, length u32, big endian.
pub const HEADER_LEN: usize = 9;
/// Longest message of the carrier, in bytes, frame headers included. Larger ones are slower in Chromium.
pub const MAX_MESSAGE_LEN: usize = 256 * 1024;
/// Longest payload of one data frame, in bytes: a message that holds nothing else.
pub const MAX_DATA_LEN: usize = MAX_MESSAGE_LEN - HEADER_LEN;
/// Longest JSON payload of a control frame, in bytes.
pub const MAX_CONTROL_LEN: usize = 64 * 1024;
/// Default session window in bytes: what one end may send before the other has processed any of it.
pub const SESSION_WINDOW: u64 = 8 * 1024 * 1024;
/// Smallest session window in bytes: the longest message must fit although acknowledgements lag by a quarter window.
pub const MIN_SESSION_WINDOW: u64 = 1024 * 1024;
/// Largest session window in bytes; bounds what the sender keeps for replay.
pub const MAX_SESSION_WINDOW: u64 = 16 * 1024 * 1024;
/// Default credit in bytes that a tab gives each stream for the way down.
pub const STREAM_CREDIT_DOWN: u64 = 2 * 1024 * 1024;
/// Default credit in bytes that a relay gives each stream for the way up.
pub const STREAM_CREDIT_UP: u64 = 256 * 1024;
/// How long, in seconds, a relay keeps a session that has no carrier.
pub const RESUME_WITHIN_S: u64 = 60;
/// The same, in seconds, if the carrier was closed because the page went away.
pub const LEAVE_WITHIN_S: u64 = 10;
