//! Pictures: one character for each piece.
//!
//! Availability: `'0'` to `'9'` peers have it. Ours: `'x'` we have it, `'p'` one of its two blocks is there, `' '` or
//! `'.'` we lack it. The asked peer's: `'x'` it has it.

use super::*;
use crate::{Config, PickReason};

const ME: PeerKey = PeerKey(1);
const OTHER: PeerKey = PeerKey(3);

struct Table {
    picker: Picker,
    rng: Rng,
    config: Config,
    has: Bitfield,
    outstanding: BTreeMap<PeerKey, VecDeque<Outstanding>>,
    current: Option<PieceIndex>,
    on_parole: Vec<PeerKey>,
    others: Vec<Bitfield>,
}

fn set(picture: &str, mark: char) -> Bitfield {
    let mut field = Bitfield::none(picture.len() as u32);
    for (piece, character) in (0..).zip(picture.chars()) {
        if character == mark {
            field.insert(PieceIndex(piece));
        }
    }
    field
}

impl Table {
    /// Pieces of two blocks each. The asked peer counts among the available ones.
    fn new(availability: &str, ours: &str, theirs: &str, rng_seed: u64) -> Self {
        let pieces = availability.len() as u32;
        let mut rng = Rng::new(rng_seed);
        let geometry = Geometry::new(2 * BLOCK_LEN, u64::from(pieces) * 2 * u64::from(BLOCK_LEN));
        let mut picker = Picker::new(geometry, set(ours, 'x'), &mut rng);
        let has = set(theirs, 'x');
        picker.add_peer(&has, &mut rng);
        let mut others = vec![has.clone()];
        for level in 1..=9 {
            let mut level_has = Bitfield::none(pieces);
            for (piece, digit) in (0..).zip(availability.chars()) {
                let count = digit.to_digit(10).expect("a digit") - u32::from(has.has(PieceIndex(piece)));
                if count >= level {
                    level_has.insert(PieceIndex(piece));
                }
            }
            if level_has.count() > 0 && !level_has.is_complete() {
                picker.add_peer(&level_has, &mut rng);
                others.push(level_has);
            } else if level_has.is_complete() {
                // Counted one by one, so that the picture means what it says.
                level_has.iter().for_each(|piece| picker.add_have(piece, &mut rng));
                others.push(level_has);
            }
        }
        let mut table = Self {
            picker,
            rng,
            config: Config { random_first_pieces: 0, ..Config::default() },
            has,
            outstanding: BTreeMap::new(),
            current: None,
            on_parole: Vec::new(),
            others,
        };
        for piece in set(ours, 'p').iter() {
            table.begin_with_one_block(piece);
        }
        table.check();
        table
    }

    /// The first block of a piece is there, from a peer that has only this one.
    fn begin_with_one_block(&mut self, piece: PieceIndex) {
        let mut only = Bitfield::none(self.has.pieces_total());
        only.insert(piece);
        let none = VecDeque::new();
        let asker = Asker {
            peer: OTHER,
            has: &only,
            current: None,
            is_on_parole: false,
            outstanding: &none,
            released: 0,
        };
        let mut picked = Picked::default();
        self.picker.pick(&self.config, &asker, 1, 99, &mut self.rng, &mut picked);
        self.picker.receive(&picked.blocks[0].0, true);
    }

    fn pick_for(&mut self, peer: PeerKey, wanted: usize) -> Vec<(u32, u32, PickReason)> {
        let mut picked = Picked::default();
        let outstanding = self.outstanding.entry(peer).or_default();
        let asker = Asker {
            peer,
            has: &self.has,
            current: self.current,
            is_on_parole: self.on_parole.contains(&peer),
            released: outstanding.iter().filter(|request| !request.is_active).count() as u32,
            outstanding,
        };
        self.picker.pick(&self.config, &asker, wanted, 2, &mut self.rng, &mut picked);
        let request = |&(block, _): &_| Outstanding { block, sent_at: Instant::ZERO, is_active: true };
        outstanding.extend(picked.blocks.iter().map(request));
        self.check();
        picked.blocks.iter().map(|(block, reason)| (block.piece.0, number(block), *reason)).collect()
    }

    /// The peer's first request is answered.
    fn answer(&mut self, peer: PeerKey) -> Received {
        let request = self.outstanding.get_mut(&peer).and_then(VecDeque::pop_front).expect("it was asked");
        self.picker.receive(&request.block, request.is_active)
    }

    fn check(&self) {
        let none = VecDeque::new();
        let lists: Vec<&VecDeque<Outstanding>> = self.outstanding.values().collect();
        // Which peer has which requests does not matter to the counts.
        let at = |number: usize| lists.get(number).copied().unwrap_or(&none);
        let peers: Vec<_> = self.others.iter().enumerate().map(|(number, has)| (has, at(number))).collect();
        let empty = Bitfield::none(self.has.pieces_total());
        let rest = (peers.len()..lists.len()).map(|number| (empty.clone(), number)).collect::<Vec<_>>();
        let all = peers.iter().copied().chain(rest.iter().map(|(has, number)| (has, at(*number))));
        self.picker.check(all.collect::<Vec<_>>().into_iter());
    }
}

/// Which piece may come first, over many seeds, and why.
#[track_caller]
fn check(availability: &str, ours: &str, theirs: &str, expected: &[u32], reason: PickReason) {
    let mut seen = std::collections::BTreeSet::new();
    for rng_seed in 0..60 {
        let picks = Table::new(availability, ours, theirs, rng_seed).pick_for(ME, 1);
        assert_eq!(picks.len(), usize::from(!expected.is_empty()), "{picks:?}");
        for (piece, _, why) in picks {
            seen.insert(piece);
            assert_eq!(why, reason);
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_rarest_piece_that_the_peer_has_comes_first() {
    check("2131", "....", "xxxx", &[1, 3], PickReason::RarestFirst);
    check("2131", "....", "x.x.", &[0], PickReason::RarestFirst);
    check("2131", ".x.x", "xxxx", &[0], PickReason::RarestFirst);
    check("312", "...", "xxx", &[1], PickReason::RarestFirst);
}

#[test]
fn equally_rare_pieces_are_drawn_at_random() {
    check("22222", ".....", "xxxxx", &[0, 1, 2, 3, 4], PickReason::RarestFirst);
    check("32225", ".....", "xxxxx", &[1, 2, 3], PickReason::RarestFirst);
}

#[test]
fn ties_are_even() {
    let mut counts = [0; 4];
    for rng_seed in 0..8000 {
        let mut table = Table::new("2221", "....", "xxx.", rng_seed);
        counts[table.pick_for(ME, 1)[0].0 as usize] += 1;
    }
    // 2667 each, standard deviation 42.
    assert!(counts[..3].iter().all(|count| (2480..=2850).contains(count)), "{counts:?}");
}

#[test]
fn a_started_piece_comes_before_a_rare_one() {
    check("2193", "..p.", "xxxx", &[2], PickReason::StartedPiece);
    check("2193", "..p.", "xx.x", &[1], PickReason::RarestFirst);
}

#[test]
fn nothing_comes_from_a_peer_that_has_nothing_for_us() {
    check("2222", "xx..", "xx..", &[], PickReason::RarestFirst);
    check("2222", "xxxx", "xxxx", &[], PickReason::RarestFirst);
}

#[test]
fn the_first_pieces_are_drawn_at_random_whatever_their_rarity() {
    let mut seen = [false; 4];
    for rng_seed in 0..60 {
        let mut table = Table::new("9219", "....", "xxx.", rng_seed);
        table.config.random_first_pieces = 4;
        let (piece, _, reason) = table.pick_for(ME, 1)[0];
        seen[piece as usize] = true;
        assert_eq!(reason, PickReason::RandomFirst);
    }
    assert_eq!(seen, [true, true, true, false]);
}

#[test]
fn the_whole_piece_is_asked_for_before_the_next_one() {
    let picks = Table::new("321", "...", "xxx", 1).pick_for(ME, 5);
    use PickReason::{RarestFirst, StartedPiece};
    let expected = [
        (2, 0, RarestFirst),
        (2, 1, StartedPiece),
        (1, 0, RarestFirst),
        (1, 1, StartedPiece),
        (0, 0, RarestFirst),
    ];
    assert_eq!(picks, expected);
}

#[test]
fn a_peer_goes_on_with_its_own_piece() {
    let mut table = Table::new("222", "pp.", "xxx", 1);
    table.current = Some(PieceIndex(1));
    assert_eq!(table.pick_for(ME, 2), [(1, 1, PickReason::StartedPiece), (0, 1, PickReason::StartedPiece)]);
}

#[test]
fn several_peers_share_a_piece() {
    let mut table = Table::new("22", "..", "xx", 1);
    let first = table.pick_for(ME, 1)[0];
    let second = table.pick_for(OTHER, 1)[0];
    assert_eq!((first.0, first.1 + second.1, second.2), (second.0, 1, PickReason::StartedPiece));
}

#[test]
fn in_the_endgame_two_are_asked_and_no_more() {
    let mut table = Table::new("2", ".", "x", 1);
    assert_eq!(table.pick_for(ME, 9).len(), 2);
    assert!(table.picker.is_endgame());
    assert_eq!(table.pick_for(ME, 9), [], "nobody is asked twice");
    let twice = table.pick_for(OTHER, 9);
    assert_eq!(twice, [(0, 0, PickReason::Endgame), (0, 1, PickReason::Endgame)]);
    assert_eq!(table.pick_for(PeerKey(5), 9), [], "two are enough");
    assert_eq!(table.answer(ME), Received { has_other_askers: true, is_piece_complete: false });
}

#[test]
fn a_released_block_goes_to_another_peer_but_not_to_the_same() {
    let mut table = Table::new("2", ".", "x", 1);
    table.pick_for(ME, 2);
    let before = table.picker.generation();
    for request in table.outstanding.get_mut(&ME).expect("asked") {
        request.is_active = false;
        table.picker.release(&request.block);
    }
    assert!(table.picker.generation() > before, "idle peers are told");
    assert_eq!(table.pick_for(ME, 2), []);
    assert_eq!(table.pick_for(OTHER, 2).len(), 2);
}

#[test]
fn a_suspect_has_its_pieces_alone() {
    let mut table = Table::new("2222", "....", "xxxx", 1);
    table.on_parole.push(ME);
    let alone = table.pick_for(ME, 1)[0].0;
    assert!(table.pick_for(OTHER, 4).iter().all(|(piece, ..)| *piece != alone));
    assert_eq!(table.pick_for(ME, 1)[0].0, alone);
}

#[test]
fn open_pieces_are_bounded_and_an_idle_one_makes_room() {
    let mut table = Table::new("222222222", "ppppp....", ".....xxxx", 1);
    // Two peers: three open pieces are the bound, five are open since their peers left.
    let mut picked = Picked::default();
    let none = VecDeque::new();
    let asker = Asker {
        peer: ME,
        has: &table.has,
        current: None,
        is_on_parole: false,
        outstanding: &none,
        released: 0,
    };
    table.picker.pick(&table.config, &asker, 1, 2, &mut table.rng, &mut picked);
    assert_eq!((picked.blocks.len(), picked.discarded.len()), (1, 1));
    assert_eq!(table.picker.state(picked.discarded[0]), PieceState::Missing);
}

#[test]
fn a_piece_goes_through_its_states() {
    let mut table = Table::new("20", "..", "x.", 1);
    let state = |table: &Table| [0, 1].map(|piece| table.picker.state(PieceIndex(piece)));
    assert_eq!(state(&table), [PieceState::Missing, PieceState::Unavailable]);
    table.pick_for(ME, 2);
    assert_eq!(state(&table)[0], PieceState::Partial);
    table.answer(ME);
    assert!(table.answer(ME).is_piece_complete);
    table.picker.begin_check(PieceIndex(0));
    assert_eq!(state(&table)[0], PieceState::Checking);
    let mut other = table.picker.clone();
    assert!(other.failed(PieceIndex(0), &mut table.rng).is_some());
    assert_eq!(other.state(PieceIndex(0)), PieceState::Missing);
    assert!(table.picker.verified(PieceIndex(0)).is_some());
    assert_eq!(state(&table)[0], PieceState::Have);
    assert_eq!(table.picker.verified(PieceIndex(0)), None, "once");
}

#[test]
fn availability_follows_random_changes() {
    let mut rng = Rng::new(11);
    let pieces = 40;
    let geometry = Geometry::new(BLOCK_LEN, u64::from(pieces) * u64::from(BLOCK_LEN));
    let mut picker = Picker::new(geometry, Bitfield::none(pieces), &mut rng);
    let mut peers: Vec<(Bitfield, bool)> = Vec::new();
    let none = VecDeque::new();
    for _ in 0..3000 {
        match rng.below(4) {
            0 if peers.len() < 12 => {
                let is_seed = rng.below(3) == 0;
                let mut has = if is_seed { Bitfield::all(pieces) } else { Bitfield::none(pieces) };
                (0..rng.below(30)).for_each(|_| {
                    has.insert(PieceIndex(rng.below(pieces)));
                });
                let is_counted_as_seed = picker.add_peer(&has, &mut rng);
                peers.push((has, is_counted_as_seed));
            }
            1 if !peers.is_empty() => {
                let (has, is_counted_as_seed) = peers.swap_remove(rng.below(peers.len() as u32) as usize);
                picker.remove_peer(&has, is_counted_as_seed, &mut rng);
            }
            2 if !peers.is_empty() => {
                let at = rng.below(peers.len() as u32) as usize;
                let piece = PieceIndex(rng.below(pieces));
                if peers[at].0.insert(piece) {
                    picker.add_have(piece, &mut rng);
                }
            }
            _ if !peers.is_empty() => {
                let (has, _) = &peers[rng.below(peers.len() as u32) as usize];
                let asker = Asker {
                    peer: ME,
                    has,
                    current: None,
                    is_on_parole: false,
                    outstanding: &none,
                    released: 0,
                };
                let mut picked = Picked::default();
                picker.pick(&Config::default(), &asker, 1, 12, &mut rng, &mut picked);
                for (block, _) in &picked.blocks {
                    picker.forget(&Outstanding { block: *block, sent_at: Instant::ZERO, is_active: true });
                }
                picker.give_up_all(&mut rng);
            }
            _ => {}
        }
        picker.check(peers.iter().map(|(has, _)| (has, &none)));
    }
}
