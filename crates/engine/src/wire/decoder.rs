//! Bytes of one connection, cut anywhere, to messages. Copies no payload: it says where a block's bytes lie in the
//! input. Only the fixed head of a message (at most 68 bytes), a bitfield, and the messages of extensions are ever
//! collected.

use std::ops::Range;

use codec::{HANDSHAKE_LEN, Handshake, Opening, opening};

use super::hashes::{HASH_LEN, HASH_RANGE_LEN};
use super::{COLLECTED_LEN_MAX, HashRange, Message, PIECE_HEADER_LEN, id};
use crate::{Bitfield, BlockRef, CloseReason, PieceIndex};

/// Bytes of the length prefix.
const PREFIX_LEN: usize = 4;

/// Something that the bytes said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// The first thing on every connection, exactly once.
    Handshake(Handshake),
    /// A whole message. Pieces in it are pieces of the torrent; `begin` and `len` of blocks are as sent.
    Message(Message),
    /// A block begins. Its piece is one of the torrent; `begin` and `len` (never zero) are as sent.
    PieceHeader {
        /// The whole block.
        block: BlockRef,
    },
    /// Part of the block that was announced.
    Payload {
        /// Where it belongs.
        part: BlockRef,
        /// Where its bytes lie in the input; empty for opaque payload.
        from: Range<usize>,
    },
    /// The block that was announced is complete.
    BlockEnd {
        /// The whole block.
        block: BlockRef,
    },
}

/// The reading side of one connection. Feed it with [`Decoder::next`] until that says `None`.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    head: [u8; HANDSHAKE_LEN],
    head_len: usize,
    /// Zero while it is unknown.
    pieces_total: u32,
    message_len_max: u32,
}

#[derive(Debug)]
enum State {
    Handshake,
    /// Length, id and fixed fields of a message.
    Head,
    /// The rest of a message that is looked at as a whole.
    Collect {
        bytes: Vec<u8>,
        expected: usize,
    },
    Payload {
        block: BlockRef,
        done: u32,
    },
    /// A message that we do not know.
    Skip {
        left: u32,
    },
    /// Nothing that follows can be understood.
    Failed(CloseReason),
}

impl Decoder {
    /// A decoder for a new connection about a torrent of `pieces_total` pieces. Messages longer than
    /// `message_len_max` bytes are refused, except a bitfield if this torrent needs a longer one.
    #[must_use]
    pub const fn new(pieces_total: u32, message_len_max: u32) -> Self {
        Self { state: State::Handshake, head: [0; HANDSHAKE_LEN], head_len: 0, pieces_total, message_len_max }
    }

    /// A decoder for a connection about a torrent of which nothing is known yet but its hash: messages about pieces mean
    /// nothing, and are skipped; only those of extensions are read.
    #[must_use]
    pub const fn extensions_only(message_len_max: u32) -> Self {
        Self::new(0, message_len_max)
    }

    /// The next thing that `data` says from `at` on; moves `at` on. `None`: all of `data` is used up.
    ///
    /// # Errors
    /// What the remote did wrong. The connection is of no use then, and the same error comes again.
    pub fn next(&mut self, data: &[u8], at: &mut usize) -> Result<Option<Decoded>, CloseReason> {
        self.step(data, at).inspect_err(|reason| self.state = State::Failed(reason.clone()))
    }

    /// As [`Decoder::next`] for `left` bytes that nobody holds. They can only be payload of a block.
    ///
    /// # Errors
    /// [`CloseReason::UnrequestedBlocks`] if no block is under way that long.
    pub fn next_opaque(&mut self, left: &mut u32) -> Result<Option<Decoded>, CloseReason> {
        match &self.state {
            State::Failed(reason) => Err(reason.clone()),
            State::Payload { block, done } if *done == block.len => Ok(Some(self.end_block(*block))),
            _ if *left == 0 => Ok(None),
            State::Payload { .. } => Ok(Some(self.take_payload(left))),
            _ => {
                let reason = CloseReason::UnrequestedBlocks { bytes: u64::from(*left) };
                self.state = State::Failed(reason.clone());
                Err(reason)
            }
        }
    }

    fn step(&mut self, data: &[u8], at: &mut usize) -> Result<Option<Decoded>, CloseReason> {
        loop {
            let rest = data.get(*at..).unwrap_or_default();
            match &mut self.state {
                State::Failed(reason) => return Err(reason.clone()),
                State::Handshake => {
                    let complete = self.collect(HANDSHAKE_LEN, rest, at);
                    if opening(&self.head[..self.head_len]) == Opening::NotBitTorrent {
                        return Err(CloseReason::NotBitTorrent);
                    }
                    if !complete {
                        return Ok(None);
                    }
                    let handshake = Handshake::parse(&self.head).map_err(|_| CloseReason::NotBitTorrent)?;
                    self.expect_message();
                    return Ok(Some(Decoded::Handshake(handshake)));
                }
                State::Head => {
                    let want = self.head_want()?;
                    if self.head_len < want {
                        if !self.collect(want, rest, at) {
                            return Ok(None);
                        }
                        continue;
                    }
                    if let Some(decoded) = self.finish_head()? {
                        return Ok(Some(decoded));
                    }
                }
                State::Collect { bytes, expected } => {
                    let take = rest.len().min(*expected - bytes.len());
                    bytes.extend_from_slice(&rest[..take]);
                    *at += take;
                    if bytes.len() < *expected {
                        return Ok(None);
                    }
                    let bytes = std::mem::take(bytes);
                    return self.finish_collected(bytes).map(Some);
                }
                State::Payload { block, done } if *done == block.len => {
                    let block = *block;
                    return Ok(Some(self.end_block(block)));
                }
                State::Payload { .. } => {
                    let mut left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
                    if left == 0 {
                        return Ok(None);
                    }
                    let mut decoded = self.take_payload(&mut left);
                    if let Decoded::Payload { part, from } = &mut decoded {
                        *from = *at..*at + part.len as usize;
                        *at = from.end;
                    }
                    return Ok(Some(decoded));
                }
                State::Skip { left } => {
                    let take = rest.len().min(*left as usize);
                    *at += take;
                    *left -= take as u32;
                    if *left > 0 {
                        return Ok(None);
                    }
                    self.expect_message();
                }
            }
        }
    }

    /// Fills the head up to `want` bytes; `true` once they are there.
    fn collect(&mut self, want: usize, rest: &[u8], at: &mut usize) -> bool {
        let take = rest.len().min(want - self.head_len);
        self.head[self.head_len..self.head_len + take].copy_from_slice(&rest[..take]);
        self.head_len += take;
        *at += take;
        self.head_len == want
    }

    fn expect_message(&mut self) {
        self.head_len = 0;
        self.state = State::Head;
    }

    /// How many bytes of head this message has, as far as the bytes that are there tell.
    fn head_want(&self) -> Result<usize, CloseReason> {
        if self.head_len < PREFIX_LEN {
            return Ok(PREFIX_LEN);
        }
        let len = self.number(0);
        let bitfield_len = 1 + Bitfield::wire_len(self.pieces_total) as u32;
        let max = self.message_len_max.max(bitfield_len);
        if len > max {
            return Err(CloseReason::MessageTooLong { len, max });
        }
        if len == 0 {
            return Ok(PREFIX_LEN);
        }
        if self.head_len == PREFIX_LEN {
            return Ok(PREFIX_LEN + 1);
        }
        let id = self.head[PREFIX_LEN];
        if self.pieces_total == 0 && id != id::EXTENDED {
            return Ok(PREFIX_LEN + 1);
        }
        let is_length_right = match id {
            id::CHOKE | id::UNCHOKE | id::INTERESTED | id::NOT_INTERESTED | id::HAVE_ALL | id::HAVE_NONE => {
                len == 1
            }
            id::HAVE | id::SUGGEST | id::ALLOWED_FAST => len == 5,
            id::REQUEST | id::CANCEL | id::REJECT => len == 13,
            // A block without bytes would be a block that never ends nor moves anything on.
            id::PIECE => len > 9,
            id::EXTENDED => len >= 2,
            id::HASH_REQUEST | id::HASH_REJECT => len as usize == 1 + HASH_RANGE_LEN,
            id::HASHES => (len as usize).checked_sub(1 + HASH_RANGE_LEN).is_some_and(|n| n % HASH_LEN == 0),
            _ => true,
        };
        if !is_length_right {
            return Err(CloseReason::MessageLength { id, len });
        }
        let max = match id {
            id::BITFIELD => max,
            id::EXTENDED | id::HASHES => self.message_len_max.min(COLLECTED_LEN_MAX),
            _ => self.message_len_max,
        };
        if len > max {
            return Err(CloseReason::MessageTooLong { len, max });
        }
        Ok(match id {
            id::PIECE => PIECE_HEADER_LEN,
            id::HAVE | id::SUGGEST | id::ALLOWED_FAST | id::REQUEST | id::CANCEL | id::REJECT => {
                PREFIX_LEN + len as usize
            }
            _ => PREFIX_LEN + 1,
        })
    }

    /// The head is complete: a whole message, or the start of a long one.
    fn finish_head(&mut self) -> Result<Option<Decoded>, CloseReason> {
        let len = self.number(0);
        if len == 0 {
            self.expect_message();
            return Ok(Some(Decoded::Message(Message::KeepAlive)));
        }
        let id = self.head[PREFIX_LEN];
        let message = match id {
            _ if self.pieces_total == 0 && id != id::EXTENDED => {
                self.state = State::Skip { left: len - 1 };
                return Ok(None);
            }
            id::CHOKE => Message::Choke,
            id::UNCHOKE => Message::Unchoke,
            id::INTERESTED => Message::Interested,
            id::NOT_INTERESTED => Message::NotInterested,
            id::HAVE => Message::Have(self.piece(0, 0)?),
            id::REQUEST => Message::Request(self.block(self.number(13))?),
            id::CANCEL => Message::Cancel(self.block(self.number(13))?),
            id::SUGGEST => Message::Suggest(self.piece(0, 0)?),
            id::HAVE_ALL => Message::HaveAll,
            id::HAVE_NONE => Message::HaveNone,
            id::REJECT => Message::Reject(self.block(self.number(13))?),
            id::ALLOWED_FAST => Message::AllowedFast(self.piece(0, 0)?),
            id::PIECE => {
                let block = self.block(len - 9)?;
                self.state = State::Payload { block, done: 0 };
                return Ok(Some(Decoded::PieceHeader { block }));
            }
            id::BITFIELD => {
                let expected = Bitfield::wire_len(self.pieces_total);
                if len as usize != 1 + expected {
                    return Err(self.bad_bitfield(len - 1));
                }
                self.state = State::Collect { bytes: Vec::with_capacity(expected), expected };
                return Ok(None);
            }
            id::EXTENDED | id::HASH_REQUEST | id::HASHES | id::HASH_REJECT => {
                // No memory for what is only announced: it grows with what comes.
                self.state = State::Collect { bytes: Vec::new(), expected: len as usize - 1 };
                return Ok(None);
            }
            _ => {
                self.state = State::Skip { left: len - 1 };
                return Ok(None);
            }
        };
        self.expect_message();
        Ok(Some(Decoded::Message(message)))
    }

    /// All that follows the id of a collected message is there.
    fn finish_collected(&mut self, bytes: Vec<u8>) -> Result<Decoded, CloseReason> {
        let id = self.head[PREFIX_LEN];
        let len = 1 + bytes.len() as u32;
        let message = match (id, bytes.split_first_chunk::<HASH_RANGE_LEN>()) {
            (id::BITFIELD, _) => {
                let field = Bitfield::from_wire_vec(bytes, self.pieces_total);
                Message::Bitfield(field.map_err(|_| self.bad_bitfield(len - 1))?)
            }
            (id::EXTENDED, _) => {
                let mut payload = bytes;
                Message::Extended { id: payload.remove(0), payload }
            }
            (id::HASH_REQUEST, Some((range, _))) => Message::HashRequest(HashRange::parse(range)),
            (id::HASHES, Some((range, hashes))) => {
                Message::Hashes { range: HashRange::parse(range), hashes: hashes.to_vec() }
            }
            (id::HASH_REJECT, Some((range, _))) => Message::HashReject(HashRange::parse(range)),
            _ => return Err(CloseReason::MessageLength { id, len }),
        };
        self.expect_message();
        Ok(Decoded::Message(message))
    }

    /// Counts up to `left` bytes towards the block under way.
    fn take_payload(&mut self, left: &mut u32) -> Decoded {
        let State::Payload { block, done } = &mut self.state else {
            unreachable!("invariant: called in the payload of a block")
        };
        let take = (*left).min(block.len - *done);
        // `begin` is the remote's word: it may lie near 2^32.
        let part = BlockRef { piece: block.piece, begin: block.begin.saturating_add(*done), len: take };
        *done += take;
        *left -= take;
        Decoded::Payload { part, from: 0..0 }
    }

    fn end_block(&mut self, block: BlockRef) -> Decoded {
        self.expect_message();
        Decoded::BlockEnd { block }
    }

    fn block(&self, len: u32) -> Result<BlockRef, CloseReason> {
        let begin = self.number(9);
        Ok(BlockRef { piece: self.piece(begin, len)?, begin, len })
    }

    /// The piece that the message names; `begin` and `len` are for the message if it is outside the torrent.
    fn piece(&self, begin: u32, len: u32) -> Result<PieceIndex, CloseReason> {
        let piece = self.number(5);
        if piece < self.pieces_total {
            Ok(PieceIndex(piece))
        } else {
            Err(CloseReason::OutOfRange { piece, begin, len })
        }
    }

    fn bad_bitfield(&self, len: u32) -> CloseReason {
        CloseReason::BadBitfield { len, expected: Bitfield::wire_len(self.pieces_total) as u32 }
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.head[at], self.head[at + 1], self.head[at + 2], self.head[at + 3]])
    }
}

#[cfg(test)]
mod tests;
