//! What is known of one connection.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::super_seeding::Reveal;
use crate::choker::Bid;
use crate::ext::Extensions;
use crate::peers::Exchange;
use crate::picker::Outstanding;
use crate::rate::{RateMeter, TokenBucket};
use crate::requests::Pipeline;
use crate::wire::Decoder;
use crate::{
    Bitfield, BlockRef, ChokeReason, Config, HashRange, Instant, PeerId, PeerSource, PieceIndex, Reserved,
    UselessReason,
};

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Asked for.
    Connecting,
    /// It stands; the other side's handshake is to come.
    Handshaking,
    /// The handshake is done.
    Joined,
}

/// A block on its way in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) block: BlockRef,
    /// It answers an outstanding request.
    pub(super) is_wanted: bool,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) addr: SocketAddr,
    pub(super) source: PeerSource,
    pub(super) is_incoming: bool,
    pub(super) stage: Stage,
    /// When it reached its stage.
    pub(super) stage_since: Instant,
    pub(super) peer_id: Option<PeerId>,
    pub(super) decoder: Decoder,
    /// Extensions that both sides offer.
    pub(super) spoken: Reserved,
    /// What it said about itself through BEP 10.
    pub(super) extensions: Extensions,
    /// Bytes of the info dictionary that it got from us.
    pub(super) metadata_bytes: u64,
    /// What was exchanged with it about other peers (BEP 11).
    pub(super) exchange: Exchange,
    /// A message came: a bitfield would only add to what it has.
    pub(super) has_spoken: bool,
    pub(super) has: Bitfield,
    pub(super) is_counted_as_seed: bool,
    /// Pieces that it has and we lack.
    pub(super) wanted_pieces: u32,

    pub(super) am_choking: bool,
    pub(super) am_interested: bool,
    pub(super) peer_choking: bool,
    pub(super) peer_interested: bool,
    pub(super) is_snubbed: bool,
    pub(super) is_on_parole: bool,
    /// Why it is of no use to us, and since when it has been of none.
    pub(super) useless: Option<(UselessReason, Instant)>,
    pub(super) choke_reason: Option<ChokeReason>,
    /// Since when it has been choked, or held a slot of its kind.
    pub(super) turn_since: Instant,
    /// `up_bytes` at that time.
    pub(super) turn_up_bytes: u64,
    /// `down_bytes` at the choker's last round.
    pub(super) round_down_bytes: u64,
    /// Pieces that its bitfield named.
    pub(super) pieces_at_first: u32,
    /// What BitTyrant believes of it.
    pub(super) bid: Option<Bid>,
    /// What the choker allots to it; without limit as a rule.
    pub(super) up_bucket: TokenBucket,

    pub(super) outstanding: VecDeque<Outstanding>,
    /// Requests that were choked away or given up, of late: some answers were on their way and still come.
    pub(super) late: VecDeque<Outstanding>,
    /// How many of them we no longer count on.
    pub(super) released: u32,
    /// Requests of pieces that it has lost since (BEP 54), of late: with BEP 6 it rejects each.
    pub(super) lost: VecDeque<BlockRef>,
    pub(super) pipeline: Pipeline,
    pub(super) current: Option<PieceIndex>,
    pub(super) incoming: Option<Incoming>,
    /// Pieces that it gives although it chokes us (BEP 6).
    pub(super) allowed_fast: Vec<PieceIndex>,
    /// Pieces that it would rather give than others (BEP 6).
    pub(super) suggested: Vec<PieceIndex>,
    /// The picker had nothing more for it at this generation.
    pub(super) starved_at: Option<u64>,
    /// Payload bytes that may still come for requests that were cancelled or choked away: no fault.
    pub(super) pardoned_bytes: u64,
    pub(super) unrequested_bytes: u64,
    /// When payload last came, or was first waited for.
    pub(super) progress_at: Instant,

    /// Pieces that we give it even while we choke it, and how many bytes of them are left.
    pub(super) allowed_to_it: Vec<PieceIndex>,
    pub(super) fast_bytes_left: u64,
    /// It refused a request: nothing is asked of it until then.
    pub(super) refused_until: Option<Instant>,
    /// It can give and take hashes (BEP 52).
    pub(super) speaks_v2: bool,
    /// Hashes that it was asked for.
    pub(super) hash_requests: Vec<HashRange>,
    /// It is not asked for hashes before.
    pub(super) hashes_from: Instant,

    /// What it sees of us; `None`: everything.
    pub(super) reveal: Option<Box<Reveal>>,

    pub(super) requests_in: VecDeque<BlockRef>,
    /// Hashes that it has asked for, and that we can give (BEP 52).
    pub(super) hash_requests_in: VecDeque<HashRange>,
    /// Bytes handed to the host and not reported as sent.
    pub(super) unsent_bytes: u64,
    /// Payload among them.
    pub(super) unsent_payload: u64,

    pub(super) down_bytes: u64,
    pub(super) up_bytes: u64,
    pub(super) down_rate: RateMeter,
    pub(super) up_rate: RateMeter,
    pub(super) received_at: Instant,
    pub(super) sent_at: Instant,
}

impl Peer {
    pub(super) fn new(
        config: &Config,
        now: Instant,
        pieces_total: u32,
        addr: SocketAddr,
        source: PeerSource,
        stage: Stage,
    ) -> Self {
        Self {
            addr,
            source,
            is_incoming: stage == Stage::Handshaking,
            stage,
            stage_since: now,
            peer_id: None,
            decoder: Decoder::new(pieces_total, config.message_len_max),
            spoken: Reserved::default(),
            extensions: Extensions::default(),
            metadata_bytes: 0,
            exchange: Exchange::default(),
            has_spoken: false,
            has: Bitfield::none(pieces_total),
            is_counted_as_seed: false,
            wanted_pieces: 0,
            am_choking: true,
            am_interested: false,
            peer_choking: true,
            peer_interested: false,
            is_snubbed: false,
            is_on_parole: false,
            useless: None,
            choke_reason: None,
            turn_since: now,
            turn_up_bytes: 0,
            round_down_bytes: 0,
            pieces_at_first: 0,
            bid: None,
            up_bucket: TokenBucket::new(None, now),
            outstanding: VecDeque::new(),
            late: VecDeque::new(),
            released: 0,
            lost: VecDeque::new(),
            pipeline: Pipeline::new(config, now),
            current: None,
            incoming: None,
            allowed_fast: Vec::new(),
            suggested: Vec::new(),
            starved_at: None,
            pardoned_bytes: 0,
            unrequested_bytes: 0,
            progress_at: now,
            allowed_to_it: Vec::new(),
            fast_bytes_left: 0,
            refused_until: None,
            speaks_v2: false,
            hash_requests: Vec::new(),
            hashes_from: now,
            reveal: None,
            requests_in: VecDeque::new(),
            hash_requests_in: VecDeque::new(),
            unsent_bytes: 0,
            unsent_payload: 0,
            down_bytes: 0,
            up_bytes: 0,
            down_rate: RateMeter::new(config.rate_window, now),
            up_rate: RateMeter::new(config.rate_window, now),
            received_at: now,
            sent_at: now,
        }
    }

    pub(super) fn is_joined(&self) -> bool {
        self.stage == Stage::Joined
    }

    /// Where others can connect to it, if that is known: the port from which it came is none at which it listens.
    pub(super) fn dial_addr(&self) -> Option<SocketAddr> {
        let port = if self.is_incoming { self.extensions.said.port? } else { self.addr.port() };
        Some(SocketAddr::new(self.addr.ip(), port))
    }

    /// Payload went over it of late, in either direction.
    pub(super) fn is_trading(&self, now: Instant) -> bool {
        self.down_rate.per_second(now) + self.up_rate.per_second(now) > 0
    }

    /// Pieces that it got since it joined. What it loses and gets again counts once, so that there is nothing in saying so
    /// again and again.
    pub(super) fn pieces_got(&self) -> u32 {
        self.has.count().saturating_sub(self.pieces_at_first)
    }

    /// It may be asked for blocks: while it chokes us, for those of the pieces that it gives all the same (BEP 6).
    pub(super) fn can_be_asked(&self) -> bool {
        let gives = !self.peer_choking || !self.allowed_fast.is_empty();
        self.is_joined() && self.am_interested && self.refused_until.is_none() && gives
    }

    /// Takes the outstanding request for this block, if there is one.
    pub(super) fn take_outstanding(&mut self, block: &BlockRef) -> Option<Outstanding> {
        // Answers come in the order of the requests, so this is nearly always the first.
        let at = self.outstanding.iter().position(|request| request.block == *block)?;
        let request = self.outstanding.remove(at)?;
        self.released -= u32::from(!request.is_active);
        Some(request)
    }
}
