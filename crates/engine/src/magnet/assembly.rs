//! The info dictionary of one length, put together from pieces: which piece to ask of whom next, and whom to suspect if
//! the whole is wrong.

use crate::ext::METADATA_PIECE_LEN;
use crate::{FlatSet, PeerKey};

/// Peers that are asked for one piece at the same time at most, once every piece is asked of somebody.
const ASKERS_MAX: u8 = 2;

/// One attempt after the other, until the hash is right.
#[derive(Debug)]
pub(crate) struct Assembly {
    len: u32,
    pieces: Vec<Piece>,
    missing: usize,
    /// The attempt from all peers together was wrong: from then on one peer at a time gives the whole.
    is_one_by_one: bool,
    /// That peer.
    on_trial: Option<PeerKey>,
    /// Who took part in the attempt from all peers together.
    suspects: FlatSet<PeerKey>,
    /// What they sent, to be compared once the right bytes are there: piece, checksum, sender.
    sent: Vec<(u32, u32, PeerKey)>,
}

#[derive(Clone, Debug, Default)]
struct Piece {
    bytes: Option<(Vec<u8>, PeerKey)>,
    /// How many peers are counted on for it.
    askers: u8,
}

/// What comes of bytes that were put together and are not what the hash says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// All came from this peer.
    Proved(PeerKey),
    /// These took part; from now on one at a time is asked.
    Suspected(Vec<PeerKey>),
}

impl Assembly {
    /// Nothing of `len` bytes is there; `len` is above zero.
    pub(crate) fn new(len: u32) -> Self {
        let pieces = vec![Piece::default(); len.div_ceil(METADATA_PIECE_LEN) as usize];
        let missing = pieces.len();
        let (suspects, sent) = Default::default();
        Self { len, pieces, missing, is_one_by_one: false, on_trial: None, suspects, sent }
    }

    /// Number of pieces.
    pub(crate) fn pieces_total(&self) -> u32 {
        self.pieces.len() as u32
    }

    /// Pieces that are there.
    pub(crate) fn pieces_have(&self) -> u32 {
        (self.pieces.len() - self.missing) as u32
    }

    /// Length of this piece in bytes; `None` if there is no such piece.
    pub(crate) fn piece_size(&self, piece: u32) -> Option<u32> {
        let begin = (piece < self.pieces_total()).then(|| piece * METADATA_PIECE_LEN)?;
        Some((self.len - begin).min(METADATA_PIECE_LEN))
    }

    /// Whether this peer may be asked just now.
    pub(crate) fn may_ask(&self, peer: PeerKey) -> bool {
        !self.is_one_by_one || self.on_trial == Some(peer)
    }

    /// The piece to ask of a peer that is asked for `its` pieces already: the first that nobody is asked for, else one
    /// that somebody else is slow with.
    pub(crate) fn choose(&self, its: &[u32]) -> Option<u32> {
        let open = (0..).zip(&self.pieces).filter(|(number, piece)| {
            piece.bytes.is_none() && piece.askers < ASKERS_MAX && !its.contains(number)
        });
        // The first of the least.
        open.min_by_key(|(_, piece)| piece.askers).map(|(number, _)| number)
    }

    /// Somebody is counted on for this piece.
    pub(crate) fn ask(&mut self, piece: u32) {
        if let Some(piece) = self.pieces.get_mut(piece as usize) {
            piece.askers += 1;
        }
    }

    /// Somebody is counted on no longer.
    pub(crate) fn unask(&mut self, piece: u32) {
        if let Some(piece) = self.pieces.get_mut(piece as usize) {
            piece.askers = piece.askers.saturating_sub(1);
        }
    }

    /// A piece of the right length came. One that is there already, or that is no longer wanted of this peer, is
    /// left out. Returns whether it was taken.
    pub(crate) fn put(&mut self, number: u32, bytes: &[u8], sender: PeerKey) -> bool {
        let is_wanted = self.may_ask(sender);
        let Some(piece) = self.pieces.get_mut(number as usize) else { return false };
        if !is_wanted || piece.bytes.is_some() {
            return false;
        }
        piece.bytes = Some((bytes.to_vec(), sender));
        self.missing -= 1;
        true
    }

    /// The whole, if it is there.
    pub(crate) fn whole(&self) -> Option<Vec<u8>> {
        let all = || self.pieces.iter().flat_map(|piece| &piece.bytes);
        (self.missing == 0).then(|| all().flat_map(|(bytes, _)| bytes).copied().collect())
    }

    /// The whole is wrong: begins anew, and says who is to blame.
    pub(crate) fn reject(&mut self) -> Blame {
        let senders: FlatSet<PeerKey> = self.senders().collect();
        let mut only = senders.iter().copied();
        let blame = match (only.next(), only.next()) {
            (Some(culprit), None) => Blame::Proved(culprit),
            _ => {
                let came = (0..).zip(&self.pieces);
                let came = came.filter_map(|(number, piece)| Some((number, piece.bytes.as_ref()?)));
                self.sent =
                    came.map(|(number, (bytes, sender))| (number, checksum(bytes), *sender)).collect();
                self.is_one_by_one = true;
                self.suspects = senders.clone();
                Blame::Suspected(senders.into_iter().collect())
            }
        };
        self.begin_anew();
        blame
    }

    /// Peers are to be tried one by one, and nobody is being tried.
    pub(crate) fn wants_trial(&self) -> bool {
        self.is_one_by_one && self.on_trial.is_none()
    }

    /// The next to be tried of those who could be: one who was not suspected before those who were.
    pub(crate) fn choose_for_trial(&self, able: impl Iterator<Item = PeerKey>) -> Option<PeerKey> {
        able.min_by_key(|peer| (self.suspects.contains(peer), *peer))
    }

    /// From now on this peer alone is asked.
    pub(crate) fn try_alone(&mut self, peer: PeerKey) {
        self.on_trial = Some(peer);
    }

    /// This peer will not deliver. If it was on trial, what it gave is thrown away, and it is another one's turn.
    pub(crate) fn give_up_on(&mut self, peer: PeerKey) {
        if self.on_trial == Some(peer) {
            self.begin_anew();
        }
    }

    /// Who is shown by the right bytes to have sent wrong ones before.
    pub(crate) fn culprits(&self, right: &[u8]) -> FlatSet<PeerKey> {
        let right: Vec<u32> = right.chunks(METADATA_PIECE_LEN as usize).map(checksum).collect();
        let is_wrong = |(number, sum, _): &&(u32, u32, PeerKey)| right.get(*number as usize) != Some(sum);
        self.sent.iter().filter(is_wrong).map(|(_, _, sender)| *sender).collect()
    }

    /// Whose address must be remembered, in case it is to blame.
    pub(crate) fn involved(&self) -> impl Iterator<Item = PeerKey> + '_ {
        self.senders().chain(self.sent.iter().map(|(_, _, sender)| *sender))
    }

    fn senders(&self) -> impl Iterator<Item = PeerKey> + '_ {
        self.pieces.iter().filter_map(|piece| piece.bytes.as_ref().map(|(_, sender)| *sender))
    }

    fn begin_anew(&mut self) {
        self.on_trial = None;
        self.missing = self.pieces.len();
        self.pieces.iter_mut().for_each(|piece| piece.bytes = None);
    }

    /// Recounts what is counted. `askers` says how many peers are counted on for a piece.
    pub(crate) fn check(&self, askers: impl Fn(u32) -> usize) {
        let missing = self.pieces.iter().filter(|piece| piece.bytes.is_none()).count();
        assert_eq!(self.missing, missing, "invariant: missing pieces are counted");
        for (number, piece) in (0..).zip(&self.pieces) {
            assert_eq!(usize::from(piece.askers), askers(number), "invariant: askers are counted");
        }
        assert!(
            self.on_trial.is_none() || self.senders().all(|sender| self.on_trial == Some(sender)),
            "invariant: who is on trial gives everything"
        );
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    // Only ever compared with the right bytes: whoever forges it has sent other bytes with the same checksum, and gets
    // away with that, but nobody is accused wrongly.
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const LEN: u32 = 3 * METADATA_PIECE_LEN + 5;
    const A: PeerKey = PeerKey(2);
    const B: PeerKey = PeerKey(4);
    const C: PeerKey = PeerKey(6);

    fn right() -> Vec<u8> {
        (0..LEN).map(|at| (at >> 6) as u8).collect()
    }

    fn part(number: u32) -> Vec<u8> {
        right().chunks(METADATA_PIECE_LEN as usize).nth(number as usize).unwrap().to_vec()
    }

    /// Everything, piece by piece from these peers in turn; C sends rubbish.
    fn fill(assembly: &mut Assembly, senders: &[PeerKey]) {
        for (number, &sender) in (0..4).zip(senders.iter().cycle()) {
            let size = assembly.piece_size(number).unwrap() as usize;
            let bytes = if sender == C { vec![9; size] } else { part(number) };
            assembly.put(number, &bytes, sender);
        }
    }

    #[test]
    fn only_the_last_piece_is_shorter() {
        let assembly = Assembly::new(LEN);
        let sizes: Vec<_> = (0..6).map(|piece| assembly.piece_size(piece)).collect();
        assert_eq!(sizes, [Some(16384), Some(16384), Some(16384), Some(5), None, None]);
        assert_eq!(Assembly::new(16384).piece_size(0), Some(16384));
        assert_eq!(Assembly::new(16384).piece_size(1), None);
    }

    #[test]
    fn every_piece_is_asked_of_somebody_before_any_is_asked_twice() {
        let mut assembly = Assembly::new(LEN);
        let mut its = Vec::new();
        let mut order = Vec::new();
        for _ in 0..8 {
            let Some(piece) = assembly.choose(&its) else { break };
            assembly.ask(piece);
            order.push(piece);
            its = order.iter().skip(4).copied().collect();
        }
        assert_eq!(order, [0, 1, 2, 3, 0, 1, 2, 3]);
        assert_eq!(assembly.choose(&[]), None, "two are enough");
        assembly.unask(2);
        assert_eq!(assembly.choose(&[]), Some(2));
        assert_eq!(assembly.choose(&[2]), None, "not of one that is asked for it");
    }

    #[test]
    fn the_whole_is_there_when_the_last_piece_is_whatever_their_order() {
        let mut assembly = Assembly::new(LEN);
        for number in [3, 0, 2, 2] {
            assembly.put(number, &part(number), A);
            assert_eq!(assembly.whole(), None);
        }
        assembly.put(2, &[0; 16384], B);
        assembly.put(1, &part(1), B);
        assert_eq!(assembly.whole(), Some(right()), "what came first counts");
    }

    #[test]
    fn who_gave_everything_alone_is_proved_guilty_and_the_others_go_on_together() {
        let mut assembly = Assembly::new(LEN);
        fill(&mut assembly, &[C]);
        assert_eq!(assembly.reject(), Blame::Proved(C));
        assert_eq!(assembly.pieces_have(), 0);
        assert!(assembly.may_ask(A) && assembly.may_ask(B) && !assembly.wants_trial());
    }

    #[test]
    fn of_several_one_at_a_time_is_tried_the_unsuspected_first() {
        let mut assembly = Assembly::new(LEN);
        fill(&mut assembly, &[A, C]);
        assert_eq!(assembly.reject(), Blame::Suspected(vec![A, C]));
        assert!(assembly.wants_trial() && !assembly.may_ask(A));
        assert_eq!(assembly.choose_for_trial([A, B, C].into_iter()), Some(B));
        assembly.try_alone(C);
        assembly.put(0, &part(0), A);
        assert_eq!(assembly.pieces_have(), 0, "only the one on trial counts");
        fill(&mut assembly, &[C]);
        assert_eq!(assembly.reject(), Blame::Proved(C));
        assert!(assembly.wants_trial(), "there may be more of its kind");
        assert_eq!(assembly.choose_for_trial([A].into_iter()), Some(A));
    }

    #[test]
    fn a_trial_that_comes_to_nothing_leaves_nothing() {
        let mut assembly = Assembly::new(LEN);
        fill(&mut assembly, &[A, C]);
        assembly.reject();
        assembly.try_alone(B);
        assembly.put(0, &part(0), B);
        assembly.give_up_on(A);
        assert_eq!(assembly.pieces_have(), 1);
        assembly.give_up_on(B);
        assert!(assembly.pieces_have() == 0 && assembly.wants_trial());
    }

    #[test]
    fn the_right_bytes_show_who_sent_wrong_ones() {
        let mut assembly = Assembly::new(LEN);
        fill(&mut assembly, &[A, C, B]);
        assembly.reject();
        assert_eq!(assembly.culprits(&right()), FlatSet::from_iter([C]));
        assert_eq!(assembly.involved().collect::<FlatSet<_>>(), FlatSet::from_iter([A, B, C]));
    }
}
