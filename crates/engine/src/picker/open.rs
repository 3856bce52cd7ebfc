//! Partial pieces with free blocks, those begun first in front, with what a choice among them looks at: a peer that
//! finds nothing among many of them should not have to look into each.

use super::partial::Partial;
use super::speed::Speed;
use crate::{FilePriority, PeerKey, PieceIndex};

/// What a choice looks at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenPiece {
    pub(super) piece: PieceIndex,
    pub(super) priority: FilePriority,
    pub(super) alone: Option<PeerKey>,
    pub(super) speed: Speed,
}

/// See the module's head.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenPieces {
    pieces: Vec<OpenPiece>,
}

impl OpenPieces {
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<OpenPiece> {
        self.pieces.get(at).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenPiece> {
        self.pieces.iter()
    }

    pub(super) fn push(&mut self, piece: PieceIndex, priority: FilePriority, partial: &Partial) {
        self.pieces.push(OpenPiece { piece, priority, alone: partial.alone, speed: partial.speed });
    }

    pub(super) fn remove(&mut self, piece: PieceIndex) {
        if let Some(at) = self.pieces.iter().position(|open| open.piece == piece) {
            self.pieces.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        self.pieces.clear();
    }

    /// The peer has no piece for itself any more.
    pub(super) fn end_alone(&mut self, peer: PeerKey) {
        for open in self.pieces.iter_mut().filter(|open| open.alone == Some(peer)) {
            open.alone = None;
        }
    }

    /// Other priorities from now on.
    pub(super) fn set_priorities(&mut self, of: impl Fn(PieceIndex) -> FilePriority) {
        for open in &mut self.pieces {
            open.priority = of(open.piece);
        }
    }

    /// Compares what stands here about a partial piece with the piece itself.
    pub(super) fn check(&self, piece: PieceIndex, priority: FilePriority, partial: &Partial) {
        let expected = OpenPiece { piece, priority, alone: partial.alone, speed: partial.speed };
        let found: Vec<&OpenPiece> = self.pieces.iter().filter(|open| open.piece == piece).collect();
        let is_open = partial.free.count() > 0;
        assert_eq!(found.len(), usize::from(is_open), "invariant: open pieces have free blocks: {piece:?}");
        assert!(found.iter().all(|open| **open == expected), "invariant: {found:?} is {expected:?}");
    }
}
