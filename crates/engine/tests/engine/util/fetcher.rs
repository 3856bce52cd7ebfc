//! A metadata fetch with scripted peers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    CloseReason, Config, Event, ExtendedHandshake, Extension, Handshake, InfoHash, Input, Instant, Message,
    MetadataFetch, Metainfo, NewContent, NewTorrent, Output, PeerId, PeerKey, Reserved,
};

use super::scripted::{REMOTE_ID, messages_in};

/// Bytes of a piece of metadata (BEP 9).
pub const METADATA_PIECE_LEN: usize = 16 << 10;
/// Under which id the scripted peers take messages about metadata.
const THEIR_ID: u8 = 9;

/// All inputs come from the test; time stands still until the test moves it.
pub struct Fetcher {
    pub fetch: MetadataFetch,
    pub info_hash: InfoHash,
    pub now: Instant,
    /// What it put out since this was last taken.
    pub outputs: Vec<Output>,
    next_key: u32,
}

/// A torrent whose info dictionary has so many pieces of metadata, the last of them short, and no two alike.
pub fn torrent(metadata_pieces: usize) -> Arc<Metainfo> {
    let pieces = (metadata_pieces * METADATA_PIECE_LEN - 9000) / 20;
    let hash = |number: usize| {
        let mut hash = [7; 20];
        hash[..8].copy_from_slice(&(number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        hash
    };
    let hashes: Vec<[u8; 20]> = (0..pieces).map(hash).collect();
    let new = NewTorrent {
        name: "content",
        content: NewContent::File(16_384 * pieces as u64),
        piece_len: 16_384,
        piece_hashes: &hashes,
        trackers: &[vec!["http://127.0.0.1/announce".to_owned()]],
        is_private: false,
        comment: None,
        created_by: None,
    };
    Arc::new(new.build().unwrap())
}

impl Fetcher {
    /// A running one without peers, for this torrent.
    pub fn new(config: Config, torrent: &Metainfo) -> Self {
        let id = PeerId(*b"-SW0100-under-a-test");
        let fetch = MetadataFetch::new(config, torrent.magnet(), id, 7);
        let now = Instant::from_millis(1_000_000);
        let info_hash = torrent.info_hash();
        let mut fetcher = Self { fetch, info_hash, now, outputs: Vec::new(), next_key: 1 };
        fetcher.input(Input::Start);
        fetcher
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.fetch.handle(self.now, input);
        self.fetch.check_invariants();
        loop {
            match self.fetch.poll_output() {
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

    /// A peer at 10.9.0.`last` connects and sends its handshake, with these bits.
    pub fn join_plain(&mut self, last: u8, reserved: Reserved) -> PeerKey {
        let key = PeerKey(self.next_key);
        self.next_key += 2;
        let addr = SocketAddr::from(([10, 9, 0, last], 50_000));
        self.input(Input::Accepted { peer: key, addr });
        let mut peer_id = REMOTE_ID;
        peer_id.0[19] = last;
        let handshake = Handshake { reserved: reserved.0, info_hash: self.info_hash, peer_id };
        self.bytes(key, &handshake.encode());
        key
    }

    /// As [`Self::join_plain`], and offers metadata of this length.
    pub fn join(&mut self, last: u8, len: usize) -> PeerKey {
        let key = self.join_plain(last, Reserved::EXTENDED);
        self.introduces(key, Some(len as u32));
        key
    }

    /// The peer's extension handshake.
    pub fn introduces(&mut self, key: PeerKey, metadata_len: Option<u32>) {
        let handshake = ExtendedHandshake { metadata_len, ..ExtendedHandshake::default() };
        let payload = handshake.with(Extension::Metadata, THEIR_ID).encode();
        self.says(key, &Message::Extended { id: 0, payload });
    }

    pub fn bytes(&mut self, key: PeerKey, data: &[u8]) {
        self.input(Input::Received { peer: key, data });
    }

    pub fn says(&mut self, key: PeerKey, message: &Message) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.bytes(key, &bytes);
    }

    /// The peer says something about metadata.
    pub fn says_metadata(&mut self, key: PeerKey, payload: Vec<u8>) {
        self.says(key, &Message::Extended { id: Extension::Metadata.local_id(), payload });
    }

    pub fn sends(&mut self, key: PeerKey, info: &[u8], piece: usize) {
        let bytes = info.chunks(METADATA_PIECE_LEN).nth(piece).unwrap();
        self.says_metadata(key, data(piece, info.len(), bytes));
    }

    pub fn rejects(&mut self, key: PeerKey, piece: usize) {
        self.says_metadata(key, format!("d8:msg_typei2e5:piecei{piece}ee").into_bytes());
    }

    /// The peer answers all that it is asked until it is asked no more.
    pub fn answers_all(&mut self, key: PeerKey, info: &[u8]) {
        loop {
            let asked = self.take_requests(key);
            if asked.is_empty() {
                return;
            }
            asked.into_iter().for_each(|piece| self.sends(key, info, piece));
        }
    }

    /// The pieces of metadata that this peer was asked for since the last call.
    pub fn take_requests(&mut self, key: PeerKey) -> Vec<usize> {
        self.take_payloads(key).iter().filter_map(|payload| requested(payload)).collect()
    }

    /// Payloads about metadata that this peer was sent since the last call.
    pub fn take_payloads(&mut self, key: PeerKey) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Send { peer, bytes } if *peer == key => {
                payloads.extend(messages_in(bytes, 1).into_iter().filter_map(|message| match message {
                    Message::Extended { id: THEIR_ID, payload } => Some(payload),
                    _ => None,
                }));
                false
            }
            _ => true,
        });
        payloads
    }

    pub fn close_reason(&self, key: PeerKey) -> Option<CloseReason> {
        self.outputs.iter().find_map(|output| match output {
            Output::Close { peer, reason } if *peer == key => Some(reason.clone()),
            _ => None,
        })
    }

    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.outputs.iter().filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        })
    }

    /// What it has fetched, once it has. When it is done, this waits until it says so.
    pub fn fetched(&mut self) -> Option<Arc<[u8]>> {
        if self.fetch.summary().is_done {
            self.wait(1);
        }
        self.events().find_map(|event| match event {
            Event::MetadataFetched { info } => Some(Arc::clone(info)),
            _ => None,
        })
    }

    /// Peers that were banned.
    pub fn banned(&self) -> Vec<PeerKey> {
        let banned = self.events().filter_map(|event| match event {
            Event::Banned { peer, .. } => Some(*peer),
            _ => None,
        });
        banned.collect()
    }
}

pub fn data(piece: usize, total: usize, bytes: &[u8]) -> Vec<u8> {
    let head = format!("d8:msg_typei1e5:piecei{piece}e10:total_sizei{total}ee");
    [head.as_bytes(), bytes].concat()
}

fn requested(payload: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(payload).ok()?;
    text.strip_prefix("d8:msg_typei0e5:piecei")?.strip_suffix("ee")?.parse().ok()
}
