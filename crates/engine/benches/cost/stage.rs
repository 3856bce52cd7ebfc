//! An engine in the middle of a download: every peer has other pieces, some unchoke it, and each of those answers its
//! requests one by one.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    BLOCK_LEN, Bitfield, BlockRef, Config, Engine, Handshake, Input, Instant, Message, Metainfo, NewContent,
    NewTorrent, Output, PeerId, PeerKey, PieceIndex, VerifyOutcome, piece_header,
};

/// Sixty-four blocks, so that a torrent of a hundred pieces keeps fifty peers busy for a while.
const PIECE_LEN: u32 = 1 << 20;
/// Requests outstanding with each peer: as many as a peer of a megabyte a second gets on a fast network.
const DEPTH: u32 = 16;

/// See the module's head.
pub(crate) struct Stage {
    engine: Engine,
    torrent: Arc<Metainfo>,
    now: Instant,
    rng: u64,
    peers: Vec<Peer>,
    /// Whose turn it is to answer.
    turn: usize,
    /// Blocks, or `have`s, that may still come before the end of the torrent begins to show.
    left: usize,
    /// What we sent and nobody has read yet: to whom, and how many bytes.
    unsent: Vec<(PeerKey, u64)>,
}

struct Peer {
    key: PeerKey,
    requests: VecDeque<BlockRef>,
    /// What it may still announce, in a random order.
    lacks: Vec<PieceIndex>,
    unchokes: bool,
}

/// A torrent whose bytes nobody has.
pub(crate) fn torrent(pieces: u32) -> Arc<Metainfo> {
    let torrent = NewTorrent {
        name: "content",
        content: NewContent::File(u64::from(pieces) * u64::from(PIECE_LEN)),
        piece_len: PIECE_LEN,
        piece_hashes: &vec![[0; 20]; pieces as usize],
        trackers: &[],
        is_private: false,
        comment: None,
        created_by: None,
    };
    Arc::new(torrent.build().expect("it is sound"))
}

impl Stage {
    /// An engine without peers.
    pub(crate) fn empty(torrent: &Arc<Metainfo>) -> Self {
        let config = Config {
            peers_max: 1000,
            requests_per_peer_min: DEPTH,
            requests_per_peer_max: DEPTH,
            ..Config::default()
        };
        let have = Bitfield::none(torrent.pieces_total());
        let engine = Engine::new(config, Arc::clone(torrent), have, PeerId(*b"-SW0100-under-a-test"), 7);
        let (torrent, now) = (Arc::clone(torrent), Instant::from_millis(1000));
        let (peers, unsent) = (Vec::new(), Vec::new());
        let mut stage = Self { engine, torrent, now, rng: 88_172, peers, turn: 0, left: 0, unsent };
        stage.input(0, Input::Start);
        stage
    }

    /// Each peer has between a third and all of the pieces; a tenth of them, at least five, unchoke us.
    pub(crate) fn for_blocks(pieces: u32, peers: u32) -> Self {
        let mut stage = Self::empty(&torrent(pieces));
        for number in 0..peers {
            stage.join(number, 34 + number * 67 / peers);
        }
        let step = (peers as usize / (peers as usize / 10).max(5)).max(1);
        for at in (0..stage.peers.len()).step_by(step) {
            stage.peers[at].unchokes = true;
            stage.says(at, &Message::Unchoke);
        }
        let blocks = pieces as usize * (PIECE_LEN / BLOCK_LEN) as usize;
        // A first batch, so that the pieces that peers share are begun.
        stage.left = blocks / 2;
        stage.blocks(blocks / 16);
        stage
    }

    /// Each peer has up to a fifth of the pieces; none unchokes us.
    pub(crate) fn for_haves(pieces: u32, peers: u32) -> Self {
        let mut stage = Self::empty(&torrent(pieces));
        for number in 0..peers {
            stage.join(number, number * 20 / peers);
        }
        stage.left = stage.peers.iter().map(|peer| peer.lacks.len()).sum();
        stage
    }

    /// Two more batches leave it in the middle of the download.
    pub(crate) fn is_good_for(&self, batch: usize) -> bool {
        self.left >= 2 * batch
    }

    /// A peer comes that has `percent` of the pieces, at random.
    pub(crate) fn join(&mut self, number: u32, percent: u32) {
        let key = PeerKey(2 * number + 1);
        let addr = SocketAddr::from(([10, 0, (number / 250) as u8, (number % 250) as u8 + 1], 6881));
        let mut peer_id = PeerId(*b"-XX0001-remote000000");
        peer_id.0[12..16].copy_from_slice(&number.to_be_bytes());
        let total = self.torrent.pieces_total();
        let (mut has, mut lacks) = (Bitfield::none(total), Vec::new());
        for piece in (0..total).map(PieceIndex) {
            if self.random(100) < percent || percent >= 100 {
                has.insert(piece);
            } else {
                lacks.push(piece);
            }
        }
        for last in (1..lacks.len()).rev() {
            let other = self.random(last as u32 + 1) as usize;
            lacks.swap(last, other);
        }
        self.peers.push(Peer { key, requests: VecDeque::new(), lacks, unchokes: false });
        let at = self.peers.len() - 1;
        self.input(at, Input::Accepted { peer: key, addr });
        let handshake = Handshake { reserved: [0; 8], info_hash: self.torrent.info_hash(), peer_id };
        self.input(at, Input::Received { peer: key, data: &handshake.encode() });
        self.says(at, &Message::Bitfield(has));
    }

    /// So many blocks come, from the unchoking peers in turn.
    pub(crate) fn blocks(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        let (mut came, mut misses) = (0, 0);
        while came < count {
            self.turn = (self.turn + 1) % self.peers.len();
            let peer = &mut self.peers[self.turn];
            misses += 1;
            assert!(misses <= self.torrent.pieces_total() as usize + 10_000, "nobody is asked for anything");
            let Some(block) = peer.requests.pop_front().filter(|_| peer.unchokes) else { continue };
            misses = 0;
            let key = peer.key;
            came += 1;
            self.now = self.now + Duration::from_micros(300);
            self.input(self.turn, Input::Received { peer: key, data: &piece_header(&block) });
            self.input(self.turn, Input::ReceivedOpaque { peer: key, len: block.len });
        }
    }

    /// So many `have`s come, from all peers in turn.
    pub(crate) fn haves(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        let mut came = 0;
        while came < count {
            self.turn = (self.turn + 1) % self.peers.len();
            let Some(piece) = self.peers[self.turn].lacks.pop() else { continue };
            came += 1;
            self.now = self.now + Duration::from_micros(300);
            let mut data = [0, 0, 0, 5, 4, 0, 0, 0, 0];
            data[5..].copy_from_slice(&piece.0.to_be_bytes());
            let key = self.peers[self.turn].key;
            self.input(self.turn, Input::Received { peer: key, data: &data });
        }
    }

    /// Lets go of what the peers mean to do: that is not the engine's memory.
    pub(crate) fn forget_plans(&mut self) {
        self.peers = Vec::new();
    }

    fn says(&mut self, at: usize, message: &Message) {
        let mut data = Vec::new();
        message.encode(&mut data);
        let key = self.peers[at].key;
        self.input(at, Input::Received { peer: key, data: &data });
    }

    /// Hands over one input and does what a host would do; every piece is right and stored at once.
    fn input(&mut self, at: usize, input: Input<'_>) {
        self.engine.handle(self.now, input);
        loop {
            match self.engine.poll_output() {
                Output::Wait { .. } => {
                    // What we sent is read at once: who does not read is closed in time.
                    let Some((peer, bytes)) = self.unsent.pop() else { return };
                    self.engine.handle(self.now, Input::Sent { peer, bytes });
                }
                Output::Send { peer, bytes } => {
                    self.unsent.push((peer, bytes.len() as u64));
                    self.take_requests(at, peer, &bytes);
                }
                Output::Verify { piece, .. } => {
                    // The outputs of the verdict come behind those that wait already.
                    self.drain(at);
                    return self.input(at, Input::Verified { piece, outcome: VerifyOutcome::Stored });
                }
                _ => {}
            }
        }
    }

    fn drain(&mut self, at: usize) {
        loop {
            match self.engine.poll_output() {
                Output::Wait { .. } => {
                    // What we sent is read at once: who does not read is closed in time.
                    let Some((peer, bytes)) = self.unsent.pop() else { return };
                    self.engine.handle(self.now, Input::Sent { peer, bytes });
                }
                Output::Send { peer, bytes } => {
                    self.unsent.push((peer, bytes.len() as u64));
                    self.take_requests(at, peer, &bytes);
                }
                Output::Verify { .. } => unreachable!("one input completes one piece at most"),
                _ => {}
            }
        }
    }

    /// Notes requests and cancels among the messages to a peer, and reports all as sent with the next block.
    fn take_requests(&mut self, at: usize, key: PeerKey, bytes: &[u8]) {
        let number = (key.0 / 2) as usize;
        let peer = if self.peers.get(at).is_some_and(|peer| peer.key == key) { at } else { number };
        let mut rest = bytes;
        while let Some((len, message)) = rest.split_first_chunk::<4>() {
            let len = u32::from_be_bytes(*len) as usize;
            let Some((message, behind)) = message.split_at_checked(len) else { return };
            rest = behind;
            let Some((&id @ (6 | 8), body)) = message.split_first() else { continue };
            let word = |at: usize| u32::from_be_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]);
            let block = BlockRef { piece: PieceIndex(word(0)), begin: word(4), len: word(8) };
            if id == 6 {
                self.peers[peer].requests.push_back(block);
            } else {
                self.peers[peer].requests.retain(|request| *request != block);
            }
        }
    }

    fn random(&mut self, below: u32) -> u32 {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        (((self.rng >> 32) * u64::from(below)) >> 32) as u32
    }
}
