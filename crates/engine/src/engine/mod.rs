//! The orchestrator of one torrent: it takes one input at a time, keeps the books, asks the policies and hands out what
//! they decided. It is split by kind of input and never chooses itself: see `picker`, `choker`, `requests`, `peers`
//! and `trackers` for the choices.

mod choking;
mod fetching;
mod input_block;
mod input_control;
mod input_dont_have;
mod input_extended;
mod input_fast;
mod input_fetch;
mod input_hashes;
mod input_limits;
mod input_metadata;
mod input_peer;
mod input_pex;
mod input_piece;
mod input_tracker;
mod input_upload_only;
mod input_wants;
mod input_wire;
mod invariants;
pub(crate) mod outbox;
mod peer;
mod places;
mod requesting;
mod serving;
mod super_seeding;
mod timers;
mod views;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::geometry::Geometry;
use crate::hash_fetch::HashFetch;
use crate::peers::{AddressBook, Bans};
use crate::picker::{Picked, Picker};
use crate::playback::Playback;
use crate::rate::{RateMeter, TokenBucket};
use crate::rng::Rng;
use crate::super_seed::Spread;
use crate::swarms::Swarms;
use crate::webseed::WebSeeds;
use crate::{
    Bitfield, ChokeReason, Config, FilePriority, FlatMap, FlatSet, Goals, History, InfoHashes, Input,
    Instant, Metainfo, Output, PeerId, PeerKey, PickReason, PieceIndex, Share, TrackerKey,
};
use outbox::Outbox;
use peer::Peer;

/// Peers at most, whatever the configuration says: how many have a piece is counted in 16 bits.
const PEERS_MAX: usize = u16::MAX as usize;

/// One torrent's engine. Feed it with [`Engine::handle`], then take what it wants with [`Engine::poll_output`] until
/// that says [`Output::Wait`].
///
/// It begins paused: the first input that matters is [`Input::Start`].
#[derive(Debug)]
pub struct Engine {
    config: Config,
    metainfo: Arc<Metainfo>,
    geometry: Geometry,
    info_hashes: InfoHashes,
    peer_id: PeerId,
    rng: Rng,
    /// Time of the last input.
    now: Instant,
    is_running: bool,
    /// Our incoming port; zero while there is none.
    port: u16,
    /// What pieces must hash to.
    hashes: HashFetch,
    /// Pieces that wait for their hash.
    unhashed: FlatSet<PieceIndex>,
    /// Hashes may be asked for that somebody else was asked for before.
    has_hash_news: bool,
    picker: Picker,
    /// How much each file is wanted.
    file_priorities: Vec<FilePriority>,
    /// The best rate of any peer at the last look, in bytes a second.
    best_rate: u64,
    /// The player that pieces have to be in time for.
    playback: Option<Playback>,
    /// Pieces that were late for their deadline at the last look.
    late_pieces: usize,
    peers: FlatMap<PeerKey, Peer>,
    /// Key of the next connection that we ask for; even.
    next_key: u32,
    /// Connections that are asked for and do not stand yet.
    connecting: usize,
    /// Connections whose handshake is done.
    joined: u32,
    /// Addresses and ids of peers that delivered something and left.
    departed: FlatMap<PeerKey, (SocketAddr, Option<PeerId>)>,
    /// Peers on parole, by host and id.
    suspects: FlatSet<(IpAddr, PeerId)>,
    book: AddressBook,
    bans: Bans,
    /// The tracker whose peers we know; only private torrents care.
    introducer: Option<TrackerKey>,
    trackers: Swarms,
    web_seeds: WebSeeds,
    outbox: Outbox,
    timers: timers::Timers,
    upload_bucket: TokenBucket,
    download_bucket: TokenBucket,
    /// Peers that wait for the upload limit begin to be served behind this one, so that all get their turn.
    served_last: PeerKey,
    /// The picker's generation at which every peer was last offered work.
    offered_generation: u64,
    /// A peer has room for requests that no answer of its own made.
    has_room_news: bool,
    /// A slot may have become free: see [`crate::Strategy::fill_free_slots`].
    has_slot_news: bool,
    /// Our part of limits that several torrents share, and when we got it.
    share: Share,
    shared_at: Instant,
    goals: Goals,
    /// What was traded before this session; the time as a seed grows with every pause.
    history: History,
    seeding_since: Option<Instant>,
    /// When the choker last decided about everybody.
    round_since: Instant,
    totals: Totals,
    /// How far pieces have spread, for super-seeding.
    spread: Option<Spread>,
    /// Reused for each choice, so that none allocates.
    picked: Picked,
    pick_counts: [u64; PickReason::ALL.len()],
    choke_counts: [u64; ChokeReason::ALL.len()],
}

/// Sums over all connections there ever were.
#[derive(Debug)]
struct Totals {
    down_bytes: u64,
    up_bytes: u64,
    wasted_bytes: u64,
    /// Bytes of wanted pieces.
    wanted_bytes: u64,
    /// Verified bytes among them.
    verified_bytes: u64,
    down_rate: RateMeter,
    up_rate: RateMeter,
}

impl Totals {
    /// Nothing is traded yet, and everything is wanted.
    fn new(config: &Config, now: Instant, geometry: &Geometry, have: &Bitfield) -> Self {
        let rate = RateMeter::new(config.rate_window, now);
        Self {
            down_bytes: 0,
            up_bytes: 0,
            wasted_bytes: 0,
            wanted_bytes: geometry.total_len(),
            verified_bytes: have.iter().map(|piece| u64::from(geometry.piece_size(piece))).sum(),
            down_rate: rate.clone(),
            up_rate: rate,
        }
    }
}

impl Engine {
    /// An engine for the torrent `metainfo`, of which the pieces in `have` are verified and stored. `peer_id` is what
    /// it calls itself; `rng_seed` decides everything that is left to chance.
    ///
    /// # Panics
    /// If `have` is not for this torrent's number of pieces.
    #[must_use]
    pub fn new(
        mut config: Config,
        metainfo: Arc<Metainfo>,
        have: Bitfield,
        peer_id: PeerId,
        rng_seed: u64,
    ) -> Self {
        config.peers_max = config.peers_max.min(PEERS_MAX);
        let geometry = metainfo.geometry();
        assert_eq!(have.pieces_total(), geometry.pieces_total(), "invariant: `have` is for this torrent");
        let mut rng = Rng::new(rng_seed);
        let now = Instant::ZERO;
        let totals = Totals::new(&config, now, &geometry, &have);
        let mut engine = Self {
            info_hashes: metainfo.info_hashes(),
            hashes: HashFetch::new(&metainfo),
            unhashed: FlatSet::default(),
            has_hash_news: false,
            peer_id,
            now,
            is_running: false,
            port: 0,
            picker: Picker::new(geometry.clone(), have, &mut rng),
            file_priorities: vec![FilePriority::default(); metainfo.files().len()],
            best_rate: 0,
            playback: None,
            late_pieces: 0,
            peers: FlatMap::new(),
            next_key: 0,
            connecting: 0,
            joined: 0,
            departed: FlatMap::new(),
            suspects: FlatSet::default(),
            book: AddressBook::default(),
            bans: Bans::default(),
            introducer: None,
            trackers: Swarms::new(metainfo.info_hashes().swarms(), metainfo.trackers(), &mut rng),
            web_seeds: WebSeeds::default(),
            outbox: Outbox::default(),
            timers: timers::Timers::default(),
            upload_bucket: TokenBucket::new(config.upload_rate_max, now),
            download_bucket: TokenBucket::new(config.download_rate_max, now),
            served_last: PeerKey(0),
            offered_generation: 0,
            has_room_news: false,
            has_slot_news: false,
            share: Share::default(),
            shared_at: now,
            goals: Goals::default(),
            history: History::default(),
            seeding_since: None,
            round_since: now,
            totals,
            spread: None,
            picked: Picked::default(),
            pick_counts: [0; PickReason::ALL.len()],
            choke_counts: [0; ChokeReason::ALL.len()],
            config,
            geometry,
            metainfo,
            rng,
        };
        let metainfo = Arc::clone(&engine.metainfo);
        engine.add_web_seeds(metainfo.web_seeds());
        engine
    }

    /// Takes one input. `now` must not lie before that of the input before.
    ///
    /// # Panics
    /// If the outputs of the input before were not taken (they refer to its bytes), or if [`Input::Accepted`] comes with
    /// a key that is in use.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        assert!(self.outbox.is_drained(), "invariant: all outputs are taken before the next input");
        self.now = self.now.max(now);
        match input {
            Input::Restored { partial, history } => self.handle_restored(partial, history),
            Input::Start => self.handle_start(),
            Input::Pause => self.handle_pause(),
            Input::Timeout => {}
            Input::PeersFound { source, addrs } => self.handle_peers_found(source, addrs),
            Input::Connected { peer } => self.handle_connected(peer),
            Input::Accepted { peer, addr } => self.handle_accepted(peer, addr),
            Input::Received { peer, data } => self.handle_received(peer, data),
            Input::ReceivedOpaque { peer, len } => self.handle_received_opaque(peer, len),
            Input::Sent { peer, bytes } => self.handle_sent(peer, bytes),
            Input::Closed { peer } => self.handle_closed(peer),
            Input::Rejected { peer, reason } => self.forget_peer(peer, reason),
            Input::Verified { piece, outcome } => self.handle_verified(piece, outcome),
            Input::StorageFailed { message } => self.fail(message),
            Input::Announced { tracker, result } => self.handle_announced(tracker, &result),
            Input::FilePriorities { files } => self.handle_file_priorities(files),
            Input::PickOrder { order } => self.handle_pick_order(order),
            Input::Deadlines { pieces } => self.handle_deadlines(pieces),
            Input::Scraped { tracker, result } => self.trackers.handle_scrape(tracker, &result),
            Input::Listening { port } => self.handle_listening(port),
            Input::Unban { ip } => self.handle_unban(ip),
            Input::WebSeedsFound { urls } => self.handle_web_seeds_found(urls),
            Input::Fetched { fetch, data } => self.handle_fetched(fetch, data),
            Input::FetchFailed { fetch, fault } => self.handle_fetch_failed(fetch, fault),
            Input::SetStrategy(strategy) => self.handle_set_strategy(strategy),
            Input::SetLimits(limits) => self.handle_set_limits(&limits),
            Input::SetShare(share) => self.handle_set_share(share),
            Input::SetGoals(goals) => self.handle_set_goals(goals),
            Input::SetSuperSeed(is_on) => self.handle_set_super_seed(is_on),
        }
        self.settle();
    }

    /// The next thing to do; [`Output::Wait`] when there is nothing more.
    pub fn poll_output(&mut self) -> Output {
        self.outbox.pop().unwrap_or_else(|| Output::Wait { until: self.next_timeout() })
    }

    /// What every input may have set in motion, in a fixed order: timers whose time has come, slots that became free,
    /// work for peers that had none, new connections, announces, and whoever waited for a limit.
    fn settle(&mut self) {
        self.look_at_goals();
        self.run_timers();
        self.offer_free_slots();
        self.offer_hash_requests();
        self.offer_work();
        self.connect_more();
        self.announce_if_due();
        self.run_limits();
        self.run_web_seeds();
        self.outbox.flush();
        self.set_timers();
    }
}
