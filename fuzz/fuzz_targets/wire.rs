//! Whatever a peer sends and wherever its bytes are cut, the decoder says the same; it takes memory only for what came;
//! and a message, written and read again, is the same.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use engine::{BlockRef, CloseReason, Decoded, Decoder, Handshake, InfoHash, Message, PeerId};
use libfuzzer_sys::fuzz_target;

const MESSAGE_LEN_MAX: u32 = 1 << 17;

#[derive(Arbitrary, Debug)]
struct Setting {
    /// Zero: nothing is known of the torrent.
    pieces_total: u16,
    has_handshake: bool,
    cuts: [u8; 4],
}

fuzz_target!(|data: &[u8]| {
    let mut source = Unstructured::new(data);
    let Ok(setting) = Setting::arbitrary(&mut source) else { return };
    let mut bytes = Vec::new();
    if setting.has_handshake {
        bytes.extend(handshake());
    }
    bytes.extend(source.take_rest());

    let whole = decode(&setting, std::iter::once(&bytes[..]));
    let mut rest = &bytes[..];
    let cut = setting.cuts.iter().cycle().map_while(|&len| {
        let (part, after) = rest.split_at(rest.len().min(usize::from(len) + 1));
        rest = after;
        (!part.is_empty()).then_some(part)
    });
    assert_eq!(decode(&setting, cut), whole, "where reads are cut means nothing");

    let messages = whole.0.into_iter().filter_map(|said| match said {
        Said::Message(message) => Some(message),
        _ => None,
    });
    for message in messages {
        let mut written = handshake();
        message.encode(&mut written);
        let (said, error) = decode(&setting, std::iter::once(&written[..]));
        assert_eq!((said.last(), error), (Some(&Said::Message(message)), None));
    }
});

/// What is decoded, with the payload of a block as one.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Handshake(Handshake),
    Message(Message),
    Header(BlockRef),
    Payload { bytes: Vec<u8> },
    End(BlockRef),
}

fn decode<'a>(setting: &Setting, reads: impl Iterator<Item = &'a [u8]>) -> (Vec<Said>, Option<CloseReason>) {
    let mut decoder = match setting.pieces_total {
        0 => Decoder::extensions_only(MESSAGE_LEN_MAX),
        total => Decoder::new(total.into(), MESSAGE_LEN_MAX),
    };
    let mut said = Vec::new();
    let mut block_end = None;
    for read in reads {
        let mut at = 0;
        loop {
            let decoded = match decoder.next(read, &mut at) {
                Ok(Some(decoded)) => decoded,
                Ok(None) => break,
                Err(reason) => {
                    assert_eq!(decoder.next(read, &mut at), Err(reason.clone()), "a fault stays");
                    return (said, Some(reason));
                }
            };
            match decoded {
                Decoded::Handshake(handshake) => said.push(Said::Handshake(handshake)),
                Decoded::Message(message) => said.push(Said::Message(message)),
                Decoded::PieceHeader { block } => {
                    block_end = Some(block.begin);
                    said.push(Said::Header(block));
                }
                Decoded::Payload { part, from } => {
                    assert_eq!(from.len(), part.len as usize, "every byte has its place");
                    assert_eq!(block_end, Some(part.begin), "parts lie one behind the other");
                    // A block may lie beyond any piece; that is for the engine to refuse.
                    block_end = Some(part.begin.saturating_add(part.len));
                    match said.last_mut() {
                        Some(Said::Payload { bytes }) => bytes.extend(&read[from]),
                        _ => said.push(Said::Payload { bytes: read[from].to_vec() }),
                    }
                }
                Decoded::BlockEnd { block } => said.push(Said::End(block)),
            }
        }
        assert_eq!(at, read.len(), "all is used up");
    }
    (said, None)
}

fn handshake() -> Vec<u8> {
    let (info_hash, peer_id) = (InfoHash([7; 20]), PeerId([8; 20]));
    Handshake { reserved: [0; 8], info_hash, peer_id }.encode().to_vec()
}
