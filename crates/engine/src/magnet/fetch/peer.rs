//! What is known of one connection.

use std::net::SocketAddr;

use crate::ext::{Extension, Extensions};
use crate::snapshot::MetadataPeer;
use crate::wire::Decoder;
use crate::{Config, Instant, METAINFO_LEN_MAX, PeerId, PeerKey, PeerSource, client_name};

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

/// A piece that it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Length of the info dictionary that the piece is one of.
    pub(super) len: u32,
    pub(super) piece: u32,
    pub(super) at: Instant,
    /// It is counted on; if not, it may still come.
    pub(super) is_active: bool,
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
    pub(super) extensions: Extensions,
    pub(super) asked: Vec<Asked>,
    /// It was asked and said nothing for a while, or said no.
    pub(super) is_idle: bool,
    /// Since when something of it is waited for; `None` while it is not its turn.
    pub(super) waits_since: Option<Instant>,
    /// Requests of its own that were refused.
    pub(super) refused: u32,
    /// Bytes of the info dictionary that came from it.
    pub(super) down_bytes: u64,
    /// Such bytes that nobody asked for.
    pub(super) unrequested_bytes: u64,
    pub(super) received_at: Instant,
    pub(super) sent_at: Instant,
}

impl Peer {
    pub(super) fn new(
        config: &Config,
        now: Instant,
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
            decoder: Decoder::extensions_only(config.message_len_max),
            extensions: Extensions::default(),
            asked: Vec::new(),
            is_idle: false,
            waits_since: None,
            refused: 0,
            down_bytes: 0,
            unrequested_bytes: 0,
            received_at: now,
            sent_at: now,
        }
    }

    pub(super) fn is_joined(&self) -> bool {
        self.stage == Stage::Joined
    }

    /// Length of the info dictionary that it offers to send.
    pub(super) fn offered_len(&self) -> Option<u32> {
        let len =
            self.extensions.said.metadata_len.filter(|&len| len > 0 && len as usize <= METAINFO_LEN_MAX)?;
        (self.is_joined() && self.extensions.id(Extension::Metadata).is_some()).then_some(len)
    }

    /// Pieces of the info dictionary of this length that it was asked for and did not answer.
    pub(super) fn asked_of(&self, len: u32) -> Vec<u32> {
        self.asked.iter().filter(|asked| asked.len == len).map(|asked| asked.piece).collect()
    }

    pub(super) fn active(&self) -> usize {
        self.asked.iter().filter(|asked| asked.is_active).count()
    }

    pub(super) fn snapshot(&self, peer: PeerKey) -> MetadataPeer {
        let by_id = || self.peer_id.as_ref().map(client_name).unwrap_or_default();
        MetadataPeer {
            peer,
            addr: self.addr,
            source: self.source,
            client: self.extensions.said.client.clone().unwrap_or_else(by_id),
            len: self.offered_len(),
            down_bytes: self.down_bytes,
        }
    }
}
