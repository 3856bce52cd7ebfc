//! Piece hashes that the .torrent file left out (BEP 52): which are missing, whom to ask for which, and whether an answer
//! is right. And the answers to peers that ask us.
//!
//! Hashes come in chunks, each with a proof that leads to the root of its file, so that a wrong one is its sender's fault.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crate::merkle::{LayerTree, Node, climb};
use crate::metainfo::layers::{PieceLayers, piece_height};
use crate::wire::HashRange;
use crate::{Bitfield, FlatMap, Instant, Metainfo, PeerKey, PieceHashes, PieceIndex};

/// Hashes asked for together (BEP 52: a length should not be greater).
const CHUNK_LEN: u32 = 512;
/// A request that was not answered for so long may be made to another peer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The hashes of all pieces of version 2, as far as they are known.
#[derive(Clone, Debug)]
pub(crate) struct HashFetch {
    /// Complete layers.
    layers: PieceLayers,
    /// Layers that are not complete, by their first piece, so that they are asked for in the order of the content.
    missing: FlatMap<u32, MissingLayer>,
    /// First piece below each root that has a layer; files of the same content share one.
    first_pieces: BTreeMap<Node, u32>,
    /// Trees above complete layers, made when the first peer asks.
    trees: BTreeMap<Node, LayerTree>,
    piece_height: u32,
}

#[derive(Clone, Debug)]
struct MissingLayer {
    root: Node,
    /// First piece of each file with this content.
    files: Vec<u32>,
    /// One node a piece; zero where it is not known.
    nodes: Vec<Node>,
    chunks: Vec<Chunk>,
}

/// A run of up to [`CHUNK_LEN`] hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// Nobody was asked.
    Free,
    /// This peer was, at this time.
    Asked(PeerKey, Instant),
    Known,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// These pieces have a hash now.
    Proved(Vec<PieceIndex>),
    /// It does not lead to the root.
    Wrong,
    /// It is known already.
    Useless,
}

impl HashFetch {
    /// What this torrent lacks: nothing, unless it is of version 2 alone.
    pub(crate) fn new(metainfo: &Metainfo) -> Self {
        let has_v1 = metainfo.info_hashes().v1().is_some();
        let layers = metainfo.piece_layers().clone();
        let mut first_pieces = BTreeMap::new();
        let mut missing: FlatMap<u32, MissingLayer> = FlatMap::new();
        for (root, pieces) in metainfo.layered_files() {
            let first = *first_pieces.entry(root).or_insert(pieces.start);
            if has_v1 || layers.get(&root).is_some() {
                continue;
            }
            let layer = missing.get_or_insert_with(first, || MissingLayer {
                root,
                files: Vec::new(),
                nodes: vec![[0; 32]; pieces.len()],
                chunks: vec![Chunk::Free; pieces.len().div_ceil(CHUNK_LEN as usize)],
            });
            // They are all of one length: a torrent in which they are not is refused.
            layer.files.push(pieces.start);
        }
        let piece_height = piece_height(metainfo.piece_len());
        Self { missing, layers, first_pieces, trees: BTreeMap::new(), piece_height }
    }

    /// All hashes are known.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The complete layers.
    pub(crate) fn layers(&self) -> &PieceLayers {
        &self.layers
    }

    /// What this piece must hash to, as far as it is known by now.
    pub(crate) fn piece_hashes(&self, metainfo: &Metainfo, piece: PieceIndex) -> PieceHashes {
        metainfo.piece_hashes_with(piece, |root, nth| match self.layers.get(root) {
            Some(layer) => layer.get(nth as usize).copied(),
            None => self.missing.get(self.first_pieces.get(root)?)?.node(nth),
        })
    }

    /// What to ask this peer next: the first hashes that nobody has been asked for of late, of pieces some of which the
    /// peer has, so that it must know them. It counts as asked from then on.
    pub(crate) fn pick(&mut self, now: Instant, peer: PeerKey, has: &Bitfield) -> Option<HashRange> {
        let piece_height = self.piece_height;
        self.missing.values_mut().find_map(|layer| {
            let nth = (0..layer.chunks.len()).find(|&nth| {
                let is_open = match layer.chunks[nth] {
                    Chunk::Free => true,
                    Chunk::Asked(_, at) => now.since(at) >= ANSWER_TIMEOUT,
                    Chunk::Known => false,
                };
                is_open && layer.pieces_of(nth).any(|piece| has.has(piece))
            })?;
            layer.chunks[nth] = Chunk::Asked(peer, now);
            Some(layer.range(nth, piece_height))
        })
    }

    /// The request will not be answered by this peer.
    pub(crate) fn give_back(&mut self, peer: PeerKey, range: &HashRange) {
        if let Some((layer, nth)) = self.chunk_of(range)
            && matches!(layer.chunks[nth], Chunk::Asked(asked, _) if asked == peer)
        {
            layer.chunks[nth] = Chunk::Free;
        }
    }

    /// Takes an answer to a request of ours: the hashes of the range, and behind them the uncles.
    pub(crate) fn take(&mut self, range: &HashRange, hashes: &[u8]) -> Answer {
        let (nodes, []) = hashes.as_chunks::<32>() else { return Answer::Wrong };
        let Some((layer, nth)) = self.chunk_of(range) else { return Answer::Useless };
        if layer.chunks[nth] == Chunk::Known {
            return Answer::Useless;
        }
        // `proof_layers` of ours reach the root: the first of them follow from the hashes.
        let uncles_total = (range.proof_layers + 1 - range.len.trailing_zeros()) as usize;
        if nodes.len() != range.len as usize + uncles_total {
            return Answer::Wrong;
        }
        let (nodes, uncles) = nodes.split_at(range.len as usize);
        if climb(nodes, u64::from(range.index), uncles) != layer.root {
            return Answer::Wrong;
        }
        let numbers = layer.numbers(nth);
        layer.nodes[numbers.clone()].copy_from_slice(&nodes[..numbers.len()]);
        layer.chunks[nth] = Chunk::Known;
        let pieces = layer.pieces_of(nth).collect();
        self.complete_layers();
        Answer::Proved(pieces)
    }

    /// The hashes that a peer asks for, in the order of the wire; `None` if we have none such, or it asks for too many.
    pub(crate) fn serve(&mut self, range: &HashRange) -> Option<Vec<u8>> {
        if range.len > CHUNK_LEN {
            return None;
        }
        let HashRange { pieces_root, base_layer, index, len, proof_layers } = *range;
        if !self.trees.contains_key(&pieces_root) {
            let layer = self.layers.get(&pieces_root)?;
            self.trees.insert(pieces_root, LayerTree::new(self.piece_height, layer.to_vec())?);
        }
        let tree = self.trees.get(&pieces_root)?;
        let hashes = tree.hashes(base_layer, index.into(), len.into(), proof_layers)?;
        Some(hashes.as_flattened().to_vec())
    }

    fn complete_layers(&mut self) {
        let is_known = |layer: &MissingLayer| layer.chunks.iter().all(|chunk| *chunk == Chunk::Known);
        let known = self.missing.iter().filter(|(_, layer)| is_known(layer));
        let known: Vec<u32> = known.map(|(&first, _)| first).collect();
        for layer in known.iter().filter_map(|first| self.missing.remove(first)) {
            self.layers.insert(layer.root, layer.nodes);
        }
    }

    /// The chunk that a request of ours was about.
    fn chunk_of(&mut self, range: &HashRange) -> Option<(&mut MissingLayer, usize)> {
        let layer = self.missing.get_mut(self.first_pieces.get(&range.pieces_root)?)?;
        let nth = (range.index / CHUNK_LEN) as usize;
        (nth < layer.chunks.len()).then_some((layer, nth))
    }

    /// Who is counted on for a chunk. For tests.
    pub(crate) fn check(&self, asked: impl Fn(PeerKey) -> Vec<HashRange>) {
        for layer in self.missing.values() {
            let is_open = layer.chunks.iter().any(|chunk| *chunk != Chunk::Known);
            assert!(is_open, "invariant: a complete layer is not missing");
            for (nth, chunk) in layer.chunks.iter().enumerate() {
                let Chunk::Asked(peer, _) = chunk else { continue };
                let range = layer.range(nth, self.piece_height);
                assert!(asked(*peer).contains(&range), "invariant: who was asked for hashes knows of it");
            }
        }
    }
}

impl MissingLayer {
    fn node(&self, nth: u32) -> Option<Node> {
        let chunk = self.chunks.get((nth / CHUNK_LEN) as usize)?;
        self.nodes.get(nth as usize).filter(|_| *chunk == Chunk::Known).copied()
    }

    /// The hashes of a chunk, counted from the start of the layer.
    fn numbers(&self, chunk: usize) -> Range<usize> {
        let start = chunk * CHUNK_LEN as usize;
        start..self.nodes.len().min(start + CHUNK_LEN as usize)
    }

    /// The pieces of a chunk, in each file that shares the layer.
    fn pieces_of(&self, chunk: usize) -> impl Iterator<Item = PieceIndex> {
        let numbers = self.numbers(chunk);
        self.files
            .iter()
            .flat_map(move |first| numbers.clone().map(move |nth| PieceIndex(first + nth as u32)))
    }

    /// The request for a chunk, padding included, with a proof up to the root.
    fn range(&self, chunk: usize, piece_height: u32) -> HashRange {
        let width = (self.nodes.len() as u32).next_power_of_two();
        HashRange {
            pieces_root: self.root,
            base_layer: piece_height,
            index: chunk as u32 * CHUNK_LEN,
            len: width.min(CHUNK_LEN),
            proof_layers: width.trailing_zeros() - 1,
        }
    }
}
