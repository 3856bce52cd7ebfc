//! Whatever peers, trackers and users do, in any order: nothing panics, every count is right after every input, and no
//! wait that the engine asks for is over already.

#![no_main]

mod steps;
mod story;
mod torrents;

use std::net::SocketAddr;
use std::time::Duration;

use engine::{
    BlockRef, Config, Decoded, Decoder, Engine, FetchKey, Handshake, Input, Instant, Message, Output, PeerId,
    PeerKey, PieceIndex,
};
use libfuzzer_sys::fuzz_target;
use story::{STEPS_MAX, Step, Story};

const PEER_ID: PeerId = PeerId(*b"-XX0001-remote000000");

fuzz_target!(|story: Story| World::new(&story).run(story.steps));

/// A peer that scripts drive.
struct Peer {
    key: PeerKey,
    /// What it was asked for and has not answered.
    asked: Vec<BlockRef>,
}

/// An engine and its host.
struct World {
    engine: Engine,
    now: Instant,
    next_key: u32,
    peers: Vec<Peer>,
    /// Connections that the engine asked for.
    dialing: Vec<PeerKey>,
    /// Pieces that wait for their verdict.
    unverified: Vec<PieceIndex>,
    announces: Vec<engine::TrackerKey>,
    scrapes: Vec<engine::TrackerKey>,
    /// What web seeds are asked for, and how many bytes of it are still to come.
    fetches: Vec<(FetchKey, u64)>,
}

impl World {
    fn new(story: &Story) -> Self {
        let metainfo = torrents::pick(story.torrent);
        let mut have = engine::Bitfield::none(metainfo.pieces_total());
        (0..metainfo.pieces_total()).filter(|piece| story.have >> (piece % 16) & 1 == 1).for_each(|piece| {
            have.insert(PieceIndex(piece));
        });
        let rates = |rate: Option<u16>| rate.map(u64::from);
        let config = Config {
            peers_max: 6,
            download_rate_max: rates(story.download_rate_max),
            upload_rate_max: rates(story.upload_rate_max),
            ..Config::default()
        };
        let engine =
            Engine::new(config, metainfo, have, PeerId(*b"-SW0100-being-fuzzed"), story.rng_seed.into());
        Self {
            engine,
            now: Instant::from_millis(1_000_000),
            next_key: 1,
            peers: Vec::new(),
            dialing: Vec::new(),
            unverified: Vec::new(),
            announces: Vec::new(),
            scrapes: Vec::new(),
            fetches: Vec::new(),
        }
    }

    fn run(&mut self, steps: Vec<Step>) {
        for step in steps.into_iter().take(STEPS_MAX) {
            self.step(step);
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.engine.handle(self.now, input);
        self.engine.check_invariants();
        loop {
            match self.engine.poll_output() {
                Output::Wait { until } => {
                    assert!(until.is_none_or(|until| until > self.now), "a wait that is over would spin");
                    return;
                }
                output => self.carry_out(output),
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Connect { peer, .. } => self.dialing.push(peer),
            Output::Send { peer, bytes } => {
                let total = self.engine.metainfo().pieces_total();
                let asked = requests_in(&bytes, total);
                if let Some(peer) = self.peers.iter_mut().find(|known| known.key == peer) {
                    peer.asked.extend(asked);
                }
            }
            Output::SendBlock { block, .. } => {
                assert!(self.engine.metainfo().contains(&block), "a block lies in its torrent");
                assert!(self.engine.have().has(block.piece), "only verified pieces are served");
            }
            Output::Close { peer, .. } => {
                self.peers.retain(|known| known.key != peer);
                self.dialing.retain(|&key| key != peer);
            }
            Output::Store { block, .. } | Output::StoreZeros { block } => {
                assert!(self.engine.metainfo().contains(&block), "a block lies in its torrent");
                assert!(!self.engine.have().has(block.piece), "a verified piece is never written again");
            }
            Output::Verify { piece, .. } => self.unverified.push(piece),
            Output::Fetch(request) => {
                assert!(request.len > 0, "nobody asks for nothing");
                self.fetches.push((request.fetch, request.len));
            }
            Output::CancelFetch { fetch } => self.fetches.retain(|&(key, _)| key != fetch),
            Output::Announce(request) => self.announces.push(request.tracker),
            Output::Scrape { tracker, .. } => self.scrapes.push(tracker),
            Output::Discard { .. } | Output::Event(_) | Output::Wait { .. } => {}
        }
    }

    fn join(&mut self, last: u8, reserved: [u8; 8]) {
        let key = PeerKey(self.next_key);
        self.next_key += 2;
        self.peers.push(Peer { key, asked: Vec::new() });
        self.input(Input::Accepted { peer: key, addr: addr(last) });
        self.shake_hands(key, last, reserved);
    }

    fn shake_hands(&mut self, key: PeerKey, last: u8, reserved: [u8; 8]) {
        let mut peer_id = PEER_ID;
        peer_id.0[19] = last;
        let info_hash = self.engine.metainfo().info_hash();
        self.bytes(key, &Handshake { reserved, info_hash, peer_id }.encode());
    }

    fn bytes(&mut self, key: PeerKey, data: &[u8]) {
        if self.peers.iter().any(|peer| peer.key == key) {
            self.input(Input::Received { peer: key, data });
        }
    }

    fn says(&mut self, key: PeerKey, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.bytes(key, &bytes);
    }

    /// The peer sends a block, whether it was asked or not.
    fn sends(&mut self, key: PeerKey, block: BlockRef) {
        self.bytes(key, &engine::piece_header(&block));
        if self.peers.iter().any(|peer| peer.key == key) {
            self.input(Input::ReceivedOpaque { peer: key, len: block.len });
        }
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now + span;
        self.input(Input::Timeout);
    }
}

fn addr(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, last & 3, last], 50_000))
}

/// The blocks that these messages ask for; the engine must have written them soundly.
fn requests_in(bytes: &[u8], pieces_total: u32) -> Vec<BlockRef> {
    let mut decoder = Decoder::new(pieces_total, 1 << 20);
    if !bytes.starts_with(b"\x13BitTorrent protocol") {
        let opening = Handshake { reserved: [0; 8], info_hash: engine::InfoHash([0; 20]), peer_id: PEER_ID };
        decoder.next(&opening.encode(), &mut 0).expect("a handshake");
    }
    let (mut at, mut requests) = (0, Vec::new());
    while let Some(decoded) = decoder.next(bytes, &mut at).expect("the engine says what is sound") {
        if let Decoded::Message(Message::Request(block)) = decoded {
            requests.push(block);
        }
    }
    requests
}
