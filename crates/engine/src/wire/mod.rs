//! The peer wire protocol (BEP 3, with the messages of BEP 6, 10 and 52): messages to bytes, and bytes, cut anywhere,
//! to messages.

mod decoder;
mod hashes;
mod message;
mod reserved;

pub use decoder::{Decoded, Decoder};
pub use hashes::HashRange;
pub use message::{Message, PIECE_HEADER_LEN, piece_header};
pub use reserved::Reserved;

/// Longest message that is collected before anybody looks at it, in bytes, but for a bitfield: a piece of metadata
/// (BEP 9: 16 KiB), 512 hashes with their proofs (BEP 52: under 18 KiB), and room for peers' lists.
const COLLECTED_LEN_MAX: u32 = 64 * 1024;

/// Message ids.
mod id {
    pub(super) const CHOKE: u8 = 0;
    pub(super) const UNCHOKE: u8 = 1;
    pub(super) const INTERESTED: u8 = 2;
    pub(super) const NOT_INTERESTED: u8 = 3;
    pub(super) const HAVE: u8 = 4;
    pub(super) const BITFIELD: u8 = 5;
    pub(super) const REQUEST: u8 = 6;
    pub(super) const PIECE: u8 = 7;
    pub(super) const CANCEL: u8 = 8;
    // BEP 6
    pub(super) const SUGGEST: u8 = 13;
    pub(super) const HAVE_ALL: u8 = 14;
    pub(super) const HAVE_NONE: u8 = 15;
    pub(super) const REJECT: u8 = 16;
    pub(super) const ALLOWED_FAST: u8 = 17;
    // BEP 10
    pub(super) const EXTENDED: u8 = 20;
    // BEP 52
    pub(super) const HASH_REQUEST: u8 = 21;
    pub(super) const HASHES: u8 = 22;
    pub(super) const HASH_REJECT: u8 = 23;
}
