//! Seeding in turns (round robin): everybody gets the same time, so that no fast peer takes the whole seed for itself.
//!
//! A turn lasts for `seed_turn_min` at least, and until the peer got `seed_turn_pieces` pieces' worth, but not beyond
//! `seed_turn_max`. Slots then go to those that have waited longest since they last held one; who has had its turn
//! keeps its slot while nobody waits. (libtorrent's `round_robin`: a quota of twenty pieces and at least a minute. The
//! bound above is ours: at a slow uplink twenty long pieces take hours.)

use std::cmp::Reverse;
use std::time::Duration;

use super::slots::{self, give_out, regular_slots};
use super::{Candidate, Decision, Round};
use crate::rng::Rng;
use crate::{ChokeReason, order};

pub(super) fn rechoke(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let mut regular = in_turn(round, candidates, rng);
    regular.truncate(regular_slots(round.config));
    let lost = |candidate: &Candidate| {
        if candidate.am_choking { ChokeReason::AwaitingTurn } else { ChokeReason::TurnOver }
    };
    give_out(round, candidates, &regular, ChokeReason::Turn, lost, rng)
}

pub(super) fn fill(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let order = |waiting: &[Candidate], rng: &mut Rng| in_turn(round, waiting, rng);
    slots::fill(round, candidates, ChokeReason::Turn, order, rng)
}

/// Running turns first, then who has waited longest, then the optimistic ones, at last those that had their turn.
fn in_turn(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<usize> {
    let place = |candidate: &Candidate| match candidate {
        waiting if waiting.am_choking => (1, Reverse(waiting.turn_for)),
        optimistic if optimistic.is_optimistic() => (2, Reverse(optimistic.turn_for)),
        over if is_over(round, over) => (3, Reverse(Duration::MAX - over.turn_for)),
        _ => (0, Reverse(Duration::ZERO)),
    };
    let mut ranked: Vec<_> = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.peer_interested)
        .map(|(at, candidate)| (place(candidate), rng.bits(), at))
        .collect();
    order::sort(&mut ranked);
    ranked.into_iter().map(|(.., at)| at).collect()
}

fn is_over(round: &Round<'_>, candidate: &Candidate) -> bool {
    let config = round.config;
    let quota_bytes = u64::from(config.seed_turn_pieces) * u64::from(round.piece_len);
    let has_had_its_share = candidate.turn_bytes >= quota_bytes || candidate.turn_for >= config.seed_turn_max;
    candidate.turn_for >= config.seed_turn_min && has_had_its_share
}
