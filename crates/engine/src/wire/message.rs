//! What peers say to each other, but for blocks, whose bytes never pass through here.

use super::hashes::HASH_RANGE_LEN;
use super::{HashRange, id};
use crate::{Bitfield, BlockRef, PieceIndex};

/// Bytes of a `piece` message before its payload: length, id, index, begin.
pub const PIECE_HEADER_LEN: usize = 13;

/// A message other than `piece`: of BEP 3, and what BEP 6, 10 and 52 add.
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
    /// "You might want this piece next", for instance since it lies in memory (BEP 6).
    Suggest(PieceIndex),
    /// "I have every piece" (BEP 6), in place of a bitfield.
    HaveAll,
    /// "I have no piece" (BEP 6), in place of a bitfield.
    HaveNone,
    /// "I will not answer this request" (BEP 6).
    Reject(BlockRef),
    /// "I send you blocks of this piece even while I choke you, once I have it" (BEP 6).
    AllowedFast(PieceIndex),
    /// A message of an extension (BEP 10).
    Extended {
        /// Which one: zero is the extension handshake, others are ids that the receiver has given.
        id: u8,
        /// What follows the id.
        payload: Vec<u8>,
    },
    /// "Send me these hashes" (BEP 52).
    HashRequest(HashRange),
    /// "These are the hashes" (BEP 52).
    Hashes {
        /// What was asked for.
        range: HashRange,
        /// Hashes of 32 bytes one behind the other: first those of the range, then the uncles, from below.
        hashes: Vec<u8>,
    },
    /// "I will not send these hashes" (BEP 52).
    HashReject(HashRange),
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
            Self::Have(piece) => piece_message(id::HAVE, *piece, out),
            Self::Bitfield(field) => {
                head(1 + field.as_wire().len() as u32, id::BITFIELD, out);
                out.extend(field.as_wire());
            }
            Self::Request(block) => block_message(id::REQUEST, block, out),
            Self::Cancel(block) => block_message(id::CANCEL, block, out),
            Self::Suggest(piece) => piece_message(id::SUGGEST, *piece, out),
            Self::HaveAll => bare(id::HAVE_ALL, out),
            Self::HaveNone => bare(id::HAVE_NONE, out),
            Self::Reject(block) => block_message(id::REJECT, block, out),
            Self::AllowedFast(piece) => piece_message(id::ALLOWED_FAST, *piece, out),
            Self::Extended { id: extension, payload } => {
                head(2 + payload.len() as u32, id::EXTENDED, out);
                out.push(*extension);
                out.extend(payload);
            }
            Self::HashRequest(range) => hash_message(id::HASH_REQUEST, range, &[], out),
            Self::Hashes { range, hashes } => hash_message(id::HASHES, range, hashes, out),
            Self::HashReject(range) => hash_message(id::HASH_REJECT, range, &[], out),
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

fn piece_message(id: u8, piece: PieceIndex, out: &mut Vec<u8>) {
    head(5, id, out);
    out.extend(piece.0.to_be_bytes());
}

fn hash_message(id: u8, range: &HashRange, hashes: &[u8], out: &mut Vec<u8>) {
    head((1 + HASH_RANGE_LEN + hashes.len()) as u32, id, out);
    range.encode(out);
    out.extend(hashes);
}

fn block_message(id: u8, block: &BlockRef, out: &mut Vec<u8>) {
    head(13, id, out);
    for number in [block.piece.0, block.begin, block.len] {
        out.extend(number.to_be_bytes());
    }
}
