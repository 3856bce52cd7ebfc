//! Messages of the metadata exchange (BEP 9): the info dictionary in pieces of 16 KiB, for those who have only its hash.

use codec::bencode::{Limits, Value, scan_first};

use super::BadExtended;

/// Bytes of each piece of the info dictionary but the last (BEP 9: 16 KiB).
pub(crate) const METADATA_PIECE_LEN: u32 = 16 << 10;

/// The dictionary has three numbers; a few more keys may come with time.
const LIMITS: Limits = Limits { len_max: 1024, depth_max: 8, items_max: 64 };

/// What peers say to each other about the info dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataMessage<'a> {
    /// "Send me this piece of it."
    Request {
        /// Which, from zero.
        piece: u32,
    },
    /// "This is a piece of it."
    Data {
        /// Which.
        piece: u32,
        /// Length of the whole in bytes, if it says so.
        total_len: Option<u32>,
        /// The piece.
        bytes: &'a [u8],
    },
    /// "I will not send you that piece."
    Reject {
        /// Which.
        piece: u32,
    },
}

impl<'a> MetadataMessage<'a> {
    /// Reads a message; `None` for a kind that we do not know, which BEP 9 wants ignored.
    ///
    /// # Errors
    /// If it does not begin with a dictionary that says its kind and piece.
    pub fn parse(payload: &'a [u8]) -> Result<Option<Self>, BadExtended> {
        let (document, bytes) = scan_first(payload, &LIMITS).map_err(|_| BadExtended)?;
        let root = document.root();
        let number = |key: &[u8]| root.get(key).and_then(Value::number);
        let unsigned = |key| number(key).and_then(|number| u32::try_from(number).ok());
        let kind = number(b"msg_type").ok_or(BadExtended)?;
        let piece = || unsigned(b"piece").ok_or(BadExtended);
        Ok(Some(match kind {
            0 => Self::Request { piece: piece()? },
            1 => Self::Data { piece: piece()?, total_len: unsigned(b"total_size"), bytes },
            2 => Self::Reject { piece: piece()? },
            _ => return Ok(None),
        }))
    }

    /// The message as the payload of one of BEP 10.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Request { piece } => head(0, *piece, None),
            Self::Data { piece, total_len, bytes } => [&head(1, *piece, *total_len), *bytes].concat(),
            Self::Reject { piece } => head(2, *piece, None),
        }
    }
}

fn head(kind: u8, piece: u32, total_len: Option<u32>) -> Vec<u8> {
    let total = total_len.map(|len| format!("10:total_sizei{len}e")).unwrap_or_default();
    format!("d8:msg_typei{kind}e5:piecei{piece}e{total}e").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of BEP 9. Its reject is misprinted there (`msg_typei1e`).
    const EXAMPLES: [(&[u8], MetadataMessage<'_>); 3] = [
        (b"d8:msg_typei0e5:piecei0ee", MetadataMessage::Request { piece: 0 }),
        (
            b"d8:msg_typei1e5:piecei0e10:total_sizei34256eexxxxxxxx",
            MetadataMessage::Data { piece: 0, total_len: Some(34_256), bytes: b"xxxxxxxx" },
        ),
        (b"d8:msg_typei2e5:piecei0ee", MetadataMessage::Reject { piece: 0 }),
    ];

    #[test]
    fn the_examples_of_bep_9_are_read_and_written() {
        for (bytes, message) in EXAMPLES {
            assert_eq!(MetadataMessage::parse(bytes), Ok(Some(message)));
            assert_eq!(message.encode().escape_ascii().to_string(), bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn the_dictionary_ends_where_the_bytes_begin_whatever_these_are() {
        let payload = b"d5:piecei7e8:msg_typei1e10:total_sizei9e3:newl1:aeed8:msg_typei0ee";
        let bytes: &[u8] = b"d8:msg_typei0ee";
        let expected = MetadataMessage::Data { piece: 7, total_len: Some(9), bytes };
        assert_eq!(MetadataMessage::parse(payload), Ok(Some(expected)));
    }

    #[test]
    fn an_unknown_kind_is_ignored_and_nonsense_is_refused() {
        assert_eq!(MetadataMessage::parse(b"d8:msg_typei3ee"), Ok(None));
        let nonsense: [&[u8]; 8] = [
            b"",
            b"i1e",
            b"de",
            b"d8:msg_typei0ee",
            b"d8:msg_type1:05:piecei0ee",
            b"d8:msg_typei0e5:piecei-1ee",
            b"d8:msg_typei2e5:piecei4294967296ee",
            b"d8:msg_typei0e5:piecei0e",
        ];
        for payload in nonsense {
            assert_eq!(MetadataMessage::parse(payload), Err(BadExtended), "{}", payload.escape_ascii());
        }
        let long = [b"d8:msg_typei0e5:piecei0e1:x2000:".as_slice(), &[b'x'; 2000], b"e"].concat();
        assert_eq!(MetadataMessage::parse(&long), Err(BadExtended), "a dictionary without end");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = MetadataMessage::parse(&bytes);
            let _ = MetadataMessage::parse(&[b"d8:msg_typei", &bytes[..]].concat());
        }
    }
}
