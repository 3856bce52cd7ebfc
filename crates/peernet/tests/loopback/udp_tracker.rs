use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codec::InfoHash;
use peernet::ReachError;
use peernet::tracker::{ScrapeAnswer, TrackerError};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use crate::{bound_client, client, params};

const CONNECT: u32 = 0;
const ANNOUNCE: u32 = 1;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;
const CONNECTION_ID: u64 = 0x1122_3344_5566_7788;

#[derive(Clone, Debug)]
struct Packet {
    from: SocketAddr,
    at: Instant,
    bytes: Vec<u8>,
}

impl Packet {
    fn u32_at(&self, offset: usize) -> u32 {
        u32::from_be_bytes(self.bytes[offset..offset + 4].try_into().unwrap())
    }

    fn u64_at(&self, offset: usize) -> u64 {
        u64::from_be_bytes(self.bytes[offset..offset + 8].try_into().unwrap())
    }

    fn action(&self) -> u32 {
        self.u32_at(8)
    }
}

/// What the tracker does with a packet: the packets that it answers with.
type Script = dyn Fn(usize, &Packet) -> Vec<Vec<u8>> + Send + Sync;

struct Tracker {
    addr: SocketAddr,
    packets: Arc<Mutex<Vec<Packet>>>,
}

impl Tracker {
    async fn start(ip: &str, script: Box<Script>) -> Self {
        let socket = UdpSocket::bind((ip, 0)).await.unwrap();
        let addr = socket.local_addr().unwrap();
        let packets = Arc::<Mutex<Vec<Packet>>>::default();
        let log = Arc::clone(&packets);
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            loop {
                let (len, from) = socket.recv_from(&mut buffer).await.unwrap();
                let packet = Packet { from, at: Instant::now(), bytes: buffer[..len].to_vec() };
                let nth = {
                    let mut log = log.lock().unwrap();
                    log.push(packet.clone());
                    log.len() - 1
                };
                for answer in script(nth, &packet) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        Self { addr, packets }
    }

    fn url(&self) -> String {
        format!("udp://{}/announce?pass=x", self.addr)
    }

    fn packets(&self) -> Vec<Packet> {
        self.packets.lock().unwrap().clone()
    }

    fn actions(&self) -> Vec<u32> {
        self.packets().iter().map(Packet::action).collect()
    }
}

fn answer(action: u32, transaction: u32, body: &[u8]) -> Vec<u8> {
    [&action.to_be_bytes(), &transaction.to_be_bytes(), body].concat()
}

/// A tracker as it should be, with these peers.
fn well_behaved(packet: &Packet, peers: &[u8]) -> Vec<Vec<u8>> {
    let numbers = |list: [u32; 3]| list.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let body = match packet.action() {
        CONNECT => {
            assert_eq!(packet.u64_at(0), 0x417_2710_1980);
            CONNECTION_ID.to_be_bytes().to_vec()
        }
        action => {
            assert_eq!(packet.u64_at(0), CONNECTION_ID);
            if action == SCRAPE { numbers([1, 2, 3]) } else { [numbers([60, 7, 5]), peers.to_vec()].concat() }
        }
    };
    vec![answer(packet.action(), packet.u32_at(12), &body)]
}

const PEER: &[u8] = b"\x01\x02\x03\x04\x1a\xe1";

#[tokio::test]
async fn an_announce_tells_everything_and_brings_peers() {
    let tracker = Tracker::start("127.0.0.1", Box::new(|_, packet| well_behaved(packet, PEER))).await;
    let answer = bound_client("127.0.0.8").announce(&tracker.url(), &params()).await.unwrap();
    assert_eq!(answer.interval, Duration::from_secs(60));
    assert_eq!((answer.complete, answer.incomplete), (Some(5), Some(7)));
    assert_eq!(answer.peers, ["1.2.3.4:6881".parse().unwrap()]);

    let packet = &tracker.packets()[1];
    assert_eq!(packet.from.ip().to_string(), "127.0.0.8");
    assert_eq!(packet.bytes[16..36], params().info_hash.0);
    assert_eq!(packet.bytes[36..56], params().peer_id.0);
    // Downloaded, left, uploaded; event started, address from the packet; key, wanted peers, port.
    assert_eq!([packet.u64_at(56), packet.u64_at(64), packet.u64_at(72)], [2, 3, 1]);
    assert_eq!([packet.u32_at(80), packet.u32_at(84)], [2, 0]);
    assert_eq!([packet.u32_at(88), packet.u32_at(92)], [0xbeef, 80]);
    assert_eq!(packet.bytes[96..98], 6881_u16.to_be_bytes());
    // BEP 41: path and query.
    assert_eq!(packet.bytes[98..], *b"\x02\x10/announce?pass=x\x00");
}

#[tokio::test]
async fn over_ipv6_peers_have_eighteen_bytes() {
    let peer = b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1";
    let tracker = Tracker::start("::1", Box::new(|_, packet| well_behaved(packet, peer))).await;
    let answer = client().announce(&tracker.url(), &params()).await.unwrap();
    assert_eq!(answer.peers, ["[2001:db8::1]:6881".parse().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_id_serves_for_a_minute_and_no_longer() {
    let tracker = Tracker::start("127.0.0.1", Box::new(|_, packet| well_behaved(packet, PEER))).await;
    let client = client();
    client.announce(&tracker.url(), &params()).await.unwrap();
    client.clone().announce(&tracker.url(), &params()).await.unwrap();
    assert_eq!(tracker.actions(), [CONNECT, ANNOUNCE, ANNOUNCE]);
    tokio::time::advance(Duration::from_secs(61)).await;
    client.announce(&tracker.url(), &params()).await.unwrap();
    assert_eq!(tracker.actions(), [CONNECT, ANNOUNCE, ANNOUNCE, CONNECT, ANNOUNCE]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_packet_is_sent_again_after_15_s_and_then_after_30_s() {
    let lossy = |nth, packet: &Packet| if nth < 2 { Vec::new() } else { well_behaved(packet, PEER) };
    let tracker = Tracker::start("127.0.0.1", Box::new(lossy)).await;
    let start = Instant::now();
    let patient = client().with_timeout(Duration::from_secs(100));
    assert_eq!(patient.announce(&tracker.url(), &params()).await.unwrap().peers.len(), 1);
    let sent_s: Vec<u64> = tracker.packets().iter().map(|packet| (packet.at - start).as_secs()).collect();
    assert_eq!(sent_s, [0, 15, 45, 45]);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_aged_between_retransmissions_is_asked_for_anew() {
    // The connect is answered, then three announces are lost: 15 + 30 + 60 s are more than the id's minute.
    let lossy =
        |nth, packet: &Packet| if (1..4).contains(&nth) { Vec::new() } else { well_behaved(packet, PEER) };
    let tracker = Tracker::start("127.0.0.1", Box::new(lossy)).await;
    let patient = client().with_timeout(Duration::from_secs(500));
    patient.announce(&tracker.url(), &params()).await.unwrap();
    assert_eq!(tracker.actions(), [CONNECT, ANNOUNCE, ANNOUNCE, ANNOUNCE, CONNECT, ANNOUNCE]);
}

#[tokio::test(start_paused = true)]
async fn a_tracker_that_says_nothing_is_given_up_after_two_packets() {
    let tracker = Tracker::start("127.0.0.1", Box::new(|_, _| Vec::new())).await;
    let error = client().announce(&tracker.url(), &params()).await.unwrap_err();
    assert_eq!(error.to_string(), "the tracker did not answer within 45 s");
    assert_eq!(tracker.packets().len(), 2);
}

#[tokio::test]
async fn packets_that_answer_something_else_are_passed_over() {
    let noisy = |_, packet: &Packet| {
        let transaction = packet.u32_at(12);
        let mut answers = vec![
            b"x".to_vec(),
            answer(packet.action(), transaction ^ 1, &[0; 100]),
            answer(ERROR, transaction ^ 1, b"spoofed"),
            answer(9, transaction, &[0; 100]),
        ];
        answers.extend(well_behaved(packet, PEER));
        answers
    };
    let tracker = Tracker::start("127.0.0.1", Box::new(noisy)).await;
    assert_eq!(client().announce(&tracker.url(), &params()).await.unwrap().peers.len(), 1);
}

#[tokio::test]
async fn an_error_packet_is_a_failure_with_its_text() {
    let refuse = |_, packet: &Packet| match packet.action() {
        CONNECT => well_behaved(packet, PEER),
        _ => vec![answer(ERROR, packet.u32_at(12), b"no such torrent")],
    };
    let tracker = Tracker::start("127.0.0.1", Box::new(refuse)).await;
    let error = client().announce(&tracker.url(), &params()).await.unwrap_err();
    assert!(matches!(&error, TrackerError::Failure(text) if text == "no such torrent"), "{error:?}");
}

#[tokio::test]
async fn answers_that_are_too_short_are_told() {
    for (action, words) in [(CONNECT, "to the connect"), (ANNOUNCE, "to the announce")] {
        let short = move |_, packet: &Packet| {
            let mut answers = well_behaved(packet, PEER);
            if packet.action() == action {
                answers[0].truncate(15);
            }
            answers
        };
        let tracker = Tracker::start("127.0.0.1", Box::new(short)).await;
        let error = client().announce(&tracker.url(), &params()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_scrape_answers_in_the_order_of_the_question() {
    let tracker = Tracker::start("127.0.0.1", Box::new(|_, packet| well_behaved(packet, PEER))).await;
    let info_hash = InfoHash([b'a'; 20]);
    let answers = client().scrape(&tracker.url(), &[info_hash]).await.unwrap();
    assert_eq!(answers, [ScrapeAnswer { info_hash, complete: 1, downloaded: 2, incomplete: 3 }]);
    assert_eq!(tracker.packets()[1].bytes[16..], [b'a'; 20]);
}

#[tokio::test]
async fn a_tracker_that_is_down_is_unreachable_at_once() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("udp://{}/announce", socket.local_addr().unwrap());
    drop(socket);
    let error = client().announce(&url, &params()).await.unwrap_err();
    assert!(matches!(error, TrackerError::Reach(ReachError::Unreachable(_))), "{error:?}");
}
