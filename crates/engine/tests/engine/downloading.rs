//! What is requested, when, and what becomes of the answers.

use std::time::Duration;

use engine::{
    Bitfield, BlockRef, CloseReason, Config, Event, Input, Message, Output, PickReason, PieceIndex,
    VerifyOutcome,
};

use crate::util::{Content, Remote};

fn content() -> Content {
    Content::new(20 * 65_536, 65_536)
}

fn leech(config: Config) -> Remote {
    let content = content();
    Remote::new(config, &content, content.none())
}

fn requests_of(messages: &[Message]) -> usize {
    messages.iter().filter(|message| matches!(message, Message::Request(_))).count()
}

#[test]
fn interest_follows_what_the_peer_has() {
    let mut remote = leech(Config::default());
    let key = remote.join(1);
    assert_eq!(remote.take_messages(key), [], "an empty bitfield is not sent, and nothing is wanted yet");
    remote.says(key, &Message::Have(PieceIndex(3)));
    assert_eq!(remote.take_messages(key), [Message::Interested]);
    remote.says(key, &Message::Unchoke);
    remote.answers_all(key, VerifyOutcome::Stored);
    assert_eq!(remote.take_messages(key), [Message::Have(PieceIndex(3)), Message::NotInterested]);
}

#[test]
fn nothing_is_requested_from_a_peer_that_chokes() {
    let mut remote = leech(Config::default());
    let key = remote.join(1);
    remote.says(key, &Message::Bitfield(Bitfield::all(20)));
    assert_eq!(remote.take_messages(key), [Message::Interested]);
    remote.says(key, &Message::Unchoke);
    assert_eq!(requests_of(&remote.take_messages(key)), Config::default().requests_per_peer_min as usize);
}

#[test]
fn requests_go_out_in_one_send_when_answers_come_and_never_by_themselves() {
    let mut remote = leech(Config::default());
    let key = remote.join_with(1, &Bitfield::all(20));
    let asked = remote.take_requests(key);
    remote.wait(2);
    assert_eq!(remote.take_requests(key), []);
    let mut bytes = Vec::new();
    for block in &asked {
        bytes.extend(engine::piece_header(block));
        bytes.resize(bytes.len() + block.len as usize, 0);
    }
    remote.outputs.clear();
    remote.bytes(key, &bytes);
    let sends = remote.outputs.iter().filter(|output| matches!(output, Output::Send { .. })).count();
    assert_eq!(sends, 1);
    assert!(remote.take_requests(key).len() >= asked.len());
}

#[test]
fn a_choke_gives_the_requests_to_others() {
    let mut remote = leech(Config::default());
    let one = remote.join_with(1, &Bitfield::all(20));
    let asked = remote.take_requests(one);
    remote.says(one, &Message::Choke);
    let two = remote.join_with(2, &Bitfield::all(20));
    assert_eq!(remote.take_requests(two), asked);
    assert_eq!(remote.take_requests(one), []);
}

#[test]
fn blocks_that_come_after_a_choke_are_used_as_long_as_they_are_missing() {
    let mut remote = leech(Config { unrequested_bytes_max: 0, ..Config::default() });
    let one = remote.join_with(1, &Bitfield::all(20));
    let asked = remote.take_requests(one);
    remote.says(one, &Message::Choke);
    remote.sends(one, &asked[0]);
    let two = remote.join_with(2, &Bitfield::all(20));
    assert_eq!(remote.take_requests(two)[..3], asked[1..]);
    remote.sends(one, &asked[1]);
    assert!(remote.take_messages(two).contains(&Message::Cancel(asked[1])), "the first answer counts");
    assert_eq!(remote.engine.summary().wasted_bytes, 0);
    // What another peer was faster with is wasted, yet no fault; what comes twice is one.
    remote.sends(two, &asked[2]);
    remote.sends(one, &asked[2]);
    assert_eq!((remote.engine.summary().wasted_bytes, remote.close_reason(one)), (16_384, None));
    remote.sends(one, &asked[3]);
    remote.judge(VerifyOutcome::Stored);
    assert_eq!(remote.engine.summary().pieces_have, 1);
    remote.sends(one, &asked[3]);
    assert!(matches!(remote.close_reason(one), Some(CloseReason::UnrequestedBlocks { .. })));
}

#[test]
fn a_stalled_peers_blocks_are_asked_of_another_and_whoever_is_first_wins() {
    let mut remote = leech(Config::default());
    let slow = remote.join_with(1, &Bitfield::all(20));
    let asked = remote.take_requests(slow);
    remote.wait(11);
    let fast = remote.join_with(2, &Bitfield::all(20));
    assert_eq!(remote.take_requests(fast), asked);
    assert!(!remote.take_messages(slow).iter().any(|message| matches!(message, Message::Cancel(_))));
    remote.sends(fast, &asked[0]);
    assert_eq!(remote.take_messages(slow), [Message::Cancel(asked[0])]);
    remote.sends(slow, &asked[1]);
    assert!(remote.take_messages(fast).contains(&Message::Cancel(asked[1])));
    assert_eq!(remote.engine.summary().wasted_bytes, 0);
}

#[test]
fn a_peer_that_delivers_nothing_for_a_minute_is_snubbed_until_it_delivers() {
    let mut remote = leech(Config::default());
    let key = remote.join_with(1, &Bitfield::all(20));
    let asked = remote.take_requests(key);
    remote.wait(59);
    assert!(!remote.engine.peers()[0].is_snubbed);
    remote.wait(1);
    assert!(remote.engine.peers()[0].is_snubbed);
    remote.sends(key, &asked[0]);
    assert!(!remote.engine.peers()[0].is_snubbed);
}

#[test]
fn a_slow_peer_that_keeps_sending_keeps_its_requests() {
    let mut remote = leech(Config::default());
    let slow = remote.join_with(1, &Bitfield::all(20));
    let asked = remote.take_requests(slow);
    remote.bytes(slow, &engine::piece_header(&asked[0]));
    for _ in 0..40 {
        remote.bytes(slow, &[0; 100]);
        remote.wait(3);
    }
    let idle = remote.join_with(2, &Bitfield::all(20));
    assert!(remote.take_requests(idle).iter().all(|block| !asked.contains(block)));
}

#[test]
fn payload_is_kept_as_it_comes_and_the_piece_is_verified_when_it_is_whole() {
    let mut remote = leech(Config::default());
    let key = remote.join_with(1, &Bitfield::all(20));
    let block = remote.take_requests(key)[0];
    let header = engine::piece_header(&block);
    remote.outputs.clear();
    let mut data = header.to_vec();
    data.extend([7; 1000]);
    remote.bytes(key, &data);
    let part = BlockRef { len: 1000, ..block };
    assert!(remote.outputs.contains(&Output::Store { block: part, from: 13..1013 }));
    remote.outputs.clear();
    remote.bytes(key, &vec![7; 15_384]);
    let part = BlockRef { begin: block.begin + 1000, len: 15_384, ..block };
    assert!(remote.outputs.contains(&Output::Store { block: part, from: 0..15_384 }));
    assert!(!remote.outputs.iter().any(|output| matches!(output, Output::Verify { .. })));
}

#[test]
fn every_pick_reason_is_given_and_counted() {
    let mut remote = leech(Config { random_first_pieces: 2, ..Config::default() });
    let one = remote.join_with(1, &Bitfield::all(20));
    let two = remote.join_with(2, &Bitfield::all(20));
    for _ in 0..200 {
        // The second takes its time, so that the first has to help in the end.
        remote.now = remote.now + Duration::from_millis(10);
        remote.answers_all(one, VerifyOutcome::Stored);
    }
    remote.answers_all(two, VerifyOutcome::Stored);
    // Those that are not asked for by anybody here have tests of their own, in `wanting`, `suspects` and the picker.
    use PickReason::{Endgame, RandomFirst, RarestFirst, StartedPiece};
    for reason in PickReason::ALL {
        let is_given =
            |event: &Event| matches!(event, Event::Picked { reason: given, .. } if given == reason);
        let given = remote.events().iter().filter(|event| is_given(event)).count() as u64;
        assert_eq!(
            given > 0,
            [Endgame, RandomFirst, RarestFirst, StartedPiece].contains(reason),
            "{reason:?}"
        );
        assert_eq!(remote.engine.reason_counts().0[*reason as usize], given, "{reason:?}");
    }
    assert!(remote.events().contains(&Event::Completed));
}

#[test]
fn a_fault_of_the_storage_pauses_with_its_message_and_forgets_what_is_unfinished() {
    let mut remote = leech(Config::default());
    let key = remote.join_with(1, &Bitfield::all(20));
    let block = remote.take_requests(key)[0];
    remote.sends(key, &block);
    let message = "the disk is full".to_owned();
    remote.input(Input::StorageFailed { message: message.clone() });
    assert!(remote.events().contains(&Event::Failed { message }));
    assert!(remote.outputs.contains(&Output::Discard { piece: block.piece }));
    assert!(!remote.engine.summary().is_running);
    remote.input(Input::Start);
    let key = remote.join_with(2, &Bitfield::all(20));
    assert_eq!(remote.take_requests(key).len(), 4, "it goes on when it is started again");
}

#[test]
fn pieces_and_states_can_be_looked_at() {
    let mut remote = leech(Config::default());
    let key = remote.join_with(1, &Bitfield::all(20));
    remote.answers_all(key, VerifyOutcome::Stored);
    let mut states = vec![9; 3];
    remote.engine.piece_states(&mut states);
    assert_eq!(states.len(), 20);
    assert_eq!(states.iter().filter(|state| **state == engine::PieceState::Have as u8).count(), 1);
    let summary = remote.engine.summary();
    assert_eq!((summary.pieces_have, summary.verified_bytes, summary.peers), (1, 65_536, 1));
}
