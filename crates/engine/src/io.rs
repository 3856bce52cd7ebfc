//! What goes into the engine and what comes out: plain data, nothing else crosses its boundary.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    AddressRefusal, BanReason, BlockRef, ChokeReason, CloseReason, FetchFault, FetchKey, FilePriority, Goal,
    Goals, History, InfoHash, Instant, Limits, PartialPieces, PeerKey, PickOrder, PickReason, PieceHashes,
    PieceIndex, RevealReason, Share, Strategy, TrackerKey,
};

/// One thing that happened outside. The host hands it to [`crate::Engine::handle`] with the time.
#[derive(Debug)]
pub enum Input<'a> {
    /// Take part in the swarm: announce, connect, request, serve. Also ends a pause.
    Start,
    /// What an earlier session left; before the first [`Input::Start`]. Blocks of pieces that are there or begun are
    /// ignored. A piece of which all blocks are stored is to be verified like any other.
    Restored {
        /// Stored blocks of unfinished pieces.
        partial: &'a PartialPieces,
        /// What was traded before.
        history: History,
    },
    /// Leave the swarm: tell the trackers, close all connections. Nothing that is verified is lost.
    Pause,
    /// The time of the last [`Output::Wait`] has come.
    Timeout,
    /// Addresses at which peers of this torrent may be found.
    PeersFound {
        /// Who told us.
        source: PeerSource,
        /// Their addresses.
        addrs: &'a [SocketAddr],
    },
    /// The connection asked for by [`Output::Connect`] stands; nothing was sent on it yet.
    Connected {
        /// The key from [`Output::Connect`].
        peer: PeerKey,
    },
    /// A peer came to us. Its handshake, which names our info hash, follows as [`Input::Received`].
    Accepted {
        /// An odd key, never used before.
        peer: PeerKey,
        /// Where it comes from.
        addr: SocketAddr,
    },
    /// Bytes from a peer, in order, cut anywhere.
    Received {
        /// From whom.
        peer: PeerKey,
        /// The bytes; [`Output::Store`] refers to places in them until the next input.
        data: &'a [u8],
    },
    /// As [`Input::Received`], for the payload of a block whose bytes nobody needs (simulation).
    ReceivedOpaque {
        /// From whom.
        peer: PeerKey,
        /// Number of payload bytes.
        len: u32,
    },
    /// Bytes that the engine had sent to this peer have left the host's queue.
    Sent {
        /// To whom.
        peer: PeerKey,
        /// How many more bytes since the last report.
        bytes: u64,
    },
    /// The connection is gone, or the one asked for could not be made. Not sent for those the engine closed.
    Closed {
        /// Which.
        peer: PeerKey,
    },
    /// As [`Input::Closed`], by a host that looks at handshakes itself and found the remote at fault.
    Rejected {
        /// Which.
        peer: PeerKey,
        /// What the remote did.
        reason: CloseReason,
    },
    /// The answer to [`Output::Verify`].
    Verified {
        /// The piece.
        piece: PieceIndex,
        /// What came of it.
        outcome: VerifyOutcome,
    },
    /// The storage refused a write or a read. The engine pauses with this error.
    StorageFailed {
        /// In words that a person understands.
        message: String,
    },
    /// The answer to [`Output::Announce`].
    Announced {
        /// The tracker.
        tracker: TrackerKey,
        /// Its answer, or what went wrong in words that a person understands.
        result: Result<AnnounceAnswer, String>,
    },
    /// How much each file is wanted from now on, in the order of [`crate::Metainfo::files`]; those that are not named are
    /// of normal priority. Before this comes, all of them are. Best before [`Input::Start`], so that nothing unwanted
    /// is begun; what is under way and no longer wanted is cancelled.
    FilePriorities {
        /// One for each file.
        files: &'a [FilePriority],
    },
    /// In which order pieces are begun from now on.
    PickOrder {
        /// The order.
        order: PickOrder,
    },
    /// Somebody waits for these pieces until these times, and for no others: for streaming, a window that moves with
    /// the player. They come before all others, as far as their files are wanted. Of more than 256 those that are due
    /// first count.
    Deadlines {
        /// Pieces and when they are needed.
        pieces: &'a [(PieceIndex, Instant)],
    },
    /// Give out upload this way from the next round on; until then nothing changes.
    SetStrategy(Strategy),
    /// Keep to these limits from now on.
    SetLimits(Limits),
    /// Keep to this part of limits that several torrents share, from now on.
    SetShare(Share),
    /// Pause when one of these is met while seeding.
    SetGoals(Goals),
    /// The answer to [`Output::Scrape`].
    Scraped {
        /// The tracker.
        tracker: TrackerKey,
        /// Its counts, or what went wrong in words that a person understands.
        result: Result<ScrapeAnswer, String>,
    },
    /// The user forgives a host: nothing of it is banned any more.
    Unban {
        /// The host, as in [`crate::BanSnapshot`].
        ip: IpAddr,
    },
    /// Addresses of web seeds (BEP 19), for instance from a magnet link; those of the metainfo are known.
    WebSeedsFound {
        /// The addresses. What cannot be asked is left out.
        urls: &'a [String],
    },
    /// Bytes that [`Output::Fetch`] asked for, in order, cut anywhere. Those of a request that is over are ignored.
    Fetched {
        /// Which request.
        fetch: FetchKey,
        /// The bytes; [`Output::Store`] refers to places in them until the next input.
        data: &'a [u8],
    },
    /// A request ended before all was there. Not sent for those that the engine cancelled.
    FetchFailed {
        /// Which request.
        fetch: FetchKey,
        /// What happened.
        fault: FetchFault,
    },
    /// The host's incoming port, as trackers and peers are to be told; zero while there is none.
    Listening {
        /// TCP port.
        port: u16,
    },
    /// Super-seed from now on, or no more (BEP 16); begins with those who connect while we have everything.
    SetSuperSeed(bool),
}

/// What came of hashing an assembled piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// The hash is right, the bytes and the record of them are stored: a kill at any later instant loses nothing.
    Stored,
    /// The hash is wrong; the host has let go of the bytes.
    Mismatch,
    /// Of a hybrid's two hashes one is right and one is wrong: nothing can be both (BEP 52). The engine pauses with an
    /// error.
    Inconsistent,
}

/// One thing for the host to do. The engine holds further ones until this is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection; answer with [`Input::Connected`] or [`Input::Closed`].
    Connect {
        /// Key of the connection to be.
        peer: PeerKey,
        /// Where to.
        addr: SocketAddr,
    },
    /// Send these bytes.
    Send {
        /// To whom.
        peer: PeerKey,
        /// One or more whole messages.
        bytes: Vec<u8>,
    },
    /// Send this header and behind it the bytes of the block, read from storage.
    SendBlock {
        /// To whom.
        peer: PeerKey,
        /// Length, id, index and begin of the `piece` message.
        header: [u8; 13],
        /// The bytes that follow.
        block: BlockRef,
    },
    /// Close the connection once what was sent before is out.
    Close {
        /// Which.
        peer: PeerKey,
        /// Why.
        reason: CloseReason,
    },
    /// Keep part of a block of an unfinished piece.
    Store {
        /// Where it belongs: piece, begin, length. Not always a whole block.
        block: BlockRef,
        /// Where its bytes lie in the current [`Input::Received`] or [`Input::Fetched`]; empty for
        /// [`Input::ReceivedOpaque`].
        from: Range<usize>,
    },
    /// Keep zeros as part of a block of an unfinished piece: it is padding (BEP 47), which nobody was asked for.
    StoreZeros {
        /// Where they belong. Not always a whole block.
        block: BlockRef,
    },
    /// Ask a web seed; hand on what comes as [`Input::Fetched`], or say why not with [`Input::FetchFailed`].
    Fetch(FetchRequest),
    /// Nothing more is wanted of this request.
    CancelFetch {
        /// Which.
        fetch: FetchKey,
    },
    /// All blocks of the piece are there: hash it, store it if it is right, and answer with [`Input::Verified`].
    Verify {
        /// The piece.
        piece: PieceIndex,
        /// What it must hash to; see [`crate::PieceHasher`].
        hashes: PieceHashes,
    },
    /// Forget the stored blocks of an unfinished piece.
    Discard {
        /// The piece.
        piece: PieceIndex,
    },
    /// Ask a tracker; answer with [`Input::Announced`].
    Announce(AnnounceRequest),
    /// Ask a tracker how large the swarm is (BEP 48, BEP 15); answer with [`Input::Scraped`].
    Scrape {
        /// The tracker.
        tracker: TrackerKey,
        /// Its address for announces, as in the metainfo.
        url: String,
    },
    /// Something worth showing; the host need not do anything.
    Event(Event),
    /// Nothing more to do until the next input, or until this time at the latest.
    Wait {
        /// When to come back with [`Input::Timeout`]; `None`: only on another input.
        until: Option<Instant>,
    },
}

/// What a web seed is to be asked (BEP 19, 17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Names the request.
    pub fetch: FetchKey,
    /// The web seed.
    pub peer: PeerKey,
    /// What to get: http or https.
    pub url: String,
    /// Which part of it.
    pub range: FetchRange,
    /// How many bytes; never none.
    pub len: u64,
}

/// Which part of what stands at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchRange {
    /// From this byte on, by a range request.
    Bytes {
        /// The first byte.
        offset: u64,
    },
    /// All of it: the address says which bytes (BEP 17).
    Body,
}

/// What a tracker is to be told (BEP 3). The host adds peer id and key, which it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceRequest {
    /// The tracker.
    pub tracker: TrackerKey,
    /// Its address as in the metainfo: http, https or udp.
    pub url: String,
    /// The swarm: a hybrid torrent has two, each announced by itself (BEP 52).
    pub info_hash: InfoHash,
    /// Why now.
    pub event: AnnounceEvent,
    /// Payload bytes sent since the start.
    pub uploaded: u64,
    /// Payload bytes received since the start.
    pub downloaded: u64,
    /// Wanted bytes that are still missing.
    pub left: u64,
    /// Our incoming port.
    pub port: u16,
    /// How many peers we would like.
    pub num_want: u32,
    /// What this tracker last said in [`AnnounceAnswer::tracker_id`].
    pub tracker_id: Option<Vec<u8>>,
}

/// Why an announce is made (BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceEvent {
    /// The first one.
    Started,
    /// The download has just become complete.
    Completed,
    /// We leave.
    Stopped,
    /// The interval is over, or we want more peers.
    Regular,
}

/// What a tracker answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnounceAnswer {
    /// How long to wait before the next announce.
    pub interval: Duration,
    /// The shortest wait that the tracker tolerates, if it says so.
    pub min_interval: Option<Duration>,
    /// Seeds in the swarm, if it says so.
    pub complete: Option<u32>,
    /// Downloaders in the swarm, if it says so.
    pub incomplete: Option<u32>,
    /// Peers.
    pub peers: Vec<SocketAddr>,
    /// A warning for the user.
    pub warning: Option<String>,
    /// To be told to it with the next announces.
    pub tracker_id: Option<Vec<u8>>,
    /// The address from which it saw us come (BEP 24).
    pub external_ip: Option<IpAddr>,
}

/// What a tracker counts (BEP 48, BEP 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeAnswer {
    /// Seeds.
    pub complete: u32,
    /// Downloads that were completed since the tracker knows the torrent.
    pub downloaded: u32,
    /// Downloaders.
    pub incomplete: u32,
}

/// Who told us of a peer's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerSource {
    /// A tracker.
    Tracker,
    /// The user, or a test.
    User,
    /// It connected to us.
    Incoming,
    /// Another peer (BEP 11).
    Pex,
    /// The distributed hash table (BEP 5).
    Dht,
    /// Somebody on the local network (BEP 14).
    Lsd,
    /// The magnet link itself (`x.pe`, BEP 9).
    Magnet,
    /// The metainfo, or a link to it: it is a web seed.
    WebSeed,
}

/// A decision or a change that is worth showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A block was requested.
    Picked {
        /// From whom.
        peer: PeerKey,
        /// What.
        block: BlockRef,
        /// Why this one.
        reason: PickReason,
    },
    /// A peer was choked or unchoked.
    Choke {
        /// Whom.
        peer: PeerKey,
        /// `true`: choked; `false`: unchoked.
        choked: bool,
        /// Why.
        reason: ChokeReason,
    },
    /// We super-seed, and let a peer see one more piece.
    Revealed {
        /// Which peer.
        peer: PeerKey,
        /// Which piece.
        piece: PieceIndex,
        /// Why now.
        reason: RevealReason,
    },
    /// A piece was verified and stored.
    PieceVerified {
        /// Which.
        piece: PieceIndex,
    },
    /// A piece had the wrong hash.
    PieceFailed {
        /// Which.
        piece: PieceIndex,
        /// The peers that took part in it.
        suspects: Vec<PeerKey>,
    },
    /// A peer is refused from now on.
    Banned {
        /// Which connection proved it.
        peer: PeerKey,
        /// Its address.
        addr: SocketAddr,
        /// Why.
        reason: BanReason,
    },
    /// Addresses of peers were offered and are not used.
    AddressesRefused {
        /// Who offered them.
        source: PeerSource,
        /// How many.
        count: u32,
        /// Why.
        reason: AddressRefusal,
    },
    /// The handshake with a peer is done.
    PeerJoined {
        /// Which.
        peer: PeerKey,
        /// Its address.
        addr: SocketAddr,
    },
    /// A peer is gone.
    PeerLeft {
        /// Which.
        peer: PeerKey,
        /// Why.
        reason: CloseReason,
    },
    /// The hashes of all pieces are known, some of them from peers: [`crate::Engine::metainfo`] has them now, and a host
    /// that stores the .torrent file does well to store this one.
    HashesComplete,
    /// A web seed may be asked from now on.
    WebSeedJoined {
        /// Which.
        peer: PeerKey,
        /// Its address.
        url: String,
    },
    /// A request to a web seed failed. If it is of no use any more, [`Event::PeerLeft`] follows.
    WebSeedFailed {
        /// Which.
        peer: PeerKey,
        /// What happened.
        fault: FetchFault,
    },
    /// All wanted pieces are there.
    Completed,
    /// The info dictionary that a magnet link names is there (BEP 9), and its hash is right.
    MetadataFetched {
        /// Its bytes.
        info: Arc<[u8]>,
    },
    /// An info dictionary had the wrong hash.
    MetadataFailed {
        /// The peers that it came from.
        suspects: Vec<PeerKey>,
    },
    /// The user's wish for seeding is fulfilled: the engine has paused.
    GoalMet {
        /// Which wish.
        goal: Goal,
    },
    /// The engine has stopped by itself; the message is for a person.
    Failed {
        /// What happened and what to do.
        message: String,
    },
}
