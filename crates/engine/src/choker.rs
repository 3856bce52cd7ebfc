//! Who is unchoked, and why: the whole policy, as functions of snapshots. Nothing here sends, waits or remembers.
//!
//! Every ten seconds [`rechoke`] gives the regular slots to those interested peers that give us most (as a seed: take
//! most), and the optimistic slot to one other whatever its rate, for thirty seconds (BEP 3). Between rounds
//! [`fill_free_slots`] gives away what is free: a peer that has just become interested need not wait ten seconds for
//! a slot that nobody holds. It never chokes anybody, so it cannot cause the fibrillation against which BEP 3 sets the
//! ten seconds.

use std::cmp::Reverse;
use std::time::Duration;

use crate::rng::Rng;
use crate::{ChokeReason, Config, PeerKey};

/// What the choker knows of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) peer: PeerKey,
    pub(crate) peer_interested: bool,
    pub(crate) am_choking: bool,
    /// Lets us down: gets nothing in return (Cohen 2003, anti-snubbing).
    pub(crate) is_snubbed: bool,
    /// For how long it has held an optimistic slot; `None`: it holds none.
    pub(crate) optimistic_for: Option<Duration>,
    pub(crate) connected_for: Duration,
    /// Bytes a second from it.
    pub(crate) down_rate: u64,
    /// Bytes a second to it.
    pub(crate) up_rate: u64,
}

/// What is to become of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) peer: PeerKey,
    pub(crate) choked: bool,
    pub(crate) reason: ChokeReason,
}

/// Decides about every peer, in the order of `candidates`.
pub(crate) fn rechoke(
    config: &Config,
    is_seeding: bool,
    candidates: &[Candidate],
    rng: &mut Rng,
) -> Vec<Decision> {
    let regular = best(config.unchoke_slots, is_seeding, candidates, rng);
    // Slots that nobody has earned go to further optimistic unchokes: a peer snubbed by all finds new partners by
    // having more than one of them (Cohen 2003).
    let slots = config.optimistic_slots + config.unchoke_slots - regular.len();
    let kept: Vec<usize> = (0..candidates.len())
        .filter(|at| !regular.contains(at) && keeps_optimistic(config, &candidates[*at]))
        .take(slots)
        .collect();
    let places = slots - kept.len();
    let drawn =
        draw_optimistic(config, places, candidates, |at| regular.contains(&at) || kept.contains(&at), rng);
    let is_optimistic = |at: usize| kept.contains(&at) || drawn.contains(&at);
    let decide = |(at, candidate): (usize, &Candidate)| {
        let (choked, reason) = if regular.contains(&at) {
            (false, earned(is_seeding))
        } else if is_optimistic(at) {
            (false, ChokeReason::Optimistic)
        } else if !candidate.peer_interested {
            (true, ChokeReason::NotInterested)
        } else if candidate.optimistic_for.is_some() {
            (true, ChokeReason::OptimisticOver)
        } else {
            (true, ChokeReason::OutBid)
        };
        Decision { peer: candidate.peer, choked, reason }
    };
    candidates.iter().enumerate().map(decide).collect()
}

/// Unchokes peers for which there is a free slot; says nothing about the others.
pub(crate) fn fill_free_slots(
    config: &Config,
    is_seeding: bool,
    candidates: &[Candidate],
    rng: &mut Rng,
) -> Vec<Decision> {
    let is_held = |candidate: &&Candidate| candidate.peer_interested && !candidate.am_choking;
    let optimistic = candidates.iter().filter(is_held).filter(|c| c.optimistic_for.is_some()).count();
    let regular = candidates.iter().filter(is_held).count() - optimistic;
    // Further optimistic unchokes, beyond their own slots, stand on regular ones.
    let beyond = optimistic.saturating_sub(config.optimistic_slots);
    let free = config.unchoke_slots.saturating_sub(regular + beyond);
    let choked: Vec<Candidate> =
        candidates.iter().filter(|c| c.am_choking && c.peer_interested).cloned().collect();
    let earning = best(free, is_seeding, &choked, rng);
    let places = config.optimistic_slots.saturating_sub(optimistic);
    let drawn = draw_optimistic(config, places, &choked, |at| earning.contains(&at), rng);
    let unchoke = |reason| move |&at: &usize| (at, reason);
    let mut chosen: Vec<(usize, ChokeReason)> = earning.iter().map(unchoke(earned(is_seeding))).collect();
    chosen.extend(drawn.iter().map(unchoke(ChokeReason::Optimistic)));
    chosen.into_iter().map(|(at, reason)| Decision { peer: choked[at].peer, choked: false, reason }).collect()
}

/// The interested peers with the best rates, best first. Equal rates (all are zero in the beginning) are broken for
/// those that are unchoked already, since a change costs a round trip, then at random.
fn best(slots: usize, is_seeding: bool, candidates: &[Candidate], rng: &mut Rng) -> Vec<usize> {
    let mut ranked: Vec<(Reverse<u64>, bool, u32, usize)> = candidates
        .iter()
        .enumerate()
        // To a seed nobody gives anything, so nobody lets it down.
        .filter(|(_, c)| c.peer_interested && (is_seeding || !c.is_snubbed))
        .map(|(at, c)| {
            (Reverse(if is_seeding { c.up_rate } else { c.down_rate }), c.am_choking, rng.bits(), at)
        })
        .collect();
    ranked.sort_unstable();
    ranked.truncate(slots);
    ranked.into_iter().map(|(.., at)| at).collect()
}

const fn earned(is_seeding: bool) -> ChokeReason {
    if is_seeding { ChokeReason::FastestWhileSeeding } else { ChokeReason::Reciprocation }
}

fn keeps_optimistic(config: &Config, candidate: &Candidate) -> bool {
    candidate.peer_interested
        && candidate.optimistic_for.is_some_and(|held| held < config.optimistic_interval)
}

/// Draws up to `places` interested peers at random, newcomers with a higher weight: they have nothing to give yet and
/// get a first piece this way (BEP 3). One whose turn is just over is drawn again only if nobody else wants it.
fn draw_optimistic(
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
        let someone_else = urn.iter().any(|&at| candidates[at].optimistic_for.is_none());
        let weight = |at: usize| match &candidates[at] {
            over if over.optimistic_for.is_some() && someone_else => 0,
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

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(1000);

    fn candidate(peer: u32, down_rate: u64) -> Candidate {
        Candidate {
            peer: PeerKey(peer),
            peer_interested: true,
            am_choking: true,
            is_snubbed: false,
            optimistic_for: None,
            connected_for: LONG,
            down_rate,
            up_rate: 0,
        }
    }

    fn unchoked(decisions: &[Decision], reason: ChokeReason) -> Vec<u32> {
        decisions.iter().filter(|d| !d.choked && d.reason == reason).map(|d| d.peer.0).collect()
    }

    fn reason_of(decisions: &[Decision], peer: u32) -> ChokeReason {
        decisions.iter().find(|d| d.peer.0 == peer).expect("every peer is decided").reason
    }

    /// Peers 0.. with these download rates, all interested: the slide's bids.
    fn bids(rates: &[u64]) -> Vec<Candidate> {
        rates.iter().zip(0..).map(|(&rate, peer)| candidate(peer, rate)).collect()
    }

    #[test]
    fn the_four_best_bids_win_as_on_the_slide() {
        let decisions = rechoke(&Config::default(), false, &bids(&[9, 15, 7, 13, 12, 10]), &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Reciprocation), [1, 3, 4, 5]);
        let optimistic = unchoked(&decisions, ChokeReason::Optimistic);
        assert!(optimistic == [0] || optimistic == [2], "{optimistic:?}");
        let loser = 2 - optimistic[0];
        assert_eq!(reason_of(&decisions, loser), ChokeReason::OutBid);
    }

    #[test]
    fn who_wants_nothing_leaves_its_slot_to_the_next() {
        let mut peers = bids(&[15, 13, 12, 10, 9]);
        peers[1].peer_interested = false;
        let decisions = rechoke(&Config::default(), false, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Reciprocation), [0, 2, 3, 4]);
        assert_eq!(reason_of(&decisions, 1), ChokeReason::NotInterested);
    }

    #[test]
    fn a_seed_serves_those_that_take_fastest() {
        let mut peers = bids(&[90, 80, 70, 60, 50, 40]);
        for (peer, up_rate) in peers.iter_mut().zip([1, 2, 3, 4, 5, 6]) {
            peer.up_rate = up_rate;
        }
        let decisions = rechoke(&Config::default(), true, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::FastestWhileSeeding), [2, 3, 4, 5]);
    }

    #[test]
    fn a_snubbing_peer_loses_reciprocation() {
        let mut peers = bids(&[15, 13, 12, 10, 9, 8]);
        peers[0].is_snubbed = true;
        let decisions = rechoke(&Config::default(), false, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Reciprocation), [1, 2, 3, 4]);
    }

    #[test]
    fn snubbed_by_all_means_several_optimistic_unchokes() {
        let mut peers = bids(&[5; 8]);
        peers.iter_mut().for_each(|peer| peer.is_snubbed = true);
        let decisions = rechoke(&Config::default(), false, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Optimistic).len(), 5);
    }

    #[test]
    fn an_optimistic_unchoke_lasts_its_time_and_passes_on() {
        let config = Config::default();
        for (held_s, stays) in [(0, true), (10, true), (29, true), (30, false), (40, false)] {
            let mut peers = bids(&[15, 13, 12, 10, 0, 0]);
            peers[5].optimistic_for = Some(Duration::from_secs(held_s));
            peers[5].am_choking = false;
            let decisions = rechoke(&config, false, &peers, &mut Rng::new(held_s));
            assert_eq!(unchoked(&decisions, ChokeReason::Optimistic), [if stays { 5 } else { 4 }]);
            let expected = if stays { ChokeReason::Optimistic } else { ChokeReason::OptimisticOver };
            assert_eq!(reason_of(&decisions, 5), expected);
        }
    }

    #[test]
    fn an_optimistic_peer_that_earns_a_slot_frees_the_optimistic_one() {
        let mut peers = bids(&[15, 13, 12, 10, 9]);
        peers[0].optimistic_for = Some(Duration::from_secs(10));
        let decisions = rechoke(&Config::default(), false, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Reciprocation), [0, 1, 2, 3]);
        assert_eq!(unchoked(&decisions, ChokeReason::Optimistic), [4]);
    }

    #[test]
    fn newcomers_are_three_times_as_likely() {
        let config = Config { unchoke_slots: 0, ..Config::default() };
        let mut peers = bids(&[0; 10]);
        peers[9].connected_for = Duration::ZERO;
        let mut rng = Rng::new(5);
        let mut newcomer = 0;
        for _ in 0..12_000 {
            let decisions = rechoke(&config, false, &peers, &mut rng);
            newcomer += u32::from(unchoked(&decisions, ChokeReason::Optimistic) == [9]);
        }
        // 3 of 12 tickets: 3000, standard deviation 47.
        assert!((2800..=3200).contains(&newcomer), "{newcomer}");
    }

    #[test]
    fn idle_peers_share_the_optimistic_slot_evenly() {
        let config = Config { unchoke_slots: 0, ..Config::default() };
        let mut peers = bids(&[0; 20]);
        let mut rng = Rng::new(3);
        let mut rounds_held = [0_u32; 20];
        for _ in 0..6000 {
            for decision in rechoke(&config, false, &peers, &mut rng) {
                let peer = &mut peers[decision.peer.0 as usize];
                peer.am_choking = decision.choked;
                peer.optimistic_for = match (decision.choked, peer.optimistic_for) {
                    (true, _) => None,
                    (false, Some(held)) if held < config.optimistic_interval => Some(held),
                    (false, _) => Some(Duration::ZERO),
                };
                if let Some(held) = &mut peer.optimistic_for {
                    *held += config.rechoke_interval;
                    rounds_held[decision.peer.0 as usize] += 1;
                }
            }
        }
        assert_eq!(rounds_held.iter().sum::<u32>(), 6000);
        // 100 turns of three rounds each; a turn's standard deviation is near ten turns.
        assert!(rounds_held.iter().all(|rounds| (180..=420).contains(rounds)), "{rounds_held:?}");
    }

    #[test]
    fn a_free_slot_is_given_at_once_and_nobody_is_choked_for_it() {
        let config = Config::default();
        let mut peers = bids(&[0, 0]);
        let decisions = fill_free_slots(&config, false, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Reciprocation).len(), 2);
        peers = bids(&[1, 2, 3, 4, 100]);
        peers[..4].iter_mut().for_each(|peer| peer.am_choking = false);
        let decisions = fill_free_slots(&config, false, &peers, &mut Rng::new(1));
        let expected = Decision { peer: PeerKey(4), choked: false, reason: ChokeReason::Optimistic };
        assert_eq!(decisions, [expected]);
        peers[4].am_choking = false;
        peers[4].optimistic_for = Some(Duration::ZERO);
        peers.push(candidate(5, 1000));
        assert_eq!(fill_free_slots(&config, false, &peers, &mut Rng::new(1)), [], "all slots are held");
    }

    #[test]
    fn an_uninterested_peer_holds_no_slot() {
        let mut peers = bids(&[9, 9, 9, 9, 1]);
        peers[..4].iter_mut().for_each(|peer| peer.am_choking = false);
        peers[0].peer_interested = false;
        let decisions = fill_free_slots(&Config::default(), false, &peers, &mut Rng::new(1));
        assert_eq!(unchoked(&decisions, ChokeReason::Reciprocation), [4]);
    }
}
