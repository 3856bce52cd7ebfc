//! The names of the protocol: 20 bytes each (BEP 3), and 32 for torrents of version 2 (BEP 52).

use std::fmt;
use std::str::FromStr;

/// Names a torrent and its swarm: SHA-1 of the original bytes of the info dictionary (BEP 3), or the first 20 bytes of
/// their SHA-256 (BEP 52).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash(pub [u8; 20]);

/// SHA-256 of the original bytes of the info dictionary; names a torrent of version 2 (BEP 52).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHashV2(pub [u8; 32]);

/// The 20 bytes by which a peer calls itself (BEP 3); the first eight often name its client (BEP 20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 20]);

/// The text is not as many hexadecimal digits as this kind of info hash has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this info hash is {expected} hexadecimal digits; the text has {found} characters or others among them"
)]
pub struct ParseHashError {
    /// Digits that were expected.
    pub expected: usize,
    /// Characters in the refused text.
    pub found: usize,
}

impl InfoHashV2 {
    /// Its first 20 bytes, by which trackers and handshakes call the torrent.
    #[must_use]
    pub const fn truncated(&self) -> InfoHash {
        match self.0.first_chunk() {
            Some(first) => InfoHash(*first),
            None => unreachable!(),
        }
    }
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfoHash({self})")
    }
}

impl FromStr for InfoHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for InfoHashV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for InfoHashV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfoHashV2({self})")
    }
}

impl FromStr for InfoHashV2 {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn parse_hex<const LEN: usize>(text: &str) -> Result<[u8; LEN], ParseHashError> {
    let error = ParseHashError { expected: 2 * LEN, found: text.chars().count() };
    if text.len() != 2 * LEN || !text.is_ascii() {
        return Err(error);
    }
    let mut bytes = [0; LEN];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let value = |digit: u8| (digit as char).to_digit(16).ok_or(error);
        *byte = (value(digits[0])? * 16 + value(digits[1])?) as u8;
    }
    Ok(bytes)
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_back_from_its_digits_and_from_nothing_else() {
        let (v1, v2) = (InfoHash([0xa7; 20]), InfoHashV2([0x5c; 32]));
        assert_eq!(v1.to_string().parse(), Ok(v1));
        assert_eq!(v2.to_string().to_uppercase().parse(), Ok(v2));
        assert_eq!(v1.to_string().parse::<InfoHashV2>(), Err(ParseHashError { expected: 64, found: 40 }));
        for bad in ["", "g7", &"é".repeat(20), &"x".repeat(40)] {
            assert!(bad.parse::<InfoHash>().is_err(), "{bad}");
        }
        assert_eq!(v2.truncated(), InfoHash([0x5c; 20]));
    }
}
