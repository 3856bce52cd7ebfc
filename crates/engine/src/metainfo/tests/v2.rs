//! Version 2 and hybrids (BEP 52): torrents of zeros, whose hashes are published, and ways to spoil them. The names of
//! the rows are those of the equivalent files in libtorrent's tests; the files here are made from the rules.

use super::*;
use crate::merkle::{LeafHasher, Node, root};
use crate::piece_check::{PieceHasher, Verdict};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Bencoded parts, of bytes that need not be text.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn string(bytes: &[u8]) -> Self {
        Self([format!("{}:", bytes.len()).as_bytes(), bytes].concat())
    }

    fn number(number: u64) -> Self {
        Self(format!("i{number}e").into_bytes())
    }

    /// In the order in which they are given.
    fn dict(entries: &[(&[u8], Self)]) -> Self {
        let entry = |(key, value): &(&[u8], Self)| [Self::string(key).0, value.0.clone()].concat();
        let entries: Vec<u8> = entries.iter().flat_map(entry).collect();
        Self([b"d", &entries[..], b"e"].concat())
    }

    fn raw(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// The leaves of so many zeros.
fn zero_leaves(len: u64) -> Vec<Node> {
    let mut hasher = LeafHasher::default();
    (0..len / (16 * KIB)).for_each(|_| hasher.update(&[0; 16 * KIB as usize]));
    hasher.update(&vec![0; (len % (16 * KIB)) as usize]);
    hasher.finish()
}

fn zero_root(len: u64) -> Node {
    let leaves = zero_leaves(len);
    root(&leaves, 0, leaves.len().next_power_of_two())
}

/// The piece layer of so many zeros.
fn zero_layer(len: u64, piece_len: u64) -> Vec<u8> {
    let width = (piece_len / (16 * KIB)) as usize;
    let layer: Vec<Node> = zero_leaves(len).chunks(width).map(|piece| root(piece, 0, width)).collect();
    layer.as_flattened().to_vec()
}

/// A file's entry in the tree.
fn leaf(properties: &[(&[u8], Bytes)]) -> Bytes {
    Bytes::dict(&[(b"", Bytes::dict(properties))])
}

/// The entry of a file of zeros.
fn zeros(len: u64) -> Bytes {
    leaf(&[(b"length", Bytes::number(len)), (b"pieces root", Bytes::string(&zero_root(len)))])
}

/// A torrent to be, of which rows spoil something.
struct Draft {
    tree: Bytes,
    piece_len: u64,
    name: Vec<u8>,
    /// Keys of version 1: before `meta version`, and `pieces`.
    length_or_files: Option<(&'static str, Bytes)>,
    pieces: Option<Vec<u8>>,
    layers: Option<Bytes>,
}

impl Draft {
    /// One file of zeros in version 2, as libtorrent's `v2_only`.
    fn new(name: &str, len: u64, piece_len: u64) -> Self {
        let layer = (&zero_root(len)[..], Bytes::string(&zero_layer(len, piece_len)));
        Self {
            tree: Bytes::dict(&[(name.as_bytes(), zeros(len))]),
            piece_len,
            name: name.as_bytes().to_vec(),
            length_or_files: None,
            pieces: None,
            layers: Some(Bytes::dict(if len > piece_len { std::slice::from_ref(&layer) } else { &[] })),
        }
    }

    /// As well in version 1: one file.
    fn hybrid(mut self, len: u64) -> Self {
        let piece = Sha1::digest(vec![0; self.piece_len as usize]);
        self.length_or_files = Some(("length", Bytes::number(len)));
        self.pieces = Some(piece.repeat((len / self.piece_len) as usize));
        self
    }

    fn info(&self) -> Vec<u8> {
        let mut entries = vec![(&b"file tree"[..], self.tree.clone())];
        entries.extend(self.length_or_files.as_ref().map(|(key, value)| (key.as_bytes(), value.clone())));
        entries.push((b"meta version", Bytes::number(2)));
        entries.push((b"name", Bytes::string(&self.name)));
        entries.push((b"piece length", Bytes::number(self.piece_len)));
        entries.extend(self.pieces.as_ref().map(|pieces| (&b"pieces"[..], Bytes::string(pieces))));
        Bytes::dict(&entries).0
    }

    fn encode(&self) -> Vec<u8> {
        let announce = Bytes::string(b"http://example.com/announce");
        let mut entries = vec![(&b"announce"[..], announce), (b"info", Bytes(self.info()))];
        entries.extend(self.layers.as_ref().map(|layers| (&b"piece layers"[..], layers.clone())));
        Bytes::dict(&entries).0
    }

    fn parse(&self) -> Result<Metainfo, MetainfoError> {
        Metainfo::parse(&self.encode())
    }
}

/// One MiB in pieces of 64 KiB, in version 2 alone.
fn v2_only() -> Draft {
    Draft::new("test1MB", MIB, 64 * KIB)
}

/// Version 2 alone, of this tree and without layers.
fn of_tree(tree: Bytes) -> Draft {
    Draft { tree, layers: None, ..v2_only() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_published_torrents_of_zeros_have_their_published_hashes() {
    let check = |draft: &Draft| {
        let metainfo = draft.parse().unwrap();
        let hashes = metainfo.info_hashes();
        let root = hex(&metainfo.files()[0].pieces_root.unwrap());
        (root, hashes.v1().map(|hash| hash.to_string()), hashes.v2().unwrap().to_string())
    };
    let root_64k = "60aae9c7b428f87e0713e88229e18f0adf12cd7b22a0dd8a92bb2485eb7af242".to_owned();
    let root_1m = "515ea9181744b817744ded9d2e8e9dc6a8450c0b0c52e24b5077f302ffbd9008".to_owned();
    let v2 = Draft::new("test64K", 64 * KIB, 64 * KIB).hybrid(64 * KIB);
    let v2_hash = "597b180c1a170a585dfc5e85d834d69013ceda174b8f357d5bb1a0ca509faf0a".to_owned();
    let v1_hash = "c14199bbec64d0e9e439aa3b6b7639e666b86eca".to_owned();
    assert_eq!(check(&v2), (root_64k, Some(v1_hash), v2_hash));
    let v2_multipiece_file = check(&v2_only().hybrid(MIB));
    assert_eq!(v2_multipiece_file.0, root_1m);
    assert_eq!(v2_multipiece_file.2, "108ac2c3718ce722e6896edc56c4afa98f1d711ecaace7aad74fca418ebd03de");
    let v2_only_hash = "95e04d0c4bad94ab206efa884666fd89777dbe4f7bd9945af1829037a85c6192".to_owned();
    assert_eq!(check(&v2_only()), (root_1m, None, v2_only_hash));
}

#[test]
fn version_2_alone_goes_by_the_first_bytes_of_its_hash_and_a_hybrid_by_both() {
    let v2_only = v2_only().parse().unwrap();
    let truncated = "95e04d0c4bad94ab206efa884666fd89777dbe4f".parse().unwrap();
    assert_eq!(v2_only.info_hash(), truncated);
    assert_eq!(v2_only.info_hashes().swarms().collect::<Vec<_>>(), [truncated]);
    let hybrid = Draft::new("test1MB", MIB, 64 * KIB).hybrid(MIB).parse().unwrap();
    let (v1, v2) = (hybrid.info_hashes().v1().unwrap(), hybrid.info_hashes().v2().unwrap());
    assert_eq!(hybrid.info_hash(), v1);
    assert_eq!(hybrid.info_hashes().swarms().collect::<Vec<_>>(), [v1, v2.truncated()]);
    assert!(hybrid.info_hashes().is_hybrid() && hybrid.info_hashes().contains(v2.truncated()));
}

#[test]
fn every_piece_has_its_hashes() {
    // 100 KiB, 20 KiB, and nothing in between: pieces of 64 KiB, the second of which is short.
    let (large, small) = (100 * KIB, 20 * KIB);
    let tree = Bytes::dict(&[
        (b"a", zeros(large)),
        (b"b", leaf(&[(b"length", Bytes::number(0))])),
        (b"c", zeros(small)),
    ]);
    let layer = (&zero_root(large)[..], Bytes::string(&zero_layer(large, 64 * KIB)));
    let draft = Draft { layers: Some(Bytes::dict(&[layer])), ..of_tree(tree) };
    let metainfo = draft.parse().unwrap();
    assert_eq!(
        check(&draft.encode()),
        [
            "a @0 +102400",
            "b @102400 +0",
            ".pad/28672 @102400 +28672 pad",
            "c @131072 +20480",
            ".pad/45056 @151552 +45056 pad"
        ]
    );
    let sizes = [0, 1, 2, 3].map(|piece| metainfo.piece_size(PieceIndex(piece)));
    assert_eq!(sizes, [64 * KIB as u32, 36 * KIB as u32, 20 * KIB as u32, 0]);
    assert_eq!(metainfo.total_len(), large + small);
    for piece in 0..3 {
        let hashes = metainfo.piece_hashes(PieceIndex(piece));
        let mut hasher = PieceHasher::new(hashes);
        hasher.update(&vec![0; sizes[piece as usize] as usize]);
        assert_eq!(hasher.finish(), Verdict::Right, "piece {piece}");
        let mut hasher = PieceHasher::new(hashes);
        hasher.update(&vec![1; sizes[piece as usize] as usize]);
        assert_eq!(hasher.finish(), Verdict::Wrong, "piece {piece}");
    }
    assert!(!metainfo.piece_hashes(PieceIndex(3)).is_known());
    // Without the layer only the small file can be checked.
    let metainfo = Draft { layers: None, ..draft }.parse().unwrap();
    assert_eq!(
        [0, 1, 2].map(|piece| metainfo.piece_hashes(PieceIndex(piece)).is_known()),
        [false, false, true]
    );
}

#[test]
fn what_others_accept_is_accepted() {
    let accept = |name: &str, draft: Draft, paths: &[&str]| {
        let metainfo = draft.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let listed = metainfo.files().iter().filter(|file| !file.is_padding);
        assert_eq!(listed.map(|file| file.path.join("/")).collect::<Vec<_>>(), paths, "{name}");
        metainfo
    };
    let no_layers = accept("v2_no_piece_layers", of_tree(v2_only().tree), &["test1MB"]);
    assert!(!no_layers.piece_hashes(PieceIndex(0)).is_known());
    assert!(no_layers.is_single_file());
    let empty_layers = Draft { layers: Some(Bytes::raw("de")), ..v2_only() };
    accept("v2_incomplete_piece_layer", empty_layers, &["test1MB"]);
    let name = b"\x82est/MB";
    let invalid_filename =
        Draft { name: name.to_vec(), tree: Bytes::dict(&[(name, zeros(MIB))]), ..v2_only() };
    accept("v2_invalid_filename", invalid_filename, &["\u{fffd}est_MB"]);
    let tree = Bytes::dict(&[(b"//", zeros(MIB)), (b"\\", zeros(MIB)), (b"x", zeros(MIB))]);
    accept("v2_invalid_filename2", of_tree(tree), &["__", "_", "x"]);
    let tree = Bytes::dict(&[(b"/", zeros(MIB)), (b"\\", zeros(MIB))]);
    accept("v2_invalid_filename2, the same after the change", of_tree(tree), &["_", "_.1"]);
    let link = leaf(&[
        (b"attr", Bytes::raw("2:xl")),
        (b"length", Bytes::number(0)),
        (b"symlink path", Bytes::raw("l1:b1:ce")),
    ]);
    let folder = Bytes::dict(&[(b"c", zeros(KIB))]);
    let with_link = accept("v2_symlinks", of_tree(Bytes::dict(&[(b"a", link), (b"b", folder)])), &["b/c"]);
    assert!(!with_link.is_single_file());
    let tail_padded = "ld6:lengthi1024e4:pathl1:aeed4:attr1:p6:lengthi64512e4:pathl4:.pad5:64512eee";
    let hybrid = Draft {
        length_or_files: Some(("files", Bytes::raw(tail_padded))),
        pieces: Some(vec![0; 20]),
        ..of_tree(Bytes::dict(&[(b"a", zeros(KIB))]))
    };
    let hybrid = accept("v2_hybrid, with padding at the end", hybrid, &["a"]);
    assert_eq!((hybrid.total_len(), hybrid.piece_size(PieceIndex(0))), (KIB, KIB as u32));
    assert_eq!(hybrid.piece_hashes(PieceIndex(0)).v1.unwrap().padding, 63 * KIB as u32);
}

#[test]
fn a_hybrid_with_empty_files_anywhere_is_accepted() {
    // One letter a file: empty, small (512 bytes) or large (50 KiB), in pieces of 16 KiB.
    for order in ["eslee", "sele", "slee", "eeels", "eeesl"] {
        let name = |nth: usize| format!("{nth}");
        let len = |letter| match letter {
            's' => 512,
            'l' => 50 * KIB,
            _ => 0,
        };
        let (mut files, mut tree, mut offset) = (String::from("l"), Vec::new(), 0);
        for (nth, letter) in order.chars().enumerate() {
            let gap = offset % (16 * KIB);
            if len(letter) > 0 && gap > 0 {
                let pad = 16 * KIB - gap;
                files += &format!("d4:attr1:p6:lengthi{pad}e4:pathl4:.pad{}ee", s(&pad.to_string()));
                offset += pad;
            }
            files += &file(&[&name(nth)], len(letter) as i64);
            let empty = || leaf(&[(b"length", Bytes::number(0))]);
            tree.push((name(nth), if len(letter) > 0 { zeros(len(letter)) } else { empty() }));
            offset += len(letter);
        }
        files.push('e');
        let tree: Vec<(&[u8], Bytes)> =
            tree.iter().map(|(name, leaf)| (name.as_bytes(), leaf.clone())).collect();
        let draft = Draft {
            length_or_files: Some(("files", Bytes::raw(&files))),
            pieces: Some(vec![0; 20 * 5]),
            piece_len: 16 * KIB,
            ..of_tree(Bytes::dict(&tree))
        };
        let metainfo = draft.parse().unwrap_or_else(|error| panic!("{order}: {error}"));
        assert!(metainfo.info_hashes().is_hybrid() && !metainfo.is_single_file(), "{order}");
        assert_eq!(metainfo.total_len(), 50 * KIB + 512, "{order}");
    }
}

/// Reads what others call by this name, and expects to hear why it is refused.
fn refuse(table: Vec<(&str, Draft, MetainfoError)>) {
    for (name, draft, error) in table {
        assert_eq!(draft.parse(), Err(error), "{name}");
    }
}

#[test]
fn trees_that_others_refuse_are_refused_for_their_own_reason() {
    use MetainfoError::*;
    let file = |name: &str| name.to_owned();
    let root = zero_root(MIB);
    let deep = |depth: usize| (0..depth).fold(zeros(KIB), |tree, _| Bytes::dict(&[(b"a", tree)]));
    let flat = Bytes::dict(&[(b"length", Bytes::number(KIB)), (b"pieces root", Bytes::string(&root))]);
    let padding = leaf(&[
        (b"attr", Bytes::raw("1:p")),
        (b"length", Bytes::number(MIB)),
        (b"pieces root", Bytes::string(&root)),
    ]);
    let link = leaf(&[(b"attr", Bytes::raw("1:l")), (b"length", Bytes::number(0))]);
    let table = vec![
        (
            "v2_invalid_file",
            of_tree(Bytes::dict(&[(b"test64K", flat)])),
            FileTreeMalformed { path: file("test64K/length") },
        ),
        (
            "v2_empty_filename",
            of_tree(Bytes::dict(&[(b"", zeros(MIB)), (b"#", zeros(MIB))])),
            FileTreeMalformed { path: file("") },
        ),
        (
            "a file that is a folder, too",
            of_tree(Bytes::dict(&[(b"a", Bytes::dict(&[(b"", Bytes::raw("de")), (b"b", zeros(KIB))]))])),
            FileTreeMalformed { path: file("a") },
        ),
        ("a tree without files", of_tree(Bytes::dict(&[(b"a", Bytes::raw("de"))])), NoFiles),
        ("a tree that is none", of_tree(Bytes::number(1)), FileTreeMalformed { path: file("") }),
        (
            "a name that climbs",
            of_tree(Bytes::dict(&[(b"..", deep(1))])),
            PathClimbsOut { path: file("../a") },
        ),
        ("v2_deep_recursion", of_tree(deep(70)), PathTooDeep { path: ["a"; 65].join("/"), max: 64 }),
        (
            "v2_unordered_files",
            of_tree(Bytes::dict(&[(b"b", zeros(KIB)), (b"a", zeros(KIB))])),
            UnsortedKey { offset: 132 },
        ),
        ("v2_invalid_symlink", of_tree(Bytes::dict(&[(b"a", link)])), LinkWithoutTarget { path: file("a") }),
        ("v2_invalid_pad_file", of_tree(Bytes::dict(&[(b"a", padding)])), PaddingInTree { path: file("a") }),
    ];
    refuse(table);
    let overlong = String::from_utf8_lossy(&v2_only().info()).replace("i65536e", "i065536e");
    let overlong = Metainfo::parse(&[b"d4:info", overlong.as_bytes(), b"e"].concat());
    assert!(matches!(overlong, Err(Damaged(_))), "v2_overlong_integer: {overlong:?}");
}

#[test]
fn sizes_that_others_refuse_are_refused_for_their_own_reason() {
    use MetainfoError::*;
    let file = |name: &str| name.to_owned();
    let root = zero_root(MIB);
    let unaligned = "ld6:lengthi1024e4:pathl1:aeed6:lengthi1024e4:pathl1:beee";
    let two = || Bytes::dict(&[(b"a", zeros(KIB)), (b"b", zeros(KIB))]);
    let huge =
        leaf(&[(b"length", Bytes::number(17_592_186_028_032)), (b"pieces root", Bytes::string(&root))]);
    let max = leaf(&[(b"length", Bytes::number(i64::MAX as u64)), (b"pieces root", Bytes::string(&root))]);
    let table = vec![
        (
            "v2_no_power2_piece",
            Draft { piece_len: 32_767, ..v2_only() },
            PieceLenNotPowerOfTwo { len: 32_767 },
        ),
        (
            "v2_piece_size",
            Draft { piece_len: 2_147_483_647, ..v2_only() },
            PieceLenOutOfBounds { len: 2_147_483_647 },
        ),
        (
            "v2_mismatching_metadata",
            Draft { tree: Bytes::dict(&[(b"/est1MB", zeros(MIB))]), ..v2_only().hybrid(MIB) },
            HybridMismatch { file: file("test1MB") },
        ),
        (
            "v2_bad_file_alignment",
            Draft {
                length_or_files: Some(("files", Bytes::raw(unaligned))),
                pieces: Some(vec![0; 20]),
                ..of_tree(two())
            },
            HybridMismatch { file: file("b") },
        ),
        (
            "a hybrid with a file more in version 2",
            Draft {
                length_or_files: Some(("files", Bytes::raw("ld6:lengthi1024e4:pathl1:aeee"))),
                pieces: Some(vec![0; 20]),
                ..of_tree(two())
            },
            HybridMismatch { file: file("b") },
        ),
        (
            "v2_large_file",
            Draft { piece_len: 4 * MIB, ..of_tree(Bytes::dict(&[(b"a", huge.clone())])) },
            TooManyPieces { pieces: 4_194_304 },
        ),
        (
            "v2_large_offset",
            of_tree(Bytes::dict(&[(b"1", huge.clone()), (b"2", huge)])),
            TooManyPieces { pieces: 536_870_912 },
        ),
        (
            "lengths beyond all numbers",
            of_tree(Bytes::dict(&[(b"1", max.clone()), (b"2", max)])),
            TotalTooLarge,
        ),
    ];
    refuse(table);
}

#[test]
fn piece_layers_that_others_refuse_are_refused_for_their_own_reason() {
    use MetainfoError::*;
    let malformed = |what| PieceLayersMalformed { what };
    let file = |name: &str| name.to_owned();
    let root = zero_root(MIB);
    let layer = zero_layer(MIB, 64 * KIB);
    let layers = |key: &[u8], value: Bytes| Some(Bytes::dict(&[(key, value)]));
    let with_layers = |layers| Draft { layers, ..v2_only() };
    let with_root = |root: &[u8], len| {
        let properties = [(&b"length"[..], Bytes::number(len)), (b"pieces root", Bytes::string(root))];
        of_tree(Bytes::dict(&[(b"test1MB", leaf(&properties))]))
    };
    let mut wrong = layer.clone();
    wrong[100] ^= 1;
    let half = Bytes::string(&layer[..layer.len() / 2]);
    let table = vec![
        ("v2_non_multiple_piece_layer", with_layers(layers(&root, Bytes::string(&layer[1..]))), {
            malformed("an entry's length is no multiple of 32")
        }),
        ("v2_piece_layer_invalid_file_hash", with_layers(layers(&root[1..], Bytes::string(&layer))), {
            malformed("a key in it is no hash")
        }),
        ("v2_invalid_piece_layer", with_layers(layers(&root, Bytes::number(512))), {
            malformed("an entry in it is no string")
        }),
        ("piece layers that are none", with_layers(Some(Bytes::raw("le"))), malformed("it is no dictionary")),
        (
            "v2_invalid_piece_layer_root",
            with_layers(layers(&root, Bytes::string(&wrong))),
            PieceLayerWrong { file: file("test1MB") },
        ),
        (
            "v2_invalid_piece_layer_size",
            with_layers(layers(&root, half)),
            PieceLayerCount { file: file("test1MB"), expected: 16, found: 8 },
        ),
        (
            "v2_unknown_piece_layer_entry",
            with_layers(layers(&[7; 32], Bytes::string(&layer))),
            PieceLayerUnknown,
        ),
        ("v2_missing_file_root", with_root(b"", MIB), PiecesRootMissing { file: file("test1MB") }),
        ("v2_zero_root", with_root(&[0; 32], MIB), PiecesRootMissing { file: file("test1MB") }),
        ("v2_zero_root_small", with_root(&[0; 32], 32 * KIB), PiecesRootMissing { file: file("test1MB") }),
    ];
    refuse(table);
}

/// Entries of the tree with these lengths and one root.
fn of_one_root(lens: &[(&str, u64)]) -> Bytes {
    let root = zero_root(MIB);
    let entry = |len| leaf(&[(b"length", Bytes::number(len)), (b"pieces root", Bytes::string(&root))]);
    let entries: Vec<_> = lens.iter().map(|&(name, len)| (name.as_bytes(), entry(len))).collect();
    Bytes::dict(&entries)
}

#[test]
fn files_of_one_root_have_one_length() {
    let shared = |other: &str, other_len| MetainfoError::PiecesRootShared {
        file: "a".to_owned(),
        len: MIB,
        other: other.to_owned(),
        other_len,
    };
    for other_len in [MIB - 1, MIB + 1, 64 * KIB, 1] {
        let tree = of_one_root(&[("a", MIB), ("b", MIB), ("c", other_len)]);
        assert_eq!(of_tree(tree).parse(), Err(shared("c", other_len)));
    }
    let in_both_versions = Draft {
        length_or_files: Some((
            "files",
            Bytes::raw("ld6:lengthi1048576e4:pathl1:aeed6:lengthi5e4:pathl1:beee"),
        )),
        pieces: Some(vec![0; 20 * 17]),
        ..of_tree(of_one_root(&[("a", MIB), ("b", 5)]))
    };
    assert_eq!(in_both_versions.parse(), Err(shared("b", 5)));
    let copies = of_tree(of_one_root(&[("a", MIB), ("b", MIB)])).parse().unwrap();
    assert_eq!(copies.total_len(), 2 * MIB, "copies of a file have its root");
}

#[test]
fn a_newer_version_is_named_before_anything_else_is_found_wrong() {
    let parsed = Metainfo::parse(b"d4:infod12:meta versioni3e4:namei7eee");
    assert_eq!(parsed, Err(MetainfoError::TooNew { version: 3 }));
}

#[test]
fn layers_from_elsewhere_are_kept_in_the_file() {
    let complete = v2_only().parse().unwrap();
    let bare = of_tree(v2_only().tree).parse().unwrap();
    let completed = bare.with_piece_layers(complete.piece_layers()).unwrap();
    assert_eq!(completed.info_hashes(), bare.info_hashes());
    assert_eq!(completed.as_bytes(), complete.as_bytes());
    assert!(completed.piece_hashes(PieceIndex(15)).is_known());
}
