//! Every tunable and every bound of the engine, with unit, default and source.

use std::time::Duration;

use crate::{Reserved, Strategy};

/// How an engine behaves and what it tolerates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How upload is given out.
    pub strategy: Strategy,
    /// Unchoke slots for the best rates (BEP 3 and the slides: four).
    pub unchoke_slots: usize,
    /// Optimistic slots (BEP 3: one).
    pub optimistic_slots: usize,
    /// The optimistic slots count among the `unchoke_slots` (BEP 3: yes; as on the slide: no, they stand beside them).
    pub counts_optimistic_slots: bool,
    /// Between two decisions of the choker (BEP 3: ten seconds, against fibrillation).
    pub rechoke_interval: Duration,
    /// How long a peer keeps an optimistic slot (BEP 3: thirty seconds).
    pub optimistic_interval: Duration,
    /// How many times likelier a newcomer is to be the optimistic one (BEP 3: three).
    pub newcomer_weight: u32,
    /// Shortest turn of a peer while we seed in turns (libtorrent: a minute).
    pub seed_turn_min: Duration,
    /// Pieces' worth of bytes that end a turn (libtorrent's `seeding_piece_quota`: twenty).
    pub seed_turn_pieces: u32,
    /// Longest turn while others wait: at a slow uplink twenty long pieces would take hours.
    pub seed_turn_max: Duration,
    /// How long a peer counts as a newcomer (three optimistic rounds in practice).
    pub newcomer_age: Duration,
    /// Window over which rates are measured (BEP 3: a rolling 20 seconds).
    pub rate_window: Duration,
    /// An unchoked peer that delivers nothing for so long is snubbed (practice: a minute).
    pub snubbed_after: Duration,
    /// Whole pieces to complete before rarest first (libtorrent's `initial_picker_threshold`: four).
    pub random_first_pieces: u32,
    /// Fewest requests kept outstanding with an unchoked peer.
    pub requests_per_peer_min: u32,
    /// Most requests kept outstanding; what peers without BEP 10's `reqq` tolerate (libtorrent assumes 250).
    pub requests_per_peer_max: u32,
    /// Most requests kept outstanding with a peer that tolerates more and says so (BEP 10, `reqq`): what Transmission
    /// and libtorrent let wait. It is 32 MB under way.
    pub requests_told_max: u32,
    /// Offer the extension protocol (BEP 10); without it nothing that stands on it is spoken.
    pub offers_extensions: bool,
    /// Offer the fast extension (BEP 6).
    pub offers_fast: bool,
    /// Pieces that a peer without any may have while it is choked (BEP 6: ten); less in a torrent of under 80 pieces.
    pub allowed_fast_pieces: u32,
    /// Pieces that a peer may suggest, and allow us while it chokes us, that are remembered (six times BEP 6's ten).
    pub fast_pieces_max: usize,
    /// Super-seed (BEP 16): as a seed, show each peer one piece after another.
    pub super_seed: bool,
    /// A super-seeded peer whose piece nobody has taken for so long is shown another all the same: those that are there may
    /// not be able to reach each other.
    pub super_seed_patience: Duration,
    /// The pipeline covers this much time at the measured rate, beside the measured delay.
    pub request_queue_time: Duration,
    /// Requests of a peer that wait here at most; more close the connection. Transmission asks for all that it would
    /// get in ten seconds, unless it is told a `reqq` (BEP 10): here for up to 50 MB/s, at 12 bytes each for the few
    /// peers that are unchoked.
    pub requests_from_peer_max: u32,
    /// Bytes handed to the host for one peer and not yet sent; the engine keeps back what is beyond.
    pub send_queue_bytes_max: u64,
    /// Longest wire message that is read, in bytes, but for a bitfield that this torrent needs.
    pub message_len_max: u32,
    /// Unrequested payload bytes that a peer may send before it is closed; late answers to cancels are no fault.
    pub unrequested_bytes_max: u64,
    /// Connected peers at most.
    pub peers_max: usize,
    /// Connections being made at the same time (half open).
    pub connecting_max: usize,
    /// Addresses remembered at most.
    pub known_peers_max: usize,
    /// Send a keep-alive when nothing was sent for so long (BEP 3: two minutes).
    pub keep_alive_after: Duration,
    /// Close a peer that said nothing for so long.
    pub silence_max: Duration,
    /// Close a connection whose handshake is not complete after so long.
    pub handshake_timeout: Duration,
    /// A peer that is of no use for so long makes room when others wait (Transmission: one to five minutes).
    pub useless_after: Duration,
    /// Before an address that failed is tried again; doubles with each failure.
    pub reconnect_delay: Duration,
    /// How long a peer that sent corrupt data is refused.
    pub ban_duration: Duration,
    /// Before a tracker that failed is asked again; doubles with each failure up to `announce_retry_max`.
    pub announce_retry: Duration,
    /// Longest such wait.
    pub announce_retry_max: Duration,
    /// Shortest wait between two announces to a tracker, whatever it says.
    pub announce_interval_min: Duration,
    /// Between two scrapes of a tracker, for the counts that no announce tells (Transmission: half an hour).
    pub scrape_interval: Duration,
    /// Peers asked of a tracker.
    pub announce_num_want: u32,
    /// Pieces of the info dictionary asked of one peer at the same time (BEP 9 sets none; libtorrent asks for two).
    pub metadata_requests_per_peer_max: usize,
    /// One that sends none for so long is not counted on, and others are asked.
    pub metadata_request_timeout: Duration,
    /// One that has, or sends, nothing of it for so long makes room for another.
    pub metadata_patience: Duration,
    /// How often one connection may get the whole info dictionary from us (once is what it needs).
    pub metadata_served_max: u32,
    /// Payload bytes a second sent to all peers together; `None`: no limit.
    pub upload_rate_max: Option<u64>,
    /// Payload bytes a second received from all peers together; `None`: no limit.
    pub download_rate_max: Option<u64>,
    /// Web seeds.
    pub web_seeds: WebSeedConfig,
}

impl Config {
    /// What we offer in the handshake.
    pub(crate) fn offered(&self) -> Reserved {
        let offer = |is_offered, what| if is_offered { what } else { Reserved::default() };
        offer(self.offers_extensions, Reserved::EXTENDED).with(offer(self.offers_fast, Reserved::FAST))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::Standard,
            unchoke_slots: 4,
            optimistic_slots: 1,
            counts_optimistic_slots: false,
            rechoke_interval: Duration::from_secs(10),
            optimistic_interval: Duration::from_secs(30),
            newcomer_weight: 3,
            seed_turn_min: Duration::from_secs(60),
            seed_turn_pieces: 20,
            seed_turn_max: Duration::from_secs(300),
            newcomer_age: Duration::from_secs(90),
            rate_window: Duration::from_secs(20),
            snubbed_after: Duration::from_secs(60),
            random_first_pieces: 4,
            requests_per_peer_min: 4,
            requests_per_peer_max: 250,
            requests_told_max: 2000,
            offers_extensions: true,
            offers_fast: true,
            super_seed: false,
            super_seed_patience: Duration::from_secs(60),
            allowed_fast_pieces: 10,
            fast_pieces_max: 64,
            request_queue_time: Duration::from_secs(1),
            requests_from_peer_max: 32_768,
            send_queue_bytes_max: 1 << 20,
            message_len_max: 1 << 18,
            unrequested_bytes_max: 4 << 20,
            peers_max: 80,
            connecting_max: 16,
            known_peers_max: 2000,
            keep_alive_after: Duration::from_secs(115),
            silence_max: Duration::from_secs(240),
            handshake_timeout: Duration::from_secs(20),
            useless_after: Duration::from_secs(120),
            reconnect_delay: Duration::from_secs(15),
            ban_duration: Duration::from_secs(3600),
            announce_retry: Duration::from_secs(5),
            announce_retry_max: Duration::from_secs(1800),
            announce_interval_min: Duration::from_secs(30),
            scrape_interval: Duration::from_secs(1800),
            announce_num_want: 80,
            metadata_requests_per_peer_max: 4,
            metadata_request_timeout: Duration::from_secs(10),
            metadata_patience: Duration::from_secs(60),
            metadata_served_max: 3,
            upload_rate_max: None,
            download_rate_max: None,
            web_seeds: WebSeedConfig::default(),
        }
    }
}

/// How web seeds are used (BEP 19, 17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSeedConfig {
    /// Web seeds of a torrent at most.
    pub count_max: usize,
    /// Requests to web seeds at the same time; each web seed has one (several connections of one client to a server
    /// look like an attack, BEP 19).
    pub fetches_max: usize,
    /// How long a request should last at the web seed's measured rate.
    pub run_time: Duration,
    /// The same where a download limit is set: what a request overdraws is missing for others for so long.
    pub limited_run_time: Duration,
    /// Fewest blocks asked for in one request, if so many lie in a row: 1 MiB, or the server's log fills with requests.
    pub run_blocks_min: u32,
    /// Most blocks asked for in one request: 16 MiB.
    pub run_blocks_max: u32,
    /// A request that brings nothing for so long is given up.
    pub silence_max: Duration,
    /// Before a web seed that failed is asked again (BEP 17: thirty seconds); doubles with each failure.
    pub retry: Duration,
    /// Shortest such wait, also if the server names a shorter one.
    pub retry_min: Duration,
    /// Longest such wait, also if the server names a longer one.
    pub retry_max: Duration,
}

impl Default for WebSeedConfig {
    fn default() -> Self {
        Self {
            count_max: 32,
            fetches_max: 4,
            run_time: Duration::from_secs(8),
            limited_run_time: Duration::from_secs(2),
            run_blocks_min: 64,
            run_blocks_max: 1024,
            silence_max: Duration::from_secs(30),
            retry: Duration::from_secs(30),
            retry_min: Duration::from_secs(5),
            retry_max: Duration::from_secs(3600),
        }
    }
}
