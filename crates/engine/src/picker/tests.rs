//! Pictures: a line for each thing that the choice looks at, one character for each piece.
//!
//! | line | means | characters |
//! |---|---|---|
//! | `available` | how many peers have it, the asked one among them | `0` to `9` |
//! | `priority` | how much it is wanted | `H`igh, `-` normal, `L`ow, `S`kip |
//! | `ours` | what we have | `x` all of it, `p` one of its two blocks, `.` nothing |
//! | `theirs` | what the asked peer has | `x` it has it |
//! | `suggested`, `allowed` | what it suggests; what it gives although it chokes us | `x` |
//! | `due` | when it is needed, in seconds | `0` to `9` |
//! | `picks` | what may be picked first | `^` |

use super::*;
use crate::{Config, PickReason};

const ME: PeerKey = PeerKey(1);
const OTHER: PeerKey = PeerKey(3);
const NOW: Instant = Instant::from_millis(100_000);

struct Table {
    picker: Picker,
    rng: Rng,
    config: Config,
    has: Bitfield,
    outstanding: BTreeMap<PeerKey, VecDeque<Outstanding>>,
    current: Option<PieceIndex>,
    on_parole: Vec<PeerKey>,
    others: Vec<Bitfield>,
    suggested: Vec<PieceIndex>,
    allowed: Option<Vec<PieceIndex>>,
    speeds: BTreeMap<PeerKey, Speed>,
    is_fast: bool,
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

/// The line of a picture that begins with this word.
fn line<'a>(picture: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = picture.lines().map(|line| line.split_whitespace());
    lines.find_map(|mut words| words.next().filter(|word| *word == name).and_then(|_| words.next()))
}

fn asker<'a>(peer: PeerKey, has: &'a Bitfield, outstanding: &'a VecDeque<Outstanding>) -> Asker<'a> {
    Asker {
        peer,
        has,
        current: None,
        is_on_parole: false,
        outstanding,
        released: 0,
        only: None,
        suggested: &[],
        speed: Speed::default(),
        is_fast: false,
        now: NOW,
    }
}

impl Table {
    /// Pieces of two blocks each. What the picture does not say is as usual: the peer has all, we have nothing.
    fn new(picture: &str, rng_seed: u64) -> Self {
        let availability = line(picture, "available").expect("every picture has it");
        let pieces = availability.len() as u32;
        let mut rng = Rng::new(rng_seed);
        let geometry = Geometry::new(2 * BLOCK_LEN, u64::from(pieces) * 2 * u64::from(BLOCK_LEN));
        let ours = line(picture, "ours").unwrap_or_default();
        let theirs = line(picture, "theirs").unwrap_or("xxxxxxxxxxxxxxxxxxxx").get(..pieces as usize);
        let have = if ours.is_empty() { Bitfield::none(pieces) } else { set(ours, 'x') };
        let mut picker = Picker::new(geometry, have, &mut rng);
        let has = set(theirs.expect("a character a piece"), 'x');
        let is_counted_as_seed = picker.add_peer(&has);
        let mut others = vec![has.clone()];
        for level in 1..=9 {
            let mut level_has = Bitfield::none(pieces);
            for (piece, digit) in (0..).zip(availability.chars()) {
                let count = digit.to_digit(10).expect("a digit") - u32::from(has.has(PieceIndex(piece)));
                if count >= level {
                    level_has.insert(PieceIndex(piece));
                }
            }
            if level_has.count() > 0 {
                // Counted one by one, so that the picture means what it says.
                level_has.iter().for_each(|piece| picker.add_have(piece));
                others.push(level_has);
            }
        }
        assert_eq!(is_counted_as_seed, has.is_complete());
        let mut table = Self {
            picker,
            rng,
            config: Config { random_first_pieces: 0, ..Config::default() },
            has,
            outstanding: BTreeMap::new(),
            current: None,
            on_parole: Vec::new(),
            others,
            suggested: line(picture, "suggested")
                .map(|line| set(line, 'x').iter().collect())
                .unwrap_or_default(),
            allowed: line(picture, "allowed").map(|line| set(line, 'x').iter().collect()),
            speeds: BTreeMap::new(),
            is_fast: false,
        };
        for piece in set(ours, 'p').iter() {
            table.begin_with_one_block(piece);
        }
        if let Some(priorities) = line(picture, "priority") {
            table.set_priorities(priorities);
        }
        let due = line(picture, "due").unwrap_or_default();
        let due = (0..).zip(due.chars()).filter_map(|(piece, second)| {
            let wait = std::time::Duration::from_secs(u64::from(second.to_digit(10)?));
            Some((PieceIndex(piece), NOW + wait))
        });
        table.picker.set_deadlines(&due.collect::<Vec<_>>());
        table.check();
        table
    }

    fn set_priorities(&mut self, picture: &str) -> Vec<PieceIndex> {
        let priority = |character| match character {
            'H' => FilePriority::High,
            'L' => FilePriority::Low,
            'S' => FilePriority::Skip,
            _ => FilePriority::Normal,
        };
        self.picker.set_priorities(&picture.chars().map(priority).collect::<Vec<_>>())
    }

    /// The first block of a piece is there, from a peer that has only this one.
    fn begin_with_one_block(&mut self, piece: PieceIndex) {
        let mut only = Bitfield::none(self.has.pieces_total());
        only.insert(piece);
        let mut picked = Picked::default();
        let asker = asker(OTHER, &only, const { &VecDeque::new() });
        self.picker.pick(&self.config, &asker, 1, 99, &mut self.rng, &mut picked);
        self.picker.receive(&picked.blocks[0].0, true);
    }

    fn pick_for(&mut self, peer: PeerKey, wanted: usize) -> Vec<(u32, u32, PickReason)> {
        let mut picked = Picked::default();
        let outstanding = self.outstanding.entry(peer).or_default();
        let asker = Asker {
            current: self.current,
            is_on_parole: self.on_parole.contains(&peer),
            released: outstanding.iter().filter(|request| !request.is_active).count() as u32,
            only: self.allowed.as_deref(),
            suggested: &self.suggested,
            speed: self.speeds.get(&peer).copied().unwrap_or_default(),
            is_fast: self.is_fast,
            ..asker(peer, &self.has, outstanding)
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

/// What may come first, over many seeds, and why.
#[track_caller]
fn check(picture: &str, reason: PickReason) {
    check_in(picture, reason, |_| {});
}

/// As [`check`], after a change to the table.
#[track_caller]
fn check_in(picture: &str, reason: PickReason, change: impl Fn(&mut Table)) {
    let expected = line(picture, "picks").expect("every picture has it");
    let mut seen = Bitfield::none(expected.len() as u32);
    for rng_seed in 0..60 {
        let mut table = Table::new(picture, rng_seed);
        change(&mut table);
        let picks = table.pick_for(ME, 1);
        assert_eq!(picks.len(), usize::from(expected.contains('^')), "{picks:?}");
        for (piece, _, why) in picks {
            seen.insert(PieceIndex(piece));
            assert_eq!(why, reason);
        }
    }
    let mark = |piece| if seen.has(PieceIndex(piece)) { '^' } else { '.' };
    assert_eq!((0..seen.pieces_total()).map(mark).collect::<String>(), expected);
}

#[test]
fn the_rarest_piece_that_the_peer_has_comes_first() {
    let check = |picture| check(picture, PickReason::RarestFirst);
    check("available 2131 \n picks .^.^");
    check("available 2131 \n theirs x.x. \n picks ^...");
    check("available 2131 \n ours .x.x \n picks ^...");
    check("available 312 \n picks .^.");
}

#[test]
fn equally_rare_pieces_are_drawn_at_random() {
    check("available 22222 \n picks ^^^^^", PickReason::RarestFirst);
    check("available 32225 \n picks .^^^.", PickReason::RarestFirst);
}

#[test]
fn files_that_are_wanted_more_come_first_and_skipped_ones_never() {
    check("available 1299 \n priority --H- \n picks ..^.", PickReason::FilePriority);
    check("available 1299 \n priority LL-- \n picks ..^^", PickReason::FilePriority);
    check("available 1299 \n priority SS-- \n picks ..^^", PickReason::RarestFirst);
    check(
        "available 1299 \n priority LLH- \n ours ..x. \n theirs xxx. \n picks ^...",
        PickReason::RarestFirst,
    );
    check("available 1299 \n priority SSSS \n picks ....", PickReason::RarestFirst);
}

#[test]
fn a_started_piece_waits_for_files_that_are_wanted_more() {
    check("available 9199 \n priority --H- \n ours p... \n picks ..^.", PickReason::FilePriority);
    check("available 9199 \n priority --H- \n ours p.x. \n picks ^...", PickReason::StartedPiece);
    check("available 9199 \n priority S--- \n ours p... \n picks .^..", PickReason::RarestFirst);
}

#[test]
fn in_order_when_asked_for() {
    let check = |picture| {
        check_in(picture, PickReason::Sequential, |table| table.picker.set_pick_order(PickOrder::Sequential));
    };
    check("available 9123 \n picks ^...");
    check("available 9123 \n ours x... \n theirs ..xx \n picks ..^.");
    check("available 9123 \n priority S--- \n picks .^..");
}

#[test]
fn what_somebody_waits_for_comes_before_everything_else() {
    let check = |picture| check(picture, PickReason::Deadline);
    check("available 9199 \n due  ..52 \n picks ...^");
    check("available 9199 \n due  ..52 \n priority --H- \n picks ...^");
    check("available 9199 \n due  ..52 \n theirs xxx. \n picks ..^.");
    check("available 9199 \n due  ..52 \n ours p..x \n picks ..^.");
    check("available 9199 \n due  .2.4 \n priority -S-- \n picks ...^");
}

#[test]
fn the_rest_is_rarest_first_while_somebody_waits() {
    check("available 9199 \n due  ..52 \n theirs xx.. \n picks .^..", PickReason::RarestFirst);
}

#[test]
fn what_is_late_is_asked_of_a_fast_peer_too() {
    let asked_before = |is_fast| {
        move |table: &mut Table| {
            table.pick_for(OTHER, 2);
            table.is_fast = is_fast;
        }
    };
    let late = "available 33 \n due 1. \n picks ^.";
    check_in(late, PickReason::LateDeadline, asked_before(true));
    let slow = "available 33 \n due 1. \n picks .^";
    check_in(slow, PickReason::RarestFirst, asked_before(false));
    let in_time = "available 33 \n due 9. \n picks .^";
    check_in(in_time, PickReason::RarestFirst, asked_before(true));
}

#[test]
fn a_late_block_is_asked_of_two_and_no_more() {
    let mut table = Table::new("available 2 \n due 1", 1);
    assert_eq!(table.pick_for(ME, 9).len(), 2);
    table.is_fast = true;
    assert_eq!(table.pick_for(OTHER, 9).len(), 2);
    assert_eq!(table.pick_for(PeerKey(5), 9), []);
    assert_eq!(table.pick_for(ME, 9), [], "nobody is asked twice");
}

#[test]
fn a_suggested_piece_comes_before_a_rarer_one_but_not_before_a_started_one() {
    check("available 1239 \n suggested ...x \n picks ...^", PickReason::Suggested);
    check("available 1239 \n suggested ...x \n ours .p.. \n picks .^..", PickReason::StartedPiece);
    check("available 1239 \n suggested ...x \n ours ...x \n picks ^...", PickReason::RarestFirst);
    check("available 1239 \n suggested ...x \n theirs xxx. \n picks ^...", PickReason::RarestFirst);
    check("available 1239 \n suggested ...x \n priority ---S \n picks ^...", PickReason::RarestFirst);
}

#[test]
fn a_peer_that_chokes_us_is_asked_for_what_it_allows_and_for_nothing_else() {
    check("available 1239 \n allowed ..xx \n picks ..^.", PickReason::AllowedFast);
    check("available 1239 \n allowed ..xx \n ours ..x. \n picks ...^", PickReason::AllowedFast);
    check(
        "available 1239 \n allowed ..xx \n ours p.x. \n theirs xxx. \n picks ....",
        PickReason::AllowedFast,
    );
    check("available 1239 \n allowed ..x. \n priority --S- \n picks ....", PickReason::AllowedFast);
    let mut table = Table::new("available 2222 \n allowed .x..", 1);
    assert_eq!(table.pick_for(ME, 9).len(), 2, "both blocks of the one piece, and no more in the endgame");
}

#[test]
fn peers_of_one_speed_share_a_piece_and_others_begin_their_own() {
    let begun_by = |speed, mine| {
        move |table: &mut Table| {
            table.speeds = BTreeMap::from([(OTHER, Speed::of(speed)), (ME, Speed::of(mine))]);
            let first = table.pick_for(OTHER, 1);
            assert_eq!(first[0].0, 0);
        }
    };
    check_in("available 19 \n picks ^.", PickReason::StartedPiece, begun_by(100_000, 200_000));
    check_in("available 19 \n picks .^", PickReason::RarestFirst, begun_by(2_000_000, 5_000));
    check_in("available 19 \n picks .^", PickReason::RarestFirst, begun_by(5_000, 2_000_000));
    check_in("available 19 \n ours .x \n picks ^.", PickReason::OtherSpeed, begun_by(5_000, 2_000_000));
}

#[test]
fn nobody_waits_for_peers_of_the_right_speed_once_they_are_gone() {
    check_in("available 19 \n picks ^.", PickReason::StartedPiece, |table| {
        table.speeds = BTreeMap::from([(OTHER, Speed::of(2_000_000)), (ME, Speed::of(5_000))]);
        table.pick_for(OTHER, 1);
        let request = table.outstanding.remove(&OTHER).and_then(|mut list| list.pop_front());
        table.picker.forget(&request.expect("it was asked"));
    });
}

#[test]
fn ties_are_even() {
    let mut counts = [0; 4];
    for rng_seed in 0..8000 {
        let mut table = Table::new("available 2221 \n theirs xxx.", rng_seed);
        counts[table.pick_for(ME, 1)[0].0 as usize] += 1;
    }
    // 2667 each, standard deviation 42.
    assert!(counts[..3].iter().all(|count| (2480..=2850).contains(count)), "{counts:?}");
}

#[test]
fn a_started_piece_comes_before_a_rare_one() {
    check("available 2193 \n ours ..p. \n picks ..^.", PickReason::StartedPiece);
    check("available 2193 \n ours ..p. \n theirs xx.x \n picks .^..", PickReason::RarestFirst);
}

#[test]
fn nothing_comes_from_a_peer_that_has_nothing_for_us() {
    check("available 2222 \n ours xx.. \n theirs xx.. \n picks ....", PickReason::RarestFirst);
    check("available 2222 \n ours xxxx \n picks ....", PickReason::RarestFirst);
}

#[test]
fn the_first_pieces_are_drawn_at_random_whatever_their_rarity() {
    let mut seen = [false; 4];
    for rng_seed in 0..60 {
        let mut table = Table::new("available 9219 \n theirs xxx.", rng_seed);
        table.config.random_first_pieces = 4;
        let (piece, _, reason) = table.pick_for(ME, 1)[0];
        seen[piece as usize] = true;
        assert_eq!(reason, PickReason::RandomFirst);
    }
    assert_eq!(seen, [true, true, true, false]);
}

#[test]
fn the_whole_piece_is_asked_for_before_the_next_one() {
    let picks = Table::new("available 321", 1).pick_for(ME, 5);
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
    let mut table = Table::new("available 222 \n ours pp.", 1);
    table.current = Some(PieceIndex(1));
    assert_eq!(table.pick_for(ME, 2), [(1, 1, PickReason::StartedPiece), (0, 1, PickReason::StartedPiece)]);
}

#[test]
fn several_peers_share_a_piece() {
    let mut table = Table::new("available 22", 1);
    let first = table.pick_for(ME, 1)[0];
    let second = table.pick_for(OTHER, 1)[0];
    assert_eq!((first.0, first.1 + second.1, second.2), (second.0, 1, PickReason::StartedPiece));
}

#[test]
fn in_the_endgame_two_are_asked_and_no_more() {
    let mut table = Table::new("available 2", 1);
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
    let mut table = Table::new("available 2", 1);
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
    let mut table = Table::new("available 2222", 1);
    table.on_parole.push(ME);
    let alone = table.pick_for(ME, 1)[0].0;
    assert!(table.pick_for(OTHER, 4).iter().all(|(piece, ..)| *piece != alone));
    assert_eq!(table.pick_for(ME, 1)[0].0, alone);
}

#[test]
fn open_pieces_are_bounded_and_an_idle_one_makes_room() {
    let mut table = Table::new("available 222222222 \n ours ppppp.... \n theirs .....xxxx", 1);
    // Two peers: three open pieces are the bound, five are open since their peers left.
    let mut picked = Picked::default();
    let none = VecDeque::new();
    let asker = asker(ME, &table.has, &none);
    table.picker.pick(&table.config, &asker, 1, 2, &mut table.rng, &mut picked);
    assert_eq!((picked.blocks.len(), picked.discarded.len()), (1, 1));
    assert_eq!(table.picker.state(picked.discarded[0]), PieceState::Missing);
}

#[test]
fn a_piece_goes_through_its_states() {
    let mut table = Table::new("available 20 \n theirs x.", 1);
    let state = |table: &Table| [0, 1].map(|piece| table.picker.state(PieceIndex(piece)));
    assert_eq!(state(&table), [PieceState::Missing, PieceState::Unavailable]);
    table.pick_for(ME, 2);
    assert_eq!(state(&table)[0], PieceState::Partial);
    table.answer(ME);
    assert!(table.answer(ME).is_piece_complete);
    table.picker.begin_check(PieceIndex(0));
    assert_eq!(state(&table)[0], PieceState::Checking);
    let mut other = table.picker.clone();
    assert!(other.failed(PieceIndex(0)).is_some());
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
                let is_counted_as_seed = picker.add_peer(&has);
                peers.push((has, is_counted_as_seed));
            }
            1 if !peers.is_empty() => {
                let (has, is_counted_as_seed) = peers.swap_remove(rng.below(peers.len() as u32) as usize);
                picker.remove_peer(&has, is_counted_as_seed);
            }
            2 if !peers.is_empty() => {
                let at = rng.below(peers.len() as u32) as usize;
                let piece = PieceIndex(rng.below(pieces));
                if peers[at].0.insert(piece) {
                    picker.add_have(piece);
                }
            }
            _ if !peers.is_empty() => {
                let (has, _) = &peers[rng.below(peers.len() as u32) as usize];
                let asker = asker(ME, has, &none);
                let mut picked = Picked::default();
                picker.pick(&Config::default(), &asker, 1, 12, &mut rng, &mut picked);
                for (block, _) in &picked.blocks {
                    picker.forget(&Outstanding { block: *block, sent_at: Instant::ZERO, is_active: true });
                }
                picker.give_up_all();
            }
            _ => {}
        }
        picker.check(peers.iter().map(|(has, _)| (has, &none)));
    }
}
