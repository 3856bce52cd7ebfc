//! Rules as pictures: peers in, who is unchoked and who is choked for which reason out.
//!
//! A peer is a letter, its rate in bytes a second in both directions, and marks: `-` not interested, `u` unchoked,
//! `o20` optimistic for 20 s, `p` unchoked without being interested (a promise), `s` snubbed, `n` newcomer, `t70` in its
//! state for 70 s, `q` it got its quota in that time.

use super::*;

const LONG: Duration = Duration::from_secs(1000);
const PIECE_LEN: u32 = 1000;

fn candidate(text: &str, is_seeding: bool) -> Candidate {
    let (name, mut rest) = text.split_at(1);
    let number = |rest: &mut &str| {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        *rest = after;
        number.parse::<u64>().unwrap_or(0)
    };
    let rate = number(&mut rest);
    let earned = if is_seeding { ChokeReason::Turn } else { ChokeReason::Reciprocation };
    let mut candidate = Candidate {
        peer: PeerKey(name.bytes().map(u32::from).sum()),
        am_interested: true,
        am_choking: true,
        peer_interested: true,
        peer_choking: true,
        is_snubbed: false,
        reason: None,
        turn_for: LONG,
        turn_bytes: 0,
        connected_for: LONG,
        down_rate: rate,
        up_rate: rate,
        gave_bytes: 10 * rate,
        announced_bytes: 0,
        bid: None,
    };
    let unchoke = |candidate: &mut Candidate, reason| {
        candidate.am_choking = false;
        candidate.reason = Some(reason);
    };
    while let Some(mark) = rest.chars().next() {
        rest = &rest[1..];
        match mark {
            '-' => candidate.peer_interested = false,
            's' => candidate.is_snubbed = true,
            'n' => candidate.connected_for = Duration::ZERO,
            'q' => candidate.turn_bytes = u64::from(20 * PIECE_LEN),
            'u' => unchoke(&mut candidate, earned),
            'p' => unchoke(&mut candidate, ChokeReason::BetterButUninterested),
            'o' => {
                unchoke(&mut candidate, ChokeReason::Optimistic);
                candidate.turn_for = Duration::from_secs(number(&mut rest));
            }
            't' => candidate.turn_for = Duration::from_secs(number(&mut rest)),
            mark => unreachable!("{mark} in {text}"),
        }
    }
    candidate
}

fn candidates(peers: &str, is_seeding: bool) -> Vec<Candidate> {
    peers.split_whitespace().map(|text| candidate(text, is_seeding)).collect()
}

fn round(config: &Config, is_seeding: bool) -> Round<'_> {
    let lasted = config.rechoke_interval;
    Round { config, is_seeding, lasted, capacity: Capacity::Limit(100_000), piece_len: PIECE_LEN }
}

/// `reason ABC, other-reason D`, in the order of the reasons' list.
fn picture(decisions: &[Decision]) -> String {
    let of_reason = |reason: &ChokeReason| {
        let names: String = decisions
            .iter()
            .filter(|decision| decision.reason == *reason)
            .map(|decision| char::from(decision.peer.0 as u8))
            .collect();
        (!names.is_empty()).then(|| format!("{} {names}", reason.code()))
    };
    ChokeReason::ALL.iter().filter_map(of_reason).collect::<Vec<_>>().join(", ")
}

/// No optimistic slot, so that nothing is left to chance.
fn sober() -> Config {
    Config { optimistic_slots: 0, ..Config::default() }
}

fn check(strategy: Strategy, config: &Config, peers: &str, expected: &str) {
    let decisions = strategy.rechoke(&round(config, false), &candidates(peers, false), &mut Rng::new(1));
    assert_eq!(picture(&decisions), expected, "{strategy}: {peers}");
}

fn check_seed(strategy: Strategy, config: &Config, peers: &str, expected: &str) {
    let decisions = strategy.rechoke(&round(config, true), &candidates(peers, true), &mut Rng::new(1));
    assert_eq!(picture(&decisions), expected, "{strategy}, seeding: {peers}");
}

fn check_fill(config: &Config, peers: &str, expected: &str) {
    let peers_now = candidates(peers, false);
    let decisions = Strategy::Standard.fill_free_slots(&round(config, false), &peers_now, &mut Rng::new(1));
    assert_eq!(picture(&decisions), expected, "{peers}");
}

fn unchoked(decisions: &[Decision], reason: ChokeReason) -> Vec<u32> {
    decisions.iter().filter(|d| !d.choked && d.reason == reason).map(|d| d.peer.0).collect()
}

#[test]
fn the_four_best_bids_win_as_on_the_slide() {
    check(Strategy::Standard, &sober(), "A15 B13 C12 D10 E9 F7", "reciprocation ABCD, out-bid EF");
    check(Strategy::Standard, &sober(), "F7 C12 A15 E9 D10 B13", "reciprocation CADB, out-bid FE");
}

#[test]
fn the_attacker_of_the_lecture_comes_in_last_and_pushes_the_fourth_out() {
    check(Strategy::Standard, &sober(), "A15 B13 C12 D10 X11", "reciprocation ABCX, out-bid D");
    check(Strategy::Standard, &sober(), "A15 B13 C12 D10 X42", "reciprocation ABCX, out-bid D");
}

#[test]
fn who_wants_nothing_and_gives_much_is_unchoked_and_holds_no_slot() {
    check(
        Strategy::Standard,
        &sober(),
        "A15 B13- C12 D10 E9 F7",
        "reciprocation ACDE, better-but-uninterested B, out-bid F",
    );
    check(Strategy::Standard, &sober(), "A15 B13 C12 D10 E9-", "reciprocation ABCD, not-interested E");
    check(
        Strategy::Standard,
        &sober(),
        "A5 B3- C0-",
        "reciprocation A, better-but-uninterested B, not-interested C",
    );
    check(Strategy::Standard, &sober(), "A5 B13-s", "reciprocation A, not-interested B");
}

#[test]
fn when_it_becomes_interested_the_worst_makes_room_at_once() {
    check_fill(&sober(), "A15u B13p C12u D10u E9u F7", "reciprocation B, pushed-out E");
    check_fill(&sober(), "A15u B13p C12u D10u", "reciprocation B");
    check_fill(&sober(), "A15u B13-p C12u D10u E9u F7", "");
    check_fill(&sober(), "A15u B3p C12u D10u E9u", "pushed-out B");
}

#[test]
fn nobody_else_is_choked_between_rounds() {
    check_fill(&sober(), "A1u B2u C3u D4u E100", "");
    check_fill(&sober(), "A1u B2u C3u D4u- E100 F5", "reciprocation E");
    check_fill(&sober(), "A1u B2u C3u D4u E100u", "");
}

#[test]
fn a_free_slot_is_given_at_once() {
    let config = Config::default();
    check_fill(&config, "A0 B0", "reciprocation AB");
    check_fill(&config, "A1u B2u C3u D4u E100", "optimistic E");
    check_fill(&config, "A1u B2u C3u D4u E100o0 F1000", "");
    check_fill(&config, "A9u- B9u C9u D9u E1o5 F1", "reciprocation F");
    check_fill(&config, "A0o1 B0o1 C9", "reciprocation C");
    check_fill(&config, "A0o1 B0o1 C0o1 D0o1 E0o1 F9", "");
}

#[test]
fn a_snubbing_peer_loses_reciprocation() {
    check(
        Strategy::Standard,
        &sober(),
        "A15s B13 C12 D10 E9 F8",
        "reciprocation BCDE, out-bid F, snubbing A",
    );
}

#[test]
fn snubbed_by_all_means_several_optimistic_unchokes() {
    let peers = candidates("A5s B5s C5s D5s E5s F5s G5s H5s", false);
    let decisions = Strategy::Standard.rechoke(&round(&Config::default(), false), &peers, &mut Rng::new(1));
    assert_eq!(unchoked(&decisions, ChokeReason::Optimistic).len(), 5);
}

#[test]
fn the_optimistic_slot_stands_beside_the_others_or_counts_among_them() {
    let beside = Config::default();
    check(Strategy::Standard, &beside, "A15 B13 C12 D10 E9", "reciprocation ABCD, optimistic E");
    let among = Config { counts_optimistic_slots: true, ..Config::default() };
    check(Strategy::Standard, &among, "A15 B13 C12 D10o5 E9", "reciprocation ABC, optimistic D, out-bid E");
    check_fill(&among, "A1u B2u C3u D4o5 E100", "");
}

#[test]
fn an_optimistic_unchoke_lasts_its_time_and_passes_on() {
    let config = Config::default();
    let check = |peers, expected| check(Strategy::Standard, &config, peers, expected);
    check("A15 B13 C12 D10 E0 F0o0", "reciprocation ABCD, optimistic F, out-bid E");
    check("A15 B13 C12 D10 E0 F0o29", "reciprocation ABCD, optimistic F, out-bid E");
    check("A15 B13 C12 D10 E0 F0o30", "reciprocation ABCD, optimistic E, optimistic-over F");
    check("A15 B13 C12 D10 F0o40", "reciprocation ABCD, optimistic F");
    check("A15o10 B13 C12 D10 E9", "reciprocation ABCD, optimistic E");
}

#[test]
fn newcomers_are_three_times_as_likely() {
    // T5.4: of n + 1 peers the new one is first with 3 / (n + 3).
    for (others, chance_percent) in [(9, 25), (2, 60)] {
        let config = Config { unchoke_slots: 0, ..Config::default() };
        let peers = ["A0n", &" B0".repeat(others)].concat();
        let (peers, mut rng) = (candidates(&peers, false), Rng::new(5));
        let mut newcomer = 0;
        for _ in 0..12_000 {
            let decisions = Strategy::Standard.rechoke(&round(&config, false), &peers, &mut rng);
            newcomer += u32::from(unchoked(&decisions, ChokeReason::Optimistic) == [u32::from(b'A')]);
        }
        // The standard deviation is below 55.
        assert!(newcomer.abs_diff(120 * chance_percent) < 200, "{newcomer} of 12000");
    }
}

/// Carries decisions out, as the engine would, and lets a round pass; returns for how many rounds each was unchoked.
fn play(
    config: &Config,
    strategy: Strategy,
    peers: &mut [Candidate],
    is_seeding: bool,
    rounds: u32,
) -> Vec<u32> {
    let mut rng = Rng::new(3);
    let mut served = vec![0; peers.len()];
    for _ in 0..rounds {
        let decisions = strategy.rechoke(&round(config, is_seeding), peers, &mut rng);
        for ((peer, decision), served) in peers.iter_mut().zip(&decisions).zip(&mut served) {
            let (was_choked, was_optimistic) = (peer.am_choking, peer.is_optimistic());
            peer.am_choking = decision.choked;
            peer.reason = Some(decision.reason);
            let is_again = peer.is_optimistic() && peer.turn_for >= config.optimistic_interval;
            if was_choked != peer.am_choking || was_optimistic != peer.is_optimistic() || is_again {
                peer.turn_for = Duration::ZERO;
                peer.turn_bytes = 0;
            }
            peer.turn_for += config.rechoke_interval;
            if !decision.choked {
                *served += 1;
                peer.turn_bytes += 10 * peer.up_rate;
            }
        }
    }
    served
}

#[test]
fn idle_peers_share_the_optimistic_slot_evenly() {
    let config = Config { unchoke_slots: 0, ..Config::default() };
    let mut peers = candidates(&"A0 ".repeat(20), false);
    let served = play(&config, Strategy::Standard, &mut peers, false, 6000);
    assert_eq!(served.iter().sum::<u32>(), 6000);
    // 100 turns of three rounds each; a turn's standard deviation is near ten turns.
    assert!(served.iter().all(|rounds| (180..=420).contains(rounds)), "{served:?}");
}

#[test]
fn a_seed_gives_everybody_the_same_time() {
    // T5.6: half an hour, ten downloaders of very different speed.
    let mut peers = candidates("A1 B1000 C1 D50 E1 F900 G1 H1 I70 J1", true);
    let config = Config { seed_turn_max: Duration::from_secs(60), ..sober() };
    let served = play(&config, Strategy::Standard, &mut peers, true, 180);
    let mean = 180 * 4 / 10;
    assert!(served.iter().all(|rounds| rounds.abs_diff(mean) * 100 <= mean * 15), "{served:?}");
}

#[test]
fn a_seed_that_looks_at_speed_serves_few() {
    let mut peers = candidates("A1 B1000 C2 D50 E3 F900 G4 H5 I70 J6", true);
    let served = play(&sober(), Strategy::FastestUpload, &mut peers, true, 180);
    assert_eq!([served[1], served[3], served[5], served[8]], [180; 4]);
}

#[test]
fn a_turn_lasts_a_minute_and_a_quota_but_not_for_ever() {
    let one = Config { unchoke_slots: 1, ..sober() };
    let check = |peers, expected| check_seed(Strategy::Standard, &one, peers, expected);
    check("A0ut50q B0", "turn A, awaiting-turn B");
    check("A0ut70 B0", "turn A, awaiting-turn B");
    check("A0ut70q B0", "turn B, turn-over A");
    check("A0ut300 B0", "turn B, turn-over A");
    check("A0ut300", "turn A");
    check("A0 B0t5 C0t2000", "turn C, awaiting-turn AB");
    check("A0- B0ut9-", "not-interested AB");
}

#[test]
fn a_seed_may_serve_those_that_take_fastest() {
    check_seed(
        Strategy::FastestUpload,
        &sober(),
        "A1 B2 C3s D4 E5 F6-",
        "fastest-while-seeding BCDE, takes-slower A, not-interested F",
    );
}

#[test]
fn a_free_rider_gives_nothing_to_anybody() {
    check(Strategy::FreeRider, &Config::default(), "A15 B0- C3u", "free-riding AC, not-interested B");
    check_seed(Strategy::FreeRider, &Config::default(), "A15 B0-", "free-riding A, not-interested B");
    let peers = candidates("A15", false);
    let config = Config::default();
    assert_eq!(Strategy::FreeRider.fill_free_slots(&round(&config, false), &peers, &mut Rng::new(1)), []);
}

#[test]
fn every_giver_gets_its_share_and_a_newcomer_a_fifth() {
    let config = Config::default();
    let peers = candidates("A15 B13 C12 D10 E9 F7 G0 H0-", false);
    let decisions = Strategy::PropShare.rechoke(&round(&config, false), &peers, &mut Rng::new(1));
    assert_eq!(picture(&decisions), "optimistic G, proportional-share ABCDEF, not-interested H");
    let rates: Vec<u64> = decisions.iter().filter_map(|decision| decision.up_rate_max).collect();
    assert_eq!(rates, [18_182, 15_758, 14_546, 12_121, 10_909, 8_484, 20_000]);
    check(
        Strategy::PropShare,
        &sober(),
        "A15 B0 C0u D0o10",
        "proportional-share A, optimistic-over D, gave-nothing BC",
    );
}

#[test]
fn nobody_to_pay_back_means_looking_for_partners() {
    let config = Config::default();
    check(Strategy::PropShare, &config, "A0 B0 C0 D0 E0", "optimistic ABCDE");
    let peers = candidates("A0 B0", false);
    let decisions = Strategy::PropShare.fill_free_slots(&round(&config, false), &peers, &mut Rng::new(1));
    assert_eq!(picture(&decisions), "optimistic AB");
    check_seed(Strategy::PropShare, &sober(), "A0 B5", "turn AB");
}

mod tyrant {
    use super::*;

    fn bid(down_rate: u64, up_rate: u64) -> Bid {
        Bid { down_rate, up_rate, returns: 0 }
    }

    #[test]
    fn a_refusal_raises_the_bid_by_a_fifth_and_three_returns_lower_it_by_a_tenth() {
        // T6.2
        let mut bid = bid(7_000, 100_000);
        for up_rate in [120_000, 144_000] {
            bid = bid.next(true, false, 0);
            assert_eq!((bid.up_rate, bid.down_rate), (up_rate, 7_000));
        }
        for (up_rate, returns) in [(144_000, 1), (144_000, 2), (129_600, 0), (129_600, 1)] {
            bid = bid.next(true, true, 5_000);
            assert_eq!((bid.up_rate, bid.returns, bid.down_rate), (up_rate, returns, 5_000));
        }
        assert_eq!(bid.next(false, false, 0), Bid { returns: 0, ..bid }, "we offered nothing");
    }

    #[test]
    fn bids_stay_within_bounds() {
        let mut bid = bid(1, 100_000);
        (0..1000).for_each(|_| bid = bid.next(true, false, 0));
        assert_eq!(bid.up_rate, 1 << 40);
        (0..1000).for_each(|_| bid = bid.next(true, true, u64::MAX));
        assert_eq!(bid.up_rate, 1_000);
    }

    #[test]
    fn the_best_value_is_bought_as_far_as_the_capacity_goes() {
        // T6.3
        let mut peers = candidates("A0 B0 C0 D0", false);
        let bids = [bid(10, 5), bid(12, 8), bid(6, 2), bid(20, 25)];
        let chosen = bittyrant::choose(16, &peers, &bids, |_| true, false, &mut Rng::new(1));
        assert_eq!(chosen, [2, 0, 1]);
        assert_eq!(
            bittyrant::choose(1, &peers, &bids, |_| true, false, &mut Rng::new(1)),
            [2],
            "one at least"
        );
        for (peer, bid) in peers.iter_mut().zip(bids) {
            let thousands =
                Bid { down_rate: 6_000 * bid.down_rate, up_rate: 6_000 * bid.up_rate, returns: 0 };
            peer.bid = Some(thousands);
        }
        let config = Config::default();
        for (strategy, paid) in [
            (Strategy::BitTyrant, [33_333, 53_333, 13_333]),
            (Strategy::BitTyrantSelfish, [30_000, 48_000, 12_000]),
        ] {
            let decisions = strategy.rechoke(&round(&config, false), &peers, &mut Rng::new(1));
            assert_eq!(picture(&decisions), "best-return ABC, poor-return D");
            let rates: Vec<u64> = decisions.iter().filter_map(|decision| decision.up_rate_max).collect();
            assert_eq!(rates, paid, "{strategy}");
        }
    }

    #[test]
    fn a_round_teaches_what_a_peer_gives() {
        let mut peers = candidates("A500u B0u C0ut3", false);
        for peer in &mut peers {
            peer.bid = Some(bid(100, 20_000));
            peer.peer_choking = peer.gave_bytes == 0;
        }
        let config = Config::default();
        let decisions = Strategy::BitTyrant.rechoke(&round(&config, false), &peers, &mut Rng::new(1));
        let learned: Vec<Bid> = decisions.iter().filter_map(|decision| decision.bid).collect();
        let returned = Bid { down_rate: 500, up_rate: 20_000, returns: 1 };
        assert_eq!(learned, [returned, bid(100, 24_000), bid(100, 20_000)], "C had no whole round");
    }

    #[test]
    fn of_a_stranger_what_it_announces_is_believed() {
        let mut peers = candidates("A0 B0", false);
        peers[0].announced_bytes = 4_000 * 1000 * 10;
        let config = Config::default();
        let decisions = Strategy::BitTyrant.rechoke(&round(&config, false), &peers, &mut Rng::new(1));
        let believed: Vec<Bid> = decisions.iter().filter_map(|decision| decision.bid).collect();
        assert_eq!(believed, [bid(10_000, 16_000), bid(16_000, 16_000)]);
    }

    #[test]
    fn who_has_nothing_for_us_is_paid_by_the_generous_only() {
        let mut peers = candidates("A0 B0-", false);
        peers.iter_mut().for_each(|peer| peer.am_interested = false);
        let config = Config::default();
        for (strategy, expected) in [
            (Strategy::BitTyrant, "best-return A, not-interested B"),
            (Strategy::BitTyrantSelfish, "poor-return A, not-interested B"),
        ] {
            let decisions = strategy.rechoke(&round(&config, false), &peers, &mut Rng::new(1));
            assert_eq!(picture(&decisions), expected);
        }
    }

    #[test]
    fn between_rounds_what_is_left_is_offered() {
        let config = Config::default();
        let fill = |peers: &str| {
            let peers = candidates(peers, false);
            picture(&Strategy::BitTyrant.fill_free_slots(&round(&config, false), &peers, &mut Rng::new(1)))
        };
        assert_eq!(fill("A0 B0"), "best-return AB");
        assert_eq!(fill("A0u B0u C0u D0u E0u F0"), "best-return F");
        assert_eq!(fill("A0u B0u C0u D0u E0u F0u G0"), "", "six times 16000 are held of 100000");
    }
}
