//! Peers that come to a session's own port.

use relay_proto::{CloseCode, Frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

async fn come(tab: &Tab) -> TcpStream {
    TcpStream::connect(("127.0.0.1", tab.welcome.incoming_port)).await.unwrap()
}

#[tokio::test]
async fn a_peer_that_names_a_registered_torrent_is_handed_over_with_its_handshake() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let mut peer = come(&tab).await;
    peer.write_all(&handshake(HASH)).await.unwrap();
    peer.write_all(b"and more").await.unwrap();
    let Some(Frame::Accept { stream: 2, accept }) = tab.next().await else { panic!("an accept") };
    assert_eq!(accept.info_hash, HASH);
    assert_eq!(accept.addr, peer.local_addr().unwrap());
    let mut expected = handshake(HASH).to_vec();
    expected.extend_from_slice(b"and more");
    assert_eq!(tab.collect(2, 76).await, expected);
    tab.send(&Frame::Data { stream: 2, payload: &handshake(HASH) }).await;
    assert_eq!(read_exactly(&mut peer, 68).await, handshake(HASH));
}

#[tokio::test]
async fn the_tab_answers_a_peer_with_nothing_but_a_handshake() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let mut peer = come(&tab).await;
    peer.write_all(&handshake(HASH)).await.unwrap();
    tab.collect(2, 68).await;
    tab.send(&Frame::Data { stream: 2, payload: b"220 mail.example ESMTP" }).await;
    assert_eq!(tab.close_of(2).await.code, CloseCode::TabNotBitTorrent.number());
}

#[tokio::test]
async fn a_peer_that_asks_for_another_torrent_is_closed() {
    let relay = relay_with(&[]).await;
    let tab = Tab::registered(&relay).await;
    let mut peer = come(&tab).await;
    peer.write_all(&handshake(codec::InfoHash([9; 20]))).await.unwrap();
    assert_eq!(in_time(peer.read(&mut [0; 1])).await.unwrap_or(0), 0);
    assert_eq!(relay.refusals("not-registered"), 1);
}

#[tokio::test]
async fn a_peer_of_another_protocol_is_closed() {
    let relay = relay_with(&[]).await;
    let tab = Tab::registered(&relay).await;
    let mut peer = come(&tab).await;
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(in_time(peer.read(&mut [0; 1])).await.unwrap_or(0), 0);
    assert_eq!(relay.refusals("peer-not-bittorrent"), 1);
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed() {
    let relay = relay_with(&["--handshake-timeout-s", "1"]).await;
    let tab = Tab::registered(&relay).await;
    let mut peer = come(&tab).await;
    assert_eq!(in_time(peer.read(&mut [0; 1])).await.unwrap_or(0), 0);
    assert_eq!(relay.refusals("handshake-timeout"), 1);
}

#[tokio::test]
async fn a_host_that_comes_again_and_again_and_says_nothing_keeps_no_other_out() {
    let relay = relay_with(&[]).await;
    let mut tab = Tab::registered(&relay).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(come(&tab).await);
    }
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
    let port = tab.welcome.incoming_port;
    let mut other = in_time(socket.connect(([127, 0, 0, 1], port).into())).await.unwrap();
    other.write_all(&handshake(HASH)).await.unwrap();
    let Some(Frame::Accept { accept, .. }) = tab.next().await else { panic!("an accept") };
    assert_eq!(accept.addr, other.local_addr().unwrap());
    assert_eq!(relay.refusals("too-many-handshakes"), 92);
}

#[tokio::test]
async fn two_tabs_of_one_relay_can_reach_each_other() {
    let relay = relay_with(&[]).await;
    let mut one = Tab::registered(&relay).await;
    let mut other = Tab::registered(&relay).await;
    one.open(1, ([127, 0, 0, 1], other.welcome.incoming_port).into()).await;
    one.expect_opened(1).await;
    one.send(&Frame::Data { stream: 1, payload: &handshake(HASH) }).await;
    assert!(matches!(other.next().await, Some(Frame::Accept { stream: 2, .. })));
    other.collect(2, 68).await;
    other.send(&Frame::Data { stream: 2, payload: &handshake(HASH) }).await;
    assert_eq!(one.collect(1, 68).await, handshake(HASH));
}
