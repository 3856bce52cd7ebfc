//! What comes before an engine, for a torrent of which only a magnet link is there: peers are asked for its info
//! dictionary (BEP 9) until bytes with the right hash have come.
//!
//! It takes the same inputs and gives the same outputs as an [`crate::Engine`], so that a host drives both alike. It
//! wants no content, serves none, and forgets everything but addresses when it is done.

mod asking;
mod checks;
mod connections;
mod messages;
mod peer;
mod timers;

use std::net::SocketAddr;
use std::sync::Arc;

use super::Magnet;
use super::assembly::Assembly;
use crate::engine::outbox::Outbox;
use crate::peers::{AddressBook, Bans};
use crate::rng::Rng;
use crate::snapshot::{MetadataPeer, MetadataSummary};
use crate::swarms::{DueAnnounce, Swarms};
use crate::{
    AnnounceEvent, AnnounceRequest, CloseReason, Config, Event, FlatMap, Input, Instant, Output, PeerId,
    PeerKey, PeerSource, TrackerSnapshot,
};
use peer::Peer;

/// With fewer peers, and addresses that may be tried, than this it would like more before a tracker's interval is over.
const PEERS_ENOUGH: usize = 5;
/// What trackers are told is missing: nobody knows yet, but it is not nothing, which would make us a seed.
const LEFT_UNKNOWN: u64 = 16 << 10;

/// Fetches the info dictionary that a magnet link names. Feed it with [`MetadataFetch::handle`], then take what it wants
/// with [`MetadataFetch::poll_output`] until that says [`Output::Wait`].
///
/// It begins paused. It ends with [`crate::Event::MetadataFetched`]: then the host makes a [`crate::Metainfo`]
/// ([`Magnet::metainfo`]) and an engine, and hands over the addresses ([`MetadataFetch::into_known_peers`]).
#[derive(Debug)]
pub struct MetadataFetch {
    config: Config,
    magnet: Magnet,
    peer_id: PeerId,
    rng: Rng,
    /// Time of the last input.
    now: Instant,
    is_running: bool,
    /// The info dictionary, and when to hand it out.
    fetched: Option<(Instant, Arc<[u8]>)>,
    is_done: bool,
    /// Our incoming port; zero while there is none.
    port: u16,
    peers: FlatMap<PeerKey, Peer>,
    /// Key of the next connection that we ask for; even.
    next_key: u32,
    /// Connections that are asked for and do not stand yet.
    connecting: usize,
    /// What comes together, by the length that peers claim: some may lie.
    assemblies: FlatMap<u32, Assembly>,
    /// Those who sent a part of it, also after they left.
    senders: FlatMap<PeerKey, (SocketAddr, Option<PeerId>)>,
    /// A length that a peer claimed and that is beyond what is read.
    refused_len: Option<u32>,
    book: AddressBook,
    bans: Bans,
    trackers: Swarms,
    outbox: Outbox,
    /// The next look at every connection; `None` while there is none.
    look_at: Option<Instant>,
}

impl MetadataFetch {
    /// For the torrent that `magnet` names. `peer_id` is what it calls itself; let the engine that follows have the same.
    /// `rng_seed` decides everything that is left to chance.
    #[must_use]
    pub fn new(config: Config, magnet: Magnet, peer_id: PeerId, rng_seed: u64) -> Self {
        let mut rng = Rng::new(rng_seed);
        let tiers: Vec<Vec<String>> = magnet.trackers().iter().map(|url| vec![url.clone()]).collect();
        let mut fetch = Self {
            trackers: Swarms::new(magnet.info_hashes(), &tiers, &mut rng),
            config,
            magnet,
            peer_id,
            rng,
            now: Instant::ZERO,
            is_running: false,
            fetched: None,
            is_done: false,
            port: 0,
            peers: FlatMap::new(),
            next_key: 0,
            connecting: 0,
            assemblies: FlatMap::new(),
            senders: FlatMap::new(),
            refused_len: None,
            book: AddressBook::default(),
            bans: Bans::default(),
            outbox: Outbox::default(),
            look_at: None,
        };
        let peers = fetch.magnet.peers().to_vec();
        fetch.handle_peers_found(PeerSource::Magnet, &peers);
        fetch
    }

    /// Takes one input. `now` must not lie before that of the input before. Inputs that only concern content are ignored.
    ///
    /// # Panics
    /// If the outputs of the input before were not taken, or if [`Input::Accepted`] comes with a key that is in use.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        assert!(self.outbox.is_drained(), "invariant: all outputs are taken before the next input");
        self.now = self.now.max(now);
        match input {
            Input::Start => self.handle_start(),
            Input::Pause => self.handle_pause(),
            Input::PeersFound { source, addrs } => self.handle_peers_found(source, addrs),
            Input::Connected { peer } => self.handle_connected(peer),
            Input::Accepted { peer, addr } => self.handle_accepted(peer, addr),
            Input::Received { peer, data } => self.handle_received(peer, data),
            Input::Closed { peer } => self.handle_closed(peer),
            Input::Rejected { peer, reason } => self.forget_peer(peer, &reason),
            Input::Announced { tracker, result } => {
                let is_awaited = self.trackers.handle_answer(&self.config, self.now, tracker, &result);
                if let Ok(answer) = &result
                    && is_awaited
                {
                    self.handle_peers_found(PeerSource::Tracker, &answer.peers);
                }
            }
            Input::Listening { port } => self.port = port,
            // There is no content yet.
            _ => {}
        }
        self.settle();
    }

    /// The next thing to do; [`Output::Wait`] when there is nothing more.
    pub fn poll_output(&mut self) -> Output {
        self.outbox.pop().unwrap_or_else(|| Output::Wait { until: self.next_timeout() })
    }

    /// The link.
    #[must_use]
    pub const fn magnet(&self) -> &Magnet {
        &self.magnet
    }

    /// How far it is.
    #[must_use]
    pub fn summary(&self) -> MetadataSummary {
        let best = self.assemblies.iter().max_by_key(|(_, assembly)| assembly.pieces_have());
        MetadataSummary {
            is_running: self.is_running,
            is_done: self.is_done,
            len: best.map(|(&len, _)| len),
            pieces_total: best.map_or(0, |(_, assembly)| assembly.pieces_total()),
            pieces_have: best.map_or(0, |(_, assembly)| assembly.pieces_have()),
            peers: self.peers.values().filter(|peer| peer.is_joined()).count() as u32,
            peers_known: self.book.waiting(),
            refused_len: self.refused_len,
        }
    }

    /// All connections whose handshake is done, in the order of their keys.
    #[must_use]
    pub fn peers(&self) -> Vec<MetadataPeer> {
        let joined = self.peers.iter().filter(|(_, peer)| peer.is_joined());
        joined.map(|(&key, peer)| peer.snapshot(key)).collect()
    }

    /// All trackers, in the order of the link, once for each swarm: a hybrid has two.
    #[must_use]
    pub fn trackers(&self) -> Vec<TrackerSnapshot> {
        self.trackers.snapshots(self.is_hungry())
    }

    /// The addresses that it knows, for the engine that follows: all but those that are refused.
    #[must_use]
    pub fn into_known_peers(self) -> Vec<(SocketAddr, PeerSource)> {
        let known = self.book.known();
        known.filter(|(addr, _)| !self.bans.contains(self.now, *addr, None)).collect()
    }

    fn handle_start(&mut self) {
        if !self.is_running && !self.is_done {
            self.is_running = true;
            self.trackers.start(self.now);
        }
    }

    fn handle_pause(&mut self) {
        if self.is_running {
            self.is_running = false;
            self.trackers.stop();
            self.close_all(&CloseReason::Stopped);
        }
    }

    /// What every input may have set in motion, in a fixed order.
    fn settle(&mut self) {
        self.look_if_due();
        self.hand_out_if_due();
        self.ask_more();
        self.connect_more();
        self.announce_if_due();
        self.outbox.flush();
        self.set_timers();
    }

    fn announce_if_due(&mut self) {
        // Once it is done, the engine that follows speaks to the trackers, under the same peer id.
        let is_hungry = self.is_hungry();
        while !self.is_done
            && let Some(DueAnnounce { tracker, url, tracker_id, info_hash, event }) =
                self.trackers.poll(self.now, is_hungry)
        {
            let num_want = if event == AnnounceEvent::Stopped { 0 } else { self.config.announce_num_want };
            self.outbox.push(Output::Announce(AnnounceRequest {
                tracker,
                url: url.to_owned(),
                info_hash,
                event,
                uploaded: 0,
                downloaded: 0,
                left: LEFT_UNKNOWN,
                port: self.port,
                num_want,
                tracker_id: tracker_id.map(<[u8]>::to_vec),
            }));
        }
    }

    /// All connections are closed by now, and their other ends have had time to notice.
    fn hand_out_if_due(&mut self) {
        if let Some((_, info)) = self.fetched.take_if(|(due, _)| *due <= self.now) {
            self.outbox.event(Event::MetadataFetched { info });
        }
    }

    fn is_hungry(&self) -> bool {
        self.is_running && self.peers.len() + self.book.due(self.now, PEERS_ENOUGH) < PEERS_ENOUGH
    }
}
