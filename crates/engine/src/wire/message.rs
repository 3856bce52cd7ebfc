//! What peers say to each other, but for blocks, whose bytes never pass through here.

use super::id;
use crate::{Bitfield, BlockRef, PieceIndex};

/// Bytes of a `piece` message before its payload: length, id, index, begin.
pub const PIECE_HEADER_LEN: usize = 13;

/// A message of BEP 3 other than `piece`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Nothing, so that the connection is not taken for dead.
    KeepAlive,
    /// "I will not answer your requests now."
    Choke,
    /// "I will answer your requests."
    Unchoke,
    /// "You have something that I want."
    Interested,
    /// "You have nothing that I want."
    NotInterested,
    /// "I have this piece now."
    Have(PieceIndex),
    /// "These are the pieces that I have." Only as the first message.
    Bitfield(Bitfield),
    /// "Send me this block."
    Request(BlockRef),
    /// "I do not want this block any more."
    Cancel(BlockRef),
}

impl Message {
    /// Appends the message, with its length in front, to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::KeepAlive => out.extend(0_u32.to_be_bytes()),
            Self::Choke => bare(id::CHOKE, out),
            Self::Unchoke => bare(id::UNCHOKE, out),
            Self::Interested => bare(id::INTERESTED, out),
            Self::NotInterested => bare(id::NOT_INTERESTED, out),
            Self::Have(piece) => {
                head(5, id::HAVE, out);
                out.extend(piece.0.to_be_bytes());
            }
            Self::Bitfield(field) => {
                head(1 + field.as_wire().len() as u32, id::BITFIELD, out);
                out.extend(field.as_wire());
            }
            Self::Request(block) => block_message(id::REQUEST, block, out),
            Self::Cancel(block) => block_message(id::CANCEL, block, out),
        }
    }
}

/// The start of a `piece` message; the bytes of the block follow it.
#[must_use]
pub fn piece_header(block: &BlockRef) -> [u8; PIECE_HEADER_LEN] {
    let mut header = [0; PIECE_HEADER_LEN];
    header[..4].copy_from_slice(&block.len.saturating_add(9).to_be_bytes());
    header[4] = id::PIECE;
    header[5..9].copy_from_slice(&block.piece.0.to_be_bytes());
    header[9..].copy_from_slice(&block.begin.to_be_bytes());
    header
}

fn bare(id: u8, out: &mut Vec<u8>) {
    head(1, id, out);
}

fn head(len: u32, id: u8, out: &mut Vec<u8>) {
    out.extend(len.to_be_bytes());
    out.push(id);
}

fn block_message(id: u8, block: &BlockRef, out: &mut Vec<u8>) {
    head(13, id, out);
    for number in [block.piece.0, block.begin, block.len] {
        out.extend(number.to_be_bytes());
    }
}
