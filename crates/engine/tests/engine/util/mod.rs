//! A swarm of engines in memory and in virtual time: links with latency and bandwidth, reads cut anywhere, payload
//! real or opaque, and a log of all outputs by which two runs can be compared.

#![allow(unreachable_pub, reason = "a module of a test binary has no other crate to reach")]

mod content;
mod fetcher;
mod node;
mod scripted;
mod web;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    Bitfield, BlockRef, Config, Event, FetchFault, FetchKey, Input, Instant, Metainfo, Output, PeerKey,
    PeerSource, VerifyOutcome,
};

pub use content::{Content, Versions};
pub use fetcher::{Fetcher, METADATA_PIECE_LEN, data, torrent};
pub use node::Node;
pub use scripted::{REMOTE_ID, Remote, handshake_bytes};
pub use web::Web;

/// How the network behaves.
#[derive(Clone, Debug)]
pub struct Net {
    pub latency: Duration,
    /// Bytes a second that each node can send; `None`: no limit.
    pub up_rate: Option<u64>,
    /// Reads are cut into pieces of at most so many bytes, at random.
    pub cut_max: usize,
    /// Blocks travel as lengths only.
    pub is_opaque: bool,
    /// Engines check their invariants after every input, which costs a visit of every piece.
    pub is_checked: bool,
    pub rng_seed: u64,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(20),
            up_rate: Some(2_000_000),
            cut_max: 40_000,
            is_opaque: false,
            is_checked: true,
            rng_seed: 1,
        }
    }
}

/// What travels from one end of a connection to the other.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Packet {
    Connect { from: SocketAddr, key: PeerKey },
    Accepted { key: PeerKey, by: usize, their: PeerKey },
    Refused { key: PeerKey },
    Data { key: PeerKey, bytes: Vec<u8> },
    Opaque { key: PeerKey, len: u32 },
    Sent { key: PeerKey, bytes: u64 },
    Closed { key: PeerKey },
    Verified { piece: u32, is_right: bool },
    Fetched { fetch: FetchKey, bytes: Vec<u8> },
    FetchFailed { fetch: FetchKey, received: u64, expected: u64 },
    Wake,
}

/// All nodes and everything that is under way between them.
pub struct Swarm {
    pub net: Net,
    pub now: Instant,
    pub nodes: Vec<Node>,
    pub content: Content,
    /// The server behind all web seeds.
    pub web: Web,
    by_addr: BTreeMap<SocketAddr, usize>,
    queue: BinaryHeap<Reverse<(Instant, u64, usize, Packet)>>,
    sequence: u64,
    rng: u64,
    /// A running hash of everything that every engine put out.
    pub log_hash: u64,
}

impl Swarm {
    pub fn new(net: Net, content: Content) -> Self {
        let rng = net.rng_seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self {
            net,
            now: Instant::from_millis(1000),
            nodes: Vec::new(),
            content,
            web: Web::default(),
            by_addr: BTreeMap::new(),
            queue: BinaryHeap::new(),
            sequence: 0,
            rng,
            log_hash: 0,
        }
    }

    /// Adds a node with these pieces at 10.0.0.(its number + 1); it starts at once. Returns its number.
    pub fn add(&mut self, config: Config, have: Bitfield) -> usize {
        let metainfo = self.content.metainfo.clone();
        self.add_with(config, have, metainfo)
    }

    /// As [`Swarm::add`] with another .torrent file of the same content.
    pub fn add_with(&mut self, config: Config, have: Bitfield, metainfo: Arc<Metainfo>) -> usize {
        let number = self.nodes.len();
        let node = Node::new(number, config, &self.content, have, metainfo);
        self.by_addr.insert(node.addr, number);
        self.nodes.push(node);
        self.input(number, Input::Start);
        number
    }

    /// Tells a node the addresses of others.
    pub fn introduce(&mut self, node: usize, others: &[usize]) {
        let addrs: Vec<SocketAddr> = others.iter().map(|&other| self.nodes[other].addr).collect();
        self.input(node, Input::PeersFound { source: PeerSource::User, addrs: &addrs });
    }

    /// Runs until `is_done` or until `span` is over. Returns whether it is done.
    pub fn run_until(&mut self, span: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + span;
        while !is_done(self) {
            match self.queue.peek() {
                Some(Reverse((at, ..))) if *at <= end => self.step(),
                _ => {
                    self.now = end;
                    return is_done(self);
                }
            }
        }
        true
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(span, |_| false);
    }

    /// Cuts every connection of a node, as if its network were gone.
    pub fn cut(&mut self, node: usize) {
        let connections: Vec<(PeerKey, (usize, PeerKey))> =
            self.nodes[node].remotes.iter().map(|(&key, &remote)| (key, remote)).collect();
        for (key, (other, their)) in connections {
            self.nodes[node].remotes.remove(&key);
            self.nodes[other].remotes.remove(&their);
            self.input(node, Input::Closed { peer: key });
            self.input(other, Input::Closed { peer: their });
        }
    }

    pub fn all_complete(&self) -> bool {
        self.nodes.iter().all(|node| node.engine.summary().is_complete)
    }

    fn step(&mut self) {
        let Some(Reverse((at, _, node, packet))) = self.queue.pop() else { return };
        assert!(at >= self.now, "time runs backwards");
        self.now = at;
        match packet {
            Packet::Wake => {
                // An engine that changed its mind meanwhile has asked for another time.
                if self.nodes[node].wake_at == Some(at) {
                    self.nodes[node].wake_at = None;
                    self.input(node, Input::Timeout);
                }
            }
            Packet::Connect { from, key } => self.connect(node, from, key),
            Packet::Accepted { key, by, their } => {
                if self.nodes[node].dialing.remove(&key) {
                    self.nodes[node].remotes.insert(key, (by, their));
                    self.input(node, Input::Connected { peer: key });
                } else {
                    self.send_packet(node, by, Packet::Closed { key: their });
                }
            }
            Packet::Refused { key } => {
                if self.nodes[node].dialing.remove(&key) {
                    self.input(node, Input::Closed { peer: key });
                }
            }
            Packet::Data { key, bytes } => {
                let mut rest = &bytes[..];
                while !rest.is_empty() && self.nodes[node].remotes.contains_key(&key) {
                    let take = (1 + self.random(self.net.cut_max as u64) as usize).min(rest.len());
                    self.nodes[node].input_bytes = rest[..take].to_vec();
                    self.input(node, Input::Received { peer: key, data: &rest[..take] });
                    rest = &rest[take..];
                }
            }
            Packet::Opaque { key, len } => {
                if self.nodes[node].remotes.contains_key(&key) {
                    self.input(node, Input::ReceivedOpaque { peer: key, len });
                }
            }
            Packet::Sent { key, bytes } => {
                if self.nodes[node].remotes.contains_key(&key) {
                    self.input(node, Input::Sent { peer: key, bytes });
                }
            }
            Packet::Closed { key } => {
                if self.nodes[node].remotes.remove(&key).is_some() {
                    self.input(node, Input::Closed { peer: key });
                }
            }
            Packet::Fetched { fetch, bytes } => {
                self.nodes[node].input_bytes.clone_from(&bytes);
                self.input(node, Input::Fetched { fetch, data: &bytes });
            }
            Packet::FetchFailed { fetch, received, expected } => {
                let fault = self.web.fault.unwrap_or(FetchFault::Cut { received, expected });
                self.input(node, Input::FetchFailed { fetch, fault });
            }
            Packet::Verified { piece, is_right } => {
                let outcome = if is_right { VerifyOutcome::Stored } else { VerifyOutcome::Mismatch };
                self.input(node, Input::Verified { piece: engine::PieceIndex(piece), outcome });
            }
        }
    }

    fn connect(&mut self, node: usize, from: SocketAddr, their: PeerKey) {
        let dialer = self.by_addr[&from];
        if !self.nodes[node].accepts {
            return self.send_packet(node, dialer, Packet::Refused { key: their });
        }
        let key = PeerKey(self.nodes[node].next_odd_key);
        self.nodes[node].next_odd_key += 2;
        self.nodes[node].remotes.insert(key, (dialer, their));
        self.send_packet(node, dialer, Packet::Accepted { key: their, by: node, their: key });
        self.input(node, Input::Accepted { peer: key, addr: from });
    }

    /// Hands an input to an engine, checks its invariants, and carries out what it wants.
    pub fn input(&mut self, number: usize, input: Input<'_>) {
        let node = &mut self.nodes[number];
        node.engine.handle(self.now, input);
        if self.net.is_checked {
            node.engine.check_invariants();
        }
        loop {
            let output = self.nodes[number].engine.poll_output();
            self.log(number, &output);
            match output {
                Output::Wait { until } => return self.set_wake(number, until),
                output => self.carry_out(number, output),
            }
        }
    }

    fn carry_out(&mut self, number: usize, output: Output) {
        match output {
            Output::Connect { peer, addr } => {
                let from = self.nodes[number].addr;
                self.nodes[number].dialing.insert(peer);
                match self.by_addr.get(&addr).copied() {
                    Some(other) => self.send_packet(number, other, Packet::Connect { from, key: peer }),
                    None => self.send_packet(number, number, Packet::Refused { key: peer }),
                }
            }
            Output::Send { peer, bytes } => self.transmit(number, peer, bytes, None),
            Output::SendBlock { peer, header, block } => {
                assert!(self.nodes[number].engine.have().has(block.piece), "only verified pieces are served");
                self.nodes[number].served.push(block);
                self.transmit(number, peer, header.to_vec(), Some(block));
            }
            Output::Close { peer, reason } => {
                self.nodes[number].dialing.remove(&peer);
                if let Some((other, their)) = self.nodes[number].remotes.remove(&peer) {
                    self.send_packet(number, other, Packet::Closed { key: their });
                }
                self.nodes[number].closed.push((peer, reason));
            }
            Output::Store { block, from } => {
                self.nodes[number].store(&self.content, &block, from, self.net.is_opaque);
            }
            Output::Verify { piece, hashes } => {
                let is_right = self.nodes[number].verify(&self.content, piece, hashes, self.net.is_opaque);
                let at = self.now + Duration::from_millis(3);
                self.push(at, number, Packet::Verified { piece: piece.0, is_right });
            }
            Output::StoreZeros { .. } => unreachable!("no padding here"),
            Output::Fetch(request) => self.fetch(number, &request),
            Output::CancelFetch { .. } => {}
            Output::Discard { piece } => self.nodes[number].discard(&self.content, piece),
            Output::Announce(request) => self.nodes[number].announces.push(request),
            Output::Scrape { .. } => {}
            Output::Event(event) => self.nodes[number].events.push((self.now, event)),
            Output::Wait { .. } => unreachable!("handled by the caller"),
        }
    }

    /// Puts bytes on a node's uplink, one behind the other.
    fn transmit(&mut self, number: usize, peer: PeerKey, mut bytes: Vec<u8>, block: Option<BlockRef>) {
        let Some(&(other, their)) = self.nodes[number].remotes.get(&peer) else { return };
        let opaque = block.filter(|_| self.net.is_opaque).map(|block| block.len);
        if let Some(block) = block.filter(|_| !self.net.is_opaque) {
            let mut payload = self.content.block(&block).to_vec();
            if self.nodes[number].corrupts {
                payload[0] ^= 0x55;
            }
            bytes.extend(payload);
        }
        let len = bytes.len() as u64 + u64::from(opaque.unwrap_or(0));
        if self.nodes[number].is_mute {
            return self.push(self.now, number, Packet::Sent { key: peer, bytes: len });
        }
        let up_rate = self.nodes[number].up_rate.or(self.net.up_rate);
        let busy = self.nodes[number].uplink_free_at.max(self.now);
        let span = up_rate.map_or(Duration::ZERO, |rate| Duration::from_micros(len * 1_000_000 / rate));
        self.nodes[number].uplink_free_at = busy + span;
        self.push(busy + span, number, Packet::Sent { key: peer, bytes: len });
        let arrives = busy + span + self.net.latency;
        self.push(arrives, other, Packet::Data { key: their, bytes });
        if let Some(len) = opaque {
            self.push(arrives, other, Packet::Opaque { key: their, len });
        }
    }

    /// A packet without length, behind everything that the sender has on its uplink.
    fn send_packet(&mut self, from: usize, to: usize, packet: Packet) {
        let at = self.nodes[from].uplink_free_at.max(self.now) + self.net.latency;
        let at = if matches!(packet, Packet::Closed { .. }) { at } else { self.now + self.net.latency };
        self.push(at, to, packet);
    }

    fn set_wake(&mut self, number: usize, until: Option<Instant>) {
        assert!(until.is_none_or(|until| until > self.now), "a wait that is over would spin");
        if self.nodes[number].wake_at != until {
            self.nodes[number].wake_at = until;
            if let Some(until) = until {
                self.push(until, number, Packet::Wake);
            }
        }
    }

    fn push(&mut self, at: Instant, node: usize, packet: Packet) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, node, packet)));
    }

    fn log(&mut self, number: usize, output: &Output) {
        for byte in format!("{} {number} {output:?}", self.now.micros()).bytes() {
            self.log_hash = (self.log_hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// A number below `bound`, from the network's own stream (xorshift).
    pub fn random(&mut self, bound: u64) -> u64 {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        self.rng % bound.max(1)
    }

    pub fn events(&self, node: usize) -> impl Iterator<Item = &Event> {
        self.nodes[node].events.iter().map(|(_, event)| event)
    }
}
