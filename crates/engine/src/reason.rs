//! Why: every pick, choke and close carries one of these, and the page, the log and the tests show the same.

use std::fmt;

use crate::FetchFault;

/// Declares a reason enum with, for each variant, a stable code (for logs, traces and tests) and a sentence.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident => $code:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* #[doc = $text] $variant,)+ }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// A short stable name.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// One sentence for a person.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

reasons! {
    /// Why this block was requested from this peer.
    PickReason {
        RandomFirst => "random-first",
            "One of the first pieces: any will do, to have something to trade soon.";
        RarestFirst => "rarest-first",
            "The fewest connected peers have this piece; ties are broken at random.";
        Sequential => "sequential",
            "The first piece in the order of the content that the peer has, as it was asked for.";
        FilePriority => "file-priority",
            "Its file goes before others that are wanted too.";
        Suggested => "suggested",
            "The peer suggests this piece: it has it at hand.";
        StartedPiece => "started-piece",
            "The piece is already begun: finish it before another, since only whole pieces can be passed on.";
        OtherSpeed => "other-speed",
            "Much faster or slower peers began the piece, but there is nothing else that this peer could do.";
        Deadline => "deadline",
            "Somebody waits for this piece: those that are due first come first.";
        LateDeadline => "late-deadline",
            "The block is requested already, but its piece is late: ask a fast peer too and take the first answer.";
        AllowedFast => "allowed-fast",
            "The peer chokes us and gives this piece all the same, so that we get something to trade.";
        Parole => "parole",
            "The peer shared in a corrupt piece: a whole piece from it alone shows whether it was to blame.";
        WebSeedRun => "web-seed-run",
            "It follows what the web seed was asked for before: one long request costs less than many short ones.";
        Endgame => "endgame",
            "Every missing block is already requested: ask several peers and take the first answer.";
    }
}

reasons! {
    /// Why a peer is choked or unchoked.
    ChokeReason {
        Reciprocation => "reciprocation",
            "Unchoked: it is among those who give us most.";
        Turn => "turn",
            "Unchoked: we are a seed, and it is its turn.";
        FastestWhileSeeding => "fastest-while-seeding",
            "Unchoked: we are a seed, and it is among those who take our bytes fastest.";
        Optimistic => "optimistic",
            "Unchoked whatever its rate, to find out what it gives, or to give a newcomer a start.";
        BetterButUninterested => "better-but-uninterested",
            "Unchoked: it gives more than others who have a slot, and will get one when it wants something.";
        BestReturn => "best-return",
            "Unchoked: it gives much for what it asks (BitTyrant).";
        ProportionalShare => "proportional-share",
            "Unchoked: it gets the share of our upload that it gave of our download (PropShare).";
        OutBid => "out-bid",
            "Choked: others give us more.";
        Snubbing => "snubbing",
            "Choked: it has let us wait for a minute, so it gets nothing in return.";
        PushedOut => "pushed-out",
            "Choked: it gave least, and one who gives more has become interested.";
        OptimisticOver => "optimistic-over",
            "Choked: its 30 seconds as the optimistic unchoke are over.";
        AwaitingTurn => "awaiting-turn",
            "Choked: we are a seed, and it is the turn of others.";
        TurnOver => "turn-over",
            "Choked: we are a seed, it had its turn, and others wait.";
        TakesSlower => "takes-slower",
            "Choked: we are a seed, and others take our bytes faster.";
        PoorReturn => "poor-return",
            "Choked: others give more for what they ask (BitTyrant).";
        GaveNothing => "gave-nothing",
            "Choked: it gave nothing in the last round, so its share is nothing (PropShare).";
        FreeRiding => "free-riding",
            "Choked: we give nothing to anybody, by strategy.";
        NotInterested => "not-interested",
            "Choked: it wants nothing that we have.";
    }
}

reasons! {
    /// Why a peer is of no use to us. When all places are taken, one that has been useless for minutes makes room.
    UselessReason {
        NothingToTrade => "nothing-to-trade",
            "Neither side has anything that the other wants.";
        DeliversNothing => "delivers-nothing",
            "It has unchoked us, and delivers nothing.";
        WantsNothing => "wants-nothing",
            "We are a seed, and it wants nothing that we have.";
        TakesNothing => "takes-nothing",
            "We are a seed and have unchoked it, and it takes nothing.";
    }
}

reasons! {
    /// Why a peer is banned.
    BanReason {
        CorruptData => "corrupt-data",
            "It alone sent a piece that does not match its hash.";
        BadMetadata => "bad-metadata",
            "It sent an info dictionary that does not match the info hash.";
        WrongHashes => "wrong-hashes",
            "It sent piece hashes that do not lead to the root of their file.";
    }
}

reasons! {
    /// Why addresses of peers are not used.
    AddressRefusal {
        PrivateTorrent => "private-torrent",
            "The torrent is private: only its trackers may introduce peers (BEP 27).";
    }
}

reasons! {
    /// Why a super-seed lets a peer see one more piece.
    RevealReason {
        First => "first",
            "It has just come: it gets a first piece to pass on.";
        PassedOn => "passed-on",
            "Another peer has the piece that it saw last.";
        Alone => "alone",
            "Nobody else is there to whom it could pass a piece on.";
        Patience => "patience",
            "Nobody took its last piece in all this time: those that are there may not reach each other.";
    }
}

/// Why a connection was closed. Where the remote is at fault, the numbers say what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The other side closed it, or the network did.
    RemoteClosed,
    /// It could not be reached.
    Unreachable,
    /// Its first bytes were no BitTorrent handshake.
    NotBitTorrent,
    /// Its handshake named another torrent.
    WrongInfoHash,
    /// We reached ourselves.
    OurOwnPeerId,
    /// Another connection to the same peer stands.
    Duplicate,
    /// A message was longer than any message may be.
    MessageTooLong {
        /// Length that it announced, in bytes.
        len: u32,
        /// The longest that is allowed, in bytes.
        max: u32,
    },
    /// A message had a length that its id does not allow.
    MessageLength {
        /// Message id.
        id: u8,
        /// Its length in bytes, with the id.
        len: u32,
    },
    /// A bitfield had the wrong length or a spare bit set.
    BadBitfield {
        /// Its length in bytes.
        len: u32,
        /// The length that this torrent wants, in bytes.
        expected: u32,
    },
    /// A piece index, begin or length lies outside the torrent.
    OutOfRange {
        /// Piece index as sent.
        piece: u32,
        /// Begin as sent.
        begin: u32,
        /// Length as sent.
        len: u32,
    },
    /// It asked for more than it may have outstanding.
    TooManyRequests {
        /// The bound.
        max: u32,
    },
    /// It refused a request that was never made (BEP 6).
    UnrequestedReject {
        /// Piece index as sent.
        piece: u32,
        /// Begin as sent.
        begin: u32,
        /// Length as sent.
        len: u32,
    },
    /// It used an extension that was not offered by both sides.
    NotOffered {
        /// Number of the document that describes the extension.
        bep: u8,
    },
    /// A message of an extension did not say what it should.
    BadExtended {
        /// Name of the extension.
        extension: &'static str,
        /// Length of its payload in bytes.
        len: u32,
    },
    /// It kept sending blocks that nobody asked for.
    UnrequestedBlocks {
        /// How many bytes.
        bytes: u64,
    },
    /// It sent data that does not match the hash.
    CorruptData {
        /// The piece that proved it.
        piece: u32,
    },
    /// It sent hashes that do not lead to the root of their file (BEP 52).
    WrongHashes,
    /// Its address is banned.
    Banned,
    /// It said nothing for too long.
    TimedOut {
        /// How long, in seconds.
        silent_s: u32,
    },
    /// Both sides have everything.
    BothSeeds,
    /// Neither side downloads any more (BEP 21).
    BothUploadOnly,
    /// All places for peers are taken.
    TooManyPeers {
        /// The bound.
        max: u32,
    },
    /// It named other peers (BEP 11) far more often than once a minute.
    PexFlood {
        /// Messages in a row that came too soon.
        ignored: u32,
    },
    /// All places are taken, others wait, and it has been of no use for long.
    Replaced {
        /// Why it is of no use.
        why: UselessReason,
        /// For how long, in seconds.
        useless_s: u32,
    },
    /// All places are taken, nothing is traded with it, and somebody of higher canonical priority came (BEP 40).
    OutRanked,
    /// The torrent is private, and another tracker answers now: only its peers count (BEP 27).
    TrackerSwitched,
    /// A web seed is of no use; what it did.
    WebSeed(FetchFault),
    /// The torrent was paused or removed.
    Stopped,
    /// It does not hand out the info dictionary (BEP 9), which is all that is wanted of it.
    NoMetadata,
    /// The info dictionary is longer than any that is read.
    MetadataTooLong {
        /// Its length in bytes, as the peer says.
        len: u32,
        /// The longest that is read, in bytes.
        max: u32,
    },
    /// A piece of the info dictionary does not fit the length that the peer itself named.
    MetadataPiece {
        /// The piece.
        piece: u32,
        /// Its length in bytes.
        len: u32,
        /// What it should be, in bytes.
        expected: u32,
    },
    /// The info dictionary that it sent does not match the info hash.
    BadMetadata,
    /// The info dictionary is there: all connections begin anew, with an engine.
    MetadataDone,
}

impl CloseReason {
    /// A short stable name, without the numbers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::RemoteClosed => "remote-closed",
            Self::Unreachable => "unreachable",
            Self::NotBitTorrent => "not-bittorrent",
            Self::WrongInfoHash => "wrong-info-hash",
            Self::OurOwnPeerId => "our-own-peer-id",
            Self::Duplicate => "duplicate",
            Self::MessageTooLong { .. } => "message-too-long",
            Self::MessageLength { .. } => "message-length",
            Self::BadBitfield { .. } => "bad-bitfield",
            Self::OutOfRange { .. } => "out-of-range",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::UnrequestedReject { .. } => "unrequested-reject",
            Self::NotOffered { .. } => "not-offered",
            Self::BadExtended { .. } => "bad-extended",
            Self::UnrequestedBlocks { .. } => "unrequested-blocks",
            Self::CorruptData { .. } => "corrupt-data",
            Self::WrongHashes => "wrong-hashes",
            Self::Banned => "banned",
            Self::TimedOut { .. } => "timed-out",
            Self::BothSeeds => "both-seeds",
            Self::BothUploadOnly => "both-upload-only",
            Self::TooManyPeers { .. } => "too-many-peers",
            Self::PexFlood { .. } => "pex-flood",
            Self::Replaced { .. } => "replaced",
            Self::OutRanked => "out-ranked",
            Self::TrackerSwitched => "tracker-switched",
            Self::WebSeed(fault) => fault.code(),
            Self::Stopped => "stopped",
            Self::NoMetadata => "no-metadata",
            Self::MetadataTooLong { .. } => "metadata-too-long",
            Self::MetadataPiece { .. } => "metadata-piece",
            Self::BadMetadata => "bad-metadata",
            Self::MetadataDone => "metadata-done",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoteClosed => write!(f, "the other side closed the connection"),
            Self::Unreachable => write!(f, "it could not be reached"),
            Self::NotBitTorrent => write!(f, "its first bytes were no BitTorrent handshake"),
            Self::WrongInfoHash => write!(f, "its handshake named another torrent"),
            Self::OurOwnPeerId => write!(f, "we reached ourselves"),
            Self::Duplicate => write!(f, "another connection to the same peer stands"),
            Self::MessageTooLong { len, max } => {
                write!(f, "it sent a message of {len} bytes, {max} are allowed")
            }
            Self::MessageLength { id, len } => {
                write!(f, "it sent a message {id} with the wrong length {len}")
            }
            Self::BadBitfield { len, expected } => {
                write!(f, "its bitfield of {len} bytes is malformed; {expected} bytes are expected")
            }
            Self::OutOfRange { piece, begin, len } => {
                write!(f, "it named piece {piece}, begin {begin}, length {len}, outside the torrent")
            }
            Self::TooManyRequests { max } => write!(f, "it had more than {max} requests outstanding"),
            Self::UnrequestedReject { piece, begin, len } => {
                write!(f, "it refused piece {piece}, begin {begin}, length {len}, which nobody asked for")
            }
            Self::NotOffered { bep } => write!(f, "it used an extension that was not agreed on (BEP {bep})"),
            Self::BadExtended { extension, len } => {
                write!(f, "its message {extension} of {len} bytes is malformed")
            }
            Self::UnrequestedBlocks { bytes } => write!(f, "it sent {bytes} bytes that nobody asked for"),
            Self::CorruptData { piece } => write!(f, "it sent corrupt data in piece {piece}"),
            Self::WrongHashes => write!(f, "it sent hashes that do not belong to the torrent"),
            Self::Banned => write!(f, "its address is banned"),
            Self::TimedOut { silent_s } => write!(f, "it said nothing for {silent_s} s"),
            Self::BothSeeds => write!(f, "both sides have everything"),
            Self::BothUploadOnly => write!(f, "neither side downloads any more"),
            Self::TooManyPeers { max } => write!(f, "all {max} places for peers are taken"),
            Self::PexFlood { ignored } => {
                write!(f, "it named other peers too often, {ignored} times in a row within a minute")
            }
            Self::Replaced { why, useless_s } => {
                write!(f, "it made room for others after {useless_s} s of no use ({})", why.code())
            }
            Self::OutRanked => {
                write!(f, "nothing was traded with it, and one of higher priority took its place")
            }
            Self::TrackerSwitched => {
                write!(f, "another tracker answers for this private torrent, and only its peers count")
            }
            Self::WebSeed(fault) => write!(f, "{fault}"),
            Self::Stopped => write!(f, "the torrent was stopped"),
            Self::NoMetadata => write!(f, "it does not hand out the torrent's metadata"),
            Self::MetadataTooLong { len, max } => {
                write!(f, "the torrent's metadata has {len} bytes, it says; {max} are allowed")
            }
            Self::MetadataPiece { piece, len, expected } => {
                write!(f, "it sent {len} bytes as piece {piece} of the metadata, where {expected} belong")
            }
            Self::BadMetadata => write!(f, "it sent metadata that does not match the info hash"),
            Self::MetadataDone => write!(f, "the torrent's metadata is there, the download begins"),
        }
    }
}
