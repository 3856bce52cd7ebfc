//! Seeding as BEP 3 describes it: the regular slots go to those that take our bytes fastest. Pieces spread fast that
//! way, mostly among few peers.

use std::cmp::Reverse;

use super::slots::{self, give_out, regular_slots};
use super::{Candidate, Decision, Round};
use crate::rng::Rng;
use crate::{ChokeReason, order};

pub(super) fn rechoke(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let mut regular = best_first(candidates, rng);
    regular.truncate(regular_slots(round.config));
    let lost = |_: &Candidate| ChokeReason::TakesSlower;
    give_out(round, candidates, &regular, ChokeReason::FastestWhileSeeding, lost, rng)
}

pub(super) fn fill(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    slots::fill(round, candidates, ChokeReason::FastestWhileSeeding, best_first, rng)
}

fn best_first(candidates: &[Candidate], rng: &mut Rng) -> Vec<usize> {
    let mut ranked: Vec<(Reverse<u64>, bool, u32, usize)> = candidates
        .iter()
        .enumerate()
        // To a seed nobody gives anything, so nobody lets it down.
        .filter(|(_, c)| c.peer_interested)
        .map(|(at, c)| (Reverse(c.up_rate), c.am_choking, rng.bits(), at))
        .collect();
    order::sort(&mut ranked);
    ranked.into_iter().map(|(.., at)| at).collect()
}
