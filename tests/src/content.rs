//! Content that looks random and is the same in every run, with a torrent that describes it.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use crate::metainfo::{self, Info};
use crate::places::Scratch;

/// Content on disk and all that is known about it.
#[derive(Clone, Debug)]
pub struct Content {
    /// Name of its file or folder.
    pub name: String,
    /// The folder that holds that file or folder, as clients want to be told.
    pub parent: PathBuf,
    /// Paths below `parent` and lengths in bytes, in torrent order.
    pub files: Vec<(PathBuf, u64)>,
    /// Bytes of a piece.
    pub piece_len: u32,
    /// 40 hexadecimal digits.
    pub info_hash: String,
    hashes: Vec<u8>,
    encoded_info: Vec<u8>,
}

impl Content {
    /// One file of `len` bytes in a folder of its own in `scratch`.
    #[must_use]
    pub fn single(scratch: &Scratch, name: &str, len: u64, piece_len: u32) -> Self {
        let parent = scratch.folder(&format!("{name}-original"));
        let hashes = write_files(&[(parent.join(name), len)], piece_len, name);
        let info = Info::single(name, len, piece_len, &hashes);
        Self::new(name, parent, vec![(PathBuf::from(name), len)], piece_len, hashes, &info)
    }

    /// A folder of files, paths with slashes and lengths, in a folder of its own in `scratch`.
    #[must_use]
    pub fn multi(scratch: &Scratch, name: &str, files: &[(&str, u64)], piece_len: u32) -> Self {
        let parent = scratch.folder(&format!("{name}-original"));
        let on_disk: Vec<_> = files.iter().map(|(path, len)| (parent.join(name).join(path), *len)).collect();
        let hashes = write_files(&on_disk, piece_len, name);
        let parts = |path: &str| path.split('/').map(str::to_owned).collect();
        let listed: Vec<(Vec<String>, u64)> = files.iter().map(|(path, len)| (parts(path), *len)).collect();
        let info = Info::multi(name, &listed, piece_len, &hashes);
        let files = files.iter().map(|(path, len)| (Path::new(name).join(path), *len)).collect();
        Self::new(name, parent, files, piece_len, hashes, &info)
    }

    fn new(
        name: &str,
        parent: PathBuf,
        files: Vec<(PathBuf, u64)>,
        piece_len: u32,
        hashes: Vec<u8>,
        info: &Info,
    ) -> Self {
        let encoded_info = info.encode();
        let info_hash = metainfo::info_hash(&encoded_info);
        Self { name: name.to_owned(), parent, files, piece_len, info_hash, hashes, encoded_info }
    }

    /// Its magnet link with these trackers.
    ///
    /// # Panics
    /// Never: a link of ours is an address.
    #[must_use]
    pub fn magnet<S: ToString>(&self, trackers: &[S]) -> String {
        let start = format!("magnet:?xt=urn:btih:{}", self.info_hash);
        let trackers = trackers.iter().map(|url| ("tr", url.to_string()));
        let rest = [("dn", self.name.clone())].into_iter().chain(trackers);
        reqwest::Url::parse_with_params(&start, rest).expect("a link of ours is an address").into()
    }

    /// Its torrent file with these trackers, each a tier of its own.
    #[must_use]
    pub fn torrent<S: ToString>(&self, trackers: &[S]) -> Vec<u8> {
        let tiers: Vec<Vec<String>> = trackers.iter().map(|url| vec![url.to_string()]).collect();
        metainfo::torrent_file(&self.encoded_info, &tiers)
    }

    /// Writes its torrent file into `scratch`.
    pub fn torrent_file<S: ToString>(&self, scratch: &Scratch, trackers: &[S]) -> PathBuf {
        scratch.file(&format!("{}.torrent", self.name), self.torrent(trackers))
    }

    /// SHA-1 of each piece, one behind the other.
    #[must_use]
    pub fn hashes(&self) -> &[u8] {
        &self.hashes
    }

    /// All bytes of all files.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.files.iter().map(|(_, len)| len).sum()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of pieces.
    ///
    /// # Panics
    /// Above 2^32 pieces.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        u32::try_from(self.len().div_ceil(u64::from(self.piece_len))).expect("test content has few pieces")
    }

    /// Bytes of piece `index`.
    ///
    /// # Panics
    /// Never: a piece is at most `piece_len` long.
    #[must_use]
    pub fn piece_len_of(&self, index: u32) -> u32 {
        let left = self.len() - u64::from(index) * u64::from(self.piece_len);
        u32::try_from(left.min(u64::from(self.piece_len))).expect("invariant: no longer than piece_len")
    }

    /// The 20 bytes of the info hash.
    ///
    /// # Panics
    /// Never: it was computed here.
    #[must_use]
    pub fn info_hash_bytes(&self) -> [u8; 20] {
        std::array::from_fn(|at| {
            u8::from_str_radix(&self.info_hash[2 * at..2 * at + 2], 16)
                .expect("invariant: hexadecimal digits")
        })
    }

    /// All files, one behind the other. For content that fits in memory.
    ///
    /// # Panics
    /// When the files cannot be read.
    #[must_use]
    pub fn read_all(&self) -> Vec<u8> {
        let read = |(path, _): &(PathBuf, u64)| {
            std::fs::read(self.parent.join(path)).expect("test content is there")
        };
        self.files.iter().flat_map(read).collect()
    }

    /// Compares what lies below `folder` with the original, byte by byte.
    ///
    /// # Panics
    /// Where they differ.
    pub fn assert_same_in(&self, folder: &Path) {
        for (path, _) in &self.files {
            assert_same_file(&self.parent.join(path), &folder.join(path));
        }
    }
}

/// Compares two files byte by byte.
///
/// # Panics
/// When they differ or one is missing; it names the first difference.
pub fn assert_same_file(expected: &Path, found: &Path) {
    let open = |path: &Path| File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut left, mut right) = (open(expected), open(found));
    let length = |file: &File| file.metadata().expect("an open file has a length").len();
    assert_eq!(length(&left), length(&right), "length of {}", found.display());
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut offset = 0;
    loop {
        let read = left.read(&mut a).expect("test content can be read");
        if read == 0 {
            return;
        }
        right.read_exact(&mut b[..read]).expect("a file as long as the original can be read as far");
        if let Some(at) = a[..read].iter().zip(&b[..read]).position(|(a, b)| a != b) {
            panic!("{} differs from the original at byte {}", found.display(), offset + at);
        }
        offset += read;
    }
}

/// Fills the files and gives the SHA-1 of each piece, one behind the other.
fn write_files(files: &[(PathBuf, u64)], piece_len: u32, name: &str) -> Vec<u8> {
    let mut source =
        SplitMix(name.bytes().fold(0x5eed, |seed: u64, byte| seed.wrapping_mul(31) ^ u64::from(byte)));
    let mut hashes = Vec::new();
    let (mut hasher, mut in_piece) = (Sha1::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    for (path, len) in files {
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("folders can be made");
        let mut file = BufWriter::new(File::create(path).expect("test content can be written"));
        let mut left = *len;
        while left > 0 {
            let room = u64::from(piece_len - in_piece).min(left).min(buffer.len() as u64);
            let part = &mut buffer[..room as usize];
            source.fill(part);
            file.write_all(part).expect("test content can be written");
            hasher.update(&*part);
            left -= room;
            in_piece += room as u32;
            if in_piece == piece_len {
                hashes.extend(hasher.finalize_reset());
                in_piece = 0;
            }
        }
        file.flush().expect("test content can be written");
    }
    if in_piece > 0 {
        hashes.extend(hasher.finalize());
    }
    hashes
}

/// Steele, Lea and Flood's generator: eight lines, the same everywhere, and no byte pattern that a mistake could hide in.
#[derive(Debug)]
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_number() % bound
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            part.copy_from_slice(&self.next_number().to_le_bytes()[..part.len()]);
        }
    }
}
