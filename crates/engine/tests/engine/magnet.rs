//! A magnet's torrent between engines: seeds hand out their info dictionary (BEP 9), a fetch gets it, however the
//! connections between them are cut.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    Bitfield, Config, Engine, Event, ExtendedHandshake, Extension, Input, Instant, Message, MetadataFetch,
    Metainfo, Output, PeerId, PeerKey, PeerSource, Reserved,
};

use crate::util::{Content, METADATA_PIECE_LEN, Remote, torrent};

/// What is under way. The fetch's key of a connection names it; its seed has the next odd one.
enum Packet {
    Connected(PeerKey),
    Accepted(PeerKey),
    ToSeed(PeerKey, Vec<u8>),
    ToFetch(PeerKey, Vec<u8>),
    ClosedBySeed(PeerKey),
    ClosedByFetch(PeerKey, usize),
}

/// A fetch and seeds, with connections that take no time.
struct Meeting {
    now: Instant,
    fetch: MetadataFetch,
    seeds: Vec<Engine>,
    /// Which seed is behind a connection.
    links: BTreeMap<PeerKey, usize>,
    queue: VecDeque<Packet>,
    /// Bytes from seeds that still arrive before a connection is cut; `None`: no connection is cut.
    cut_after: Option<usize>,
    /// Bytes that arrived from seeds.
    arrived: usize,
    fetched: Option<Arc<[u8]>>,
}

fn addr(seed: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, seed as u8], 6881))
}

const fn at_seed(key: PeerKey) -> PeerKey {
    PeerKey(key.0 + 1)
}

impl Meeting {
    fn new(torrent: &Arc<Metainfo>, seeds: usize, cut_after: Option<usize>) -> Self {
        let seed = |number: usize| {
            let mut id = *b"-SW0100-seed00000000";
            id[19] = b'0' + number as u8;
            let have = Bitfield::all(torrent.pieces_total());
            Engine::new(Config::default(), Arc::clone(torrent), have, PeerId(id), 1)
        };
        let id = PeerId(*b"-SW0100-fetch0000000");
        let mut meeting = Self {
            now: Instant::ZERO,
            fetch: MetadataFetch::new(Config::default(), torrent.magnet(), id, 1),
            seeds: (0..seeds).map(seed).collect(),
            links: BTreeMap::new(),
            queue: VecDeque::new(),
            cut_after,
            arrived: 0,
            fetched: None,
        };
        (0..seeds).for_each(|seed| meeting.tell_seed(seed, Input::Start));
        let addrs: Vec<SocketAddr> = (0..seeds).map(addr).collect();
        meeting.tell_fetch(Input::PeersFound { source: PeerSource::User, addrs: &addrs });
        meeting.tell_fetch(Input::Start);
        meeting
    }

    /// Lets everything happen, for as long as it takes to fetch, but no longer than a few minutes.
    fn run(mut self) -> Self {
        for _ in 0..300 {
            while let Some(packet) = self.queue.pop_front() {
                self.deliver(packet);
            }
            if self.fetched.is_some() {
                return self;
            }
            self.now = self.now + Duration::from_secs(1);
            self.tell_fetch(Input::Timeout);
            (0..self.seeds.len()).for_each(|seed| self.tell_seed(seed, Input::Timeout));
        }
        self
    }

    fn deliver(&mut self, packet: Packet) {
        match packet {
            Packet::Connected(key) => self.tell_fetch(Input::Connected { peer: key }),
            Packet::Accepted(key) => {
                let from = SocketAddr::from(([10, 9, 9, 9], 50_000));
                self.tell_seed(self.links[&key], Input::Accepted { peer: at_seed(key), addr: from });
                self.queue.push_back(Packet::Connected(key));
            }
            Packet::ToSeed(key, bytes) => {
                if let Some(&seed) = self.links.get(&key) {
                    self.tell_seed(seed, Input::Received { peer: at_seed(key), data: &bytes });
                }
            }
            Packet::ToFetch(key, bytes) => self.arrive(key, &bytes),
            Packet::ClosedBySeed(key) => {
                if self.links.remove(&key).is_some() {
                    self.tell_fetch(Input::Closed { peer: key });
                }
            }
            Packet::ClosedByFetch(key, seed) => self.tell_seed(seed, Input::Closed { peer: at_seed(key) }),
        }
    }

    fn arrive(&mut self, key: PeerKey, bytes: &[u8]) {
        let Some(&seed) = self.links.get(&key) else { return };
        let left = self.cut_after.unwrap_or(usize::MAX);
        let part = &bytes[..bytes.len().min(left)];
        self.arrived += part.len();
        if !part.is_empty() {
            self.tell_fetch(Input::Received { peer: key, data: part });
        }
        self.cut_after = self.cut_after.map(|left| left - part.len());
        if self.cut_after == Some(0) && self.links.remove(&key).is_some() {
            self.cut_after = None;
            self.tell_fetch(Input::Closed { peer: key });
            self.tell_seed(seed, Input::Closed { peer: at_seed(key) });
        }
    }

    fn tell_fetch(&mut self, input: Input<'_>) {
        self.fetch.handle(self.now, input);
        self.fetch.check_invariants();
        loop {
            match self.fetch.poll_output() {
                Output::Wait { .. } => return,
                Output::Connect { peer, addr: to } => {
                    let seed = (0..self.seeds.len()).find(|&seed| addr(seed) == to).unwrap();
                    self.links.insert(peer, seed);
                    self.queue.push_back(Packet::Accepted(peer));
                }
                Output::Send { peer, bytes } => self.queue.push_back(Packet::ToSeed(peer, bytes)),
                Output::Close { peer, .. } => {
                    if let Some(seed) = self.links.remove(&peer) {
                        self.queue.push_back(Packet::ClosedByFetch(peer, seed));
                    }
                }
                Output::Event(Event::MetadataFetched { info }) => self.fetched = Some(info),
                Output::Event(_) | Output::Announce(_) => {}
                other => panic!("a fetch has no content: {other:?}"),
            }
        }
    }

    fn tell_seed(&mut self, seed: usize, input: Input<'_>) {
        let engine = &mut self.seeds[seed];
        engine.handle(self.now, input);
        loop {
            match engine.poll_output() {
                Output::Wait { .. } => return,
                Output::Send { peer, bytes } => {
                    self.queue.push_back(Packet::ToFetch(PeerKey(peer.0 - 1), bytes));
                }
                Output::Close { peer, .. } => {
                    self.queue.push_back(Packet::ClosedBySeed(PeerKey(peer.0 - 1)));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_fetch_gets_the_info_dictionary_from_one_seed_and_from_many() {
    for seeds in [1, 5] {
        let torrent = torrent(20);
        let meeting = Meeting::new(&torrent, seeds, None).run();
        assert_eq!(meeting.fetched.as_deref(), Some(torrent.info_bytes()), "{seeds} seeds");
        let expected: Vec<_> = (0..seeds).map(|seed| (addr(seed), PeerSource::User)).collect();
        assert_eq!(meeting.fetch.into_known_peers(), expected);
    }
}

#[test]
fn a_connection_cut_at_any_byte_costs_nothing_but_time() {
    let torrent = torrent(3);
    for seeds in [1, 3] {
        let total = Meeting::new(&torrent, seeds, None).run().arrived;
        // Every byte of what comes first, then places all over the rest.
        for cut_after in (0..300).chain((300..total).step_by(1471)) {
            let meeting = Meeting::new(&torrent, seeds, Some(cut_after)).run();
            let fetched = meeting.fetched.as_deref();
            assert!(fetched == Some(torrent.info_bytes()), "{seeds} seeds, cut after {cut_after} bytes");
        }
    }
}

/// A seed and a peer that asks it for metadata under id 9.
fn asked_seed(config: Config) -> (Remote, PeerKey) {
    let torrent = torrent(3);
    let content = Content { metainfo: Arc::clone(&torrent), ..Content::opaque(16_384, 16_384) };
    let mut remote = Remote::new(config, &content, content.all());
    let key = remote.join_offering(1, Reserved::EXTENDED);
    let payload = ExtendedHandshake::default().with(Extension::Metadata, 9).encode();
    let introduced = remote.take_messages(key);
    let said = introduced.iter().find_map(|message| match message {
        Message::Extended { id: 0, payload } => ExtendedHandshake::parse(payload).ok(),
        _ => None,
    });
    assert_eq!(said.unwrap().metadata_len, Some(torrent.info_bytes().len() as u32));
    remote.says(key, &Message::Extended { id: 0, payload });
    (remote, key)
}

/// What the seed answers to a request for this piece: `None` is a no.
fn ask(remote: &mut Remote, key: PeerKey, piece: u64) -> Option<Vec<u8>> {
    let payload = format!("d8:msg_typei0e5:piecei{piece}ee").into_bytes();
    remote.says(key, &Message::Extended { id: Extension::Metadata.local_id(), payload });
    let [Message::Extended { id: 9, payload }] = &remote.take_messages(key)[..] else {
        panic!("no answer for piece {piece}")
    };
    let total = remote.content.metainfo.info_bytes().len();
    let head = format!("d8:msg_typei1e5:piecei{piece}e10:total_sizei{total}ee");
    let no = format!("d8:msg_typei2e5:piecei{piece}ee");
    assert!(payload.starts_with(head.as_bytes()) || *payload == no.as_bytes(), "{}", payload.escape_ascii());
    payload.strip_prefix(head.as_bytes()).map(<[u8]>::to_vec)
}

#[test]
fn a_seed_hands_out_its_info_dictionary_piece_by_piece_also_to_whom_it_chokes() {
    let (mut remote, key) = asked_seed(Config::default());
    let pieces: Vec<_> = (0..3).map(|piece| ask(&mut remote, key, piece).unwrap()).collect();
    assert_eq!(pieces.concat(), remote.content.metainfo.info_bytes());
    assert_eq!(pieces[0].len(), METADATA_PIECE_LEN);
    assert_eq!(remote.close_reason(key), None);
}

#[test]
fn a_piece_of_metadata_outside_the_info_dictionary_is_refused() {
    let (mut remote, key) = asked_seed(Config::default());
    for piece in [3, 4, 262_144, u64::from(u32::MAX)] {
        assert_eq!(ask(&mut remote, key, piece), None, "{piece}");
    }
}

#[test]
fn one_connection_gets_the_info_dictionary_a_few_times_and_then_hears_no() {
    let (mut remote, key) = asked_seed(Config { metadata_served_max: 2, ..Config::default() });
    let mut served = 0;
    for nth in 0..12 {
        served += usize::from(ask(&mut remote, key, nth % 3).is_some());
    }
    assert_eq!(served, 6);
}

#[test]
fn answers_about_metadata_that_nobody_asked_for_change_nothing() {
    let (mut remote, key) = asked_seed(Config::default());
    let id = Extension::Metadata.local_id();
    for payload in [&b"d8:msg_typei1e5:piecei0e10:total_sizei9eexxxxxxxxx"[..], b"d8:msg_typei2e5:piecei0ee"]
    {
        remote.says(key, &Message::Extended { id, payload: payload.to_vec() });
    }
    assert_eq!((remote.take_messages(key), remote.close_reason(key)), (Vec::new(), None));
}
