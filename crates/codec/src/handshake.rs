//! The handshake that opens every connection between peers (BEP 3): 68 bytes of fixed layout.

use crate::{InfoHash, PeerId};

/// Bytes of a handshake.
pub const HANDSHAKE_LEN: usize = 68;

/// How every handshake begins: the length of the protocol's name, and the name.
const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";
const RESERVED_AT: usize = PROTOCOL.len();
const INFO_HASH_AT: usize = RESERVED_AT + 8;
const PEER_ID_AT: usize = INFO_HASH_AT + 20;

/// What a handshake says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Bits by which extensions are offered (BEP 4), kept as they came.
    pub reserved: [u8; 8],
    /// The torrent.
    pub info_hash: InfoHash,
    /// The sender.
    pub peer_id: PeerId,
}

/// The bytes do not begin with the protocol's name: some other protocol, or encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the first bytes are no BitTorrent handshake")]
pub struct NotAHandshake;

impl Handshake {
    /// The handshake as it goes over the wire.
    #[must_use]
    pub fn encode(&self) -> [u8; HANDSHAKE_LEN] {
        let mut bytes = [0; HANDSHAKE_LEN];
        bytes[..RESERVED_AT].copy_from_slice(PROTOCOL);
        bytes[RESERVED_AT..INFO_HASH_AT].copy_from_slice(&self.reserved);
        bytes[INFO_HASH_AT..PEER_ID_AT].copy_from_slice(&self.info_hash.0);
        bytes[PEER_ID_AT..].copy_from_slice(&self.peer_id.0);
        bytes
    }

    /// Reads a whole handshake.
    ///
    /// # Errors
    /// If it does not begin with the protocol's name.
    pub fn parse(bytes: &[u8; HANDSHAKE_LEN]) -> Result<Self, NotAHandshake> {
        if !bytes.starts_with(PROTOCOL) {
            return Err(NotAHandshake);
        }
        let mut parsed = Self { reserved: [0; 8], info_hash: InfoHash([0; 20]), peer_id: PeerId([0; 20]) };
        parsed.reserved.copy_from_slice(&bytes[RESERVED_AT..INFO_HASH_AT]);
        parsed.info_hash.0.copy_from_slice(&bytes[INFO_HASH_AT..PEER_ID_AT]);
        parsed.peer_id.0.copy_from_slice(&bytes[PEER_ID_AT..]);
        Ok(parsed)
    }
}

/// What the first bytes of a connection look like so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Right as far as they go, which is not yet as far as the end of the info hash.
    Incomplete,
    /// A handshake for this torrent. The peer id may still be on its way: some clients send it only after they have
    /// seen the other side's info hash.
    For(InfoHash),
    /// Something else.
    NotBitTorrent,
}

/// Judges the first bytes of a connection, however few. Ask again from the start when more have come.
///
/// A go-between decides by this whether to let a connection through, before the handshake is complete.
#[must_use]
pub fn opening(first_bytes: &[u8]) -> Opening {
    let name_len = first_bytes.len().min(PROTOCOL.len());
    if first_bytes[..name_len] != PROTOCOL[..name_len] {
        return Opening::NotBitTorrent;
    }
    let Some(hash) = first_bytes.get(INFO_HASH_AT..PEER_ID_AT) else {
        return Opening::Incomplete;
    };
    let mut info_hash = InfoHash([0; 20]);
    info_hash.0.copy_from_slice(hash);
    Opening::For(info_hash)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn sample() -> Handshake {
        Handshake {
            reserved: [0, 0, 0, 0, 0, 0x10, 0, 5],
            info_hash: InfoHash([7; 20]),
            peer_id: PeerId(*b"-SW0100-abcdefghijkl"),
        }
    }

    #[test]
    fn what_is_encoded_is_read_back_with_the_reserved_bits() {
        assert_eq!(Handshake::parse(&sample().encode()), Ok(sample()));
    }

    #[test]
    fn the_opening_is_known_as_soon_as_the_info_hash_is_there() {
        let bytes = sample().encode();
        for len in 0..=HANDSHAKE_LEN {
            let expected = if len < 48 { Opening::Incomplete } else { Opening::For(InfoHash([7; 20])) };
            assert_eq!(opening(&bytes[..len]), expected, "{len} bytes");
        }
    }

    #[test]
    fn another_protocol_is_told_by_its_first_wrong_byte() {
        for wrong_at in 0..20 {
            let mut bytes = sample().encode();
            bytes[wrong_at] ^= 1;
            assert_eq!(opening(&bytes[..wrong_at]), Opening::Incomplete);
            assert_eq!(opening(&bytes[..=wrong_at]), Opening::NotBitTorrent);
            assert_eq!(Handshake::parse(&bytes), Err(NotAHandshake));
        }
        assert_eq!(opening(b"GET / HTTP/1.1\r\n"), Opening::NotBitTorrent);
    }
}
