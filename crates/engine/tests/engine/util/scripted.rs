//! One engine and a remote that says anything, byte for byte.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{
    Bitfield, BlockRef, CloseReason, Config, Decoded, Decoder, Engine, Event, Handshake, InfoHash, Input,
    Instant, Message, Output, PeerId, PeerKey, PieceIndex, Reserved, VerifyOutcome, piece_header,
};

use super::Content;

pub const REMOTE_ID: PeerId = PeerId(*b"-XX0001-remote000000");

/// An engine with scripted peers. All inputs come from the test; time stands still until the test moves it.
pub struct Remote {
    pub engine: Engine,
    pub content: Content,
    pub now: Instant,
    /// What the engine put out since this was last taken.
    pub outputs: Vec<Output>,
    next_key: u32,
}

impl Remote {
    /// A running engine without peers.
    pub fn new(config: Config, content: &Content, have: Bitfield) -> Self {
        let mut remote = Self::started(config, content, have);
        remote.outputs.clear();
        remote
    }

    /// The same, with what it put out when it started.
    pub fn started(config: Config, content: &Content, have: Bitfield) -> Self {
        let mut remote = Self::paused(config, content, have);
        remote.input(Input::Start);
        remote
    }

    fn paused(config: Config, content: &Content, have: Bitfield) -> Self {
        let id = PeerId(*b"-SW0100-under-a-test");
        let engine = Engine::new(config, content.metainfo.clone(), have, id, 7);
        let now = Instant::from_millis(1_000_000);
        Self { engine, content: content.clone(), now, outputs: Vec::new(), next_key: 1 }
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.engine.handle(self.now, input);
        self.engine.check_invariants();
        loop {
            match self.engine.poll_output() {
                Output::Wait { until } => {
                    assert!(until.is_none_or(|until| until > self.now), "a wait that is over would spin");
                    return;
                }
                output => self.outputs.push(output),
            }
        }
    }

    /// Lets time pass in steps of a second, as a host's timer would.
    pub fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now = self.now + Duration::from_secs(1);
            self.input(Input::Timeout);
        }
    }

    /// A peer at 10.9.0.`last` connects and sends its handshake. It offers no extensions.
    pub fn join(&mut self, last: u8) -> PeerKey {
        self.join_offering(last, Reserved::default())
    }

    /// As [`Remote::join`], by a peer that offers extensions.
    pub fn join_offering(&mut self, last: u8, reserved: Reserved) -> PeerKey {
        let mut peer_id = REMOTE_ID;
        peer_id.0[19] = last;
        let key = self.accept(SocketAddr::from(([10, 9, 0, last], 50_000)));
        let info_hash = self.content.metainfo.info_hash();
        self.bytes(key, &Handshake { reserved: reserved.0, info_hash, peer_id }.encode());
        key
    }

    /// A peer that has these pieces and has unchoked us.
    pub fn join_with(&mut self, last: u8, has: &Bitfield) -> PeerKey {
        let key = self.join(last);
        self.says(key, &Message::Bitfield(has.clone()));
        self.says(key, &Message::Unchoke);
        key
    }

    pub fn accept(&mut self, addr: SocketAddr) -> PeerKey {
        let key = PeerKey(self.next_key);
        self.next_key += 2;
        self.input(Input::Accepted { peer: key, addr });
        key
    }

    pub fn bytes(&mut self, key: PeerKey, data: &[u8]) {
        self.input(Input::Received { peer: key, data });
    }

    pub fn says(&mut self, key: PeerKey, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.bytes(key, &bytes);
    }

    /// The peer sends a block, whether it was asked or not.
    pub fn sends(&mut self, key: PeerKey, block: &BlockRef) {
        let mut bytes = piece_header(block).to_vec();
        bytes.resize(bytes.len() + block.len as usize, 0);
        self.bytes(key, &bytes);
    }

    /// As [`Remote::sends`] with the bytes of the block.
    pub fn sends_bytes(&mut self, key: PeerKey, block: &BlockRef, bytes: &[u8]) {
        let message = [&piece_header(block)[..], bytes].concat();
        self.bytes(key, &message);
    }

    /// The peer answers all requests up to now, and every piece that becomes complete gets this verdict.
    pub fn answers_all(&mut self, key: PeerKey, outcome: VerifyOutcome) {
        for block in self.take_requests(key) {
            self.sends(key, &block);
        }
        self.judge(outcome);
    }

    /// Gives this verdict on all pieces that wait for one.
    pub fn judge(&mut self, outcome: VerifyOutcome) {
        let mut pieces: Vec<PieceIndex> = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Verify { piece, .. } => {
                pieces.push(*piece);
                false
            }
            _ => true,
        });
        for piece in pieces {
            self.input(Input::Verified { piece, outcome });
        }
    }

    /// The messages sent to this peer since the last call, without handshakes.
    pub fn take_messages(&mut self, key: PeerKey) -> Vec<Message> {
        let mut messages = Vec::new();
        let total = self.content.pieces();
        self.outputs.retain(|output| match output {
            Output::Send { peer, bytes } if *peer == key => {
                messages.extend(messages_in(bytes, total));
                false
            }
            _ => true,
        });
        messages
    }

    pub fn take_requests(&mut self, key: PeerKey) -> Vec<BlockRef> {
        let requests = self.take_messages(key).into_iter().filter_map(|message| match message {
            Message::Request(block) => Some(block),
            _ => None,
        });
        requests.collect()
    }

    /// Why this connection was closed, if it was.
    pub fn close_reason(&self, key: PeerKey) -> Option<CloseReason> {
        self.outputs.iter().find_map(|output| match output {
            Output::Close { peer, reason } if *peer == key => Some(reason.clone()),
            _ => None,
        })
    }

    pub fn events(&self) -> Vec<Event> {
        let event = |output: &Output| match output {
            Output::Event(event) => Some(event.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(event).collect()
    }
}

pub fn handshake_bytes(info_hash: InfoHash, peer_id: PeerId) -> Vec<u8> {
    Handshake { reserved: [0; 8], info_hash, peer_id }.encode().to_vec()
}

/// The messages in what was sent to one peer.
pub fn messages_in(bytes: &[u8], pieces_total: u32) -> Vec<Message> {
    let mut decoder = Decoder::new(pieces_total, 1 << 20);
    let mut at = 0;
    if !bytes.starts_with(b"\x13BitTorrent protocol") {
        // The decoder wants a handshake first.
        let opening = handshake_bytes(InfoHash([0; 20]), REMOTE_ID);
        assert!(decoder.next(&opening, &mut 0).unwrap().is_some());
    }
    let mut messages = Vec::new();
    while let Some(decoded) = decoder.next(bytes, &mut at).unwrap() {
        if let Decoded::Message(message) = decoded {
            messages.push(message);
        }
    }
    messages
}
