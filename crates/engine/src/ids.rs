//! Indices are types, so that a piece is never taken for a peer.

/// Length of a block in bytes; only the last block of a torrent may be shorter (BEP 3: 2^14).
pub const BLOCK_LEN: u32 = 16 * 1024;

/// Number of a piece, from zero. Those that leave the wire decoder are below the torrent's number of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceIndex(pub u32);

/// A connection with a peer. Never used again after it is closed.
///
/// The engine picks even keys for the connections it asks for ([`crate::Output::Connect`]); the host picks odd keys,
/// counting up, for those that come in ([`crate::Input::Accepted`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(pub u32);

/// One of the torrent's trackers: its place in the engine's list, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerKey(pub u32);

/// A request of the host to a web seed. The engine counts up; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchKey(pub u32);

/// A run of bytes within a piece: what a request asks for and a `piece` message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// The piece.
    pub piece: PieceIndex,
    /// Offset in bytes from the start of the piece.
    pub begin: u32,
    /// Length in bytes.
    pub len: u32,
}
