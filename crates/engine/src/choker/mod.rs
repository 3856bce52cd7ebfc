//! Who is unchoked, and why: candidates in, decisions out. Nothing here sends, waits or remembers; each strategy is one
//! file of functions, and [`Strategy`] is the interface that they share.
//!
//! Every ten seconds [`Strategy::rechoke`] decides about everybody. Between rounds [`Strategy::fill_free_slots`] gives
//! away what is free: a peer that has just become interested need not wait ten seconds for a slot that nobody holds.
//! It chokes nobody, but for the one case that BEP 3 names (see [`standard`]), and that at most once a round for each
//! peer: it cannot cause the fibrillation against which BEP 3 sets the ten seconds.

mod bittyrant;
mod fastest;
mod free_rider;
mod prop_share;
mod slots;
mod standard;
mod strategy;
#[cfg(test)]
mod tests;
mod turns;

use std::time::Duration;

pub(crate) use bittyrant::Bid;
pub use strategy::{Strategy, UnknownStrategy};

use crate::rng::Rng;
use crate::{ChokeReason, Config, PeerKey};

/// What we can send is not known without a limit: at least so many bytes a second are assumed.
const CAPACITY_MIN: u64 = 80_000;

/// What the choker knows of us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round<'a> {
    pub(crate) config: &'a Config,
    pub(crate) is_seeding: bool,
    /// Since the round before; between rounds, since the last one.
    pub(crate) lasted: Duration,
    pub(crate) capacity: Capacity,
    /// Bytes of a piece.
    pub(crate) piece_len: u32,
}

/// How fast we can send, in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// There is a limit.
    Limit(u64),
    /// There is none: what was measured, and somewhat more, so that it can grow.
    Guess(u64),
}

impl Capacity {
    /// From the limit, if there is one, and the present rate.
    pub(crate) fn new(limit: Option<u64>, up_rate: u64) -> Self {
        let guess = || Self::Guess(up_rate.saturating_add(up_rate / 4).max(CAPACITY_MIN));
        limit.map_or_else(guess, Self::Limit)
    }

    const fn bytes(self) -> u64 {
        match self {
            Self::Limit(bytes) | Self::Guess(bytes) => bytes,
        }
    }
}

/// What the choker knows of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) peer: PeerKey,
    pub(crate) am_interested: bool,
    pub(crate) am_choking: bool,
    pub(crate) peer_interested: bool,
    pub(crate) peer_choking: bool,
    /// Lets us down: gets nothing in return (Cohen 2003, anti-snubbing).
    pub(crate) is_snubbed: bool,
    /// Why it is choked or unchoked.
    pub(crate) reason: Option<ChokeReason>,
    /// For how long it has been choked, or held a slot of its kind.
    pub(crate) turn_for: Duration,
    /// Payload bytes to it in that time.
    pub(crate) turn_bytes: u64,
    pub(crate) connected_for: Duration,
    /// Bytes a second from it.
    pub(crate) down_rate: u64,
    /// Bytes a second to it.
    pub(crate) up_rate: u64,
    /// Payload bytes from it since the last round.
    pub(crate) gave_bytes: u64,
    /// Bytes of the pieces that it has told us of since it joined.
    pub(crate) announced_bytes: u64,
    /// What BitTyrant believes of it.
    pub(crate) bid: Option<Bid>,
}

impl Candidate {
    /// It holds an optimistic slot.
    fn is_optimistic(&self) -> bool {
        !self.am_choking && self.reason == Some(ChokeReason::Optimistic)
    }

    /// It takes up a slot.
    fn is_held(&self) -> bool {
        !self.am_choking && self.peer_interested
    }

    fn is_waiting(&self) -> bool {
        self.am_choking && self.peer_interested
    }
}

/// What is to become of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) peer: PeerKey,
    pub(crate) choked: bool,
    pub(crate) reason: ChokeReason,
    /// Bytes a second to it at most; `None`: as many as there are.
    pub(crate) up_rate_max: Option<u64>,
    /// What is believed of it from now on.
    pub(crate) bid: Option<Bid>,
}

impl Decision {
    const fn choke(candidate: &Candidate, reason: ChokeReason) -> Self {
        Self { peer: candidate.peer, choked: true, reason, up_rate_max: None, bid: candidate.bid }
    }

    const fn unchoke(candidate: &Candidate, reason: ChokeReason) -> Self {
        Self { peer: candidate.peer, choked: false, reason, up_rate_max: None, bid: candidate.bid }
    }
}

impl Strategy {
    /// Decides about every peer, in the order of `candidates`.
    pub(crate) fn rechoke(self, round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
        match (self, round.is_seeding) {
            (Self::FreeRider, _) => free_rider::rechoke(candidates),
            (Self::FastestUpload, true) => fastest::rechoke(round, candidates, rng),
            (_, true) => turns::rechoke(round, candidates, rng),
            (Self::Standard | Self::FastestUpload, false) => standard::rechoke(round, candidates, rng),
            (Self::BitTyrant, false) => bittyrant::rechoke(round, candidates, false, rng),
            (Self::BitTyrantSelfish, false) => bittyrant::rechoke(round, candidates, true, rng),
            (Self::PropShare, false) => prop_share::rechoke(round, candidates, rng),
        }
    }

    /// Decides about peers for which there is a free slot; says nothing about the others.
    pub(crate) fn fill_free_slots(
        self,
        round: &Round<'_>,
        candidates: &[Candidate],
        rng: &mut Rng,
    ) -> Vec<Decision> {
        match (self, round.is_seeding) {
            (Self::FreeRider, _) => Vec::new(),
            (Self::FastestUpload, true) => fastest::fill(round, candidates, rng),
            (_, true) => turns::fill(round, candidates, rng),
            (Self::Standard | Self::FastestUpload, false) => standard::fill(round, candidates, rng),
            (Self::BitTyrant, false) => bittyrant::fill(round, candidates, false, rng),
            (Self::BitTyrantSelfish, false) => bittyrant::fill(round, candidates, true, rng),
            (Self::PropShare, false) => prop_share::fill(round, candidates, rng),
        }
    }
}
