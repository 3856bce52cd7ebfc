#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepted;
mod v2;

use super::*;
use sha1::{Digest as _, Sha1};

/// A bencoded string.
fn s(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// A .torrent file around this content of `info`.
fn torrent(info: &str) -> Vec<u8> {
    format!("d8:announce15:http://t.test/a4:infod{info}ee").into_bytes()
}

fn pieces(count: usize) -> String {
    format!("6:pieces{}", s(&"h".repeat(20 * count)))
}

/// `info` of a folder with these bencoded files and so many pieces of 16 KiB.
fn folder(files: &str, count: usize) -> Vec<u8> {
    torrent(&format!("5:filesl{files}e4:name1:n12:piece lengthi16384e{}", pieces(count)))
}

fn file(path: &[&str], len: i64) -> String {
    let path: String = path.iter().map(|part| s(part)).collect();
    format!("d6:lengthi{len}e4:pathl{path}ee")
}

fn parse(bytes: &[u8]) -> Result<Metainfo, MetainfoError> {
    Metainfo::parse(bytes)
}

/// One line a file: path, offset, length, and `pad` for padding; or the error.
fn check(bytes: &[u8]) -> Vec<String> {
    let line = |file: &FileEntry| {
        let pad = if file.is_padding { " pad" } else { "" };
        format!("{} @{} +{}{pad}", file.path.join("/"), file.offset, file.len)
    };
    match parse(bytes) {
        Ok(metainfo) => metainfo.files().iter().map(line).collect(),
        Err(error) => vec![format!("{error:?}")],
    }
}

#[test]
fn a_single_file_is_read() {
    let info = format!("6:lengthi16385e4:name5:a.iso12:piece lengthi16384e{}7:privatei1e", pieces(2));
    let bytes = torrent(&info);
    let metainfo = parse(&bytes).unwrap();
    assert_eq!(check(&bytes), ["a.iso @0 +16385"]);
    assert!(metainfo.is_single_file() && metainfo.is_private());
    assert_eq!((metainfo.pieces_total(), metainfo.total_len()), (2, 16385));
    assert_eq!(metainfo.info_hash().0, <[u8; 20]>::from(Sha1::digest(format!("d{info}e"))));
    assert_eq!(metainfo.trackers(), [["http://t.test/a"]]);
    assert_eq!(metainfo.as_bytes(), bytes);
}

#[test]
fn the_last_piece_may_be_shorter_and_no_piece_lies_outside() {
    let bytes = torrent(&format!("6:lengthi16385e4:name1:n12:piece lengthi16384e{}", pieces(2)));
    let metainfo = parse(&bytes).unwrap();
    assert_eq!([0, 1, 2, u32::MAX].map(|piece| metainfo.piece_size(PieceIndex(piece))), [16384, 1, 0, 0]);
    assert_eq!([1, 2].map(|piece| metainfo.piece_hashes(PieceIndex(piece)).is_known()), [true, false]);
    let contains = |piece, begin, len| metainfo.contains(&BlockRef { piece: PieceIndex(piece), begin, len });
    assert!(contains(0, 0, 16384) && contains(1, 0, 1));
    assert!(!contains(0, 1, 16384) && !contains(1, 1, 1) && !contains(2, 0, 1) && !contains(0, u32::MAX, 2));
}

#[test]
fn the_info_hash_is_over_the_bytes_as_they_were_written() {
    // Unordered, with a foreign key that is no UTF-8.
    let mut info = b"d3:\xff\xfe\xfdi1e12:piece lengthi16384e4:name1:n".to_vec();
    info.extend_from_slice(pieces(1).as_bytes());
    info.extend_from_slice(b"6:lengthi3ee");
    let bytes = [b"d4:info", &info[..], b"e"].concat();
    assert_eq!(parse(&bytes).unwrap().info_hash().0, <[u8; 20]>::from(Sha1::digest(&info)));
}

#[test]
fn files_lie_one_behind_the_other() {
    let files = [file(&["a"], 10), file(&["empty"], 0), file(&["d", "b"], 16384)].concat();
    assert_eq!(check(&folder(&files, 2)), ["a @0 +10", "empty @10 +0", "d/b @10 +16384"]);
}

#[test]
fn where_length_and_files_both_stand_the_files_count() {
    let info =
        format!("5:filesl{}e6:lengthi9e4:name1:n12:piece lengthi16384e{}", file(&["a"], 10), pieces(1));
    assert_eq!(check(&torrent(&info)), ["a @0 +10"]);
}

#[test]
fn padding_may_be_named_anyhow_even_twice_the_same() {
    let pad = "d4:attr1:p6:lengthi6e4:pathl2:..ee";
    let files =
        [file(&["a"], 10), pad.to_owned(), pad.to_owned(), "d4:attr1:p6:lengthi1ee".to_owned()].concat();
    assert_eq!(
        check(&folder(&files, 1)),
        ["a @0 +10", ".pad/6 @10 +6 pad", ".pad/6 @16 +6 pad", ".pad/1 @22 +1 pad"]
    );
}

#[test]
fn every_refusal_is_a_sentence_that_ends() {
    let errors =
        [parse(b"").unwrap_err(), parse(&folder("", 1)).unwrap_err(), parse(&torrent("")).unwrap_err()];
    for error in errors {
        let text = error.to_string();
        assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{text}");
    }
}

#[test]
fn padding_is_flagged_and_links_are_left_out() {
    let pad = |len| format!("d4:attr1:p6:lengthi{len}e4:pathl4:.pad1:xee");
    let link = "d4:attr1:l4:pathl4:linke12:symlink pathl1:aee";
    let files = [file(&["a"], 10), pad(6), link.to_owned(), file(&["b"], 16), pad(8)].concat();
    assert_eq!(
        check(&folder(&files, 1)),
        ["a @0 +10", ".pad/6 @10 +6 pad", "b @16 +16", ".pad/8 @32 +8 pad"]
    );
    let link_to_nowhere = "d4:attr1:l6:lengthi0e4:pathl4:linkee";
    assert_eq!(check(&folder(link_to_nowhere, 1)), ["LinkWithoutTarget { path: \"link\" }"]);
}

#[test]
fn files_of_one_path_are_told_apart_by_a_number() {
    let files =
        [file(&["d", "a.txt"], 1), file(&["d", "a.1.txt"], 2), file(&["d", "a.txt"], 3), file(&["b"], 4)];
    let more = [file(&["d", "a.txt"], 5), file(&["b"], 6), file(&[".c"], 7), file(&[".c"], 8)];
    assert_eq!(
        check(&folder(&[files.concat(), more.concat()].concat(), 1)),
        [
            "d/a.txt @0 +1",
            "d/a.1.txt @1 +2",
            "d/a.2.txt @3 +3",
            "b @6 +4",
            "d/a.3.txt @10 +5",
            "b.1 @15 +6",
            ".c @21 +7",
            ".c.1 @28 +8"
        ]
    );
}

#[test]
fn utf8_names_are_preferred() {
    let both = "d6:lengthi1e4:pathl3:olde10:path.utf-8l3:newee";
    let bytes =
        torrent(&format!("5:filesl{both}e4:name1:o10:name.utf-81:n12:piece lengthi16384e{}", pieces(1)));
    assert_eq!(check(&bytes), ["new @0 +1"]);
    assert_eq!(parse(&bytes).unwrap().name(), "n");
}

#[test]
fn a_name_of_which_nothing_is_left_becomes_the_info_hash() {
    for name in ["", ".", ".."] {
        let bytes = torrent(&format!("6:lengthi1e4:name{}12:piece lengthi16384e{}", s(name), pieces(1)));
        let metainfo = parse(&bytes).unwrap();
        assert_eq!(metainfo.name(), metainfo.info_hash().to_string(), "{name}");
    }
}

#[test]
fn what_is_no_torrent_is_told_from_what_is_damaged() {
    let good = torrent(&format!("6:lengthi1e4:name1:n12:piece lengthi16384e{}", pieces(1)));
    assert!(parse(&good).is_ok());
    for bad in [&b""[..], b"<!DOCTYPE html>", b"le", b"i1e", b"4:spam", b"\x89PNG\r\n", b"d<html>"] {
        assert_eq!(parse(bad), Err(MetainfoError::NotATorrent), "{}", bad.escape_ascii());
    }
    for len in 1..good.len() {
        assert!(matches!(parse(&good[..len]), Err(MetainfoError::Damaged(_))), "cut at {len}");
    }
    assert!(matches!(parse(&[&good[..], b"\n"].concat()), Err(MetainfoError::Damaged(_))));
    assert!(matches!(parse(&b"l".repeat(1_000_000)), Err(MetainfoError::Damaged(_))));
    assert!(matches!(parse(&b"d1:a".repeat(1_000_000)), Err(MetainfoError::Damaged(_))));
    let len = METAINFO_LEN_MAX + 1;
    assert_eq!(parse(&vec![b'd'; len]), Err(MetainfoError::TooLarge { len }));
}

#[test]
fn each_unsound_info_has_its_own_error() {
    use MetainfoError::*;
    let (name, piece_len, length) = ("4:name1:n", "12:piece lengthi16384e", "6:lengthi1e");
    let one = pieces(1);
    let missing = |file: &str| LengthMissing { file: file.to_owned() };
    let table = [
        (format!("{length}{name}{one}"), PieceLenMissing),
        (format!("{length}{name}12:piece length3:abc{one}"), PieceLenMissing),
        (format!("{length}{name}12:piece lengthi-1e{one}"), PieceLenOutOfBounds { len: -1 }),
        (format!("{length}{name}12:piece lengthi0e{one}"), PieceLenOutOfBounds { len: 0 }),
        (format!("{length}{name}12:piece lengthi536870913e{one}"), PieceLenOutOfBounds { len: 536_870_913 }),
        (format!("{length}{piece_len}{one}"), NameMissing),
        (format!("{length}4:namei1e{piece_len}{one}"), NameMissing),
        (format!("{length}{name}{piece_len}"), PiecesMissing),
        (format!("{length}{name}{piece_len}6:piecesi1e"), PiecesMissing),
        (format!("{length}{name}{piece_len}6:pieces19:hhhhhhhhhhhhhhhhhhh"), PiecesUnaligned { len: 19 }),
        (format!("{length}{name}{piece_len}{}", pieces(2)), PiecesCount { expected: 1, found: 2 }),
        (format!("{length}{name}{piece_len}6:pieces0:"), PiecesCount { expected: 1, found: 0 }),
        (format!("6:lengthi16385e{name}{piece_len}{one}"), PiecesCount { expected: 2, found: 1 }),
        (format!("{name}{piece_len}{one}"), missing("n")),
        (format!("6:length1:5{name}{piece_len}{one}"), missing("n")),
        (format!("6:lengthi-5e{name}{piece_len}{one}"), LengthNegative { file: "n".to_owned(), len: -5 }),
        (format!("6:lengthi0e{name}{piece_len}6:pieces0:"), Empty),
        (format!("{length}12:meta versioni2e{name}{piece_len}"), FileTreeMissing),
        (format!("{length}12:meta versioni3e{name}{piece_len}{one}"), TooNew { version: 3 }),
        (format!("{length}{length}{name}{piece_len}{one}"), {
            Ambiguous(codec::bencode::DuplicateKey { key: "length", offset: 55 })
        }),
    ];
    for (info, error) in table {
        assert_eq!(parse(&torrent(&info)), Err(error), "{info}");
    }
    assert_eq!(parse(b"d8:announce1:xe"), Err(NoInfo));
    assert_eq!(parse(b"d4:info3:abce"), Err(NoInfo));
}

#[test]
fn each_unsound_file_list_has_its_own_error() {
    use MetainfoError::*;
    let climbs = |path: &str| PathClimbsOut { path: path.to_owned() };
    let twice = |path: &str| DuplicatePath { path: path.to_owned() };
    let table = [
        (String::new(), NoFiles),
        ("i1e".to_owned(), LengthMissing { file: "n".to_owned() }),
        ("d6:lengthi1ee".to_owned(), PathMissing { number: 1 }),
        ("d6:lengthi1e4:pathlee".to_owned(), PathMissing { number: 1 }),
        ("d6:lengthi1e4:pathl1:ai1eee".to_owned(), PathMissing { number: 1 }),
        (format!("{}d6:lengthi1e4:pathl0:ee", file(&["a"], 1)), PathMissing { number: 2 }),
        ("d4:pathl1:aee".to_owned(), LengthMissing { file: "a".to_owned() }),
        (file(&["a"], -1), LengthNegative { file: "a".to_owned(), len: -1 }),
        (file(&["a", "..", "b"], 1), climbs("a/../b")),
        (file(&["/etc/passwd"], 1), climbs("/etc/passwd")),
        (file(&["a\0"], 1), climbs("a\\0")),
        (file(&["a"], 1).repeat(102), twice("a")),
        (file(&["a", "b"], 1) + &file(&["c"], 1) + &file(&["a"], 2), twice("a/b")),
        (file(&["a"], i64::MAX) + &file(&["b"], i64::MAX), TotalTooLarge),
        (file(&["a"], i64::MAX) + &file(&["b"], 1), TotalTooLarge),
        (file(&["a"], 0) + &file(&["b"], 0), Empty),
    ];
    for (files, error) in table {
        assert_eq!(parse(&folder(&files, 1)), Err(error), "{files}");
    }
    let climbing_name = torrent(&format!("6:lengthi1e4:name4:../a12:piece lengthi16384e{}", pieces(1)));
    assert_eq!(parse(&climbing_name), Err(climbs("../a")));
}

#[test]
fn trackers_come_in_tiers_without_junk() {
    let check = |head: &str| {
        let info = format!("4:infod6:lengthi1e4:name1:n12:piece lengthi16384e{}e", pieces(1));
        let metainfo = parse(format!("d{head}{info}e").as_bytes()).unwrap();
        metainfo.trackers().iter().map(|tier| tier.join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(check(""), [""; 0]);
    assert_eq!(check("8:announce3:u:a"), ["u:a"]);
    assert_eq!(check("8:announce0:"), [""; 0]);
    assert_eq!(check("8:announce3:u:a13:announce-listll3:u:b5: u:c el3:u:d3:u:bee"), ["u:b u:c", "u:d"]);
    assert_eq!(check("8:announce3:u:a13:announce-listl3:u:be"), ["u:a"], "a flat list is none");
    assert_eq!(check("8:announce3:u:a13:announce-listli1el3:u:bi1eee"), ["u:b"]);
}

#[test]
fn the_spans_of_a_block_cover_it_file_by_file() {
    let files =
        [file(&["a"], 10), file(&["none"], 0), file(&["b"], 5), file(&["c"], 16384), file(&["end"], 0)];
    let metainfo = parse(&folder(&files.concat(), 2)).unwrap();
    let check = |piece, begin, len| {
        let block = BlockRef { piece: PieceIndex(piece), begin, len };
        let line =
            |s: FileSpan| format!("{}@{}+{} at {}", s.file, s.offset_in_file, s.len, s.offset_in_block);
        metainfo.spans(&block).map(line).collect::<Vec<_>>()
    };
    assert_eq!(check(0, 0, 10), ["0@0+10 at 0"]);
    assert_eq!(check(0, 8, 10), ["0@8+2 at 0", "2@0+5 at 2", "3@0+3 at 7"]);
    assert_eq!(check(0, 10, 1), ["2@0+1 at 0"]);
    assert_eq!(check(0, 14, 2), ["2@4+1 at 0", "3@0+1 at 1"]);
    assert_eq!(check(1, 0, 15), ["3@16369+15 at 0"]);
    assert_eq!(check(1, 10, 100), ["3@16379+5 at 0"], "what lies outside is left out");
    assert_eq!(check(7, 0, 100), [""; 0]);
}
