//! Torrents of every version, some without the hashes that a magnet link does not bring. No payload is ever looked at.

use std::sync::{Arc, LazyLock};

use engine::{BLOCK_LEN, ContentTrees, FileTree, Metainfo, NewContent, NewTorrent, merkle};

const PIECE_LEN: u32 = 4 * BLOCK_LEN;
const LENS: [u64; 3] = [5 * 65_536 + 30_000, 100, 4 * 65_536];

/// One of them, always the same for a number.
pub fn pick(number: u8) -> Arc<Metainfo> {
    static ALL: LazyLock<[Arc<Metainfo>; 4]> =
        LazyLock::new(|| [v1(), v2(true), v2(false), without_layers(&v2(false))].map(Arc::new));
    Arc::clone(&ALL[usize::from(number) % ALL.len()])
}

fn new<'a>(
    content: NewContent<'a>,
    piece_hashes: &'a [[u8; 20]],
    trackers: &'a [Vec<String>],
) -> NewTorrent<'a> {
    NewTorrent {
        name: "content",
        content,
        piece_len: PIECE_LEN,
        piece_hashes,
        trackers,
        is_private: false,
        comment: None,
        created_by: None,
    }
}

fn trackers() -> Vec<Vec<String>> {
    vec![vec!["http://127.0.0.1/announce".to_owned()], vec!["udp://127.0.0.1:1/announce".to_owned()]]
}

fn v1() -> Metainfo {
    let len: u64 = LENS.iter().sum();
    let hashes = vec![[0; 20]; len.div_ceil(PIECE_LEN.into()) as usize];
    let files: Vec<_> = LENS.iter().enumerate().map(|(at, &len)| (vec![at.to_string()], len)).collect();
    new(NewContent::Folder(&files), &hashes, &trackers()).build().expect("a sound torrent")
}

fn v2(is_hybrid: bool) -> Metainfo {
    let files: Vec<_> = LENS.iter().enumerate().map(|(at, &len)| (vec![at.to_string()], len)).collect();
    let trackers = trackers();
    let mut torrent = new(NewContent::Folder(&files), &[], &trackers);
    let trees: Vec<FileTree> = LENS.iter().map(|&len| tree(len)).collect();
    let pieces = torrent.layout_v2(is_hybrid).expect("a sound layout").pieces_total();
    let hashes = vec![[0; 20]; pieces as usize];
    if is_hybrid {
        torrent.piece_hashes = &hashes;
    }
    torrent.build_v2(ContentTrees { files: &trees, is_hybrid }).expect("a sound torrent")
}

/// The tree of a file of zeros.
fn tree(len: u64) -> FileTree {
    let pieces = (0..len.div_ceil(PIECE_LEN.into())).map(|piece| {
        let len = (len - piece * u64::from(PIECE_LEN)).min(PIECE_LEN.into()) as usize;
        let is_small_file = piece == 0 && len < PIECE_LEN as usize;
        let blocks = len.div_ceil(BLOCK_LEN as usize);
        let width = if is_small_file { blocks.next_power_of_two() } else { (PIECE_LEN / BLOCK_LEN) as usize };
        let mut leaves = merkle::LeafHasher::default();
        leaves.update(&vec![0; len]);
        leaves.root(width).expect("within a piece")
    });
    FileTree::new(pieces.collect(), PIECE_LEN)
}

/// The same torrent as it comes by a magnet link.
fn without_layers(metainfo: &Metainfo) -> Metainfo {
    let file = [b"d4:info", metainfo.info_bytes(), b"e"].concat();
    Metainfo::parse(&file).expect("a sound torrent")
}
