//! What is accepted and what is refused of version 1, as the tests of libtorrent have it: each row has the name of a file
//! of theirs and is a file made here from the rule. Where we are stricter, the row says so.

use super::*;

const PIECE: &str = "12:piece lengthi16384e";

/// A folder named `temp` of these files.
fn temp(files: &str) -> Vec<u8> {
    torrent(&format!("5:filesl{files}e4:name4:temp{PIECE}{}", pieces(1)))
}

fn paths(metainfo: &Metainfo) -> Vec<String> {
    metainfo.files().iter().map(|file| file.path.join("/")).collect()
}

#[test]
fn what_others_accept_is_accepted() {
    let bar = || file(&["foo", "bar.txt"], 425);
    let link = |len: &str| format!("d4:attr1:l{len}4:pathl1:a1:b3:fooe12:symlink pathl1:a1:b3:baree");
    let table = [
        ("base", temp(&bar()), vec!["foo/bar.txt"]),
        ("single_multi_file", temp(&file(&["foo", "bar"], 425)), vec!["foo/bar"]),
        ("slash_path", temp(&file(&["/", "/", "bar"], 425)), vec!["_/_/bar"]),
        ("backslash_path", temp(&file(&["ba\\r"], 425)), vec!["ba_r"]),
        ("duplicate_files", temp(&(bar() + &bar())), vec!["foo/bar.txt", "foo/bar.1.txt"]),
        (
            "invalid_directory_name",
            temp(&(file(&["/", "f"], 5) + &file(&["\\", "f"], 5))),
            vec!["_/f", "_/f.1"],
        ),
        ("pad_file", temp(&(bar() + &file(&["_____padding_file_"], 2124))), vec!["foo/bar.txt", ".pad/2124"]),
        ("pad_file_no_path", temp(&(bar() + "d4:attr1:p6:lengthi2124ee")), vec!["foo/bar.txt", ".pad/2124"]),
        ("symlink1", temp(&(file(&["a", "b", "bar"], 425) + &link("6:lengthi425e"))), vec!["a/b/bar"]),
        ("symlink_zero_size", temp(&(file(&["a", "b", "bar"], 425) + &link(""))), vec!["a/b/bar"]),
        ("invalid_filename", temp(&(file(&["f"], 1) + &file(&["x", "."], 2))), vec!["f", "x"]),
    ];
    for (name, bytes, expected) in table {
        let metainfo = parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(paths(&metainfo), expected, "{name}");
        assert_eq!(metainfo.name(), "temp", "{name}");
    }
}

#[test]
fn what_others_accept_beside_the_files_is_accepted() {
    let one = |info: &str| format!("6:lengthi425e{info}{}", pieces(1));
    let named = |name: &str| parse(&torrent(&one(&format!("4:name{}{PIECE}", s(name))))).unwrap();
    let invalid_name2 = named("..");
    assert_eq!(invalid_name2.name(), invalid_name2.info_hash().to_string(), "invalid_name2");
    assert_eq!(named("foobar ").name(), "foobar_", "invalid_name3: not every system can end a name so");
    assert_eq!(named(&"long ".repeat(200)).name().len(), 240, "long_name");
    let large = parse(&torrent(&one("4:name4:temp12:piece lengthi536854528e"))).unwrap();
    assert_eq!(large.piece_len(), 32_767 * 16_384, "large_piece_size");

    let info = one(&format!("4:name4:temp{PIECE}"));
    let with =
        |before: &str, after: &str| parse(format!("d{before}4:infod{info}e{after}e").as_bytes()).unwrap();
    let whitespace_url = with("8:announce26:\n udp://test.com/announce ", "");
    assert_eq!(whitespace_url.trackers(), [["udp://test.com/announce"]], "whitespace_url");
    let nodes = "5:nodesll9:127.0.0.1i6881eel11:192.168.1.1i6881eel3:foo3:bareli1ei2eel1:ai70000eee";
    let dht_nodes = with("", nodes);
    let expected = ["127.0.0.1", "192.168.1.1"].map(|host| (host.to_owned(), 6881));
    assert_eq!(dht_nodes.dht_nodes(), expected, "dht_nodes");
    let unordered = torrent(&format!("{}{PIECE}4:name4:temp6:lengthi425e", pieces(1)));
    assert_eq!(paths(&parse(&unordered).unwrap()), ["temp"], "unordered");
}

#[test]
fn what_others_refuse_is_refused_for_its_own_reason() {
    use MetainfoError::*;
    let two = file(&["foo", "bar.txt"], 425) + &file(&["foo", "var.txt"], 425);
    let info = |rest: &str| torrent(&format!("5:filesl{two}e{rest}"));
    let one = pieces(1);
    let (missing, negative) = (
        |file: &str| LengthMissing { file: file.to_owned() },
        |file: &str, len| LengthNegative { file: file.to_owned(), len },
    );
    let link = "d4:attr1:l6:lengthi425e4:pathl1:a1:b3:fooe12:symlink pathl3:foo3:bari4eee";
    let table = [
        ("missing_piece_len", info(&format!("4:name4:temp{one}")), PieceLenMissing),
        ("invalid_piece_len", info(&format!("4:name4:temp12:piece length5:16384{one}")), PieceLenMissing),
        (
            "negative_piece_len",
            info(&format!("4:name4:temp12:piece lengthi-16384e{one}")),
            PieceLenOutOfBounds { len: -16_384 },
        ),
        ("no_name", info(&format!("{PIECE}{one}")), NameMissing),
        ("invalid_name", info(&format!("4:namei1348e{PIECE}{one}")), NameMissing),
        ("invalid_info", b"d4:info5:filese".to_vec(), NoInfo),
        ("string", b"10:libtorrent".to_vec(), NotATorrent),
        (
            "negative_size",
            torrent(&format!("6:lengthi-425e4:name4:temp{PIECE}{one}")),
            negative("temp", -425),
        ),
        ("negative_file_size", temp(&file(&["foo", "bar"], -45)), negative("foo/bar", -45)),
        ("invalid_file_size", temp("d4:pathl3:fooe6:lengthli45eee"), missing("foo")),
        ("invalid_path_list", temp("d6:lengthi425e4:pathli1242e3:fooee"), PathMissing { number: 1 }),
        ("missing_path_list", temp("d6:lengthi425ee"), PathMissing { number: 1 }),
        ("invalid_pieces", info(&format!("4:name4:temp{PIECE}6:piecesi-23e")), PiecesMissing),
        (
            "unaligned_pieces",
            info(&format!("4:name4:temp{PIECE}6:pieces24:012345678901234567890123")),
            PiecesUnaligned { len: 24 },
        ),
        ("invalid_symlink", temp(&(two.clone() + link)), LinkWithoutTarget { path: "a/b/foo".to_owned() }),
        (
            "many_pieces",
            torrent(&format!("6:lengthi1759218597889e4:name4:temp{PIECE}{one}")),
            TooManyPieces { pieces: 107_374_183 },
        ),
        ("no_files", temp(""), NoFiles),
        ("zero", torrent(&format!("6:lengthi0e4:name4:temp{PIECE}6:pieces0:")), Empty),
        ("zero2", temp(&(file(&["a"], 0) + "d4:attr1:p6:lengthi0ee" + &file(&["b"], 0))), Empty),
        (
            "duplicate_files2",
            temp(&file(&["foo", "bar.txt"], 5).repeat(110)),
            DuplicatePath { path: "foo/bar.txt".to_owned() },
        ),
    ];
    for (name, bytes, error) in table {
        assert_eq!(parse(&bytes), Err(error), "{name}");
    }
}

/// libtorrent takes the climbing out of these and goes on. Nobody names a file so by accident, so we do not.
#[test]
fn paths_that_lead_elsewhere_are_refused_where_others_change_them() {
    let single = |name: &str| torrent(&format!("6:lengthi425e4:name{}{PIECE}{}", s(name), pieces(1)));
    for (name, bytes) in [
        ("slash_path2", temp(&file(&["abc/../../def", "/", "bar"], 425))),
        ("slash_path3", single("temp/../../abc")),
        ("absolute_filename", temp(&(file(&["abcde"], 425) + &file(&["/foobar"], 5)))),
        ("parent_path", temp(&file(&["..", "..", "bar"], 425))),
        ("hidden_parent_path", temp(&file(&["foo/../../../bar", "bar"], 425))),
    ] {
        assert!(matches!(parse(&bytes), Err(MetainfoError::PathClimbsOut { .. })), "{name}");
    }
}
