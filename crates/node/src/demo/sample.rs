//! The demo's content: bytes that look random and are the same everywhere, made once.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use engine::{Metainfo, MetainfoError, NewContent, NewTorrent, PieceIndex};
use rand_core::Rng;
use rand_pcg::Pcg64Mcg;
use sha1::{Digest as _, Sha1};

/// Enough pieces for a map worth looking at.
const PIECE_LEN: u32 = 256 * 1024;

/// Start of the random stream; any constant would do.
const RNG_SEED: u128 = 0x5357_4152_4d53_434f_5045;

/// The sample and the hashes of its pieces.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) path: PathBuf,
    name: String,
    len: u64,
    piece_hashes: Vec<[u8; 20]>,
}

impl Sample {
    /// The sample of `size_mib` MiB in `folder`: the one that is there, or a new one. `on_progress` hears of bytes
    /// made and of all bytes.
    pub(super) fn open(
        folder: &Path,
        size_mib: u32,
        mut on_progress: impl FnMut(u64, u64),
    ) -> io::Result<Self> {
        let name = format!("swarmscope-demo-{size_mib}-MiB.bin");
        let len = u64::from(size_mib) << 20;
        let path = folder.join(&name);
        let hashes_path = folder.join(format!("{name}.sha1"));
        fs::create_dir_all(folder)?;
        let piece_hashes = match read_hashes(&path, &hashes_path, len) {
            Some(hashes) => hashes,
            None => {
                let hashes = write_sample(&path, len, |made| on_progress(made, len))?;
                // Last, so that hashes are only ever found beside a whole sample.
                fs::write(&hashes_path, hashes.as_flattened())?;
                hashes
            }
        };
        Ok(Self { path, name, len, piece_hashes })
    }

    /// The sample's torrent with this tracker.
    pub(super) fn metainfo(&self, announce_url: String) -> Result<Metainfo, MetainfoError> {
        let new = NewTorrent {
            name: &self.name,
            content: NewContent::File(self.len),
            piece_len: PIECE_LEN,
            piece_hashes: &self.piece_hashes,
            trackers: &[vec![announce_url]],
            is_private: false,
            comment: Some("Random bytes from the Swarmscope demo swarm on this machine"),
            created_by: Some(concat!("swarmscope-node/", env!("CARGO_PKG_VERSION"))),
        };
        new.build()
    }
}

/// The hashes of a sample that is there already. A glance at its first piece tells whether it is ours.
fn read_hashes(path: &Path, hashes_path: &Path, len: u64) -> Option<Vec<[u8; 20]>> {
    let hashes = fs::read(hashes_path).ok()?;
    let (hashes, rest) = hashes.as_chunks::<20>();
    let is_whole = fs::metadata(path).ok()?.len() == len;
    let is_for_it = rest.is_empty() && hashes.len() as u64 == len.div_ceil(PIECE_LEN.into());
    let is_ours = *hashes.first()? == <[u8; 20]>::from(Sha1::digest(piece(PieceIndex(0))));
    (is_whole && is_for_it && is_ours).then(|| hashes.to_vec())
}

fn write_sample(path: &Path, len: u64, mut on_progress: impl FnMut(u64)) -> io::Result<Vec<[u8; 20]>> {
    let mut file = BufWriter::new(File::create(path)?);
    let pieces_total = len.div_ceil(PIECE_LEN.into()) as u32;
    let mut hashes = Vec::with_capacity(pieces_total as usize);
    for index in 0..pieces_total {
        // Sizes are whole MiB, so the last piece is as long as the others.
        let bytes = piece(PieceIndex(index));
        file.write_all(&bytes)?;
        hashes.push(Sha1::digest(&bytes).into());
        on_progress(u64::from(index + 1) * u64::from(PIECE_LEN));
    }
    file.flush()?;
    Ok(hashes)
}

/// A stream of its own for each piece, so that samples of all sizes begin alike.
fn piece(index: PieceIndex) -> Vec<u8> {
    let mut bytes = vec![0; PIECE_LEN as usize];
    Pcg64Mcg::new(RNG_SEED ^ (u128::from(index.0) << 64)).fill_bytes(&mut bytes);
    bytes
}
