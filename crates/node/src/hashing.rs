//! Hashing all pieces of some content on all cores, for `create` and for checking what is there.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use engine::PieceIndex;
use sha1::{Digest, Sha1};

/// Each thread holds one piece, and a piece may have 64 MiB.
const THREADS_MAX: usize = 4;

/// SHA-1 of `bytes`.
#[must_use]
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// Hashes every piece that `read` fills in, in no particular order, and hands the hashes to `on_hash` on the
/// caller's thread. `read` says with `Ok(false)` that there is nothing to hash. Ends early when `cancel` is set.
///
/// # Errors
/// The first error of `read`.
pub fn hash_pieces<E: Send>(
    pieces_total: u32,
    read: impl Fn(PieceIndex, &mut Vec<u8>) -> Result<bool, E> + Sync,
    mut on_hash: impl FnMut(PieceIndex, Option<[u8; 20]>),
    cancel: &AtomicBool,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let next = AtomicU32::new(0);
    let (sender, hashes) = sync_channel(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, read) = (sender.clone(), &next, &read);
            scope.spawn(move || {
                let mut bytes = Vec::new();
                while !cancel.load(Ordering::Relaxed) {
                    let piece = PieceIndex(next.fetch_add(1, Ordering::Relaxed));
                    if piece.0 >= pieces_total {
                        break;
                    }
                    let hash = read(piece, &mut bytes).map(|is_there| is_there.then(|| sha1(&bytes)));
                    // The other end hangs up after an error.
                    if sender.send((piece, hash)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (piece, hash) in hashes {
            on_hash(piece, hash?);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn every_piece_is_hashed_once() {
        let read = |piece: PieceIndex, bytes: &mut Vec<u8>| {
            *bytes = piece.0.to_be_bytes().to_vec();
            Ok::<_, ()>(piece.0 != 7)
        };
        let mut hashes = vec![None; 100];
        let mut calls = 0;
        let on_hash = |piece: PieceIndex, hash| {
            hashes[piece.0 as usize] = hash;
            calls += 1;
        };
        hash_pieces(100, read, on_hash, &AtomicBool::new(false)).unwrap();
        assert_eq!(calls, 100);
        for (piece, hash) in hashes.iter().enumerate() {
            let expected = (piece != 7).then(|| sha1(&(piece as u32).to_be_bytes()));
            assert_eq!(*hash, expected, "piece {piece}");
        }
    }

    #[test]
    fn an_error_ends_it() {
        let read =
            |piece: PieceIndex, _: &mut Vec<u8>| if piece.0 == 50 { Err("bad sector") } else { Ok(true) };
        let result = hash_pieces(1_000_000_000, read, |_, _| {}, &AtomicBool::new(false));
        assert_eq!(result, Err("bad sector"));
    }

    #[test]
    fn a_cancelled_run_ends_early() {
        let cancel = AtomicBool::new(false);
        let mut calls = 0_u64;
        let on_hash = |_, _| {
            calls += 1;
            cancel.store(true, Ordering::Relaxed);
        };
        hash_pieces(u32::MAX, |_, _| Ok::<_, ()>(true), on_hash, &cancel).unwrap();
        assert!(calls < 100, "{calls}");
    }
}
