//! Sessions: windows, replay and credits.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;

use bytes::{BufMut, Bytes};
use proptest::prelude::*;
use relay_proto::*;

fn attached_pair() -> (Link, Link) {
    let (mut a, mut b) = (Link::new(SESSION_WINDOW), Link::new(SESSION_WINDOW));
    a.attach(b.received(), b.limit()).unwrap();
    b.attach(a.received(), a.limit()).unwrap();
    (a, b)
}

fn write_data(link: &mut Link, stream: u32, bytes: &[u8]) -> usize {
    let max = bytes.len().min(link.data_room());
    if max == 0 {
        return 0;
    }
    link.read_data(stream, max, |buf| {
        let len = buf.remaining_mut().min(max);
        buf.put_slice(&bytes[..len]);
        Ok::<_, ()>(len)
    })
    .unwrap()
}

/// Payload of all data frames.
fn take(link: &mut Link, message: &[u8], into: &mut Vec<u8>) {
    let frames = link.receive(message).unwrap();
    let session_len = frames.session_len();
    for frame in frames {
        if let Frame::Data { payload, .. } = frame.unwrap() {
            into.extend_from_slice(&message[payload]);
        }
    }
    link.processed(session_len);
}

#[test]
fn nothing_is_sent_before_the_carrier_stands() {
    let mut link = Link::new(SESSION_WINDOW);
    link.send(&Frame::Credit { stream: 1, limit: 5 }).unwrap();
    assert_eq!(link.poll_message(MAX_MESSAGE_LEN), None);
}

#[test]
fn frames_that_wait_go_out_in_one_message() {
    let (mut a, _) = attached_pair();
    for stream in 1..=100 {
        a.send(&Frame::Credit { stream, limit: 1 }).unwrap();
    }
    assert_eq!(a.poll_message(MAX_MESSAGE_LEN).unwrap().len(), 1700);
    assert_eq!(a.poll_message(MAX_MESSAGE_LEN), None);
}

#[test]
fn a_message_holds_whole_frames_only() {
    let (mut a, _) = attached_pair();
    for stream in 1..=100 {
        a.send(&Frame::Credit { stream, limit: 1 }).unwrap();
    }
    assert_eq!(a.poll_message(60).unwrap().len(), 51);
}

#[test]
fn the_sender_stops_at_the_window_and_goes_on_when_it_moves() {
    let (mut a, mut b) = attached_pair();
    let block = vec![1; 100_000];
    let mut messages = VecDeque::new();
    loop {
        let written = write_data(&mut a, 1, &block);
        let message = a.poll_message(MAX_MESSAGE_LEN);
        if written == 0 && message.is_none() {
            break;
        }
        messages.extend(message);
    }
    assert!(a.unacked_len() <= SESSION_WINDOW && a.unacked_len() + 100_009 > SESSION_WINDOW);
    assert_eq!(a.data_room(), a_room_left(&a));
    let mut got = Vec::new();
    for message in messages {
        take(&mut b, &message, &mut got);
    }
    let window = b.poll_message(MAX_MESSAGE_LEN).unwrap();
    a.receive(&window).unwrap();
    assert!(a.data_room() > 100_000);
    assert_eq!(a.unacked_len(), 0);
}

fn a_room_left(link: &Link) -> usize {
    ((SESSION_WINDOW - link.unacked_len()) as usize).saturating_sub(HEADER_LEN)
}

#[test]
fn more_than_the_window_is_refused() {
    let mut link = Link::new(MIN_SESSION_WINDOW);
    link.attach(0, 0).unwrap();
    let payload = vec![0; MAX_DATA_LEN];
    let mut message = Vec::new();
    encode(&Frame::Data { stream: 1, payload: &payload }, &mut message).unwrap();
    for _ in 0..4 {
        link.receive(&message).unwrap();
    }
    let error = ProtocolError::WindowOverrun { offset: 5 * 262_144, limit: 1_048_576 };
    assert_eq!(link.receive(&message).unwrap_err(), error);
}

#[test]
fn acknowledging_what_was_never_sent_is_refused() {
    let (mut a, _) = attached_pair();
    let mut message = Vec::new();
    encode(&Frame::Window { acked: 1, limit: 1000 }, &mut message).unwrap();
    assert_eq!(a.receive(&message).unwrap_err(), ProtocolError::BadAck { claimed: 1, from: 0, to: 0 });
}

#[test]
fn resuming_behind_what_was_acknowledged_is_refused() {
    let (mut a, mut b) = attached_pair();
    a.send(&Frame::Credit { stream: 1, limit: 1 }).unwrap();
    let message = a.poll_message(MAX_MESSAGE_LEN).unwrap();
    b.receive(&message).unwrap();
    a.attach(b.received(), b.limit()).unwrap();
    assert!(matches!(a.attach(0, b.limit()), Err(ProtocolError::BadAck { claimed: 0, from: 17, to: 17 })));
}

#[test]
fn a_window_that_nobody_could_keep_for_replay_is_refused() {
    let (mut a, _) = attached_pair();
    assert!(matches!(a.attach(0, u64::MAX), Err(ProtocolError::WindowTooLarge { .. })));
}

#[test]
fn a_ping_is_answered_with_its_number() {
    let (mut a, mut b) = attached_pair();
    a.send(&Frame::Ping { number: 77 }).unwrap();
    let ping = a.poll_message(MAX_MESSAGE_LEN).unwrap();
    b.receive(&ping).unwrap();
    let pong = b.poll_message(MAX_MESSAGE_LEN).unwrap();
    assert_eq!(a.receive(&pong).unwrap().next().unwrap().unwrap(), Frame::Pong { number: 77 });
    assert_eq!(a.received(), 0, "carrier frames are not counted");
}

#[test]
fn a_read_that_fails_or_finds_nothing_leaves_no_frame() {
    let (mut a, _) = attached_pair();
    assert_eq!(a.read_data(1, 100, |_| Err::<usize, _>("would block")), Err("would block"));
    assert_eq!(a.read_data(1, 100, |_| Ok::<_, ()>(0)), Ok(0));
    assert_eq!(a.poll_message(MAX_MESSAGE_LEN), None);
}

#[test]
fn many_small_messages_kept_for_replay_share_their_memory() {
    let (mut a, _) = attached_pair();
    let mut starts = Vec::new();
    for _ in 0..1000 {
        write_data(&mut a, 1, b"small");
        let message = a.poll_message(MAX_MESSAGE_LEN).unwrap();
        starts.push(message.as_ptr() as usize);
    }
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 14), "one message lies behind the other");
}

#[test]
fn credit_is_absolute_and_never_shrinks() {
    let mut credit = SendCredit::new(10);
    credit.take(10);
    assert_eq!(credit.available(), 0);
    credit.raise(25);
    credit.raise(5);
    assert_eq!(credit.available(), 15);
}

#[test]
fn credit_is_granted_again_once_half_of_it_is_consumed() {
    let mut credit = ReceiveCredit::new(100);
    credit.receive(100).unwrap();
    assert_eq!(credit.consume(49), None);
    assert_eq!(credit.consume(1), Some(150));
    assert_eq!(credit.buffered(), 50);
    assert_eq!(credit.receive(51), Err(ProtocolError::CreditOverrun { received: 151, limit: 150 }));
}

/// What happens next in a run with a carrier that is cut anywhere.
#[derive(Clone, Debug)]
enum Step {
    Write { from_a: bool, len: usize },
    Send { from_a: bool },
    Deliver { to_a: bool },
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 1usize..300_000).prop_map(|(from_a, len)| Step::Write { from_a, len }),
        4 => any::<bool>().prop_map(|from_a| Step::Send { from_a }),
        4 => any::<bool>().prop_map(|to_a| Step::Deliver { to_a }),
        1 => Just(Step::Cut),
    ]
}

struct End {
    link: Link,
    written: Vec<u8>,
    got: Vec<u8>,
    inbox: VecDeque<Bytes>,
}

impl End {
    fn new() -> Self {
        Self {
            link: Link::new(MIN_SESSION_WINDOW),
            written: Vec::new(),
            got: Vec::new(),
            inbox: VecDeque::new(),
        }
    }

    fn write(&mut self, len: usize) {
        let bytes: Vec<u8> = (0..len).map(|i| ((self.written.len() + i) % 251) as u8).collect();
        let written = write_data(&mut self.link, 1, &bytes);
        self.written.extend_from_slice(&bytes[..written]);
    }

    fn deliver(&mut self) -> bool {
        let Some(message) = self.inbox.pop_front() else { return false };
        take(&mut self.link, &message, &mut self.got);
        true
    }
}

fn cut(a: &mut End, b: &mut End) {
    a.inbox.clear();
    b.inbox.clear();
    a.link.detach();
    b.link.detach();
    a.link.attach(b.link.received(), b.link.limit()).unwrap();
    b.link.attach(a.link.received(), a.link.limit()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn cuts_at_any_message_lose_and_double_nothing(steps in prop::collection::vec(step(), 1..80)) {
        let (mut a, mut b) = (End::new(), End::new());
        cut(&mut a, &mut b);
        for step in steps {
            match step {
                Step::Write { from_a, len } => if from_a { a.write(len) } else { b.write(len) },
                Step::Send { from_a } => {
                    let (from, to) = if from_a { (&mut a, &mut b) } else { (&mut b, &mut a) };
                    to.inbox.extend(from.link.poll_message(MAX_MESSAGE_LEN));
                }
                Step::Deliver { to_a } => { if to_a { a.deliver() } else { b.deliver() }; }
                Step::Cut => cut(&mut a, &mut b),
            }
            prop_assert!(a.link.unacked_len() <= MIN_SESSION_WINDOW && b.link.unacked_len() <= MIN_SESSION_WINDOW);
        }
        loop {
            let from_a = a.link.poll_message(MAX_MESSAGE_LEN);
            let from_b = b.link.poll_message(MAX_MESSAGE_LEN);
            let is_quiet = from_a.is_none() && from_b.is_none();
            b.inbox.extend(from_a);
            a.inbox.extend(from_b);
            if !a.deliver() & !b.deliver() & is_quiet { break; }
        }
        prop_assert!(a.got == b.written, "b to a: {} of {} bytes", a.got.len(), b.written.len());
        prop_assert!(b.got == a.written, "a to b: {} of {} bytes", b.got.len(), a.written.len());
    }

    #[test]
    fn arbitrary_messages_never_panic_a_link(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
        let mut link = Link::new(SESSION_WINDOW);
        link.attach(0, SESSION_WINDOW).unwrap();
        for message in messages {
            if let Ok(frames) = link.receive(&message) {
                frames.for_each(drop);
            }
            while link.poll_message(MAX_MESSAGE_LEN).is_some() {}
        }
    }
}
