//! Deadlines for watching or listening while it loads: the engine counts along with a player that shows so many bytes a
//! second, and waits where a piece is missing.

use std::time::Duration;

use crate::{FilePriority, Instant, PieceIndex};

/// How far ahead of the player pieces have a deadline; the rest comes rarest first.
const AHEAD: Duration = Duration::from_secs(60);

/// Pieces that are looked at ahead of the player, whatever its rate.
const PIECES_AHEAD_MAX: u32 = 4096;

/// What a player needs to know of the torrent.
pub(crate) trait Played {
    /// Number of pieces.
    fn pieces_total(&self) -> u32;
    /// Bytes of a piece.
    fn piece_size(&self, piece: PieceIndex) -> u32;
    /// How much it is wanted: the player jumps over what is not.
    fn priority(&self, piece: PieceIndex) -> FilePriority;
    /// Whether it is verified.
    fn has(&self, piece: PieceIndex) -> bool;
}

/// A player that began at the first wanted piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Playback {
    bytes_per_s: u64,
    /// The piece that it shows, and how much of that it has shown.
    piece: u32,
    shown: u64,
    at: Instant,
}

impl Playback {
    /// Begins now.
    pub(crate) fn new(bytes_per_s: u64, now: Instant) -> Self {
        Self { bytes_per_s: bytes_per_s.max(1), piece: 0, shown: 0, at: now }
    }

    /// Goes on until now, but not into a piece that is missing.
    pub(crate) fn advance(&mut self, now: Instant, played: &impl Played) {
        let mut bytes = (now.since(self.at).as_millis() as u64).saturating_mul(self.bytes_per_s) / 1000;
        self.at = now;
        while self.piece < played.pieces_total() {
            let piece = PieceIndex(self.piece);
            if played.priority(piece) != FilePriority::Skip {
                if !played.has(piece) {
                    return;
                }
                let left = u64::from(played.piece_size(piece)).saturating_sub(self.shown);
                if bytes < left {
                    self.shown += bytes;
                    return;
                }
                bytes -= left;
            }
            self.piece += 1;
            self.shown = 0;
        }
    }

    /// The missing pieces of the next minute, and when the player comes to each.
    pub(crate) fn deadlines(&self, played: &impl Played) -> Vec<(PieceIndex, Instant)> {
        let mut due = Vec::new();
        let mut bytes_ahead = 0;
        let end = played.pieces_total().min(self.piece.saturating_add(PIECES_AHEAD_MAX));
        for piece in (self.piece..end).map(PieceIndex) {
            if played.priority(piece) == FilePriority::Skip {
                continue;
            }
            let wait = Duration::from_millis(bytes_ahead * 1000 / self.bytes_per_s);
            if wait > AHEAD {
                break;
            }
            if !played.has(piece) {
                due.push((piece, self.at + wait));
            }
            let shown = if piece.0 == self.piece { self.shown } else { 0 };
            bytes_ahead += u64::from(played.piece_size(piece)).saturating_sub(shown);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of 1000 bytes: `#` is there, `.` is missing, `-` is not wanted.
    struct Picture(&'static str);

    impl Played for Picture {
        fn pieces_total(&self) -> u32 {
            self.0.len() as u32
        }

        fn piece_size(&self, _: PieceIndex) -> u32 {
            1000
        }

        fn priority(&self, piece: PieceIndex) -> FilePriority {
            if self.0.as_bytes()[piece.0 as usize] == b'-' {
                FilePriority::Skip
            } else {
                FilePriority::Normal
            }
        }

        fn has(&self, piece: PieceIndex) -> bool {
            self.0.as_bytes()[piece.0 as usize] == b'#'
        }
    }

    /// Deadlines at 1000 bytes a second, `after` seconds from the start: piece, and seconds until it is due.
    fn due(picture: &'static str, after: u64) -> Vec<(u32, u64)> {
        let now = Instant::from_millis(after * 1000);
        let mut playback = Playback::new(1000, Instant::from_millis(0));
        playback.advance(now, &Picture(picture));
        let deadlines = playback.deadlines(&Picture(picture)).into_iter();
        deadlines.map(|(piece, at)| (piece.0, at.since(now).as_secs())).collect()
    }

    #[test]
    fn each_missing_piece_is_due_when_the_player_comes_to_it() {
        assert_eq!(due("....", 0), [(0, 0), (1, 1), (2, 2), (3, 3)]);
        assert_eq!(due("##.#.", 0), [(2, 2), (4, 4)]);
        assert_eq!(due("##.#.", 1), [(2, 1), (4, 3)]);
    }

    #[test]
    fn a_player_waits_for_what_is_missing_and_jumps_over_what_is_not_wanted() {
        assert_eq!(due("##.#.", 60), [(2, 0), (4, 2)]);
        assert_eq!(due("#-.-.", 1), [(2, 0), (4, 1)]);
        assert_eq!(due("-#--", 9), []);
    }

    #[test]
    fn what_is_further_away_than_a_minute_has_no_deadline() {
        let long = "................................................................................";
        assert_eq!(due(long, 0).len(), 61);
    }

    #[test]
    fn a_player_of_any_rate_is_a_player() {
        let mut playback = Playback::new(u64::MAX, Instant::from_millis(0));
        playback.advance(Instant::from_millis(u64::MAX / 2000), &Picture("##."));
        assert_eq!(playback.deadlines(&Picture("##.")).len(), 1);
    }

    #[test]
    fn a_player_that_is_at_the_end_wants_nothing() {
        assert_eq!(due("####", 5), []);
        assert_eq!(due("", 5), []);
    }
}
