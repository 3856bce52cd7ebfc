//! Whatever the other end of a carrier sends, reading it ends; a frame, written and read again, is the same; and between
//! two links no frame is lost, doubled or moved, wherever carriers break.

#![no_main]

use libfuzzer_sys::fuzz_target;
use relay_proto::{Frame, Frames, Link, MAX_MESSAGE_LEN, SESSION_WINDOW, encode};

fuzz_target!(|data: &[u8]| {
    let Some((&breaks, message)) = data.split_first() else { return };
    let mut other_end = Link::new(SESSION_WINDOW);
    other_end.attach(0, SESSION_WINDOW).expect("a new session");
    let _ = other_end.receive(message);

    let Ok(frames) = Frames::parse(message) else { return };
    let session_len = frames.session_len();
    assert!(session_len <= message.len() as u64, "no frame is longer than the message");
    let frames: Vec<Frame<Vec<u8>>> = frames.flatten().map(|frame| owned(frame, message)).collect();
    for frame in &frames {
        let mut written = Vec::new();
        if encode(&borrowed(frame), &mut written).is_ok() {
            assert_eq!(read(&written), std::slice::from_ref(frame));
        }
    }
    carry(frames, breaks);
});

/// Sends the session's frames from one link to another, over carriers that break where `breaks` says.
fn carry(frames: Vec<Frame<Vec<u8>>>, mut breaks: u8) {
    let (mut near, mut far) = (Link::new(SESSION_WINDOW), Link::new(SESSION_WINDOW));
    attach(&mut near, &mut far);
    let mut sent = Vec::new();
    for frame in frames {
        if is_of_session(&frame) && near.send(&borrowed(&frame)).is_ok() {
            sent.push(frame);
        }
    }
    let mut came = Vec::new();
    loop {
        // Each message is as small as it can be: one frame.
        let Some(message) = near.poll_message(1 + usize::from(breaks)) else { break };
        let is_lost = breaks & 1 == 1;
        breaks >>= 1;
        if !is_lost {
            let frames = far.receive(&message).expect("what a link sends is sound");
            far.processed(frames.session_len());
            let frames = frames.map(|frame| owned(frame.expect("as is each frame"), &message));
            came.extend(frames.filter(is_of_session));
        } else {
            near.detach();
            far.detach();
            attach(&mut near, &mut far);
        }
    }
    assert_eq!(came, sent);
}

fn attach(near: &mut Link, far: &mut Link) {
    near.attach(far.received(), far.limit()).expect("both have counted alike");
    far.attach(near.received(), near.limit()).expect("both have counted alike");
}

fn is_of_session(frame: &Frame<Vec<u8>>) -> bool {
    !matches!(
        frame,
        Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Refused(_)
            | Frame::Window { .. }
            | Frame::Ping { .. }
            | Frame::Pong { .. }
            | Frame::Switch(_)
    )
}

fn read(message: &[u8]) -> Vec<Frame<Vec<u8>>> {
    assert!(message.len() <= MAX_MESSAGE_LEN);
    let frames = Frames::parse(message).expect("what is written is sound");
    frames.map(|frame| owned(frame.expect("as is its payload"), message)).collect()
}

fn owned(frame: Frame, message: &[u8]) -> Frame<Vec<u8>> {
    map(frame, |range| message[range].to_vec())
}

fn borrowed(frame: &Frame<Vec<u8>>) -> Frame<&[u8]> {
    match frame {
        Frame::Data { stream, payload } => Frame::Data { stream: *stream, payload },
        Frame::FetchData { request, payload } => Frame::FetchData { request: *request, payload },
        other => map(other.clone(), |_| &[][..]),
    }
}

fn map<P, Q>(frame: Frame<P>, payload_of: impl Fn(P) -> Q) -> Frame<Q> {
    match frame {
        Frame::Hello(body) => Frame::Hello(body),
        Frame::Welcome(body) => Frame::Welcome(body),
        Frame::Refused(body) => Frame::Refused(body),
        Frame::Window { acked, limit } => Frame::Window { acked, limit },
        Frame::Ping { number } => Frame::Ping { number },
        Frame::Pong { number } => Frame::Pong { number },
        Frame::Switch(body) => Frame::Switch(body),
        Frame::Open { stream, open } => Frame::Open { stream, open },
        Frame::Opened { stream } => Frame::Opened { stream },
        Frame::Data { stream, payload } => Frame::Data { stream, payload: payload_of(payload) },
        Frame::Credit { stream, limit } => Frame::Credit { stream, limit },
        Frame::Close { stream, close } => Frame::Close { stream, close },
        Frame::Accept { stream, accept } => Frame::Accept { stream, accept },
        Frame::Register(body) => Frame::Register(body),
        Frame::Unregister(body) => Frame::Unregister(body),
        Frame::Announce(body) => Frame::Announce(body),
        Frame::Announced(body) => Frame::Announced(body),
        Frame::Scrape(body) => Frame::Scrape(body),
        Frame::Scraped(body) => Frame::Scraped(body),
        Frame::Fetch(body) => Frame::Fetch(body),
        Frame::FetchRange { stream, range } => Frame::FetchRange { stream, range },
        Frame::FetchData { request, payload } => Frame::FetchData { request, payload: payload_of(payload) },
        Frame::Fetched(body) => Frame::Fetched(body),
    }
}
