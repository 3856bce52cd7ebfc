//! Whatever a log says, reading it ends; it is read up to the first record that is not sound and no further; and the
//! shorter log that is written from it says the same.

#![no_main]

use arbitrary::Arbitrary;
use engine::{BlockRun, InfoHash, PieceIndex, Resume, ResumeLog};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Story {
    pieces_total: u16,
    records: Vec<Record>,
    /// What a kill left of the log.
    cut: u16,
    raw: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Record {
    Piece(u32),
    SmallPiece(u8),
    Blocks {
        piece: u8,
        first: u16,
        count: u8,
    },
    Discarded(u8),
    Totals(u64, u64),
    SeedingTime(u64),
    Settings(Vec<u8>),
    Reset,
    /// With a checksum that is right.
    Forged {
        kind: u8,
        body: Vec<u8>,
    },
    Raw(Vec<u8>),
}

fuzz_target!(|story: Story| {
    // Enough for every width of a bitfield, few enough to be quick.
    let pieces_total = u32::from(story.pieces_total % 300);
    let log = ResumeLog::new(InfoHash([5; 20]), pieces_total);
    let _ = log.parse(&story.raw);
    let mut bytes = log.header();
    let mut sound = 0;
    let mut is_sound = true;
    for record in &story.records {
        is_sound &= !matches!(record, Record::Forged { .. } | Record::Raw(_));
        bytes.extend(record.write(&log));
        if is_sound && record.is_possible(pieces_total) {
            sound = bytes.len();
        } else {
            is_sound = false;
        }
    }
    let whole = read(&log, &bytes);
    assert!(whole.valid_len >= sound, "what was written is read");

    let cut = usize::from(story.cut).clamp(log.header().len(), bytes.len());
    let part = read(&log, &bytes[..cut]);
    assert!(part.valid_len <= whole.valid_len, "less of a log never says more");
    if cut >= whole.valid_len {
        assert_eq!(part, whole, "only what follows the last sound record is cut off");
    }
});

impl Record {
    fn write(&self, log: &ResumeLog) -> Vec<u8> {
        let small = |piece: u8| PieceIndex(piece.into());
        match self {
            Self::Piece(piece) => log.record_piece(PieceIndex(*piece)),
            Self::SmallPiece(piece) => log.record_piece(small(*piece)),
            Self::Blocks { piece, first, count } => log.record_blocks(BlockRun {
                piece: small(*piece),
                // The last blocks that a piece can have are 2 048 words away: too slow to go there each time.
                first: u32::from(*first) % 1000,
                count: (*count).into(),
            }),
            Self::Discarded(piece) => log.record_discarded(small(*piece)),
            Self::Totals(uploaded, downloaded) => log.record_totals(*uploaded, *downloaded),
            Self::SeedingTime(seconds) => log.record_seeding_time(*seconds),
            Self::Settings(settings) => log.record_settings(settings).unwrap_or_default(),
            Self::Reset => log.record_reset(),
            Self::Forged { kind, body } => forge(log, *kind, body),
            Self::Raw(bytes) => bytes.clone(),
        }
    }

    /// A writer of ours may say this.
    fn is_possible(&self, pieces_total: u32) -> bool {
        match self {
            Self::Piece(piece) => *piece < pieces_total,
            Self::SmallPiece(piece) | Self::Discarded(piece) => u32::from(*piece) < pieces_total,
            Self::Blocks { .. } => false,
            _ => true,
        }
    }
}

fn read(log: &ResumeLog, bytes: &[u8]) -> Resume {
    let resume = log.parse(bytes).expect("the header is right");
    assert!(resume.valid_len <= bytes.len(), "no more is sound than there is");
    let sound = log.parse(&bytes[..resume.valid_len]).expect("the header is right");
    assert_eq!(sound, resume, "what follows the sound part means nothing");
    assert!(
        resume.partial.iter().all(|(piece, _)| !resume.have.has(piece)),
        "no piece is both whole and begun"
    );
    let compacted = log.compacted(&resume);
    let again = log.parse(&compacted).expect("a log of ours");
    assert_eq!(again.valid_len, compacted.len(), "a new log is sound");
    assert_eq!(Resume { valid_len: resume.valid_len, ..again }, resume, "a shorter log says the same");
    resume
}

fn forge(log: &ResumeLog, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind];
    record.extend(body);
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&log.header()[32..]);
    checksum.update(&record);
    record.extend(checksum.finalize().to_be_bytes());
    record
}
