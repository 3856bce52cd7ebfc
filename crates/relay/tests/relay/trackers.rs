//! What the relay asks on a tab's behalf.

use axum::Router;
use axum::routing::get;
use relay_proto::{AnnounceEvent, Fetch, Frame, Outcome, Scrape};
use tokio::net::TcpListener;

use crate::support::*;

#[tokio::test]
async fn an_announce_carries_the_sessions_port_and_brings_back_peers() {
    let relay = relay_with(&[]).await;
    let (url, mut queries) = tracker().await;
    let mut tab = Tab::registered(&relay).await;
    tab.send(&announce(&url, AnnounceEvent::Started)).await;
    let Some(Frame::Announced(announced)) = tab.next().await else { panic!("an answer") };
    let Outcome::Ok(answer) = announced.outcome else { panic!("{announced:?}") };
    assert_eq!((announced.request, answer.interval_s), (5, 1800));
    assert_eq!(answer.peers, ["127.0.0.5:6881".parse().unwrap()]);
    let query = in_time(queries.recv()).await.unwrap();
    let port = format!("port={}", tab.welcome.incoming_port);
    assert!(query.contains(&port) && query.contains("numwant=50"), "{query}");
}

async fn error_of(relay: &relay::RunningRelay, tab: &mut Tab, url: &str) -> String {
    tab.send(&announce(url, AnnounceEvent::Regular)).await;
    let Some(Frame::Announced(announced)) = tab.next().await else { panic!("an answer") };
    let Outcome::Error(text) = announced.outcome else { panic!("{:?}", relay.addr()) };
    text
}

#[tokio::test]
async fn trackers_that_may_not_or_cannot_be_reached_are_errors_in_words() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    assert!(error_of(&relay, &mut tab, "http://10.0.0.1/announce").await.contains("--allow-net"));
    assert!(error_of(&relay, &mut tab, "gopher://127.0.0.1/").await.contains("no address of the tracker"));
    assert!(!error_of(&relay, &mut tab, "http://127.0.0.1:1/announce").await.is_empty());
    let long = format!("http://127.0.0.1:1/{}", "a".repeat(5000));
    assert!(error_of(&relay, &mut tab, &long).await.contains("4096"));
}

#[tokio::test]
async fn only_registered_torrents_are_asked_about() {
    let relay = relay_with(&[]).await;
    let (url, mut queries) = tracker().await;
    let mut tab = Tab::connect(&relay).await;
    tab.send(&announce(&url, AnnounceEvent::Started)).await;
    let Some(Frame::Announced(announced)) = tab.next().await else { panic!("an answer") };
    assert!(matches!(announced.outcome, Outcome::Error(_)));
    tab.send(&Frame::Scrape(Scrape { request: 6, url, info_hashes: vec![HASH] })).await;
    let Some(Frame::Scraped(scraped)) = tab.next().await else { panic!("an answer") };
    assert!(matches!(scraped.outcome, Outcome::Error(_)));
    assert!(queries.try_recv().is_err(), "the tracker hears nothing");
    assert_eq!(relay.refusals("not-registered"), 2);
}

#[tokio::test]
async fn a_scrape_brings_back_the_size_of_the_swarm() {
    let relay = relay_with(&[]).await;
    let mut body = b"d5:filesd20:".to_vec();
    body.extend_from_slice(&HASH.0);
    body.extend_from_slice(b"d8:completei3e10:downloadedi9e10:incompletei4eeee");
    let url = serve("/scrape", body).await.replace("/scrape", "/announce");
    let mut tab = Tab::registered(&relay).await;
    tab.send(&Frame::Scrape(Scrape { request: 6, url, info_hashes: vec![HASH] })).await;
    let Some(Frame::Scraped(scraped)) = tab.next().await else { panic!("an answer") };
    let Outcome::Ok(entries) = scraped.outcome else { panic!("{scraped:?}") };
    assert_eq!((entries[0].complete, entries[0].downloaded, entries[0].incomplete), (3, 9, 4));
}

async fn serve(path: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.4:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let router = Router::new().route(path, get(async move || body.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What came of it, and the bytes.
async fn fetch(tab: &mut Tab, url: String) -> (Outcome<relay_proto::FetchOk>, Vec<u8>) {
    tab.send(&Frame::Fetch(Fetch { request: 9, url })).await;
    let mut bytes = Vec::new();
    loop {
        match tab.next().await.unwrap() {
            Frame::FetchData { request: 9, payload } => bytes.extend_from_slice(&payload),
            Frame::Fetched(fetched) => return (fetched.outcome, bytes),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_torrent_file_of_many_frames_is_fetched_whole() {
    let relay = relay_with(&[]).await;
    let pieces = pattern(9 << 20);
    let mut file = b"d4:infod6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces".to_vec();
    file.extend_from_slice(format!("{}:", pieces.len()).as_bytes());
    file.extend_from_slice(&pieces);
    file.extend_from_slice(b"ee");
    let mut tab = Tab::connect(&relay).await;
    let (outcome, bytes) = fetch(&mut tab, serve("/a.torrent", file.clone()).await).await;
    assert_eq!(outcome, Outcome::Ok(relay_proto::FetchOk { len: file.len() as u64 }));
    assert!(bytes == file);
}

#[tokio::test]
async fn what_is_no_torrent_file_is_not_handed_over() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::connect(&relay).await;
    let (outcome, bytes) = fetch(&mut tab, serve("/secret", b"<html>secret".to_vec()).await).await;
    let Outcome::Error(text) = outcome else { panic!("an error") };
    assert!(!text.contains("secret") && bytes.is_empty());
    let (outcome, _) = fetch(&mut tab, "http://192.168.0.1/a.torrent".into()).await;
    assert!(matches!(outcome, Outcome::Error(text) if text.contains("--allow-net")));
    assert_eq!(relay.refusals("destination-refused"), 1);
}
