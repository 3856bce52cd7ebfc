//! Streams to peers: the gates, the credits, the limits.

use std::time::Duration;

use relay_proto::{
    CloseCode, Frame, MAX_DATA_LEN, RefusedCode, STREAM_CREDIT_DOWN, STREAM_CREDIT_UP, SendCredit,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::*;

#[tokio::test]
async fn large_data_comes_through_both_ways_within_its_credits() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut peer = tab.open_through(1, &listener).await;
    let len = 24 << 20;
    tokio::spawn(async move {
        let mut buffer = vec![0; 300_000];
        loop {
            let read = peer.read(&mut buffer).await.unwrap();
            if read == 0 || peer.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    });
    let data = pattern(len);
    let mut credit = SendCredit::new(tab.welcome.stream_credit);
    credit.take(68);
    let (mut sent, mut got) = (0, Vec::new());
    while got.len() < len {
        while sent < len && credit.available() > 0 {
            let part = (len - sent).min(credit.available() as usize).min(MAX_DATA_LEN);
            tab.send(&Frame::Data { stream: 1, payload: &data[sent..sent + part] }).await;
            credit.take(part as u64);
            sent += part;
        }
        match tab.next().await.unwrap() {
            Frame::Data { stream: 1, payload } => {
                tab.grant(1, payload.len() as u64);
                got.extend_from_slice(&payload);
            }
            Frame::Credit { stream: 1, limit } => credit.raise(limit),
            other => panic!("{other:?}"),
        }
    }
    assert!(got == data, "what comes back is what was sent");
}

#[tokio::test]
async fn without_credit_nothing_is_read_from_the_peer_and_other_streams_go_on() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut greedy = tab.open_through(1, &listener).await;
    let mut modest = tab.open_through(3, &listener).await;
    // Nothing is granted on stream 1, so this never ends; the system's buffers fill up.
    tokio::spawn(async move {
        let block = vec![1; 1 << 20];
        while greedy.write_all(&block).await.is_ok() {}
    });
    let data = pattern(16 << 20);
    let expected = data.clone();
    tokio::spawn(async move {
        modest.write_all(&data).await.unwrap();
        modest.readable().await
    });
    let (mut from_greedy, mut got) = (0, Vec::new());
    while got.len() < expected.len() || from_greedy < STREAM_CREDIT_DOWN - 68 {
        match tab.next().await.unwrap() {
            Frame::Data { stream: 1, payload } => from_greedy += payload.len() as u64,
            Frame::Data { stream: 3, payload } => {
                tab.grant(3, payload.len() as u64);
                got.extend_from_slice(&payload);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(got == expected);
    assert_eq!(from_greedy, STREAM_CREDIT_DOWN - 68, "not a byte more than granted");
}

#[tokio::test]
async fn a_peer_that_does_not_read_holds_up_nobody_else() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let _deaf = tab.open_through(1, &listener).await;
    let mut other = tab.open_through(3, &listener).await;
    let mut credit = SendCredit::new(STREAM_CREDIT_UP);
    credit.take(68);
    // Until the relay grants no more: then it holds a whole credit that the peer does not take.
    loop {
        while credit.available() > 0 {
            let part = credit.available().min(100_000) as usize;
            tab.send(&Frame::Data { stream: 1, payload: &vec![0; part] }).await;
            credit.take(part as u64);
        }
        match tokio::time::timeout(Duration::from_millis(300), tab.next()).await {
            Ok(Some(Frame::Credit { stream: 1, limit })) => credit.raise(limit),
            Ok(frame) => panic!("{frame:?}"),
            Err(_) => break,
        }
    }
    tab.send(&Frame::Data { stream: 3, payload: b"through" }).await;
    assert_eq!(read_exactly(&mut other, 7).await, b"through");
}

#[tokio::test]
async fn more_than_the_credit_ends_the_stream() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    tab.open(1, listener.local_addr().unwrap()).await;
    tab.send(&Frame::Data { stream: 1, payload: &handshake(HASH) }).await;
    // The system's buffers for a peer that does not read hold much less.
    for _ in 0..100 {
        tab.send(&Frame::Data { stream: 1, payload: &vec![0; 250_000] }).await;
    }
    assert_eq!(tab.close_of(1).await.code, CloseCode::CreditExceeded.number());
    assert_eq!(relay.refusals("credit-exceeded"), 1);
}

#[tokio::test]
async fn nothing_but_a_handshake_reaches_a_peer() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    for (stream, bytes) in
        [(1, b"GET / HTTP/1.1\r\n\r\n".to_vec()), (3, handshake(codec::InfoHash([9; 20])).to_vec())]
    {
        tab.open(stream, listener.local_addr().unwrap()).await;
        let mut peer = in_time(listener.accept()).await.unwrap().0;
        tab.send(&Frame::Data { stream, payload: &bytes }).await;
        assert_eq!(tab.close_of(stream).await.code, CloseCode::TabNotBitTorrent.number());
        let mut rest = Vec::new();
        let _ = in_time(peer.read_to_end(&mut rest)).await;
        assert_eq!(rest, b"", "not one byte");
    }
    assert_eq!(relay.refusals("tab-not-bittorrent"), 2);
}

#[tokio::test]
async fn no_more_than_a_handshake_reaches_a_peer_before_it_has_said_its_own() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut sent = handshake(HASH).to_vec();
    sent.extend_from_slice(b"and more");
    for (stream, answer, expected) in
        [(1, b"HTTP/1.1 400 Bad Request".to_vec(), 68), (3, handshake(HASH).to_vec(), sent.len())]
    {
        tab.open(stream, listener.local_addr().unwrap()).await;
        tab.send(&Frame::Data { stream, payload: &sent }).await;
        let mut peer = in_time(listener.accept()).await.unwrap().0;
        let mut got = read_exactly(&mut peer, 68).await;
        peer.write_all(&answer).await.unwrap();
        if expected == 68 {
            assert_eq!(tab.close_of(stream).await.code, CloseCode::PeerNotBitTorrent.number());
            let _ = in_time(peer.read_to_end(&mut got)).await;
        } else {
            tab.expect_opened(stream).await;
            tab.collect(stream, 68).await;
            got.extend(read_exactly(&mut peer, expected - 68).await);
        }
        assert_eq!(got, &sent[..expected]);
    }
}

#[tokio::test]
async fn a_handshake_in_parts_passes_once_its_info_hash_is_there() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    tab.open(1, listener.local_addr().unwrap()).await;
    let mut peer = in_time(listener.accept()).await.unwrap().0;
    for byte in &handshake(HASH)[..48] {
        tab.send(&Frame::Data { stream: 1, payload: &[*byte] }).await;
    }
    assert_eq!(read_exactly(&mut peer, 48).await, &handshake(HASH)[..48]);
    for byte in &handshake(HASH)[..48] {
        peer.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(tab.collect(1, 48).await, &handshake(HASH)[..48]);
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_is_not_passed_on() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let http = b"HTTP/1.1 200 OK\r\n\r\nsecret".to_vec();
    let other = handshake(codec::InfoHash([9; 20])).to_vec();
    let cases = [(1, http, CloseCode::PeerNotBitTorrent), (3, other, CloseCode::PeerWrongInfoHash)];
    for (stream, bytes, code) in cases {
        tab.open(stream, listener.local_addr().unwrap()).await;
        let mut peer = in_time(listener.accept()).await.unwrap().0;
        peer.write_all(&bytes).await.unwrap();
        tab.expect_opened(stream).await;
        let frame = tab.next().await.unwrap();
        let Frame::Close { close, .. } = frame else { panic!("a close and no data, not {frame:?}") };
        assert_eq!(close.code, code.number());
        assert_eq!(relay.refusals(code.code()), 1);
    }
}

#[tokio::test]
async fn a_peer_that_never_says_its_handshake_is_let_go() {
    let relay = relay_with(&["--handshake-timeout-s", "1"]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    tab.open(1, listener.local_addr().unwrap()).await;
    let _silent = in_time(listener.accept()).await.unwrap();
    tab.send(&Frame::Data { stream: 1, payload: &handshake(HASH) }).await;
    assert_eq!(tab.close_of(1).await.code, CloseCode::HandshakeTimeout.number());
}

#[tokio::test]
async fn what_is_not_registered_is_not_dialed() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::connect(&relay).await;
    tab.open(1, listener().await.local_addr().unwrap()).await;
    assert_eq!(tab.close_of(1).await.code, CloseCode::NotRegistered.number());
    assert_eq!(relay.refusals("not-registered"), 1);
}

#[tokio::test]
async fn addresses_outside_the_policy_are_not_dialed() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    for (stream, addr) in
        [(1, "10.0.0.1:6881"), (3, "[::1]:6881"), (5, "169.254.169.254:8080"), (7, "1.1.1.1:25")]
    {
        tab.open(stream, addr.parse().unwrap()).await;
        assert_eq!(tab.close_of(stream).await.code, CloseCode::DestinationRefused.number(), "{addr}");
    }
    assert_eq!(relay.refusals("destination-refused"), 4);
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_unreachable() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let gone = listener().await.local_addr().unwrap();
    tab.open(1, gone).await;
    assert_eq!(tab.close_of(1).await.code, CloseCode::Unreachable.number());
}

#[tokio::test]
async fn one_stream_more_than_allowed_is_refused_and_a_closed_one_makes_room() {
    let relay = relay_with(&["--max-streams", "2"]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let addr = listener.local_addr().unwrap();
    for stream in [1, 3] {
        tab.open(stream, addr).await;
        tab.expect_opened(stream).await;
    }
    tab.open(5, addr).await;
    assert_eq!(tab.close_of(5).await.code, CloseCode::TooManyStreams.number());
    tab.send(&Frame::Close { stream: 1, close: relay_proto::Close::new(CloseCode::TabDone) }).await;
    tab.open(7, addr).await;
    tab.expect_opened(7).await;
}

#[tokio::test]
async fn dialing_faster_than_allowed_is_refused() {
    let relay = relay_with(&["--max-dials-per-s", "1"]).await;
    let mut tab = Tab::registered(&relay).await;
    let addr = listener().await.local_addr().unwrap();
    for stream in [1, 3, 5] {
        tab.link.send(&Frame::Open { stream, open: relay_proto::Open { addr, info_hash: HASH } }).unwrap();
    }
    tab.flush().await;
    let mut codes = Vec::new();
    while codes.len() < 3 {
        if let Some(Frame::Close { close, .. }) = tab.next().await {
            codes.push(close.code);
        }
    }
    assert_eq!(codes.iter().filter(|code| **code == CloseCode::DialRate.number()).count(), 2);
}

#[tokio::test]
async fn more_info_hashes_than_allowed_are_not_registered() {
    let relay = relay_with(&["--max-info-hashes", "1"]).await;
    let mut tab = Tab::connect(&relay).await;
    tab.register(1, codec::InfoHash([1; 20])).await;
    tab.register(2, HASH).await;
    tab.open(1, listener().await.local_addr().unwrap()).await;
    assert_eq!(tab.close_of(1).await.code, CloseCode::NotRegistered.number());
    assert_eq!(relay.refusals("too-many-info-hashes"), 1);
}

#[tokio::test]
async fn the_rate_of_a_token_bounds_what_all_its_sessions_get() {
    let rate = 400_000;
    let relay = relay_with(&["--max-bytes-per-s", &rate.to_string()]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut peer = tab.open_through(1, &listener).await;
    let data = pattern(800_000);
    let expected = data.clone();
    tokio::spawn(async move {
        peer.write_all(&data).await.unwrap();
        peer.readable().await
    });
    let begin = std::time::Instant::now();
    assert!(tab.collect(1, expected.len()).await == expected);
    // A lower bound, which no slow machine can break: the first second's worth is free, the rest takes its time.
    assert!(begin.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn unregistering_a_torrent_ends_its_streams() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let _peer = tab.open_through(1, &listener).await;
    tab.send(&Frame::Unregister(relay_proto::Unregister { torrent: 1 })).await;
    assert_eq!(tab.close_of(1).await.code, CloseCode::Unregistered.number());
}

#[tokio::test]
async fn what_was_sent_before_a_close_still_reaches_the_peer() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut peer = tab.open_through(1, &listener).await;
    peer.write_all(b"bytes that nobody reads any more").await.unwrap();
    let last = pattern(200_000);
    tab.link.send(&Frame::Data { stream: 1, payload: &last }).unwrap();
    tab.send(&Frame::Close { stream: 1, close: relay_proto::Close::new(CloseCode::TabDone) }).await;
    let mut got = Vec::new();
    in_time(peer.read_to_end(&mut got)).await.unwrap();
    assert!(got == last);
}

#[tokio::test]
async fn what_a_peer_sent_before_it_closed_still_reaches_the_tab() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut peer = tab.open_through(1, &listener).await;
    let last = pattern(3_000_000);
    let expected = last.clone();
    let writing = tokio::spawn(async move {
        peer.write_all(&last).await.unwrap();
    });
    assert!(tab.collect(1, expected.len()).await == expected);
    writing.await.unwrap();
    assert_eq!(tab.close_of(1).await.code, CloseCode::PeerClosed.number());
}

#[tokio::test]
async fn frames_of_a_stream_that_has_just_ended_are_ignored_and_of_none_are_not() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let gone = listener().await.local_addr().unwrap();
    tab.open(1, gone).await;
    tab.close_of(1).await;
    tab.send(&Frame::Data { stream: 1, payload: b"late" }).await;
    tab.send(&Frame::Credit { stream: 1, limit: 1 << 30 }).await;
    tab.open(3, gone).await;
    assert_eq!(tab.close_of(3).await.code, CloseCode::Unreachable.number());
    tab.send(&Frame::Data { stream: 5, payload: b"early" }).await;
    assert_eq!(refusal(&mut tab.socket).await.code, RefusedCode::Malformed.number());
}
