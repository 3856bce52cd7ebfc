#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use codec::{InfoHash, PeerId};
use proptest::prelude::*;

use super::*;
use crate::wire::piece_header;

const PIECES: u32 = 12;
const LEN_MAX: u32 = 1 << 15;

fn block(piece: u32, begin: u32, len: u32) -> BlockRef {
    BlockRef { piece: PieceIndex(piece), begin, len }
}

fn handshake() -> Handshake {
    Handshake { reserved: [0; 8], info_hash: InfoHash([3; 20]), peer_id: PeerId([4; 20]) }
}

fn range() -> HashRange {
    HashRange { pieces_root: [9; 32], base_layer: 1, index: 2, len: 3, proof_layers: 4 }
}

/// One of everything, as bytes and as what comes out of them (blocks in one part).
fn conversation() -> (Vec<u8>, Vec<Decoded>) {
    let mut field = Bitfield::none(PIECES);
    field.insert(PieceIndex(11));
    let messages = [
        Message::Bitfield(field),
        Message::Interested,
        Message::Unchoke,
        Message::KeepAlive,
        Message::Request(block(2, 16384, 16384)),
        Message::Cancel(block(2, 16384, 16384)),
        Message::Have(PieceIndex(0)),
        Message::NotInterested,
        Message::Choke,
        Message::Suggest(PieceIndex(3)),
        Message::HaveAll,
        Message::HaveNone,
        Message::Reject(block(1, 0, 16384)),
        Message::AllowedFast(PieceIndex(11)),
        Message::Extended { id: 0, payload: b"d1:md6:ut_pexi1eee".to_vec() },
        Message::Extended { id: 7, payload: Vec::new() },
        Message::HashRequest(range()),
        Message::Hashes { range: range(), hashes: (0..96).collect() },
        Message::HashReject(range()),
    ];
    let mut bytes = handshake().encode().to_vec();
    let mut expected = vec![Decoded::Handshake(handshake())];
    for message in messages {
        message.encode(&mut bytes);
        expected.push(Decoded::Message(message));
        let sent = block(5, 32768, 7);
        bytes.extend(piece_header(&sent));
        bytes.extend(b"payload");
        expected.push(Decoded::PieceHeader { block: sent });
        expected.push(Decoded::Payload { part: sent, from: 0..0 });
        expected.push(Decoded::BlockEnd { block: sent });
        // Port (BEP 5), which this side did not offer, and something unheard of.
        bytes.extend(b"\0\0\0\x03\x09\x1a\xe1\0\0\0\x05\xf0abcd");
    }
    (bytes, expected)
}

/// Feeds the parts one after another; joins the payload of a block and checks that its bytes are where it says.
fn decode(parts: &[&[u8]]) -> Result<Vec<Decoded>, CloseReason> {
    let mut decoder = Decoder::new(PIECES, LEN_MAX);
    let mut out: Vec<Decoded> = Vec::new();
    let mut payload = Vec::new();
    for data in parts {
        let mut at = 0;
        while let Some(decoded) = decoder.next(data, &mut at)? {
            match (decoded, out.last_mut()) {
                (Decoded::Payload { part, from }, Some(Decoded::Payload { part: whole, .. })) => {
                    assert_eq!(part.begin, whole.begin + whole.len);
                    whole.len += part.len;
                    payload.extend_from_slice(&data[from]);
                }
                (Decoded::Payload { part, from }, _) => {
                    payload.extend_from_slice(&data[from]);
                    out.push(Decoded::Payload { part, from: 0..0 });
                }
                (Decoded::BlockEnd { block }, _) => {
                    assert_eq!(std::mem::take(&mut payload), b"payload");
                    out.push(Decoded::BlockEnd { block });
                }
                (other, _) => out.push(other),
            }
        }
        assert_eq!(at, data.len(), "the input is used up");
    }
    Ok(out)
}

/// The reason for which these bytes, after a handshake, close the connection.
fn refusal(bytes: &[u8]) -> CloseReason {
    decode(&[&handshake().encode(), bytes]).unwrap_err()
}

#[test]
fn a_cut_anywhere_changes_nothing() {
    let (bytes, expected) = conversation();
    assert_eq!(decode(&[&bytes]).unwrap(), expected);
    for cut in 0..=bytes.len() {
        assert_eq!(decode(&[&bytes[..cut], &bytes[cut..]]).unwrap(), expected, "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode(&single).unwrap(), expected);
}

#[test]
fn opaque_payload_stands_for_bytes() {
    let mut decoder = Decoder::new(PIECES, LEN_MAX);
    let sent = block(5, 0, 16384);
    let bytes = [&handshake().encode()[..], &piece_header(&sent)].concat();
    let mut at = 0;
    while decoder.next(&bytes, &mut at).unwrap().is_some() {}
    let (mut first, mut second) = (10_000, 6_384);
    let part = |begin, len| Some(Decoded::Payload { part: block(5, begin, len), from: 0..0 });
    assert_eq!(decoder.next_opaque(&mut first).unwrap(), part(0, 10_000));
    assert_eq!(decoder.next_opaque(&mut first).unwrap(), None);
    assert_eq!(decoder.next_opaque(&mut second).unwrap(), part(10_000, 6_384));
    assert_eq!(decoder.next_opaque(&mut second).unwrap(), Some(Decoded::BlockEnd { block: sent }));
    assert_eq!(decoder.next_opaque(&mut 9), Err(CloseReason::UnrequestedBlocks { bytes: 9 }));
}

#[test]
fn another_protocol_is_refused_at_its_first_wrong_byte() {
    assert_eq!(decode(&[b"\x13BitTorrent pr", b"X"]), Err(CloseReason::NotBitTorrent));
    assert_eq!(decode(&[b"GET"]), Err(CloseReason::NotBitTorrent));
}

#[test]
fn faults_are_named_with_their_numbers() {
    let too_long = |len| CloseReason::MessageTooLong { len, max: LEN_MAX };
    assert_eq!(refusal(&u32::MAX.to_be_bytes()), too_long(u32::MAX));
    assert_eq!(refusal(b"\0\0\x80\x01"), too_long(LEN_MAX + 1));
    assert_eq!(refusal(b"\0\0\0\x02\x00"), CloseReason::MessageLength { id: 0, len: 2 });
    assert_eq!(refusal(b"\0\0\0\x04\x04"), CloseReason::MessageLength { id: 4, len: 4 });
    assert_eq!(refusal(b"\0\0\0\x09\x07"), CloseReason::MessageLength { id: 7, len: 9 });
    assert_eq!(refusal(b"\0\0\0\x0e\x06"), CloseReason::MessageLength { id: 6, len: 14 });
    assert_eq!(
        refusal(b"\0\0\0\x05\x04\0\0\0\x0c"),
        CloseReason::OutOfRange { piece: PIECES, begin: 0, len: 0 }
    );
    assert_eq!(
        refusal(b"\0\0\0\x0d\x06\0\0\0\x0c\0\0\0\x01\0\0\0\x02"),
        CloseReason::OutOfRange { piece: PIECES, begin: 1, len: 2 }
    );
    assert_eq!(
        refusal(&piece_header(&block(PIECES, 1, 2))),
        CloseReason::OutOfRange { piece: PIECES, begin: 1, len: 2 }
    );
    assert_eq!(refusal(b"\0\0\0\x02\x0e"), CloseReason::MessageLength { id: 14, len: 2 });
    assert_eq!(refusal(b"\0\0\0\x01\x14"), CloseReason::MessageLength { id: 20, len: 1 });
    assert_eq!(refusal(b"\0\0\0\x32\x15"), CloseReason::MessageLength { id: 21, len: 50 });
    assert_eq!(refusal(b"\0\0\0\x32\x16"), CloseReason::MessageLength { id: 22, len: 50 });
    assert_eq!(
        refusal(b"\0\0\0\x05\x11\0\0\0\x0c"),
        CloseReason::OutOfRange { piece: PIECES, begin: 0, len: 0 }
    );
    assert_eq!(refusal(b"\0\0\0\x04\x05"), CloseReason::BadBitfield { len: 3, expected: 2 });
    assert_eq!(refusal(b"\0\0\0\x03\x05\xff\xff"), CloseReason::BadBitfield { len: 2, expected: 2 });
}

#[test]
fn a_torrent_may_need_a_bitfield_longer_than_other_messages() {
    let read = |bytes: &[u8]| {
        let mut decoder = Decoder::new(8000, 100);
        let mut at = 0;
        decoder.next(&handshake().encode(), &mut at).unwrap();
        decoder.next(bytes, &mut 0)
    };
    let mut bytes = Vec::new();
    let message = Message::Bitfield(Bitfield::all(8000));
    message.encode(&mut bytes);
    assert_eq!(read(&bytes), Ok(Some(Decoded::Message(message))));
    assert_eq!(
        read(&piece_header(&block(0, 0, 500))),
        Err(CloseReason::MessageTooLong { len: 509, max: 100 })
    );
}

#[test]
fn what_is_collected_is_bounded_below_what_passes_through() {
    let read = |bytes: &[u8]| {
        let mut decoder = Decoder::new(PIECES, 1 << 20);
        decoder.next(&handshake().encode(), &mut 0).unwrap();
        decoder.next(bytes, &mut 0)
    };
    let refused = |len| Err(CloseReason::MessageTooLong { len, max: COLLECTED_LEN_MAX });
    assert_eq!(read(b"\0\x01\0\x01\x14"), refused(COLLECTED_LEN_MAX + 1));
    assert_eq!(read(b"\0\x01\0\x11\x16"), refused(COLLECTED_LEN_MAX + 17));
    let mut bytes = Vec::new();
    let message = Message::Extended { id: 1, payload: vec![5; COLLECTED_LEN_MAX as usize - 2] };
    message.encode(&mut bytes);
    assert_eq!(read(&bytes), Ok(Some(Decoded::Message(message))));
}

#[test]
fn without_a_torrent_only_extensions_are_read() {
    let (bytes, expected) = conversation();
    for cut in [1, 7, 4096] {
        let mut decoder = Decoder::extensions_only(LEN_MAX);
        let mut read = Vec::new();
        for part in bytes.chunks(cut) {
            let mut at = 0;
            while let Some(decoded) = decoder.next(part, &mut at).unwrap() {
                read.push(decoded);
            }
        }
        let means_something = |decoded: &&Decoded| {
            matches!(
                decoded,
                Decoded::Handshake(_) | Decoded::Message(Message::Extended { .. } | Message::KeepAlive)
            )
        };
        let wanted: Vec<_> = expected.iter().filter(means_something).cloned().collect();
        assert_eq!(read, wanted, "cut into {cut}");
    }
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::new(PIECES, LEN_MAX);
    assert_eq!(decoder.next(b"X", &mut 0), Err(CloseReason::NotBitTorrent));
    assert_eq!(decoder.next(&handshake().encode(), &mut 0), Err(CloseReason::NotBitTorrent));
    assert_eq!(decoder.next_opaque(&mut 1), Err(CloseReason::NotBitTorrent));
}

proptest! {
    #[test]
    fn arbitrary_bytes_after_a_handshake_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        small in proptest::collection::vec(0_u8..24, 0..400),
        cut in 0_usize..400,
    ) {
        for bytes in [bytes, small] {
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::new(PIECES, LEN_MAX);
            let mut outcome = Ok(());
            for part in [&handshake().encode()[..], &bytes[..cut], &bytes[cut..]] {
                let mut at = 0;
                while outcome.is_ok() {
                    match decoder.next(part, &mut at) {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(reason) => outcome = Err(reason),
                    }
                }
                prop_assert!(at <= part.len());
            }
        }
    }
}
