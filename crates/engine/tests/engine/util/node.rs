//! One host: an engine and what it needs of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use engine::{
    AnnounceRequest, Bitfield, BlockRef, CloseReason, Config, Engine, Event, Instant, Metainfo, PeerId,
    PeerKey, PieceHasher, PieceHashes, PieceIndex, Verdict,
};

use super::Content;

pub struct Node {
    pub engine: Engine,
    pub addr: SocketAddr,
    /// Where each connection leads: the other node and its key.
    pub remotes: BTreeMap<PeerKey, (usize, PeerKey)>,
    pub dialing: BTreeSet<PeerKey>,
    pub accepts: bool,
    /// Flips a byte in every block that it sends.
    pub corrupts: bool,
    /// Everything that it sends is lost.
    pub is_mute: bool,
    pub up_rate: Option<u64>,
    pub uplink_free_at: Instant,
    pub wake_at: Option<Instant>,
    pub next_odd_key: u32,
    /// The bytes of the input under way.
    pub input_bytes: Vec<u8>,
    pub disk: Vec<u8>,
    /// Pieces of which a byte was stored since they were last forgotten.
    pub stored: BTreeMap<PieceIndex, u64>,
    pub served: Vec<BlockRef>,
    pub announces: Vec<AnnounceRequest>,
    pub closed: Vec<(PeerKey, CloseReason)>,
    pub events: Vec<(Instant, Event)>,
}

impl Node {
    pub fn new(
        number: usize,
        config: Config,
        content: &Content,
        have: Bitfield,
        metainfo: Arc<Metainfo>,
    ) -> Self {
        let mut peer_id = *b"-SW0100-node00000000";
        peer_id[19] = b'0' + number as u8 % 10;
        peer_id[18] = b'0' + number as u8 / 10;
        let mut disk = vec![0; content.bytes.len()];
        for piece in have.iter().filter(|_| !content.bytes.is_empty()) {
            let start = content.offset(piece);
            let bytes = content.piece(piece);
            disk[start..start + bytes.len()].copy_from_slice(bytes);
        }
        Self {
            engine: Engine::new(config, metainfo, have, PeerId(peer_id), 1000 + number as u64),
            addr: SocketAddr::from(([10, 0, 0, number as u8 + 1], 6881)),
            remotes: BTreeMap::new(),
            dialing: BTreeSet::new(),
            accepts: true,
            corrupts: false,
            is_mute: false,
            up_rate: None,
            uplink_free_at: Instant::ZERO,
            wake_at: None,
            next_odd_key: 1,
            input_bytes: Vec::new(),
            disk,
            stored: BTreeMap::new(),
            served: Vec::new(),
            announces: Vec::new(),
            closed: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn store(&mut self, content: &Content, block: &BlockRef, from: Range<usize>, is_opaque: bool) {
        *self.stored.entry(block.piece).or_default() += u64::from(block.len);
        assert!(!self.engine.have().has(block.piece), "a verified piece is never written again");
        if is_opaque {
            assert!(from.is_empty(), "opaque payload lies nowhere");
            return;
        }
        let start = content.offset(block.piece) + block.begin as usize;
        self.disk[start..start + block.len as usize].copy_from_slice(&self.input_bytes[from]);
    }

    pub fn verify(
        &mut self,
        content: &Content,
        piece: PieceIndex,
        hashes: PieceHashes,
        is_opaque: bool,
    ) -> bool {
        let stored = self.stored.remove(&piece).unwrap_or(0);
        assert!(
            stored >= u64::from(content.metainfo.piece_size(piece)),
            "every byte of {piece:?} was stored"
        );
        let start = content.offset(piece);
        let is_right = is_opaque || self.disk[start..].starts_with(content.piece(piece));
        if content.has_real_hashes {
            let mut hasher = PieceHasher::new(hashes);
            hasher.update(&self.disk[start..start + content.piece(piece).len()]);
            assert_eq!(hasher.finish() == Verdict::Right, is_right, "the hash of {piece:?} tells");
        }
        is_right
    }

    pub fn discard(&mut self, content: &Content, piece: PieceIndex) {
        self.stored.remove(&piece);
        if !content.bytes.is_empty() {
            let start = content.offset(piece);
            self.disk[start..start + content.piece(piece).len()].fill(0);
        }
    }
}
