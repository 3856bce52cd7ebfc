//! Who is let in.

use futures_util::SinkExt;
use relay_proto::{Frame, Frames, Hello, Link, MAX_MESSAGE_LEN, RefusedCode, SESSION_WINDOW, Scrape, Secret};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::*;

async fn refused_status(relay: &relay::RunningRelay, header: &'static str, value: &str) -> u16 {
    let mut request = format!("ws://{}/relay", relay.addr()).into_client_request().unwrap();
    request.headers_mut().insert(header, value.parse().unwrap());
    match connect_async(request).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("a refusal, not {other:?}"),
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_and_logged() {
    let relay = relay_with(&[]).await;
    assert_eq!(refused_status(&relay, "origin", "http://evil.example").await, 403);
    assert_eq!(relay.refusals("origin"), 1);
}

#[tokio::test]
async fn a_name_that_is_not_the_relays_is_refused() {
    let relay = relay_with(&[]).await;
    assert_eq!(refused_status(&relay, "host", "evil.example").await, 403);
    assert_eq!(relay.refusals("host"), 1);
}

#[tokio::test]
async fn the_relays_own_page_and_an_allowed_origin_are_let_in() {
    let relay = relay_with(&["--allow-origin", "http://127.0.0.1:8080"]).await;
    let own = format!("http://{}", relay.addr());
    for origin in [own.as_str(), "http://127.0.0.1:8080"] {
        let mut request = format!("ws://{}/relay", relay.addr()).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        assert!(connect_async(request).await.is_ok(), "{origin}");
    }
}

async fn refused_for(hello: Hello, code: RefusedCode) {
    let relay = relay_with(&[]).await;
    let mut socket = open_socket(&relay).await;
    send_frame(&mut socket, &Frame::Hello(hello)).await;
    let refused = refusal(&mut socket).await;
    assert_eq!(refused.code, code.number());
    assert!(!refused.text.contains(TOKEN));
    assert_eq!(relay.refusals(code.code()), 1);
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    refused_for(Hello { token: Secret("wrong".into()), ..hello() }, RefusedCode::BadToken).await;
}

#[tokio::test]
async fn another_version_is_refused() {
    refused_for(Hello { version: 99, ..hello() }, RefusedCode::Version).await;
}

#[tokio::test]
async fn a_credit_too_small_for_a_handshake_is_refused() {
    refused_for(Hello { stream_credit: 3, ..hello() }, RefusedCode::Malformed).await;
}

#[tokio::test]
async fn a_window_too_large_to_keep_is_refused() {
    refused_for(Hello { limit: u64::MAX, ..hello() }, RefusedCode::Malformed).await;
}

#[tokio::test]
async fn no_hello_in_time_is_refused() {
    let relay = relay_with(&["--hello-timeout-s", "1"]).await;
    let mut socket = open_socket(&relay).await;
    assert_eq!(refusal(&mut socket).await.code, RefusedCode::HelloTimeout.number());
}

#[tokio::test]
async fn another_first_frame_than_hello_is_refused() {
    let relay = relay_with(&[]).await;
    let mut socket = open_socket(&relay).await;
    send_frame(&mut socket, &Frame::Credit { stream: 1, limit: 5 }).await;
    assert_eq!(refusal(&mut socket).await.code, RefusedCode::Malformed.number());
}

#[tokio::test]
async fn bytes_that_are_no_frame_end_the_session() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::connect(&relay).await;
    tab.socket.send(Message::Binary(vec![0x77; 40].into())).await.unwrap();
    let refused = refusal(&mut tab.socket).await;
    assert_eq!(refused.code, RefusedCode::Malformed.number());
    assert!(refused.text.contains("0x77"), "{}", refused.text);
    assert_eq!(relay.refusals("malformed"), 1);
}

#[tokio::test]
async fn frames_that_only_a_relay_sends_end_the_session() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::connect(&relay).await;
    tab.send(&Frame::Opened { stream: 1 }).await;
    assert_eq!(refusal(&mut tab.socket).await.code, RefusedCode::Malformed.number());
}

#[tokio::test]
async fn a_tab_that_asks_on_and_on_and_reads_nothing_is_sent_away() {
    let relay = relay_with(&[]).await;
    let mut socket = open_socket(&relay).await;
    send_frame(&mut socket, &Frame::Hello(Hello { limit: 0, ..hello() })).await;
    next_message(&mut socket).await.expect("a welcome");
    // Within the window for the way up, and with answers that are about as long.
    let scrape = Scrape { request: 6, url: String::new(), info_hashes: vec![HASH] };
    let mut link = Link::new(SESSION_WINDOW);
    link.attach(0, SESSION_WINDOW).unwrap();
    for _ in 0..80_000 {
        link.send(&Frame::Scrape(scrape.clone())).unwrap();
    }
    while let Some(message) = link.poll_message(MAX_MESSAGE_LEN) {
        // The relay may have had enough before the last one.
        if socket.send(Message::Binary(message)).await.is_err() {
            break;
        }
    }
    loop {
        let message = next_message(&mut socket).await.expect("a refusal before the end");
        if let Some(Ok(Frame::Refused(refused))) = Frames::parse(&message).unwrap().next() {
            assert_eq!(refused.code, RefusedCode::Overloaded.number());
            break;
        }
    }
    assert_eq!(relay.refusals("overloaded"), 1);
}

#[tokio::test]
async fn one_session_more_than_allowed_is_refused() {
    let relay = relay_with(&["--max-sessions", "1"]).await;
    let _first = Tab::connect(&relay).await;
    let mut socket = open_socket(&relay).await;
    send_frame(&mut socket, &Frame::Hello(hello())).await;
    assert_eq!(refusal(&mut socket).await.code, RefusedCode::TooManySessions.number());
}

#[tokio::test]
async fn the_welcome_says_what_is_allowed_and_suggests_a_torrent() {
    let relay = relay_with(&["--max-streams", "7", "--suggest", "http://127.77.0.1/sample.torrent"]).await;
    let tab = Tab::connect(&relay).await;
    assert_eq!(tab.welcome.limits.streams, 7);
    assert_eq!(tab.welcome.suggestion.as_deref(), Some("http://127.77.0.1/sample.torrent"));
    assert_ne!(tab.welcome.incoming_port, 0);
}

#[tokio::test]
async fn every_session_has_an_incoming_port_of_its_own() {
    let relay = relay_with(&[]).await;
    let (one, other) = (Tab::connect(&relay).await, Tab::connect(&relay).await);
    assert_ne!(one.welcome.incoming_port, other.welcome.incoming_port);
}

#[tokio::test]
async fn a_switch_to_another_carrier_is_refused_and_nothing_else_changes() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let switch = relay_proto::Switch { carrier: "fetch".into(), offset: 0 };
    tab.send(&Frame::Switch(switch)).await;
    let Some(Frame::Refused(refused)) = tab.next().await else { panic!("a refusal") };
    assert_eq!(refused.code, RefusedCode::Unsupported.number());
    let listener = listener().await;
    tab.open_through(1, &listener).await;
}

#[tokio::test]
async fn a_token_is_made_up_when_none_is_given() {
    use clap::Parser;
    let config =
        relay::Config { token: None, ..relay::Config::parse_from(["relay", "--listen", "127.0.0.1:0"]) };
    let relay = relay::start(config).await.unwrap();
    assert_eq!(relay.token().len(), 32);
    assert_eq!(relay.page_address(), format!("http://{}/?token={}", relay.addr(), relay.token()));
}

#[tokio::test]
async fn those_who_never_say_hello_cannot_take_all_memory() {
    let relay = relay_with(&["--max-sessions", "1"]).await;
    let mut waiting = Vec::new();
    for _ in 0..65 {
        waiting.push(open_socket(&relay).await);
    }
    match connect_async(format!("ws://{}/relay", relay.addr())).await {
        Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 503),
        other => panic!("a refusal, not {other:?}"),
    }
    assert_eq!(relay.refusals("too-many-connections"), 1);
}

#[tokio::test]
async fn a_replaced_websocket_is_let_go_even_if_its_tab_never_answers() {
    let relay = relay_with(&["--max-sessions", "1"]).await;
    let mut tab = Tab::connect(&relay).await;
    let mut silent = Vec::new();
    // Each of these holds a place until the relay lets go of it; there are 65.
    for _ in 0..100 {
        let next = open_socket(&relay).await;
        silent.push(std::mem::replace(&mut tab.socket, next));
        tab.come_back(&relay).await;
        assert!(tab.welcome.resumed);
        while relay.connections() > 40 {
            tokio::task::yield_now().await;
        }
    }
}
