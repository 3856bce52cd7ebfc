//! Tit for tat (BEP 3, Cohen 2003): the regular slots go to those interested peers that give us most.
//!
//! A peer that gives more than the last of them but wants nothing is unchoked as well, and takes up no slot. When it
//! becomes interested, the holder with the worst rate makes room at once, as BEP 3 says.

use std::cmp::Reverse;

use super::slots::{self, give_out, regular_slots};
use super::{Candidate, Decision, Round};
use crate::rng::Rng;
use crate::{ChokeReason, order};

pub(super) fn rechoke(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let regular = best_first(candidates, rng);
    let regular = &regular[..regular.len().min(regular_slots(round.config))];
    let lost = |candidate: &Candidate| {
        if candidate.is_snubbed { ChokeReason::Snubbing } else { ChokeReason::OutBid }
    };
    let mut decisions = give_out(round, candidates, regular, ChokeReason::Reciprocation, lost, rng);
    let is_full = regular.len() == regular_slots(round.config);
    let worst = regular.last().filter(|_| is_full).map_or(0, |&at| candidates[at].down_rate);
    for (candidate, decision) in candidates.iter().zip(&mut decisions) {
        let is_better = !candidate.is_snubbed && candidate.down_rate > worst;
        if !candidate.peer_interested && is_better && regular_slots(round.config) > 0 {
            *decision = Decision::unchoke(candidate, ChokeReason::BetterButUninterested);
        }
    }
    decisions
}

pub(super) fn fill(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let made_room = make_room(round, candidates);
    let mut after = candidates.to_vec();
    for decision in &made_room {
        if let Some(candidate) = after.iter_mut().find(|candidate| candidate.peer == decision.peer) {
            candidate.am_choking = decision.choked;
            candidate.reason = Some(decision.reason);
            // Its slot is gone for this round: it is not to get another that is free only because of it.
            candidate.peer_interested &= !decision.choked;
        }
    }
    let given = slots::fill(round, &after, ChokeReason::Reciprocation, best_first, rng);
    made_room.into_iter().chain(given).collect()
}

/// Peers that were unchoked without being interested and have become so take a slot; if there is none, the worst
/// holder loses its own.
fn make_room(round: &Round<'_>, candidates: &[Candidate]) -> Vec<Decision> {
    let is_promised = |c: &&Candidate| c.reason == Some(ChokeReason::BetterButUninterested) && c.is_held();
    let mut decisions: Vec<Decision> = candidates
        .iter()
        .filter(is_promised)
        .map(|candidate| Decision::unchoke(candidate, ChokeReason::Reciprocation))
        .collect();
    if decisions.is_empty() {
        return decisions;
    }
    let mut holders: Vec<&Candidate> =
        candidates.iter().filter(|c| c.is_held() && !c.is_optimistic()).collect();
    order::sort_by_key(&mut holders, |candidate| (Reverse(candidate.down_rate), candidate.peer));
    for loser in holders.into_iter().skip(regular_slots(round.config)) {
        decisions.retain(|decision| decision.peer != loser.peer);
        decisions.push(Decision::choke(loser, ChokeReason::PushedOut));
    }
    decisions
}

/// The interested peers that do not let us down, by what they give. Equal rates (all are zero in the beginning) are
/// broken for those that are unchoked already, since a change costs a round trip, then at random.
fn best_first(candidates: &[Candidate], rng: &mut Rng) -> Vec<usize> {
    let mut ranked: Vec<(Reverse<u64>, bool, u32, usize)> = candidates
        .iter()
        .enumerate()
        .filter(|(_, c)| c.peer_interested && !c.is_snubbed)
        .map(|(at, c)| (Reverse(c.down_rate), c.am_choking, rng.bits(), at))
        .collect();
    order::sort(&mut ranked);
    ranked.into_iter().map(|(.., at)| at).collect()
}
