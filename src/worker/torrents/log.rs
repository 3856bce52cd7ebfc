//! The last decisions and events of a torrent. They are kept as they came and put into words only when looked at:
//! thousands a second come while nobody looks.

use std::collections::VecDeque;

use engine::{Event, FlatMap, Instant, PeerKey, order};

use crate::messages::LogLine;

/// Lines about picks that are kept, and as many of all others.
const LINES_MAX: usize = 100;
/// Addresses kept for lines about peers that left.
const NAMES_MAX: usize = 500;

/// A line as it is kept: its number, and what happened when.
type Line = (u64, Instant, Event);

/// Two rings of lines: at full speed there are so many picks that they would wash everything else away.
#[derive(Debug, Default)]
pub(crate) struct Log {
    picks: VecDeque<Line>,
    others: VecDeque<Line>,
    /// Number of the line that comes next, in both rings.
    next: u64,
    names: FlatMap<PeerKey, String>,
}

impl Log {
    /// Adds a line.
    pub(crate) fn push(&mut self, now: Instant, event: Event) {
        if let Some((peer, name)) = named(&event) {
            if self.names.len() >= NAMES_MAX {
                // Keys count up: the lowest is the oldest.
                self.names.pop_first();
            }
            self.names.insert(peer, name);
        }
        let ring = if matches!(event, Event::Picked { .. }) { &mut self.picks } else { &mut self.others };
        if ring.len() == LINES_MAX {
            ring.pop_front();
        }
        ring.push_back((self.next, now, event));
        self.next += 1;
    }

    /// All lines in words, the newest last. Where older ones gave way, numbers are left out.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let mut lines: Vec<&Line> = self.picks.iter().chain(&self.others).collect();
        order::sort_by_key(&mut lines, |(number, ..)| *number);
        lines.into_iter().map(|(number, when, event)| self.line(*number, *when, event)).collect()
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
            Event::Revealed { peer, piece, reason } => (
                "reveal",
                Some(*peer),
                Some(*piece),
                Some(reason.code()),
                format!("Let {} see piece {}. {}", self.name(*peer), piece.0, reason.text()),
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
            Event::Banned { peer, addr, reason } => (
                "banned",
                Some(*peer),
                None,
                Some(reason.code()),
                format!("{addr} is refused from now on. {}", reason.text()),
            ),
            Event::AddressesRefused { count, reason, .. } => (
                "refused",
                None,
                None,
                Some(reason.code()),
                format!("{count} addresses of peers are not used. {}", reason.text()),
            ),
            Event::PeerJoined { peer, addr } => {
                ("joined", Some(*peer), None, None, format!("{addr} joined."))
            }
            Event::WebSeedJoined { peer, url } => {
                ("joined", Some(*peer), None, None, format!("{url} is a web seed."))
            }
            Event::WebSeedFailed { peer, fault } => (
                "web-seed-failed",
                Some(*peer),
                None,
                Some(fault.code()),
                format!("{}: {fault}.", self.name(*peer)),
            ),
            Event::PeerLeft { peer, reason } => (
                "left",
                Some(*peer),
                None,
                Some(reason.code()),
                format!("{} is gone: {reason}.", self.name(*peer)),
            ),
            Event::MetadataFetched { info } => (
                "metadata",
                None,
                None,
                None,
                format!("The torrent's metadata is there: {} bytes.", info.len()),
            ),
            Event::MetadataFailed { suspects } => (
                "failed",
                None,
                None,
                None,
                format!(
                    "The metadata has the wrong hash and is thrown away. It came from {}.",
                    suspects.iter().map(|peer| self.name(*peer)).collect::<Vec<_>>().join(", ")
                ),
            ),
            Event::HashesComplete => (
                "hashes",
                None,
                None,
                None,
                "Peers have sent the hashes that the torrent file left out.".to_owned(),
            ),
            Event::Completed => ("completed", None, None, None, "All pieces are there.".to_owned()),
            Event::GoalMet { goal } => ("goal", None, None, Some(goal.code()), goal.text().to_owned()),
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
        self.names.get(&peer).cloned().unwrap_or_else(|| format!("connection {}", peer.0))
    }
}

/// What a peer is called from now on, where the event tells.
fn named(event: &Event) -> Option<(PeerKey, String)> {
    match event {
        Event::PeerJoined { peer, addr } | Event::Banned { peer, addr, .. } => {
            Some((*peer, addr.to_string()))
        }
        Event::WebSeedJoined { peer, url } => Some((*peer, url.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use engine::{BlockRef, PickReason, PieceIndex};

    fn pick(piece: u32) -> Event {
        let block = BlockRef { piece: PieceIndex(piece), begin: 0, len: 16_384 };
        Event::Picked { peer: PeerKey(4), block, reason: PickReason::RarestFirst }
    }

    #[test]
    fn the_last_lines_are_kept_and_numbered_through() {
        let mut log = Log::default();
        for piece in 0..250 {
            log.push(
                Instant::from_millis(u64::from(piece)),
                Event::PieceVerified { piece: PieceIndex(piece) },
            );
        }
        let lines = log.lines();
        assert_eq!(lines.len(), LINES_MAX);
        assert_eq!((lines[0].number, lines[0].piece, lines[0].at_ms), (150, Some(150), 150));
        assert_eq!(lines.last().unwrap().number, 249);
    }

    #[test]
    fn a_flood_of_picks_leaves_the_other_lines_in_their_place_among_them() {
        let mut log = Log::default();
        log.push(Instant::ZERO, Event::PieceVerified { piece: PieceIndex(0) });
        (1..1000).for_each(|piece| log.push(Instant::ZERO, pick(piece)));
        log.push(Instant::ZERO, Event::Completed);
        log.push(Instant::ZERO, pick(1001));
        let lines = log.lines();
        assert_eq!((lines[0].number, lines[0].kind.as_str()), (0, "verified"));
        assert!(lines.windows(2).all(|pair| pair[0].number < pair[1].number));
        let last: Vec<_> = lines.iter().rev().take(3).map(|line| (line.number, line.kind.as_str())).collect();
        assert_eq!(last, [(1001, "pick"), (1000, "completed"), (999, "pick")]);
        assert_eq!(lines.len(), LINES_MAX + 2);
    }

    #[test]
    fn a_pick_names_the_peers_address_and_carries_the_engines_reason() {
        let mut log = Log::default();
        let peer = PeerKey(4);
        log.push(Instant::ZERO, Event::PeerJoined { peer, addr: "10.0.0.1:6881".parse().unwrap() });
        log.push(Instant::ZERO, pick(7));
        let line = &log.lines()[1];
        assert_eq!(line.reason.as_deref(), Some(PickReason::RarestFirst.code()));
        assert!(line.text.contains("10.0.0.1:6881") && line.text.contains(PickReason::RarestFirst.text()));
    }
}
