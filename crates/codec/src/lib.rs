//! Ids and codecs that both the engine and the native network need: info hashes and peer ids, the 68 byte
//! handshake, and the bounded bencode scan that stands in front of every parser.
//!
//! It knows no torrent, no socket and no clock.

pub mod bencode;
mod handshake;
mod ids;

pub use handshake::{HANDSHAKE_LEN, Handshake, NotAHandshake, Opening, opening};
pub use ids::{InfoHash, InfoHashV2, ParseHashError, PeerId};
