//! Sessions outlive their WebSocket, and what becomes of those that nobody comes back to.

use relay_proto::{AnnounceEvent, Frame, MAX_DATA_LEN, RefusedCode, SendCredit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::*;

#[tokio::test]
async fn cut_downloads_go_on_without_a_byte_lost_or_doubled() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut peer = tab.open_through(1, &listener).await;
    let data = pattern(20 << 20);
    let expected = data.clone();
    tokio::spawn(async move {
        peer.write_all(&data).await.unwrap();
        peer.readable().await
    });
    let (mut got, mut cut_at) = (Vec::new(), 300_000);
    while got.len() < expected.len() {
        let Some(Frame::Data { stream: 1, payload }) = tab.next().await else { panic!("data") };
        tab.grant(1, payload.len() as u64);
        got.extend_from_slice(&payload);
        if got.len() >= cut_at {
            // Frames that were received but not looked at stay in the inbox; those on the way are lost with the socket.
            cut_at += 1_700_000;
            tab.come_back(&relay).await;
            assert!(tab.welcome.resumed);
        }
    }
    assert!(got == expected, "{} bytes came", got.len());
}

#[tokio::test]
async fn cut_uploads_go_on_without_a_byte_lost_or_doubled() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let mut peer = tab.open_through(1, &listener).await;
    let data = pattern(8 << 20);
    let expected = data.clone();
    let reading = tokio::spawn(async move {
        let mut got = vec![0; expected.len()];
        in_time(peer.read_exact(&mut got)).await.unwrap();
        assert!(got == expected);
        peer
    });
    let mut credit = SendCredit::new(tab.welcome.stream_credit);
    credit.take(68);
    let (mut sent, mut cut_at) = (0, 500_000);
    while sent < data.len() {
        let part = (data.len() - sent).min(credit.available() as usize).min(MAX_DATA_LEN);
        if part == 0 {
            let Some(Frame::Credit { stream: 1, limit }) = tab.next().await else { panic!("credit") };
            credit.raise(limit);
            continue;
        }
        tab.send(&Frame::Data { stream: 1, payload: &data[sent..sent + part] }).await;
        credit.take(part as u64);
        sent += part;
        if sent >= cut_at {
            cut_at += 1_100_000;
            tab.come_back(&relay).await;
            assert!(tab.welcome.resumed);
        }
    }
    tab.flush().await;
    reading.await.unwrap();
}

#[tokio::test]
async fn a_session_that_comes_back_keeps_its_port_and_its_registrations() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let listener = listener().await;
    let _peer = tab.open_through(1, &listener).await;
    let port = tab.welcome.incoming_port;
    tab.come_back(&relay).await;
    assert!(tab.welcome.resumed);
    assert_eq!(tab.welcome.incoming_port, port);
    tab.open_through(3, &listener).await;
    assert_eq!(relay.sessions(), 1);
}

#[tokio::test]
async fn a_session_that_the_relay_does_not_know_begins_anew() {
    let first = relay_with(&[]).await;
    let mut tab = Tab::registered(&first).await;
    first.shutdown().await;
    let second = relay_with(&[]).await;
    tab.come_back(&second).await;
    assert!(!tab.welcome.resumed);
    tab.register(1, HASH).await;
    tab.open_through(1, &listener().await).await;
}

#[tokio::test]
async fn a_session_is_not_handed_to_one_who_does_not_know_its_secret() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let owner = tab.welcome.session.clone();
    tab.welcome.session.secret = relay_proto::Secret("guessed".into());
    tab.come_back(&relay).await;
    assert!(!tab.welcome.resumed);
    assert_ne!(tab.welcome.session.id, owner.id);
}

#[tokio::test]
async fn an_older_websocket_learns_that_it_was_replaced() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let old = open_socket(&relay).await;
    let mut old = std::mem::replace(&mut tab.socket, old);
    tab.come_back(&relay).await;
    assert_eq!(refusal(&mut old).await.code, RefusedCode::Replaced.number());
    tab.open_through(1, &listener().await).await;
}

#[tokio::test]
async fn coming_back_with_an_impossible_offset_ends_the_session() {
    let relay = relay_with(&[]).await;
    let tab = Tab::registered(&relay).await;
    let mut socket = open_socket(&relay).await;
    let hello = relay_proto::Hello {
        session: Some(tab.welcome.session.clone()),
        received: 1 << 40,
        limit: 1 << 40,
        ..hello()
    };
    send_frame(&mut socket, &Frame::Hello(hello)).await;
    assert_eq!(refusal(&mut socket).await.code, RefusedCode::Malformed.number());
}

async fn announced(relay: &relay::RunningRelay) -> (Tab, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (url, mut queries) = tracker().await;
    let mut tab = Tab::registered(relay).await;
    tab.send(&announce(&url, AnnounceEvent::Started)).await;
    assert!(matches!(tab.next().await, Some(Frame::Announced(_))));
    assert!(in_time(queries.recv()).await.unwrap().contains("event=started"));
    (tab, queries)
}

#[tokio::test]
async fn a_tab_that_vanishes_is_announced_stopped() {
    let relay = relay_with(&["--resume-within-s", "1"]).await;
    let (tab, mut queries) = announced(&relay).await;
    let port = format!("port={}", tab.welcome.incoming_port);
    drop(tab);
    let query = in_time(queries.recv()).await.unwrap();
    for part in ["event=stopped", "uploaded=11", "downloaded=22", "left=33", &port] {
        assert!(query.contains(part), "{query}");
    }
    assert_eq!(relay.sessions(), 0);
}

/// Longer than any test waits.
const NEVER_S: &str = "86400";

/// Closes the tab's WebSocket as a browser does, and waits until the relay has seen it.
async fn close_with(tab: &mut Tab, code: CloseCode) {
    let reason = Utf8Bytes::default();
    in_time(tab.socket.close(Some(CloseFrame { code, reason }))).await.unwrap();
    while next_message(&mut tab.socket).await.is_some() {}
}

#[tokio::test]
async fn a_tab_that_was_closed_is_announced_stopped_long_before_one_that_was_cut_off() {
    let relay = relay_with(&["--resume-within-s", NEVER_S, "--leave-within-s", "0"]).await;
    for code in [CloseCode::Away, CloseCode::Normal] {
        let (mut tab, mut queries) = announced(&relay).await;
        close_with(&mut tab, code).await;
        let query = in_time(queries.recv()).await.unwrap();
        assert!(query.contains("event=stopped"), "{query}");
    }
    assert_eq!(relay.sessions(), 0);
}

#[tokio::test]
async fn a_websocket_that_ends_without_a_goodbye_leaves_its_session_all_its_time() {
    let relay = relay_with(&["--resume-within-s", NEVER_S, "--leave-within-s", "0"]).await;
    let mut cut = Tab::registered(&relay).await;
    // A proxy that gives up says so with a status of its own.
    close_with(&mut cut, CloseCode::Error).await;
    // By the time that a later session has ended for its goodbye, this one would have, too.
    let (mut closed, mut queries) = announced(&relay).await;
    close_with(&mut closed, CloseCode::Away).await;
    in_time(queries.recv()).await.unwrap();
    cut.come_back(&relay).await;
    assert!(cut.welcome.resumed);
}

#[tokio::test]
async fn a_tab_that_said_goodbye_may_come_back_for_a_little_while() {
    let relay = relay_with(&["--leave-within-s", NEVER_S, "--resume-within-s", NEVER_S]).await;
    let mut tab = Tab::registered(&relay).await;
    close_with(&mut tab, CloseCode::Away).await;
    tab.come_back(&relay).await;
    assert!(tab.welcome.resumed);
    tab.open_through(1, &listener().await).await;
}

#[tokio::test]
async fn an_unregistered_torrent_is_announced_stopped() {
    let relay = relay_with(&[]).await;
    let (mut tab, mut queries) = announced(&relay).await;
    tab.send(&Frame::Unregister(relay_proto::Unregister { torrent: 1 })).await;
    assert!(in_time(queries.recv()).await.unwrap().contains("event=stopped"));
}

#[tokio::test]
async fn a_farewell_waits_for_the_announce_before_it() {
    let relay = relay_with(&[]).await;
    let (url, mut heard, let_go) = slow_tracker().await;
    let mut tab = Tab::registered(&relay).await;
    tab.send(&announce(&url, AnnounceEvent::Started)).await;
    assert_eq!(in_time(heard.recv()).await.unwrap(), "started comes");
    tab.send(&Frame::Unregister(relay_proto::Unregister { torrent: 1 })).await;
    // An answer to what was asked later: the relay has taken the farewell in hand by now.
    tab.send(&announce(&url, AnnounceEvent::Regular)).await;
    assert!(matches!(tab.next().await, Some(Frame::Announced(_))));
    let_go.send(()).unwrap();
    assert_eq!(in_time(heard.recv()).await.unwrap(), "started is answered");
    assert_eq!(in_time(heard.recv()).await.unwrap(), "stopped comes");
}

#[tokio::test]
async fn a_tracker_that_was_told_is_not_told_again() {
    let relay = relay_with(&[]).await;
    let (mut tab, mut queries) = announced(&relay).await;
    let (url, mut other_queries) = tracker().await;
    tab.send(&announce(&url, AnnounceEvent::Started)).await;
    tab.next().await;
    in_time(other_queries.recv()).await.unwrap();
    tab.send(&announce(&url, AnnounceEvent::Stopped)).await;
    tab.next().await;
    assert!(in_time(other_queries.recv()).await.unwrap().contains("event=stopped"));
    relay.shutdown().await;
    assert!(in_time(queries.recv()).await.unwrap().contains("event=stopped"));
    assert!(other_queries.try_recv().is_err());
}

#[tokio::test]
async fn a_shutdown_tells_the_tab_and_ends_its_streams() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let mut peer = tab.open_through(1, &listener().await).await;
    relay.shutdown().await;
    let Some(Frame::Refused(refused)) = tab.next().await else { panic!("a refusal") };
    assert_eq!(refused.code, RefusedCode::ShuttingDown.number());
    assert_eq!(in_time(peer.read(&mut [0; 1])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn while_a_tab_is_away_no_more_than_its_credit_is_read_from_peers() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let mut peer = tab.open_through(1, &listener().await).await;
    let away = open_socket(&relay).await;
    tab.socket = away;
    let writing = tokio::spawn(async move {
        let block = pattern(1 << 20);
        let mut written = 0_u64;
        // The system's buffers take some megabytes; a relay that read on would take all of it.
        while written < 512 << 20 {
            match tokio::time::timeout(std::time::Duration::from_millis(500), peer.write(&block)).await {
                Ok(Ok(len)) => written += len as u64,
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => break,
            }
        }
        (written, peer)
    });
    let (written, _peer) = writing.await.unwrap();
    assert!(written < 64 << 20, "{written} bytes were taken");
}
