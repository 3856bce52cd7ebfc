//! Whatever a .torrent file says, reading it ends; and a torrent that is read has files and pieces that fit each other,
//! paths that lead nowhere else, and reads the same again.

#![no_main]

use engine::{BlockRef, Metainfo, PIECES_MAX, PieceIndex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
    // The same bytes as an info dictionary, so that less has to be guessed.
    check(&[b"d4:info", data, b"e"].concat());
});

fn check(file: &[u8]) {
    let metainfo = match Metainfo::parse(file) {
        Ok(metainfo) => metainfo,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error says something"),
    };
    let again = Metainfo::parse(metainfo.as_bytes());
    assert!(again.is_ok_and(|again| again == metainfo), "what is stored is read again");
    let pieces = metainfo.pieces_total();
    assert!((1..=PIECES_MAX).contains(&pieces), "{pieces} pieces");

    let mut end = 0;
    for file in metainfo.files() {
        assert!(file.offset >= end, "files lie one behind the other");
        end = file.offset + file.len;
        assert!(!file.path.is_empty(), "a file has a name");
        file.path.iter().for_each(|part| check_name(part));
    }
    check_name(metainfo.name());
    assert!(end <= u64::from(pieces) * u64::from(metainfo.piece_len()), "the files fit into the pieces");

    let some = (0..pieces.min(64)).chain(pieces.saturating_sub(8)..pieces);
    for piece in some.map(PieceIndex) {
        let len = metainfo.piece_size(piece);
        assert!(len > 0 && len <= metainfo.piece_len(), "{piece:?} has {len} bytes");
        let block = BlockRef { piece, begin: 0, len };
        assert!(metainfo.contains(&block), "a piece lies within itself");
        let spans: u64 = metainfo.spans(&block).map(|span| u64::from(span.len)).sum();
        assert_eq!(spans, u64::from(len), "every byte of {piece:?} belongs to a file");
        let _ = (metainfo.piece_hashes(piece), metainfo.tree_width(piece));
    }
    assert_eq!(metainfo.piece_size(PieceIndex(pieces)), 0, "there is nothing behind the last piece");

    let magnet = metainfo.magnet();
    assert_eq!(magnet.info_hash(), metainfo.info_hash(), "its link names the same torrent");
    let fetched = magnet.metainfo(metainfo.info_bytes());
    assert!(fetched.is_ok_and(|fetched| fetched.info_hashes() == metainfo.info_hashes()), "as do its peers");
}

fn check_name(name: &str) {
    let leads_elsewhere = name.contains(['/', '\\', '\0']) || ["", ".", ".."].contains(&name);
    assert!(!leads_elsewhere, "{name:?} is no name of a file");
}
