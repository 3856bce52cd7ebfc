//! Work on all pieces of some content, on all cores: for `create` and for checking what is there.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use engine::PieceIndex;

/// More would wait for the disk.
const THREADS_MAX: usize = 4;

/// Does `work` for every piece, in no particular order, with a buffer that it may use as it likes, and hands each result
/// to `on_done` on the caller's thread. Ends early when `cancel` is set.
///
/// # Errors
/// The first error of `work`.
pub fn for_each_piece<T: Send, E: Send>(
    pieces_total: u32,
    work: impl Fn(PieceIndex, &mut Vec<u8>) -> Result<T, E> + Sync,
    mut on_done: impl FnMut(PieceIndex, T),
    cancel: &AtomicBool,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let next = AtomicU32::new(0);
    let (sender, results) = sync_channel(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                let mut buffer = Vec::new();
                while !cancel.load(Ordering::Relaxed) {
                    let piece = PieceIndex(next.fetch_add(1, Ordering::Relaxed));
                    if piece.0 >= pieces_total {
                        break;
                    }
                    // The other end hangs up after an error.
                    if sender.send((piece, work(piece, &mut buffer))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (piece, result) in results {
            on_done(piece, result?);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn every_piece_is_worked_on_once() {
        let work = |piece: PieceIndex, _: &mut Vec<u8>| Ok::<_, ()>(piece.0 * 2);
        let mut results = vec![None; 100];
        let mut calls = 0;
        let on_done = |piece: PieceIndex, result| {
            results[piece.0 as usize] = Some(result);
            calls += 1;
        };
        for_each_piece(100, work, on_done, &AtomicBool::new(false)).unwrap();
        assert_eq!(calls, 100);
        assert_eq!(results, (0..100).map(|piece| Some(piece * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_it() {
        let work =
            |piece: PieceIndex, _: &mut Vec<u8>| if piece.0 == 50 { Err("bad sector") } else { Ok(()) };
        let result = for_each_piece(1_000_000_000, work, |_, ()| {}, &AtomicBool::new(false));
        assert_eq!(result, Err("bad sector"));
    }

    #[test]
    fn a_cancelled_run_ends_early() {
        let cancel = AtomicBool::new(false);
        let mut calls = 0_u64;
        let on_done = |_, ()| {
            calls += 1;
            cancel.store(true, Ordering::Relaxed);
        };
        for_each_piece(u32::MAX, |_, _: &mut Vec<u8>| Ok::<_, ()>(()), on_done, &cancel).unwrap();
        assert!(calls < 100, "{calls}");
    }
}
