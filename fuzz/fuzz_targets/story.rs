//! What can happen to an engine, as data that a fuzzer makes up.

use arbitrary::Arbitrary;

/// Longest sequence, in steps.
pub const STEPS_MAX: usize = 200;

/// A torrent, what we have of it, and what happens then.
#[derive(Arbitrary, Debug)]
pub struct Story {
    pub torrent: u8,
    pub have: u16,
    pub rng_seed: u8,
    pub download_rate_max: Option<u16>,
    pub upload_rate_max: Option<u16>,
    pub steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
pub enum Step {
    Start,
    Pause,
    Join { last: u8, offers: Offers },
    Found { last: u8, count: u8, source: u8 },
    Dialed { answers: bool, last: u8, offers: Offers },
    Says { peer: u8, what: Say },
    Answers { peer: u8, count: u8, from_the_end: bool },
    SendsBlock { peer: u8, block: Block },
    SendsBytes { peer: u8, bytes: Vec<u8> },
    Leaves { peer: u8 },
    Sent { peer: u8, bytes: u32 },
    Verified { outcome: u8 },
    Waits { seconds: u8 },
    WaitsLong { minutes: u8 },
    Announced { is_answer: bool, interval_s: u16, peers: u8 },
    Scraped { is_answer: bool },
    Priorities(Vec<u8>),
    Order { is_sequential: bool },
    Deadlines(Vec<(u8, u16)>),
    Strategy(u8),
    Limits { up: Option<u32>, down: Option<u32>, peers_max: u8, slots: u8 },
    Share { up: Option<u32>, down: Option<u32> },
    Goals { ratio: Option<u16>, seconds: Option<u16> },
    Restored { runs: Vec<(u8, u8, u8)>, uploaded: u32 },
    StorageFails,
    Unban { last: u8 },
    Listening { port: u16 },
    WebSeeds { first: u8, count: u8 },
    Fetched { fetch: u8, len: u16 },
    FetchFails { fetch: u8, fault: u8, secs: Option<u16> },
    SuperSeed(bool),
}

#[derive(Arbitrary, Debug)]
pub enum Offers {
    Nothing,
    Everything,
    Bits([u8; 8]),
}

#[derive(Arbitrary, Debug, Clone, Copy)]
pub struct Block {
    pub piece: u8,
    pub number: u8,
    pub odd_len: Option<u16>,
}

#[derive(Arbitrary, Debug)]
pub enum Say {
    KeepAlive,
    Choke,
    Unchoke,
    Interested,
    NotInterested,
    Have(u8),
    Bitfield(u16),
    HaveAll,
    HaveNone,
    Request(Block),
    Cancel(Block),
    Reject(Block),
    RejectsAsked,
    Suggest(u8),
    AllowedFast(u8),
    Introduction {
        ids: [Option<u8>; 4],
        requests_max: Option<u16>,
        metadata_len: Option<u16>,
        upload_only: Option<bool>,
    },
    Peers {
        added: Vec<u8>,
        dropped: Vec<u8>,
    },
    DontHave(u8),
    UploadOnly(u8),
    MetadataRequest(u8),
    MetadataData(u8, Vec<u8>),
    MetadataReject(u8),
    Extended {
        id: u8,
        payload: Vec<u8>,
    },
    HashRequest(Range),
    Hashes(Range, u8),
    HashReject(Range),
}

#[derive(Arbitrary, Debug)]
pub struct Range {
    pub root: u8,
    pub base_layer: u8,
    pub index: u8,
    pub len_log: u8,
    pub proof_layers: u8,
}

impl Offers {
    /// The reserved bits of the handshake.
    pub fn bits(&self) -> [u8; 8] {
        match self {
            Self::Nothing => [0; 8],
            Self::Everything => [0, 0, 0, 0, 0, 0x10, 0, 0x14],
            Self::Bits(bits) => *bits,
        }
    }
}
