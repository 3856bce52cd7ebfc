//! BitTyrant (Piatek, Isdal, Anderson, Krishnamurthy and Venkataramani, NSDI 2007): unchoke whoever gives most for each
//! byte that it asks, and find out for each how little it asks.
//!
//! For each peer a [`Bid`] holds what it gives when it unchokes us, and what it takes to be unchoked. Every round: who
//! did not return our unchoke asks for a fifth more, as far as we know; who returned it three rounds running may be
//! content with a tenth less. Peers are unchoked in the order of what they give over what they ask, as long as the sum
//! of what they ask is within our capacity. There are no optimistic unchokes. The program that was released spends what
//! is then left over on the same peers; the selfish variant of the paper's analysis withholds it.

use std::cmp::Ordering;

use super::slots::regular_slots;
use super::{Candidate, Capacity, Decision, Round};
use crate::rng::Rng;
use crate::{ChokeReason, order};

/// Assumed of a stranger, in bytes a second (libtorrent's `bittyrant_choker` assumes 16 000).
const STRANGERS_RATE: u64 = 16_000;
/// A peer never asks for less than this, in bytes a second, or a tenth less would end at nothing.
const UP_RATE_MIN: u64 = 1_000;
/// Nor for more: far beyond any link, and far from an overflow.
const UP_RATE_MAX: u64 = 1 << 40;
/// Rounds of returned unchokes before less is tried (Piatek 2007: r = 3).
const RETURNS_MAX: u8 = 3;
/// Peers that a stranger is assumed to share its upload among (BEP 3).
const ACTIVE_SET: u64 = 4;

/// What is believed of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bid {
    /// Bytes a second that it gives when it unchokes us: the paper's d.
    pub(crate) down_rate: u64,
    /// Bytes a second that it takes to be unchoked by it: the paper's u.
    pub(crate) up_rate: u64,
    /// Rounds running in which it returned our unchoke, up to three.
    pub(crate) returns: u8,
}

impl Bid {
    /// Of a stranger: it gives a fourth of what it seems to receive itself, and asks for a slot's worth.
    fn new(round: &Round<'_>, candidate: &Candidate) -> Self {
        let slots = regular_slots(round.config).max(1) as u64;
        let up_rate = STRANGERS_RATE.min(round.capacity.bytes() / slots).max(UP_RATE_MIN);
        let connected_ms = candidate.connected_for.as_millis() as u64;
        let announced = candidate.announced_bytes.saturating_mul(1000);
        let receives = announced.checked_div(connected_ms).filter(|&rate| rate > 0);
        Self { down_rate: receives.map_or(up_rate, |rate| rate / ACTIVE_SET), up_rate, returns: 0 }
    }

    /// After a round: `is_returned` says whether the peer unchokes us, `is_offered` whether we unchoked it all through;
    /// `gave_rate` is what it gave, in bytes a second.
    pub(super) fn next(self, is_offered: bool, is_returned: bool, gave_rate: u64) -> Self {
        let Self { down_rate, up_rate, returns } = self;
        if is_returned && returns + 1 == RETURNS_MAX {
            Self { down_rate: gave_rate, up_rate: (up_rate * 9 / 10).max(UP_RATE_MIN), returns: 0 }
        } else if is_returned {
            Self { down_rate: gave_rate, up_rate, returns: returns + 1 }
        } else if is_offered {
            Self { down_rate, up_rate: (up_rate * 6 / 5).min(UP_RATE_MAX), returns: 0 }
        } else {
            Self { returns: 0, ..self }
        }
    }

    /// Better value first.
    fn compare(&self, other: &Self) -> Ordering {
        let ours = u128::from(self.down_rate) * u128::from(other.up_rate);
        let theirs = u128::from(other.down_rate) * u128::from(self.up_rate);
        theirs.cmp(&ours)
    }
}

pub(super) fn rechoke(
    round: &Round<'_>,
    candidates: &[Candidate],
    is_selfish: bool,
    rng: &mut Rng,
) -> Vec<Decision> {
    let believed: Vec<Bid> = candidates.iter().map(|candidate| bid_after(round, candidate)).collect();
    let bids = worth_now(candidates, &believed);
    let wants = |at: usize| candidates[at].peer_interested;
    let chosen = choose(round.capacity.bytes(), candidates, &bids, wants, is_selfish, rng);
    let asked: u64 = chosen.iter().map(|&at| bids[at].up_rate).sum();
    let decide = |(at, candidate): (usize, &Candidate)| {
        let decision = if chosen.contains(&at) {
            let up_rate_max = pay(round.capacity, bids[at].up_rate, asked, is_selfish);
            Decision { up_rate_max, ..Decision::unchoke(candidate, ChokeReason::BestReturn) }
        } else if candidate.peer_interested {
            Decision::choke(candidate, ChokeReason::PoorReturn)
        } else {
            Decision::choke(candidate, ChokeReason::NotInterested)
        };
        Decision { bid: Some(believed[at]), ..decision }
    };
    candidates.iter().enumerate().map(decide).collect()
}

/// Between rounds: whoever waits and fits into what is left.
pub(super) fn fill(
    round: &Round<'_>,
    candidates: &[Candidate],
    is_selfish: bool,
    rng: &mut Rng,
) -> Vec<Decision> {
    let bid = |candidate: &Candidate| candidate.bid.unwrap_or_else(|| Bid::new(round, candidate));
    let believed: Vec<Bid> = candidates.iter().map(bid).collect();
    let bids = worth_now(candidates, &believed);
    let held = candidates.iter().zip(&bids).filter(|(candidate, _)| candidate.is_held());
    let spent = held.map(|(_, bid)| bid.up_rate).fold(0, u64::saturating_add);
    let left = round.capacity.bytes().saturating_sub(spent);
    if left == 0 {
        return Vec::new();
    }
    let wants = |at: usize| candidates[at].is_waiting();
    let chosen = choose(left, candidates, &bids, wants, is_selfish, rng);
    let fits = |at: &usize| spent == 0 || bids[*at].up_rate <= left;
    let unchoke = |at: usize| Decision {
        up_rate_max: is_selfish.then_some(bids[at].up_rate),
        bid: Some(believed[at]),
        ..Decision::unchoke(&candidates[at], ChokeReason::BestReturn)
    };
    chosen.into_iter().filter(fits).map(unchoke).collect()
}

/// The best by value while the sum of what they ask is within `capacity`, and always one.
pub(super) fn choose(
    capacity: u64,
    candidates: &[Candidate],
    bids: &[Bid],
    wants: impl Fn(usize) -> bool,
    is_selfish: bool,
    rng: &mut Rng,
) -> Vec<usize> {
    let mut ranked: Vec<(usize, u32)> = (0..candidates.len())
        .filter(|&at| wants(at) && (!is_selfish || bids[at].down_rate > 0))
        .map(|at| (at, rng.bits()))
        .collect();
    order::sort_by(&mut ranked, |&(a, lot_a), &(b, lot_b)| {
        let by_value = bids[a].compare(&bids[b]);
        by_value.then((candidates[a].am_choking, lot_a).cmp(&(candidates[b].am_choking, lot_b)))
    });
    let mut asked = 0_u64;
    let is_within = |&(at, _): &(usize, u32)| {
        let is_first = asked == 0;
        asked = asked.saturating_add(bids[at].up_rate);
        is_first || asked <= capacity
    };
    ranked.into_iter().take_while(is_within).map(|(at, _)| at).collect()
}

/// What a chosen peer is paid. Beyond what it asks, it gets its part of what nobody asks for.
fn pay(capacity: Capacity, up_rate: u64, asked: u64, is_selfish: bool) -> Option<u64> {
    match capacity {
        _ if is_selfish => Some(up_rate),
        Capacity::Limit(limit) if asked > 0 => {
            Some((u128::from(up_rate) * u128::from(limit) / u128::from(asked)) as u64)
        }
        Capacity::Limit(_) | Capacity::Guess(_) => None,
    }
}

/// Who has nothing for us gives nothing just now, whatever is believed of it.
fn worth_now(candidates: &[Candidate], believed: &[Bid]) -> Vec<Bid> {
    let worth = |(candidate, bid): (&Candidate, &Bid)| Bid {
        down_rate: if candidate.am_interested { bid.down_rate } else { 0 },
        ..*bid
    };
    candidates.iter().zip(believed).map(worth).collect()
}

fn bid_after(round: &Round<'_>, candidate: &Candidate) -> Bid {
    let Some(bid) = candidate.bid else { return Bid::new(round, candidate) };
    let lasted_us = round.lasted.as_micros().max(1);
    let gave_rate = u128::from(candidate.gave_bytes) * 1_000_000 / lasted_us;
    let gave_rate = u64::try_from(gave_rate).unwrap_or(u64::MAX).min(UP_RATE_MAX);
    let is_offered = !candidate.am_choking && candidate.turn_for >= round.lasted;
    // A peer that has nothing for us has nothing to return.
    let is_returned = !candidate.peer_choking && candidate.am_interested;
    bid.next(is_offered && candidate.am_interested, is_returned, gave_rate)
}
