//! BitTorrent as a deterministic function of (configuration, seed, inputs).
//!
//! This crate opens no socket, reads no clock, draws no entropy, starts no thread and touches no file. One
//! [`Engine`] drives one torrent. A host feeds it one [`Input`] at a time with the time `now`, then takes
//! [`Output`]s with [`Engine::poll_output`] until it gets [`Output::Wait`], carries them out, and comes back with
//! the next input or when the wait is over. The same inputs with the same seed give the same outputs on every
//! machine: in a browser tab, in a native process, and in the simulator.
//!
//! Payload travels by reference: the engine says *where* the bytes of a block lie in the input and where they
//! belong ([`Output::Store`]); it never copies them and never needs them to decide.

mod assembler;
mod bitfield;
mod choker;
mod client_name;
mod config;
mod create;
mod engine;
mod ext;
mod fast;
mod flat;
mod geometry;
mod goals;
mod hash_fetch;
mod ids;
mod io;
mod limits;
mod magnet;
pub mod merkle;
mod metainfo;
pub mod order;
mod partial_pieces;
mod peers;
mod picker;
mod piece_check;
mod playback;
mod priority;
mod rate;
mod reason;
mod requests;
mod resume;
mod rng;
mod snapshot;
mod super_seed;
mod swarms;
mod time;
mod trackers;
mod webseed;
mod wire;

pub use assembler::{Assembled, PieceAssembler, Stored, Unsaved, finished_block};
pub use bitfield::{Bitfield, BitfieldError};
pub use choker::{Strategy, UnknownStrategy};
pub use client_name::client_name;
pub use codec::{HANDSHAKE_LEN, Handshake, InfoHash, InfoHashV2, PeerId};
pub use config::{Config, WebSeedConfig};
pub use create::{ContentTrees, FileTree, NewContent, NewTorrent, piece_len_for};
pub use engine::Engine;
pub use ext::{BadExtended, ExtendedHandshake, Extension, MetadataMessage, PexFlags, PexMessage};
pub use flat::{FlatMap, FlatSet};
pub use goals::{Goal, Goals, History};
pub use ids::{BLOCK_LEN, BlockRef, FetchKey, PeerKey, PieceIndex, TrackerKey};
pub use io::{
    AnnounceAnswer, AnnounceEvent, AnnounceRequest, Event, FetchRange, FetchRequest, Input, Output,
    PeerSource, ScrapeAnswer, VerifyOutcome,
};
pub use limits::{Demand, Demands, Limits, Share, share};
pub use magnet::{FileSelection, MAGNET_LEN_MAX, Magnet, MagnetError, MetadataFetch};
pub use metainfo::{
    FileEnd, FileEntry, FileSpan, InfoHashes, METAINFO_LEN_MAX, Metainfo, MetainfoError, PIECE_LEN_MAX,
    PIECE_LEN_MIN, PIECES_MAX, Spans, WebSeedKind, WebSeedUrl,
};
pub use partial_pieces::{BlockRun, PartialPieces};
pub use piece_check::{PieceHasher, PieceHashes, Sha1Check, TreeCheck, Verdict};
pub use priority::{FilePriority, PickOrder};
pub use reason::{
    AddressRefusal, BanReason, ChokeReason, CloseReason, PickReason, RevealReason, UselessReason,
};
pub use resume::{BlockJournal, Resume, ResumeError, ResumeLog, SETTINGS_LEN_MAX};
pub use snapshot::{
    BanSnapshot, MetadataPeer, MetadataSummary, PeerSnapshot, PieceState, Summary, TrackerSnapshot,
    WebSeedSnapshot,
};
pub use time::Instant;
pub use webseed::FetchFault;
pub use wire::{Decoded, Decoder, HashRange, Message, PIECE_HEADER_LEN, Reserved, piece_header};
