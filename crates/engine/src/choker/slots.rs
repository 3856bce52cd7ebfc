//! What strategies with slots have in common: regular slots are earned, one how the strategy says, and optimistic ones
//! are drawn (BEP 3).

use super::{Candidate, Decision, Round};
use crate::rng::Rng;
use crate::{ChokeReason, Config};

/// Slots that are to be earned.
pub(super) fn regular_slots(config: &Config) -> usize {
    if config.counts_optimistic_slots {
        config.unchoke_slots.saturating_sub(config.optimistic_slots)
    } else {
        config.unchoke_slots
    }
}

/// Decides about everybody. `regular` are those who have earned a slot, for the reason `earned`; `lost` says why one
/// that wants a slot has none.
pub(super) fn give_out(
    round: &Round<'_>,
    candidates: &[Candidate],
    regular: &[usize],
    earned: ChokeReason,
    lost: impl Fn(&Candidate) -> ChokeReason,
    rng: &mut Rng,
) -> Vec<Decision> {
    let config = round.config;
    // Slots that nobody has earned go to further optimistic unchokes: a peer snubbed by all finds new partners by
    // having more than one of them (Cohen 2003).
    let slots = config.optimistic_slots + regular_slots(config).saturating_sub(regular.len());
    let optimistic = optimistic(config, slots, candidates, |at| regular.contains(&at), rng);
    let decide = |(at, candidate): (usize, &Candidate)| {
        if regular.contains(&at) {
            Decision::unchoke(candidate, earned)
        } else if optimistic.contains(&at) {
            Decision::unchoke(candidate, ChokeReason::Optimistic)
        } else if !candidate.peer_interested {
            Decision::choke(candidate, ChokeReason::NotInterested)
        } else if candidate.is_optimistic() {
            Decision::choke(candidate, ChokeReason::OptimisticOver)
        } else {
            Decision::choke(candidate, lost(candidate))
        }
    };
    candidates.iter().enumerate().map(decide).collect()
}

/// Between rounds: gives away what is free, to the first of `best_first` for the reason `earned`, then by lot.
pub(super) fn fill(
    round: &Round<'_>,
    candidates: &[Candidate],
    earned: ChokeReason,
    best_first: impl Fn(&[Candidate], &mut Rng) -> Vec<usize>,
    rng: &mut Rng,
) -> Vec<Decision> {
    let config = round.config;
    let held = candidates.iter().filter(|candidate| candidate.is_held()).count();
    let optimistic = candidates.iter().filter(|c| c.is_held() && c.is_optimistic()).count();
    // Further optimistic unchokes, beyond their own slots, stand on regular ones.
    let beyond = optimistic.saturating_sub(config.optimistic_slots);
    let free = regular_slots(config).saturating_sub(held - optimistic + beyond);
    let waiting: Vec<Candidate> = candidates.iter().filter(|c| c.is_waiting()).cloned().collect();
    let mut earning = best_first(&waiting, rng);
    earning.truncate(free);
    let places = config.optimistic_slots.saturating_sub(optimistic);
    let drawn = draw(config, places, &waiting, |at| earning.contains(&at), rng);
    let earning = earning.iter().map(|&at| Decision::unchoke(&waiting[at], earned));
    let drawn = drawn.iter().map(|&at| Decision::unchoke(&waiting[at], ChokeReason::Optimistic));
    earning.chain(drawn).collect()
}

/// Who holds an optimistic slot in the next round: those whose time is not over, then others by lot.
pub(super) fn optimistic(
    config: &Config,
    slots: usize,
    candidates: &[Candidate],
    is_taken: impl Fn(usize) -> bool,
    rng: &mut Rng,
) -> Vec<usize> {
    let stays = |at: &usize| {
        let candidate = &candidates[*at];
        let is_running = candidate.is_optimistic() && candidate.turn_for < config.optimistic_interval;
        candidate.peer_interested && is_running && !is_taken(*at)
    };
    let mut held: Vec<usize> = (0..candidates.len()).filter(stays).take(slots).collect();
    let drawn = draw(config, slots - held.len(), candidates, |at| is_taken(at) || held.contains(&at), rng);
    held.extend(drawn);
    held
}

/// Draws up to `places` interested peers at random, newcomers with a higher weight: they have nothing to give yet and
/// get a first piece this way (BEP 3). One whose turn is just over is drawn again only if nobody else wants it.
fn draw(
    config: &Config,
    places: usize,
    candidates: &[Candidate],
    is_taken: impl Fn(usize) -> bool,
    rng: &mut Rng,
) -> Vec<usize> {
    let mut urn: Vec<usize> =
        (0..candidates.len()).filter(|&at| candidates[at].peer_interested && !is_taken(at)).collect();
    let mut drawn = Vec::new();
    while drawn.len() < places && !urn.is_empty() {
        let someone_else = urn.iter().any(|&at| !candidates[at].is_optimistic());
        let weight = |at: usize| match &candidates[at] {
            over if over.is_optimistic() && someone_else => 0,
            new if new.connected_for < config.newcomer_age => config.newcomer_weight.max(1),
            _ => 1,
        };
        let mut ticket = rng.below(urn.iter().map(|&at| weight(at)).sum());
        let winner = urn.iter().position(|&at| {
            let is_hit = ticket < weight(at);
            ticket = ticket.saturating_sub(weight(at));
            is_hit
        });
        let Some(winner) = winner else { break };
        drawn.push(urn.remove(winner));
    }
    drawn
}
