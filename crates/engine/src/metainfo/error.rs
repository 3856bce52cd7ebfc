//! What can be wrong with a .torrent file, in words for the person who chose it.

use codec::bencode::{DuplicateKey, ScanError};

use super::{METAINFO_LEN_MAX, PIECE_LEN_MAX, PIECE_LEN_MIN, PIECES_MAX};

/// Why a .torrent file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetainfoError {
    /// Beyond [`METAINFO_LEN_MAX`].
    #[error(
        "The file has {len} bytes; a .torrent file has at most {METAINFO_LEN_MAX}. \
         Perhaps this is the content itself: choose the .torrent file instead."
    )]
    TooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// Not bencoded from the first byte on, or no dictionary.
    #[error(
        "This is not a .torrent file. If it was downloaded, perhaps a web page was saved in its place: download it again."
    )]
    NotATorrent,
    /// Bencoded up to some place.
    #[error("The .torrent file is damaged or cut off: {0}. Download it again.")]
    Damaged(ScanError),
    /// One key twice, so that clients could disagree on its meaning.
    #[error("The .torrent file is ambiguous: {0}. Ask whoever made it for a correct one.")]
    Ambiguous(DuplicateKey),
    /// The `info` dictionary is missing or something else.
    #[error(
        "The .torrent file does not describe any content (it has no 'info' dictionary). Download it again."
    )]
    NoInfo,
    /// A version of the format that came after BEP 52.
    #[error(
        "This torrent is of version {version} of the format, which is newer than this program understands (1 and 2). \
         Look for a newer program, or for a torrent of version 1 or 2."
    )]
    TooNew {
        /// What it says.
        version: i64,
    },
    /// Version 2 wants all keys in order (BEP 52).
    #[error(
        "The .torrent file is of version 2 and has a key out of order at byte {offset}, which that version forbids. \
         Ask whoever made it for a correct one."
    )]
    UnsortedKey {
        /// Where, in bytes from the start.
        offset: usize,
    },
    /// `piece length` is missing or no number.
    #[error("The .torrent file does not say how long its pieces are. Ask whoever made it for a correct one.")]
    PieceLenMissing,
    /// `piece length` is out of bounds.
    #[error(
        "The .torrent file says that its pieces have {len} bytes; \
         between {PIECE_LEN_MIN} and {PIECE_LEN_MAX} are supported. Ask whoever made it for another one."
    )]
    PieceLenOutOfBounds {
        /// What it says.
        len: i64,
    },
    /// `name` is missing or no string.
    #[error("The .torrent file does not name its content. Ask whoever made it for a correct one.")]
    NameMissing,
    /// `pieces` is missing or no string.
    #[error(
        "The .torrent file has no hashes, so nothing could be verified. Ask whoever made it for a correct one."
    )]
    PiecesMissing,
    /// `pieces` is not a whole number of hashes.
    #[error(
        "The .torrent file's list of hashes has {len} bytes, which is no multiple of 20. Download it again."
    )]
    PiecesUnaligned {
        /// Its length in bytes.
        len: usize,
    },
    /// The lengths and the number of hashes do not fit.
    #[error(
        "The .torrent file contradicts itself: its files need {expected} pieces, and it has hashes for {found}. \
         Download it again, or ask whoever made it for a correct one."
    )]
    PiecesCount {
        /// What the lengths want.
        expected: u64,
        /// What is there.
        found: usize,
    },
    /// Neither `length` nor `files`, or a length that is no number.
    #[error("The .torrent file does not say how long '{file}' is. Ask whoever made it for a correct one.")]
    LengthMissing {
        /// The file or the torrent.
        file: String,
    },
    /// A length below zero.
    #[error("The .torrent file says that '{file}' has {len} bytes. Ask whoever made it for a correct one.")]
    LengthNegative {
        /// The file.
        file: String,
        /// What it says.
        len: i64,
    },
    /// The sum of the lengths does not fit in 64 bits.
    #[error(
        "The lengths in the .torrent file add up to more than any disk holds. Ask whoever made it for a correct one."
    )]
    TotalTooLarge,
    /// All lengths are zero.
    #[error("The torrent's content is empty: there is nothing to download.")]
    Empty,
    /// `files` is an empty list.
    #[error("The .torrent file lists no files: there is nothing to download.")]
    NoFiles,
    /// A file without a path.
    #[error("File number {number} of the torrent has no name. Ask whoever made it for a correct one.")]
    PathMissing {
        /// Counting from one.
        number: usize,
    },
    /// A path leads out of the torrent's folder, or holds a NUL.
    #[error(
        "The torrent wants to write outside its own folder ('{path}'). It may be malicious and was not added; \
         do not trust where it came from."
    )]
    PathClimbsOut {
        /// The path, made printable.
        path: String,
    },
    /// A path has too many folders.
    #[error("The path '{path}' in the torrent has more than {max} folders within each other.")]
    PathTooDeep {
        /// The path.
        path: String,
        /// The bound.
        max: usize,
    },
    /// Two files would be stored at one place, or one within the other.
    #[error(
        "Two files of the torrent would be stored at the same place ('{path}'). Ask whoever made it for a correct one."
    )]
    DuplicatePath {
        /// The path.
        path: String,
    },
    /// A symbolic link that does not say where it leads (BEP 47).
    #[error(
        "The torrent holds a link that does not say where it leads ('{path}'). Ask whoever made it for a correct one."
    )]
    LinkWithoutTarget {
        /// The path.
        path: String,
    },
    /// The lengths ask for more pieces than anybody keeps count of.
    #[error(
        "The torrent's files would have {pieces} pieces; at most {PIECES_MAX} are supported. \
         Ask whoever made it for one with longer pieces."
    )]
    TooManyPieces {
        /// How many.
        pieces: u64,
    },
    /// Version 2 allows powers of two only.
    #[error(
        "The .torrent file is of version 2 and says that its pieces have {len} bytes, which is no power of two. \
         Ask whoever made it for a correct one."
    )]
    PieceLenNotPowerOfTwo {
        /// What it says.
        len: u32,
    },
    /// `file tree` is missing or no dictionary.
    #[error(
        "The .torrent file says that it is of version 2 and has no tree of files. Ask whoever made it for a correct one."
    )]
    FileTreeMissing,
    /// Something in `file tree` is neither file nor folder, or both, or has no name.
    #[error(
        "The .torrent file's tree of files makes no sense at '{path}'. Ask whoever made it for a correct one."
    )]
    FileTreeMalformed {
        /// Where.
        path: String,
    },
    /// Version 2 aligns files by itself.
    #[error(
        "The .torrent file lists '{path}' as padding, which version 2 does not have. Ask whoever made it for a correct one."
    )]
    PaddingInTree {
        /// The path.
        path: String,
    },
    /// `pieces root` of a file that is not empty is missing, no hash, or zero.
    #[error(
        "The .torrent file has no hash for '{file}', so it could not be verified. Ask whoever made it for a correct one."
    )]
    PiecesRootMissing {
        /// The file.
        file: String,
    },
    /// Two files of different lengths have one `pieces root`, which stands for one content.
    #[error(
        "The .torrent file contradicts itself: '{file}' and '{other}' have different lengths ({len} and {other_len} bytes) \
         and yet the same hash, so one of them could never be verified. Ask whoever made it for a correct one."
    )]
    PiecesRootShared {
        /// The first of them.
        file: String,
        /// Its length in bytes.
        len: u64,
        /// The other one.
        other: String,
        /// Its length in bytes.
        other_len: u64,
    },
    /// `piece layers` is no dictionary of hashes.
    #[error("The .torrent file's list of piece hashes is malformed: {what}. Download it again.")]
    PieceLayersMalformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// An entry of `piece layers` belongs to no file.
    #[error(
        "The .torrent file has piece hashes for a file that is not part of it. Ask whoever made it for a correct one."
    )]
    PieceLayerUnknown,
    /// An entry of `piece layers` has the wrong length.
    #[error(
        "The .torrent file contradicts itself: '{file}' has {expected} pieces, and there are hashes for {found}. \
         Download it again, or ask whoever made it for a correct one."
    )]
    PieceLayerCount {
        /// The file.
        file: String,
        /// Its pieces.
        expected: u64,
        /// Hashes in the entry.
        found: usize,
    },
    /// An entry of `piece layers` does not lead to its root.
    #[error(
        "The piece hashes of '{file}' in the .torrent file are not those of its root hash. Download it again."
    )]
    PieceLayerWrong {
        /// The file.
        file: String,
    },
    /// The two versions in a hybrid torrent differ.
    #[error(
        "The .torrent file describes its content twice, for version 1 and version 2, and the two differ at '{file}'. \
         Ask whoever made it for a correct one."
    )]
    HybridMismatch {
        /// The file.
        file: String,
    },
}
