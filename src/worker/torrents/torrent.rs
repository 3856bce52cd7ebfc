//! One torrent: what belongs together, and how it stands.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use engine::{
    Bitfield, BlockJournal, Engine, FilePriority, History, InfoHash, Input, Instant, Metainfo, Output,
    PartialPieces, PeerId, PeerKey, PieceAssembler, Resume, ResumeLog,
};
use gloo::timers::callback::Timeout;

use super::log::Log;
use super::settings::config;
use super::verify::LateWrites;
use super::wishes::Keeping;
use crate::messages::TorrentSettings;
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
    /// How much each file is wanted.
    pub(super) wanted: Vec<FilePriority>,
    /// How far the wishes are on their way to storage.
    pub(super) keeping: Keeping,
    /// Pieces that are being hashed or wait for it, for this engine or an earlier one.
    pub(super) verifying: u32,
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
    /// What was traded by the engines before this one, in all sessions.
    pub(super) earlier: History,
    /// The engine has paused by itself, and the torrent has not left the swarm yet.
    pub(super) has_met_goal: bool,
    /// The engine was told of what came before it.
    pub(super) is_restored: bool,
    /// Stored blocks of unfinished pieces that the engine was not told of yet.
    pub(super) partial: PartialPieces,
    pub(super) journal: BlockJournal,
}

impl Torrent {
    /// A torrent of which is stored what `resume` says.
    pub(crate) fn new(
        number: u32,
        metainfo: Arc<Metainfo>,
        stored: Stored,
        resume: Resume,
        wanted: Vec<FilePriority>,
        condition: Condition,
    ) -> Self {
        let Resume { have, partial, .. } = resume;
        let state = stored.folder.state();
        let peer_id = random::peer_id();
        let engine = new_engine(&metainfo, &have, &wanted, peer_id, &state.settings);
        let resume_log = ResumeLog::new(metainfo.info_hash(), metainfo.pieces_total());
        let torrent = Self {
            number,
            journal: BlockJournal::new(resume_log.clone(), &partial),
            resume_log,
            condition,
            stored,
            engine,
            epoch: 0,
            is_started: false,
            wanted,
            keeping: Keeping::default(),
            verifying: 0,
            have,
            assembler: PieceAssembler::new(0, BUFFERED_PIECE_LEN_MAX),
            late_writes: Rc::default(),
            saving: None,
            log: Log::default(),
            peer_id,
            tracker_key: random::u32(),
            next_incoming: 1,
            timer: None,
            earlier: History {
                uploaded: state.up_bytes,
                downloaded: state.down_bytes,
                seeding_time: Duration::from_secs(state.seeding_s),
            },
            has_met_goal: false,
            is_restored: false,
            partial,
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

    /// It takes part in the swarm.
    pub(crate) fn is_started(&self) -> bool {
        self.is_started
    }

    /// Unfinished pieces may take memory.
    pub(crate) fn is_downloading(&self) -> bool {
        self.is_running() && !self.engine.summary().is_complete
    }

    /// Payload received in all sessions.
    pub(crate) fn down_bytes(&self) -> u64 {
        self.so_far().downloaded
    }

    /// What was traded in all sessions.
    pub(crate) fn so_far(&self) -> History {
        if self.is_restored { self.engine.so_far() } else { self.earlier }
    }

    /// Payload sent in all sessions.
    pub(crate) fn up_bytes(&self) -> u64 {
        self.so_far().uploaded
    }

    /// Its content can be handed out.
    pub(crate) fn can_save(&self) -> bool {
        let summary = self.engine.summary();
        let has_something = summary.wanted_bytes > 0;
        has_something
            && summary.is_complete
            && !self.keeping.is_under_way()
            && self.stored.content.is_arranged(&self.wanted)
            && !matches!(self.condition, Condition::Checking { .. })
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
        self.earlier = self.so_far();
        self.is_restored = false;
        self.engine = new_engine(&self.metainfo, &self.have, &self.wanted, self.peer_id, &self.settings());
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
        // A file that is skipped may complete a torrent of which pieces are still on their way to storage.
        let is_at_rest = self.verifying == 0 && self.late_writes.is_idle() && !self.keeping.is_under_way();
        let is_finished = self.engine.summary().is_complete && is_at_rest;
        let access = if is_finished { Access::ReadOnly } else { Access::ReadWrite };
        self.stored.content.set_access(access);
    }
}

fn new_engine(
    metainfo: &Arc<Metainfo>,
    have: &Bitfield,
    wanted: &[FilePriority],
    peer_id: PeerId,
    settings: &TorrentSettings,
) -> Engine {
    let mut engine =
        Engine::new(config(settings), Arc::clone(metainfo), have.clone(), peer_id, random::u64());
    engine.handle(Instant::ZERO, Input::FilePriorities { files: wanted });
    // It has no peers yet: there is nothing to carry out.
    while !matches!(engine.poll_output(), Output::Wait { .. }) {}
    engine
}
