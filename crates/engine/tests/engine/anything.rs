//! Peers that say anything, in any order, for long: nothing panics, every invariant holds after every input, and the
//! torrent still completes once one honest peer comes.

use std::net::SocketAddr;

use engine::{
    Bitfield, BlockRef, BlockRun, Config, Event, History, Input, Limits, Message, PartialPieces, PeerKey,
    PeerSource, PieceIndex, Reserved, Share, Strategy, VerifyOutcome,
};

use crate::util::{Content, Remote};

const PIECES: u32 = 12;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(sides)) as u32
    }

    fn pieces(&mut self) -> Bitfield {
        let mut field = Bitfield::none(PIECES);
        for _ in 0..self.roll(2 * PIECES) {
            field.insert(PieceIndex(self.roll(PIECES)));
        }
        field
    }
}

/// One step of chaos with the peers that are connected.
fn step(remote: &mut Remote, dice: &mut Dice, peers: &mut Vec<(PeerKey, Vec<BlockRef>)>) {
    peers.retain(|(key, _)| remote.close_reason(*key).is_none());
    if peers.len() < 6 && dice.roll(4) == 0 {
        let offered =
            if dice.roll(2) == 0 { Reserved::FAST.with(Reserved::EXTENDED) } else { Reserved::default() };
        let key = remote.join_offering(1 + dice.roll(40) as u8, offered);
        let has = if dice.roll(3) == 0 { Bitfield::all(PIECES) } else { dice.pieces() };
        if dice.roll(5) > 0 {
            remote.says(key, &Message::Bitfield(has));
        }
        peers.push((key, Vec::new()));
    }
    let Some(at) = (!peers.is_empty()).then(|| dice.roll(peers.len() as u32) as usize) else { return };
    let key = peers[at].0;
    let asked = remote.take_requests(key);
    peers[at].1.extend(asked);
    let block = BlockRef { piece: PieceIndex(dice.roll(PIECES)), begin: dice.roll(4) * 16_384, len: 16_384 };
    match dice.roll(24) {
        0 => remote.says(key, &Message::Choke),
        1 | 2 => remote.says(key, &Message::Unchoke),
        3 => remote.says(key, &Message::Interested),
        4 => remote.says(key, &Message::NotInterested),
        5 => remote.says(key, &Message::Have(block.piece)),
        6 => remote.says(key, &Message::Request(block)),
        7 => remote.says(key, &Message::Cancel(block)),
        8 => remote.sends(key, &block),
        9..=12 => {
            for _ in 0..3 {
                if !peers[at].1.is_empty() {
                    let next =
                        if dice.roll(4) == 0 { dice.roll(peers[at].1.len() as u32) as usize } else { 0 };
                    let answer = peers[at].1.remove(next);
                    remote.sends(key, &answer);
                }
            }
        }
        13 => remote.wait(u64::from(dice.roll(30))),
        14 => {
            remote.input(Input::Closed { peer: key });
            peers.remove(at);
        }
        15 => remote.input(Input::Sent { peer: key, bytes: u64::from(dice.roll(100_000)) }),
        18 => match dice.roll(9) {
            0 => remote.says(key, &Message::HaveAll),
            1 => remote.says(key, &Message::HaveNone),
            2 | 3 => remote.says(key, &Message::Suggest(block.piece)),
            4 | 5 => remote.says(key, &Message::AllowedFast(block.piece)),
            6 => remote.says(key, &Message::Extended { id: 3, payload: vec![dice.roll(2) as u8] }),
            7 => {
                let payload = block.piece.0.to_be_bytes().to_vec();
                remote.says(key, &Message::Extended { id: 7, payload });
            }
            _ => remote.says(key, &Message::Reject(block)),
        },
        19 | 20 => {
            if !peers[at].1.is_empty() {
                let refused = peers[at].1.remove(0);
                remote.says(key, &Message::Reject(refused));
            }
        }
        22 => {
            let strategy = Strategy::ALL[dice.roll(Strategy::ALL.len() as u32) as usize];
            remote.input(Input::SetStrategy(strategy));
        }
        23 => user_sets_something(remote, dice),
        16 if dice.roll(20) == 0 => {
            remote.input(Input::StorageFailed { message: "full".into() });
            remote.input(Input::Start);
            peers.clear();
        }
        _ => {
            let outcome = if dice.roll(3) == 0 { VerifyOutcome::Mismatch } else { VerifyOutcome::Stored };
            remote.judge(outcome);
        }
    }
}

fn user_sets_something(remote: &mut Remote, dice: &mut Dice) {
    let mut rate = || (dice.roll(2) == 0).then(|| u64::from(dice.roll(200_000)));
    let (upload_rate_max, download_rate_max) = (rate(), rate());
    match dice.roll(3) {
        0 => {
            let (peers_max, unchoke_slots) = (1 + dice.roll(8) as usize, dice.roll(4) as usize);
            let limits = Limits { upload_rate_max, download_rate_max, peers_max, unchoke_slots };
            remote.input(Input::SetLimits(limits));
        }
        1 => remote.input(Input::SetShare(Share { upload_rate_max, download_rate_max })),
        _ => {
            let mut partial = PartialPieces::new();
            let run = BlockRun {
                piece: PieceIndex(dice.roll(PIECES)),
                first: dice.roll(4),
                count: 1 + dice.roll(4),
            };
            partial.insert(run);
            remote.input(Input::Restored { partial: &partial, history: History::default() });
        }
    }
}

#[test]
fn whatever_peers_say_the_books_are_right_and_an_honest_peer_ends_it() {
    for rng_seed in 1..40 {
        let content = Content::new(PIECES as usize * 65_536 - 5000, 65_536);
        let limit = (rng_seed % 3 == 0).then_some(100_000);
        let config = Config { download_rate_max: limit, upload_rate_max: limit, ..Config::default() };
        let mut remote = Remote::new(config, &content, content.none());
        let mut dice = Dice(rng_seed * 7919);
        let mut peers = Vec::new();
        for _ in 0..400 {
            step(&mut remote, &mut dice, &mut peers);
        }
        for (key, _) in peers {
            if remote.close_reason(key).is_none() {
                remote.input(Input::Closed { peer: key });
            }
        }
        remote.judge(VerifyOutcome::Stored);
        remote.input(Input::SetLimits(Config::default().limits()));
        remote.input(Input::SetShare(Share::default()));
        let honest = remote.join_with(200, &Bitfield::all(PIECES));
        for _ in 0..200 {
            remote.answers_all(honest, VerifyOutcome::Stored);
            remote.wait(1);
        }
        assert!(remote.engine.summary().is_complete, "seed {rng_seed}: {:?}", remote.engine.summary());
    }
}

#[test]
fn a_peer_that_claims_what_it_does_not_send_delays_nobody() {
    let content = Content::new(PIECES as usize * 65_536, 65_536);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let liars: Vec<PeerKey> = (1..=5).map(|last| remote.join_with(last, &Bitfield::all(PIECES))).collect();
    remote.wait(61);
    assert!(remote.engine.peers().iter().all(|peer| peer.is_snubbed));
    let honest = remote.join_with(9, &Bitfield::all(PIECES));
    for _ in 0..40 {
        remote.answers_all(honest, VerifyOutcome::Stored);
    }
    assert!(remote.engine.summary().is_complete);
    assert!(liars.iter().all(|&key| remote.close_reason(key) == Some(engine::CloseReason::BothSeeds)));
}

#[test]
fn reads_may_be_cut_at_every_byte() {
    let content = Content::new(65_536, 65_536);
    let run = |cut: usize| {
        let mut remote = Remote::new(Config::default(), &content, content.none());
        let key = remote.join_with(1, &Bitfield::all(1));
        for block in remote.take_requests(key) {
            let mut bytes = engine::piece_header(&block).to_vec();
            bytes.resize(13 + 16_384, 0);
            for part in bytes.chunks(cut) {
                remote.bytes(key, part);
            }
        }
        remote.judge(VerifyOutcome::Stored);
        remote.events().contains(&Event::Completed)
    };
    assert!([7, 13, 14, 1000, 16_397].into_iter().all(run));
}

#[test]
fn hosts_may_find_the_same_peers_again_and_again() {
    let content = Content::new(65_536, 65_536);
    let mut remote =
        Remote::new(Config { known_peers_max: 10, ..Config::default() }, &content, content.none());
    for round in 0..50_u8 {
        let addrs: Vec<SocketAddr> =
            (0..40).map(|last| SocketAddr::from(([10, 1, round % 7, last], 6881))).collect();
        remote.input(Input::PeersFound { source: PeerSource::Tracker, addrs: &addrs });
        remote.wait(1);
    }
    assert!(remote.engine.summary().peers_known <= 10);
}
