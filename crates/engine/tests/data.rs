//! Rules that hold for all data that the engine reads and writes, tried on random data.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use engine::{
    Assembled, Bitfield, BlockRef, Decoded, Decoder, Handshake, InfoHash, Message, Metainfo, NewContent,
    NewTorrent, PIECE_LEN_MIN, PeerId, PieceAssembler, PieceIndex, ResumeLog, Stored, piece_header,
};
use proptest::prelude::*;
use proptest::sample::Index;

const PIECES: u32 = 20;

/// A folder of files with these lengths, in pieces of the shortest length. Hashes are of no matter here.
fn torrent(lens: &[u64]) -> Metainfo {
    let files: Vec<_> =
        lens.iter().enumerate().map(|(nth, len)| (vec![format!("file {nth}")], *len)).collect();
    let pieces = lens.iter().sum::<u64>().div_ceil(u64::from(PIECE_LEN_MIN));
    let torrent = NewTorrent {
        name: "sample",
        content: NewContent::Folder(&files),
        piece_len: PIECE_LEN_MIN,
        piece_hashes: &vec![[7; 20]; pieces as usize],
        trackers: &[vec!["http://tracker.test/announce".to_owned()]],
        is_private: false,
        comment: None,
        created_by: None,
    };
    torrent.build().unwrap()
}

/// File lengths around the places where things go wrong: nothing, one byte, a piece, and in between.
fn file_lens() -> impl Strategy<Value = Vec<u64>> {
    let len = prop_oneof![Just(0), Just(1), Just(16_384), 0_u64..50_000];
    proptest::collection::vec(len, 1..8).prop_filter("content", |lens| lens.iter().sum::<u64>() > 0)
}

fn block(pieces: u32) -> impl Strategy<Value = BlockRef> {
    (0..pieces, 0_u32..1 << 20, 1_u32..400).prop_map(|(piece, begin, len)| BlockRef {
        piece: PieceIndex(piece),
        begin,
        len,
    })
}

/// What a peer may say: a message, or a block with its payload.
#[derive(Clone, Debug)]
enum Said {
    Message(Message),
    Block(BlockRef),
}

fn said() -> impl Strategy<Value = Said> {
    let message = prop_oneof![
        Just(Message::KeepAlive),
        Just(Message::Choke),
        Just(Message::Unchoke),
        Just(Message::Interested),
        Just(Message::NotInterested),
        (0..PIECES).prop_map(|piece| Message::Have(PieceIndex(piece))),
        (0..PIECES).prop_map(|piece| {
            let mut field = Bitfield::none(PIECES);
            field.insert(PieceIndex(piece));
            Message::Bitfield(field)
        }),
        block(PIECES).prop_map(Message::Request),
        block(PIECES).prop_map(Message::Cancel),
    ];
    prop_oneof![message.prop_map(Said::Message), block(PIECES).prop_map(Said::Block)]
}

/// Payload by which a byte that is at the wrong place shows.
fn payload(block: &BlockRef) -> Vec<u8> {
    (0..block.len).map(|nth| (block.begin.wrapping_add(nth) % 251) as u8).collect()
}

/// The parts of `bytes` between these places.
fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn the_blocks_of_all_pieces_tile_all_files(lens in file_lens(), block_len in 1_u32..20_000) {
        let metainfo = torrent(&lens);
        let mut next = vec![0; lens.len()];
        for piece in (0..metainfo.pieces_total()).map(PieceIndex) {
            let size = metainfo.piece_size(piece);
            for begin in (0..size).step_by(block_len as usize) {
                let block = BlockRef { piece, begin, len: block_len.min(size - begin) };
                prop_assert!(metainfo.contains(&block));
                let mut in_block = 0;
                for span in metainfo.spans(&block) {
                    prop_assert_eq!(span.offset_in_file, next[span.file]);
                    prop_assert_eq!(span.offset_in_block, in_block);
                    prop_assert!(span.len > 0);
                    next[span.file] += u64::from(span.len);
                    in_block += span.len;
                }
                prop_assert_eq!(in_block, block.len);
            }
        }
        prop_assert_eq!(next, lens);
    }

    #[test]
    fn a_torrent_that_was_made_reads_the_same_again(lens in file_lens()) {
        let metainfo = torrent(&lens);
        prop_assert_eq!(Metainfo::parse(metainfo.as_bytes()).unwrap(), metainfo);
    }

    #[test]
    fn a_damaged_torrent_is_refused_or_still_sound(
        lens in file_lens(),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = torrent(&lens).as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(metainfo) = Metainfo::parse(&bytes) {
            let mut offset = 0;
            for file in metainfo.files() {
                prop_assert_eq!(file.offset, offset);
                offset += file.len;
                let is_safe = |name: &String| !name.is_empty() && name != ".." && !name.contains(['/', '\\', '\0']);
                prop_assert!(!file.path.is_empty() && file.path.iter().all(is_safe), "{:?}", file.path);
            }
            prop_assert!(metainfo.total_len() <= offset);
            let sizes: u64 = (0..metainfo.pieces_total()).map(|p| u64::from(metainfo.piece_size(PieceIndex(p)))).sum();
            prop_assert_eq!(sizes, offset);
        }
    }

    #[test]
    fn what_is_said_is_understood_wherever_it_is_cut(
        all in proptest::collection::vec(said(), 0..12),
        cuts in proptest::collection::vec(any::<Index>(), 0..40),
    ) {
        let handshake = Handshake { reserved: [1; 8], info_hash: InfoHash([2; 20]), peer_id: PeerId([3; 20]) };
        let mut bytes = handshake.encode().to_vec();
        for said in &all {
            match said {
                Said::Message(message) => message.encode(&mut bytes),
                Said::Block(block) => {
                    bytes.extend(piece_header(block));
                    bytes.extend(payload(block));
                }
            }
        }
        let mut decoder = Decoder::new(PIECES, 1 << 14);
        let mut expected = all.iter();
        let mut received = Vec::new();
        let mut handshakes = 0;
        for part in cut(&bytes, &cuts) {
            let mut at = 0;
            while let Some(decoded) = decoder.next(part, &mut at).unwrap() {
                match decoded {
                    Decoded::Handshake(read) => {
                        prop_assert_eq!(read, handshake);
                        handshakes += 1;
                    }
                    Decoded::Message(read) => {
                        let Some(Said::Message(message)) = expected.next() else { panic!("unsaid: {read:?}") };
                        prop_assert_eq!(&read, message);
                    }
                    Decoded::PieceHeader { .. } => received.clear(),
                    Decoded::Payload { part: place, from } => {
                        prop_assert_eq!(place.len as usize, from.len());
                        received.extend_from_slice(&part[from]);
                    }
                    Decoded::BlockEnd { block } => {
                        let Some(Said::Block(sent)) = expected.next() else { panic!("unsaid: {block:?}") };
                        prop_assert_eq!(&block, sent);
                        prop_assert_eq!(&received, &payload(sent));
                    }
                }
            }
            prop_assert_eq!(at, part.len());
        }
        prop_assert!(expected.next().is_none());
        prop_assert_eq!(handshakes, 1);
    }

    #[test]
    fn a_log_cut_anywhere_says_what_its_whole_records_say(
        records in proptest::collection::vec((0_u8..8, 0..PIECES), 0..30),
        kept in any::<Index>(),
    ) {
        let log = ResumeLog::new(InfoHash([5; 20]), PIECES);
        let mut bytes = log.header();
        // The state after each record, by the length of the log then.
        let mut have = Bitfield::none(PIECES);
        let mut totals = (0, 0);
        let mut states = BTreeMap::from([(bytes.len(), (have.clone(), totals))]);
        for (kind, number) in records {
            let record = match kind {
                0 => {
                    have = Bitfield::none(PIECES);
                    log.record_reset()
                }
                1 => {
                    totals = (u64::from(number), u64::from(number) << 40);
                    log.record_totals(totals.0, totals.1)
                }
                _ => {
                    have.insert(PieceIndex(number));
                    log.record_piece(PieceIndex(number))
                }
            };
            bytes.extend(record);
            states.insert(bytes.len(), (have.clone(), totals));
        }
        let header_len = log.header().len();
        let kept = header_len + kept.index(bytes.len() - header_len + 1);
        let resume = log.parse(&bytes[..kept]).unwrap();
        let (valid_len, (have, totals)) = states.range(..=kept).next_back().unwrap();
        prop_assert_eq!(resume.valid_len, *valid_len);
        prop_assert_eq!(&resume.have, have);
        prop_assert_eq!((resume.uploaded, resume.downloaded), *totals);
    }

    #[test]
    fn pieces_are_assembled_right_and_within_the_bound(
        steps in proptest::collection::vec((0_u32..6, 0_u32..4, any::<bool>()), 0..80),
        buffers in 0_usize..4,
    ) {
        const BLOCK: u32 = 8;
        const PIECE: u32 = 4 * BLOCK;
        let bytes_max = buffers * PIECE as usize;
        let mut assembler = PieceAssembler::new(bytes_max, PIECE);
        // What each piece holds: in memory, or `None` for in storage.
        let mut model: BTreeMap<u32, Option<Vec<u8>>> = BTreeMap::new();
        for (nth, (piece, block, ends)) in steps.into_iter().enumerate() {
            if ends {
                match (assembler.take(PieceIndex(piece)), model.remove(&piece).flatten()) {
                    (Assembled::Buffer(buffer), Some(expected)) => {
                        for (at, byte) in expected.iter().enumerate().filter(|(_, byte)| **byte != 0) {
                            prop_assert_eq!(buffer[at], *byte);
                        }
                        assembler.recycle(buffer);
                    }
                    (assembled, expected) => prop_assert_eq!((assembled, expected), (Assembled::OnDisk, None)),
                }
            } else {
                let fill = nth as u8 + 1;
                let part = BlockRef { piece: PieceIndex(piece), begin: block * BLOCK, len: BLOCK };
                let stored = assembler.store(part, &[fill; BLOCK as usize], PIECE);
                let held = model
                    .entry(piece)
                    .or_insert_with(|| (stored == Stored::Buffered).then(|| vec![0; PIECE as usize]));
                prop_assert_eq!(held.is_some(), stored == Stored::Buffered, "a piece stays where it began");
                if let Some(held) = held {
                    held[part.begin as usize..(part.begin + BLOCK) as usize].fill(fill);
                }
            }
            prop_assert!(assembler.allocated_bytes() <= bytes_max);
        }
    }
}
