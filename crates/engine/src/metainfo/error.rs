//! What can be wrong with a .torrent file, in words for the person who chose it.

use codec::bencode::{DuplicateKey, ScanError};

use super::{METAINFO_LEN_MAX, PIECE_LEN_MAX, PIECE_LEN_MIN};

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
    /// Only version 2 of the format (BEP 52).
    #[error(
        "This torrent is of version 2 only, which this program cannot download yet. Look for a version 1 or hybrid one."
    )]
    OnlyVersion2,
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
    /// A symbolic link with content (BEP 47 gives it none).
    #[error(
        "The torrent holds a link with content of its own ('{path}'), which makes no sense. Ask whoever made it for a correct one."
    )]
    SymlinkWithContent {
        /// The path.
        path: String,
    },
}
