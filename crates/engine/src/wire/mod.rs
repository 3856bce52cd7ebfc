//! The peer wire protocol (BEP 3): messages to bytes, and bytes, cut anywhere, to messages.

mod decoder;
mod message;

pub use decoder::{Decoded, Decoder};
pub use message::{Message, PIECE_HEADER_LEN, piece_header};

/// Message ids of BEP 3.
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
}
