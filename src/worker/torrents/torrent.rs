//! One torrent: what belongs together, and how it stands.

use std::rc::Rc;
use std::sync::Arc;

use engine::{
    Bitfield, Config, Engine, InfoHash, Instant, Metainfo, PeerId, PeerKey, PieceAssembler, ResumeLog,
};
use gloo::timers::callback::Timeout;

use super::log::Log;
use super::verify::LateWrites;
use crate::worker::random;
use crate::worker::storage::{Access, Content, TorrentFolder};

/// Longer pieces go to storage block by block: a buffer of one costs its length here and again in the copy that
/// `SubtleCrypto` makes, while storage gives it back slice by slice.
const BUFFERED_PIECE_LEN_MAX: u32 = 4 << 20;

/// How a torrent stands, as far as the engine does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It takes part in the swarm as soon as there is a relay.
    Running,
    /// The user stopped it.
    Paused,
    /// Stored pieces are being hashed.
    Checking {
        /// Hashed bytes.
        done_bytes: u64,
        /// It goes on when that is done.
        then_run: bool,
    },
    /// It stopped by a fault; what happened, for a person.
    Failed(String),
}

/// Where a torrent's files are.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// What is beside the content.
    pub(crate) folder: Rc<TorrentFolder>,
    /// The content.
    pub(crate) content: Rc<Content>,
}

/// One torrent.
#[derive(Debug)]
pub(crate) struct Torrent {
    /// Its number in this session of the worker.
    pub(crate) number: u32,
    pub(crate) metainfo: Arc<Metainfo>,
    pub(crate) condition: Condition,
    pub(super) stored: Stored,
    pub(super) resume_log: ResumeLog,
    pub(crate) engine: Engine,
    /// Counts engines: an answer to an earlier one is known as such.
    pub(super) epoch: u32,
    pub(super) is_started: bool,
    /// Verified and stored, across engines.
    pub(super) have: Bitfield,
    pub(super) assembler: PieceAssembler,
    pub(super) late_writes: Rc<LateWrites>,
    /// Its content is being saved: how much is ready, 0 to 1.
    pub(crate) saving: Option<f64>,
    pub(super) log: Log,
    pub(super) peer_id: PeerId,
    /// For trackers (BEP 7): the same for as long as the worker runs.
    pub(super) tracker_key: u32,
    /// Key of the next incoming connection; odd.
    next_incoming: u32,
    pub(super) timer: Option<(Instant, Timeout)>,
    /// Payload of the engines before this one, in all sessions.
    pub(super) earlier_down_bytes: u64,
    pub(super) earlier_up_bytes: u64,
}

impl Torrent {
    /// A torrent of which the pieces in `have` are verified and stored.
    pub(crate) fn new(
        number: u32,
        metainfo: Arc<Metainfo>,
        stored: Stored,
        have: Bitfield,
        condition: Condition,
    ) -> Self {
        let state = stored.folder.state();
        let peer_id = random::peer_id();
        let engine = new_engine(&metainfo, &have, peer_id);
        let torrent = Self {
            number,
            resume_log: ResumeLog::new(metainfo.info_hash(), metainfo.pieces_total()),
            condition,
            stored,
            engine,
            epoch: 0,
            is_started: false,
            have,
            assembler: PieceAssembler::new(0, BUFFERED_PIECE_LEN_MAX),
            late_writes: Rc::default(),
            saving: None,
            log: Log::default(),
            peer_id,
            tracker_key: random::u32(),
            next_incoming: 1,
            timer: None,
            earlier_down_bytes: state.down_bytes,
            earlier_up_bytes: state.up_bytes,
            metainfo,
        };
        torrent.release_if_complete();
        torrent
    }

    /// Names it everywhere.
    pub(crate) fn info_hash(&self) -> InfoHash {
        self.metainfo.info_hash()
    }

    /// It takes part, or will as soon as there is a relay.
    pub(crate) fn is_running(&self) -> bool {
        self.condition == Condition::Running
    }

    /// Unfinished pieces may take memory.
    pub(crate) fn is_downloading(&self) -> bool {
        self.is_running() && !self.have.is_complete()
    }

    /// Payload received in all sessions.
    pub(crate) fn down_bytes(&self) -> u64 {
        self.earlier_down_bytes + self.engine.summary().down_bytes
    }

    /// Payload sent in all sessions.
    pub(crate) fn up_bytes(&self) -> u64 {
        self.earlier_up_bytes + self.engine.summary().up_bytes
    }

    /// Its content can be handed out.
    pub(crate) fn can_save(&self) -> bool {
        self.have.is_complete() && !matches!(self.condition, Condition::Checking { .. })
    }

    /// Bytes of blocks that wait for their files to be opened.
    pub(crate) fn late_bytes(&self) -> usize {
        self.late_writes.bytes()
    }

    /// Its content files.
    pub(crate) fn content(&self) -> Rc<Content> {
        Rc::clone(&self.stored.content)
    }

    /// Its last events.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// A key for a peer that came.
    pub(super) fn incoming_key(&mut self) -> PeerKey {
        let key = PeerKey(self.next_incoming);
        self.next_incoming = self.next_incoming.wrapping_add(2);
        key
    }

    /// Replaces the engine by one that knows what is stored now. The old one's connections must be closed.
    pub(super) fn renew_engine(&mut self) {
        self.earlier_down_bytes = self.down_bytes();
        self.earlier_up_bytes = self.up_bytes();
        self.engine = new_engine(&self.metainfo, &self.have, self.peer_id);
        self.epoch += 1;
        self.is_started = false;
        self.timer = None;
        // Buffers of pieces under way come back to nobody; the bound is set anew with the next turn.
        self.assembler = PieceAssembler::new(0, BUFFERED_PIECE_LEN_MAX);
        // The next engine asks for those blocks again; older ones must not be written over what it has verified.
        self.late_writes.clear();
        self.release_if_complete();
    }

    /// Nothing will be written to a finished torrent: let the page read its files at the same time.
    pub(super) fn release_if_complete(&self) {
        let access = if self.have.is_complete() { Access::ReadOnly } else { Access::ReadWrite };
        self.stored.content.set_access(access);
    }
}

fn new_engine(metainfo: &Arc<Metainfo>, have: &Bitfield, peer_id: PeerId) -> Engine {
    Engine::new(Config::default(), Arc::clone(metainfo), have.clone(), peer_id, random::u64())
}
