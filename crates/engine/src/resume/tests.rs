//! Records in, what they say out; torn, flipped, foreign and old logs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

fn log() -> ResumeLog {
    ResumeLog::new(InfoHash([9; 20]), 12)
}

/// The pieces, totals and sound length that these records give.
fn check(records: &[Vec<u8>]) -> (Vec<u32>, u64, u64, usize) {
    let bytes = [vec![log().header()], records.to_vec()].concat().concat();
    let resume = log().parse(&bytes).unwrap();
    (resume.have.iter().map(|p| p.0).collect(), resume.uploaded, resume.downloaded, resume.valid_len)
}

#[test]
fn records_add_up_in_their_order() {
    let log = log();
    let piece = |piece| log.record_piece(PieceIndex(piece));
    assert_eq!(check(&[]), (vec![], 0, 0, 36));
    assert_eq!(check(&[piece(3), piece(11), piece(3)]), (vec![3, 11], 0, 0, 63));
    assert_eq!(check(&[log.record_totals(1, 2), piece(0), log.record_totals(5, 6)]), (vec![0], 5, 6, 87));
    assert_eq!(
        check(&[piece(3), log.record_totals(5, 6), log.record_reset(), piece(4)]),
        (vec![4], 5, 6, 80)
    );
}

#[test]
fn a_log_cut_anywhere_loses_no_whole_record() {
    let log = log();
    let records: Vec<_> = (0..12).map(|piece| log.record_piece(PieceIndex(piece))).collect();
    let bytes = [log.header(), records.concat()].concat();
    for len in 36..=bytes.len() {
        let resume = log.parse(&bytes[..len]).unwrap();
        let whole = (len - 36) / 9;
        assert_eq!((resume.have.count() as usize, resume.valid_len), (whole, 36 + whole * 9), "{len} bytes");
    }
    for len in 0..36 {
        assert_eq!(log.parse(&bytes[..len]), Err(ResumeError::Damaged));
    }
}

#[test]
fn nothing_behind_a_damaged_record_counts() {
    let log = log();
    let piece = |piece| log.record_piece(PieceIndex(piece));
    for at in 0..9 {
        let mut damaged = piece(2);
        damaged[at] ^= 0x10;
        assert_eq!(check(&[piece(1), damaged, piece(3)]), (vec![1], 0, 0, 45), "byte {at}");
    }
    assert_eq!(check(&[piece(1), vec![0; 100]]), (vec![1], 0, 0, 45), "zeros that a file system left");
    assert_eq!(check(&[piece(1), piece(12)]), (vec![1], 0, 0, 45), "a piece outside the torrent");
    let other = ResumeLog::new(InfoHash([8; 20]), 12).record_piece(PieceIndex(2));
    assert_eq!(check(&[piece(1), other]), (vec![1], 0, 0, 45), "remains of another log");
}

#[test]
fn only_the_log_of_the_same_torrent_is_read() {
    let parse = |bytes: &[u8]| log().parse(bytes).map(|_| ());
    assert_eq!(parse(&ResumeLog::new(InfoHash([8; 20]), 12).header()), Err(ResumeError::OtherTorrent));
    assert_eq!(parse(&ResumeLog::new(InfoHash([9; 20]), 13).header()), Err(ResumeError::OtherTorrent));
    let mut newer = log().header();
    newer[7] = 3;
    assert_eq!(parse(&newer), Err(ResumeError::Version { version: 3 }));
    let mut damaged = log().header();
    damaged[20] ^= 1;
    assert_eq!(parse(&damaged), Err(ResumeError::Damaged));
}

/// Every kind of record, some more than once.
fn all_records() -> Vec<Vec<u8>> {
    let log = log();
    vec![
        log.record_piece(PieceIndex(7)),
        log.record_blocks(run(3, 4, 5)),
        log.record_totals(3, 4),
        log.record_blocks(run(3, 1, 1)),
        log.record_settings(b"limits and such").unwrap(),
        log.record_blocks(run(9, 0, 1)),
        log.record_discarded(PieceIndex(9)),
        log.record_seeding_time(70),
        log.record_blocks(run(8, 0, 2)),
        log.record_piece(PieceIndex(8)),
    ]
}

fn run(piece: u32, first: u32, count: u32) -> BlockRun {
    BlockRun { piece: PieceIndex(piece), first, count }
}

fn parse(records: &[Vec<u8>]) -> Resume {
    log().parse(&[log().header(), records.concat()].concat()).unwrap()
}

#[test]
fn blocks_settings_and_seeding_time_are_kept() {
    let resume = parse(&all_records());
    assert_eq!(resume.have.iter().collect::<Vec<_>>(), [PieceIndex(7), PieceIndex(8)]);
    assert_eq!(resume.partial.runs(), [run(3, 1, 1), run(3, 4, 5)]);
    assert_eq!((resume.seeding_s, &resume.settings[..]), (70, &b"limits and such"[..]));
    assert!(!resume.is_old);
}

#[test]
fn blocks_of_a_piece_that_is_verified_reset_or_given_up_do_not_count() {
    let log = log();
    for end in [
        log.record_piece(PieceIndex(3)),
        log.record_discarded(PieceIndex(3)),
        log.record_reset(),
        log.record(kind::BITFIELD, &[Bitfield::none(12).as_wire()]),
    ] {
        assert!(parse(&[log.record_blocks(run(3, 0, 1)), end]).partial.is_empty());
    }
    assert!(parse(&[log.record_piece(PieceIndex(3)), log.record_blocks(run(3, 0, 1))]).partial.is_empty());
}

#[test]
fn a_log_torn_at_any_byte_says_what_its_whole_records_say() {
    let records = all_records();
    let bytes = [log().header(), records.concat()].concat();
    let mut ends = vec![36];
    ends.extend(records.iter().scan(36, |end, record| {
        *end += record.len();
        Some(*end)
    }));
    for len in 36..=bytes.len() {
        let whole = ends.iter().filter(|&&end| end <= len).count() - 1;
        assert_eq!(log().parse(&bytes[..len]).unwrap(), parse(&records[..whole]), "{len} bytes");
    }
}

#[test]
fn a_flipped_bit_ends_the_log_before_the_record_that_it_is_in() {
    let records = all_records();
    let bytes = [log().header(), records.concat()].concat();
    let mut start = 36;
    for (nth, record) in records.iter().enumerate() {
        for at in start..start + record.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(log().parse(&flipped).unwrap(), parse(&records[..nth]), "byte {at}, bit {bit}");
            }
        }
        start += record.len();
    }
    for at in 0..36 {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(log().parse(&flipped).is_err(), "byte {at} of the header");
    }
}

#[test]
fn what_no_writer_of_ours_says_ends_the_log() {
    let log = log();
    let long = log.record(
        kind::SETTINGS,
        &[&(SETTINGS_LEN_MAX as u32 + 1).to_be_bytes(), &vec![0; SETTINGS_LEN_MAX + 1]],
    );
    for bad in [
        log.record_blocks(run(12, 0, 1)),
        log.record_blocks(run(0, 0, 0)),
        log.record_blocks(run(0, 32_700, 69)),
        log.record_blocks(run(0, u32::MAX, u32::MAX)),
        log.record_discarded(PieceIndex(12)),
        log.record(9, &[]),
        long,
    ] {
        assert_eq!(parse(&[log.record_piece(PieceIndex(1)), bad]).valid_len, 45);
    }
    assert_eq!(log.record_settings(&vec![0; SETTINGS_LEN_MAX + 1]), None);
}

/// A log as the version before this one wrote it.
fn old_log() -> Vec<u8> {
    let log = log();
    let record = |kind: u8, body: &[u8]| {
        let record = [&[kind], body].concat();
        let sum = checksum(&log.header_old, &record);
        [&record[..], &sum].concat()
    };
    let totals = [5_u64.to_be_bytes(), 6_u64.to_be_bytes()].concat();
    [
        log.header_old.to_vec(),
        record(kind::PIECE, &2_u32.to_be_bytes()),
        record(kind::RESET, &[]),
        record(kind::BITFIELD, &[0x80, 0]),
        record(kind::PIECE, &3_u32.to_be_bytes()),
        record(kind::TOTALS, &totals),
    ]
    .concat()
}

#[test]
fn a_log_of_version_1_is_read_and_written_anew() {
    let bytes = old_log();
    let resume = log().parse(&bytes).unwrap();
    assert!(resume.is_old);
    assert_eq!(
        (resume.have.iter().map(|p| p.0).collect::<Vec<_>>(), resume.uploaded, resume.downloaded),
        (vec![0, 3], 5, 6)
    );
    assert_eq!(resume.valid_len, bytes.len());
    let renewed = log().parse(&log().compacted(&resume)).unwrap();
    assert!(!renewed.is_old && renewed.have == resume.have && renewed.uploaded == 5);
    let mixed = log().parse(&[bytes.clone(), log().record_piece(PieceIndex(4))].concat()).unwrap();
    assert_eq!(mixed.valid_len, bytes.len(), "records of two versions do not mix");
}

#[test]
fn the_bytes_of_version_1_are_what_they_were() {
    assert_eq!(old_log()[..9], *b"SWRESUM\x01\x09");
    assert_eq!(old_log()[36..41], [1, 0, 0, 0, 2]);
    let mut sum = crc32fast::Hasher::new();
    sum.update(&crc32fast::hash(&old_log()[..32]).to_be_bytes());
    sum.update(&[1, 0, 0, 0, 2]);
    assert_eq!(old_log()[41..45], sum.finalize().to_be_bytes());
}

#[test]
fn a_compacted_log_says_the_same() {
    let log = log();
    let resume = parse(&all_records());
    let compacted = log.compacted(&resume);
    assert_eq!(log.parse(&compacted), Ok(Resume { valid_len: compacted.len(), ..resume }));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = log().parse(&bytes);
        prop_assert!(log().parse(&[log().header(), bytes].concat()).is_ok());
    }
}
