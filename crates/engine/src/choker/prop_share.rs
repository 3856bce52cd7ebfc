//! Proportional share (PropShare; Levin, LaCurts, Spring and Bhattacharjee, SIGCOMM 2008): each peer gets the share of
//! our upload that it gave of our download in the last round. No rank has a cliff, and an identity that is split in two
//! gets as much as before.
//!
//! A fifth of the upload goes to optimistic unchokes: whoever has nothing to give could else never begin.

use super::slots::{optimistic, regular_slots};
use super::{Candidate, Decision, Round};
use crate::ChokeReason;
use crate::rng::Rng;

/// Part of the upload that is kept for optimistic unchokes, as one over so much (Levin 2008: a fifth).
const OPTIMISTIC_PART: u64 = 5;

pub(super) fn rechoke(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let gives = |candidate: &Candidate| candidate.peer_interested && candidate.gave_bytes > 0;
    let has_partner = candidates.iter().any(gives);
    let places = optimistic_places(round, has_partner);
    let drawn = optimistic(round.config, places, candidates, |at| gives(&candidates[at]), rng);
    let capacity = round.capacity.bytes();
    let for_drawn = match (has_partner, drawn.is_empty()) {
        (_, true) => 0,
        (true, false) => capacity / OPTIMISTIC_PART,
        (false, false) => capacity,
    };
    let gifts: Vec<u64> = candidates.iter().map(|c| if gives(c) { c.gave_bytes } else { 0 }).collect();
    let shares = shares(capacity - for_drawn, &gifts);
    let decide = |(at, candidate): (usize, &Candidate)| {
        if gives(candidate) {
            let up_rate_max = Some(shares[at]);
            Decision { up_rate_max, ..Decision::unchoke(candidate, ChokeReason::ProportionalShare) }
        } else if drawn.contains(&at) {
            let up_rate_max = Some(for_drawn / drawn.len() as u64);
            Decision { up_rate_max, ..Decision::unchoke(candidate, ChokeReason::Optimistic) }
        } else if !candidate.peer_interested {
            Decision::choke(candidate, ChokeReason::NotInterested)
        } else if candidate.is_optimistic() {
            Decision::choke(candidate, ChokeReason::OptimisticOver)
        } else {
            Decision::choke(candidate, ChokeReason::GaveNothing)
        }
    };
    candidates.iter().enumerate().map(decide).collect()
}

pub(super) fn fill(round: &Round<'_>, candidates: &[Candidate], rng: &mut Rng) -> Vec<Decision> {
    let has_partner = candidates.iter().any(|c| c.reason == Some(ChokeReason::ProportionalShare));
    let held = candidates.iter().filter(|c| c.is_held() && c.is_optimistic()).count();
    let places = optimistic_places(round, has_partner).saturating_sub(held);
    let drawn = optimistic(round.config, places, candidates, |at| !candidates[at].is_waiting(), rng);
    let up_rate_max = Some(round.capacity.bytes() / OPTIMISTIC_PART);
    let unchoke =
        |&at: &usize| Decision { up_rate_max, ..Decision::unchoke(&candidates[at], ChokeReason::Optimistic) };
    drawn.iter().map(unchoke).collect()
}

/// Without anybody to pay back, the regular slots are for finding somebody.
fn optimistic_places(round: &Round<'_>, has_partner: bool) -> usize {
    let regular = if has_partner { 0 } else { regular_slots(round.config) };
    round.config.optimistic_slots + regular
}

/// Divides `total` in proportion to the gifts. What is lost by rounding goes to the first givers, a unit each.
pub(super) fn shares(total: u64, gifts: &[u64]) -> Vec<u64> {
    let sum: u128 = gifts.iter().map(|&gift| u128::from(gift)).sum();
    if sum == 0 {
        return vec![0; gifts.len()];
    }
    let part = |gift: u64| (u128::from(total) * u128::from(gift) / sum) as u64;
    let mut shares: Vec<u64> = gifts.iter().map(|&gift| part(gift)).collect();
    let mut rest = total - shares.iter().sum::<u64>();
    for (share, _) in shares.iter_mut().zip(gifts).filter(|(_, gift)| **gift > 0) {
        let more = rest.min(1);
        *share += more;
        rest -= more;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::shares;

    /// Bids of the lecture's example, in thousandths of a unit of a capacity of 40.
    #[test]
    fn the_lectures_bids_share_forty_units() {
        let shares = shares(40_000, &[15, 13, 12, 10, 9, 7]);
        assert_eq!(shares, [9_091, 7_879, 7_273, 6_061, 5_454, 4_242]);
        assert_eq!(shares.iter().sum::<u64>(), 40_000);
    }

    #[test]
    fn splitting_an_identity_gains_nothing() {
        let others = [15, 13, 12, 10];
        let whole = shares(40_000_000, &[&others[..], &[42]].concat())[4];
        for parts in [2, 3, 6, 7] {
            let split = vec![42 / parts; parts as usize];
            let got: u64 = shares(40_000_000, &[&others[..], &split].concat())[4..].iter().sum();
            assert!(got.abs_diff(whole) <= parts, "{parts} parts: {got} and {whole}");
        }
    }

    #[test]
    fn nobody_gave_so_nobody_shares_and_no_sum_overflows() {
        assert_eq!(shares(100, &[0, 0]), [0, 0]);
        assert_eq!(shares(100, &[]), []);
        assert_eq!(shares(u64::MAX, &[u64::MAX, 0, u64::MAX]), [u64::MAX / 2 + 1, 0, u64::MAX / 2]);
    }
}
