//! The last decisions and events of a torrent. They are kept as they came and put into words only when looked at:
//! thousands a second come while nobody looks.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use engine::{Event, Instant, PeerKey};

use crate::messages::LogLine;

/// Lines kept.
const LINES_MAX: usize = 200;
/// Addresses kept for lines about peers that left.
const NAMES_MAX: usize = 500;

/// A ring of lines.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<(Instant, Event)>,
    /// Number of the line that comes next.
    next: u64,
    names: BTreeMap<PeerKey, SocketAddr>,
}

impl Log {
    /// Adds a line.
    pub(crate) fn push(&mut self, now: Instant, event: Event) {
        if let Event::PeerJoined { peer, addr } | Event::Banned { peer, addr } = event {
            if self.names.len() >= NAMES_MAX {
                // Keys count up: the lowest is the oldest.
                self.names.pop_first();
            }
            self.names.insert(peer, addr);
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back((now, event));
        self.next += 1;
    }

    /// All lines in words, the newest last.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let first = self.next - self.lines.len() as u64;
        self.lines
            .iter()
            .enumerate()
            .map(|(at, (when, event))| self.line(first + at as u64, *when, event))
            .collect()
    }

    fn line(&self, number: u64, when: Instant, event: &Event) -> LogLine {
        let (kind, peer, piece, reason, text) = match event {
            Event::Picked { peer, block, reason } => (
                "pick",
                Some(*peer),
                Some(block.piece),
                Some(reason.code()),
                format!(
                    "Asked {} for {} bytes at {} of piece {}. {}",
                    self.name(*peer),
                    block.len,
                    block.begin,
                    block.piece.0,
                    reason.text()
                ),
            ),
            Event::Choke { peer, choked, reason } => (
                if *choked { "choke" } else { "unchoke" },
                Some(*peer),
                None,
                Some(reason.code()),
                format!("{}: {}", self.name(*peer), reason.text()),
            ),
            Event::PieceVerified { piece } => {
                ("verified", None, Some(*piece), None, format!("Piece {} is verified and stored.", piece.0))
            }
            Event::PieceFailed { piece, suspects } => (
                "failed",
                None,
                Some(*piece),
                None,
                format!(
                    "Piece {} has the wrong hash and is thrown away. It came from {}.",
                    piece.0,
                    suspects.iter().map(|peer| self.name(*peer)).collect::<Vec<_>>().join(", ")
                ),
            ),
            Event::Banned { peer, addr } => (
                "banned",
                Some(*peer),
                None,
                None,
                format!("{addr} sent corrupt data and is refused from now on."),
            ),
            Event::PeerJoined { peer, addr } => {
                ("joined", Some(*peer), None, None, format!("{addr} joined."))
            }
            Event::PeerLeft { peer, reason } => (
                "left",
                Some(*peer),
                None,
                Some(reason.code()),
                format!("{} is gone: {reason}.", self.name(*peer)),
            ),
            Event::Completed => ("completed", None, None, None, "All pieces are there.".to_owned()),
            Event::Failed { message } => ("error", None, None, None, message.clone()),
        };
        LogLine {
            number,
            at_ms: when.micros() / 1000,
            kind: kind.to_owned(),
            peer: peer.map(|peer| peer.0),
            piece: piece.map(|piece| piece.0),
            reason: reason.map(str::to_owned),
            text,
        }
    }

    fn name(&self, peer: PeerKey) -> String {
        self.names.get(&peer).map_or_else(|| format!("connection {}", peer.0), SocketAddr::to_string)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use engine::{BlockRef, PickReason, PieceIndex};

    #[test]
    fn the_last_two_hundred_lines_are_kept_and_numbered_through() {
        let mut log = Log::default();
        for piece in 0..250 {
            log.push(
                Instant::from_millis(u64::from(piece)),
                Event::PieceVerified { piece: PieceIndex(piece) },
            );
        }
        let lines = log.lines();
        assert_eq!(lines.len(), 200);
        assert_eq!((lines[0].number, lines[0].piece, lines[0].at_ms), (50, Some(50), 50));
        assert_eq!(lines[199].number, 249);
    }

    #[test]
    fn a_pick_names_the_peers_address_and_carries_the_engines_reason() {
        let mut log = Log::default();
        let peer = PeerKey(4);
        log.push(Instant::ZERO, Event::PeerJoined { peer, addr: "10.0.0.1:6881".parse().unwrap() });
        let block = BlockRef { piece: PieceIndex(7), begin: 0, len: 16_384 };
        log.push(Instant::ZERO, Event::Picked { peer, block, reason: PickReason::RarestFirst });
        let line = &log.lines()[1];
        assert_eq!(line.reason.as_deref(), Some(PickReason::RarestFirst.code()));
        assert!(line.text.contains("10.0.0.1:6881") && line.text.contains(PickReason::RarestFirst.text()));
    }
}
