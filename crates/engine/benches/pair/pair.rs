//! Two engines in one thread, one of which downloads from the other: no sockets, no files, no waiting.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use engine::{
    Assembled, Bitfield, BlockRef, Config, Engine, Event, Input, Instant, NewContent, NewTorrent, Output,
    PeerId, PeerKey, PieceAssembler, PieceIndex, VerifyOutcome,
};
use sha1::{Digest as _, Sha1};

/// Every piece has these bytes, so that a torrent of any length fits into the memory of any machine.
const PIECE_LEN: u32 = 1 << 20;

/// How payload travels from one engine to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// By reference: engines never look at it.
    ByReference,
    /// As bytes, which are copied into a piece and hashed, as a host does it.
    Hashed,
}

/// What goes from one side to the other.
enum Packet {
    Bytes(Vec<u8>),
    Block { header: [u8; 13], block: BlockRef },
}

struct Side {
    engine: Engine,
    /// Its key of the connection.
    key: PeerKey,
    /// What it sends.
    sends: VecDeque<Packet>,
    is_complete: bool,
}

struct Pair {
    sides: [Side; 2],
    payload: Payload,
    /// The bytes of a piece, and their hash.
    piece: Vec<u8>,
    hash: [u8; 20],
    assembler: PieceAssembler,
    started: Clock,
    /// What one read brings.
    read: Vec<u8>,
}

/// Moves so many pieces of 1 MiB from one engine to the other and says how long that took.
pub(crate) fn run(pieces: u32, payload: Payload) -> Duration {
    let piece: Vec<u8> = (0..PIECE_LEN).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let hash: [u8; 20] = Sha1::digest(&piece).into();
    let torrent = NewTorrent {
        name: "content",
        content: NewContent::File(u64::from(pieces) * u64::from(PIECE_LEN)),
        piece_len: PIECE_LEN,
        piece_hashes: &vec![hash; pieces as usize],
        trackers: &[],
        is_private: false,
        comment: None,
        created_by: None,
    };
    let metainfo = Arc::new(torrent.build().expect("it is sound"));
    let side = |number: u8, have, key| Side {
        engine: Engine::new(
            Config::default(),
            Arc::clone(&metainfo),
            have,
            peer_id(number),
            u64::from(number),
        ),
        key: PeerKey(key),
        sends: VecDeque::new(),
        is_complete: false,
    };
    let sides = [side(0, Bitfield::all(pieces), 1), side(1, Bitfield::none(pieces), 0)];
    let assembler = PieceAssembler::new(16 << 20, PIECE_LEN);
    let started = Clock::now();
    let mut pair = Pair { sides, payload, piece, hash, assembler, started, read: Vec::new() };
    pair.connect();
    while !pair.sides[1].is_complete {
        assert!(pair.exchange(), "the engines have nothing to say and are not done");
    }
    started.elapsed()
}

fn peer_id(number: u8) -> PeerId {
    let mut id = *b"-SW0100-engine-pair0";
    id[19] += number;
    PeerId(id)
}

impl Pair {
    fn connect(&mut self) {
        let addr = |last| SocketAddr::from(([10, 0, 0, last], 6881));
        self.input(0, Input::Start);
        self.input(1, Input::Start);
        self.input(1, Input::PeersFound { source: engine::PeerSource::User, addrs: &[addr(1)] });
        self.input(0, Input::Accepted { peer: PeerKey(1), addr: addr(2) });
        self.input(1, Input::Connected { peer: PeerKey(0) });
    }

    /// Hands over everything that is under way. Returns whether anything was.
    fn exchange(&mut self) -> bool {
        let mut has_moved = false;
        for from in 0..2 {
            let mut sent_bytes = 0;
            while let Some(packet) = self.sides[from].sends.pop_front() {
                has_moved = true;
                sent_bytes += self.deliver(1 - from, packet);
            }
            if sent_bytes > 0 {
                let peer = self.sides[from].key;
                self.input(from, Input::Sent { peer, bytes: sent_bytes });
            }
        }
        has_moved
    }

    fn deliver(&mut self, to: usize, packet: Packet) -> u64 {
        let peer = self.sides[to].key;
        match packet {
            Packet::Bytes(data) => {
                self.input(to, Input::Received { peer, data: &data });
                data.len() as u64
            }
            Packet::Block { header, block } if self.payload == Payload::ByReference => {
                self.input(to, Input::Received { peer, data: &header });
                self.input(to, Input::ReceivedOpaque { peer, len: block.len });
                header.len() as u64 + u64::from(block.len)
            }
            Packet::Block { header, block } => {
                let begin = block.begin as usize;
                let mut read = std::mem::take(&mut self.read);
                read.clear();
                read.extend(header);
                read.extend(&self.piece[begin..begin + block.len as usize]);
                self.input(to, Input::Received { peer, data: &read });
                self.read = read;
                header.len() as u64 + u64::from(block.len)
            }
        }
    }

    fn input(&mut self, side: usize, input: Input<'_>) {
        let data: &[u8] = if let Input::Received { data, .. } = &input { data } else { &[] };
        let now = Instant::from_micros(self.started.elapsed().as_micros() as u64);
        self.sides[side].engine.handle(now, input);
        let mut verify = Vec::new();
        loop {
            match self.sides[side].engine.poll_output() {
                Output::Wait { .. } => break,
                Output::Send { bytes, .. } => self.sides[side].sends.push_back(Packet::Bytes(bytes)),
                Output::SendBlock { header, block, .. } => {
                    self.sides[side].sends.push_back(Packet::Block { header, block });
                }
                Output::Store { block, from } if self.payload == Payload::Hashed => {
                    self.assembler.store(block, &data[from], PIECE_LEN);
                }
                Output::Verify { piece, .. } => verify.push(piece),
                Output::Event(Event::Completed) => self.sides[side].is_complete = true,
                _ => {}
            }
        }
        for piece in verify {
            let outcome = self.verify(piece);
            self.input(side, Input::Verified { piece, outcome });
        }
    }

    fn verify(&mut self, piece: PieceIndex) -> VerifyOutcome {
        if self.payload == Payload::ByReference {
            return VerifyOutcome::Stored;
        }
        let Assembled::Buffer(buffer) = self.assembler.take(piece) else { return VerifyOutcome::Mismatch };
        let is_right = self.hash == <[u8; 20]>::from(Sha1::digest(&buffer));
        self.assembler.recycle(buffer);
        if is_right { VerifyOutcome::Stored } else { VerifyOutcome::Mismatch }
    }
}
