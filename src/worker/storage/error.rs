//! What can go wrong with the browser's storage, in words for a person.

/// Why something could not be stored or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StorageError {
    /// The quota is used up or the disk is full.
    #[error(
        "The browser's storage is full. Everything that was verified is kept. Make room on the disk, or save and \
         remove other torrents here, and then resume this one."
    )]
    Full,
    /// Somebody else has the file open.
    #[error(
        "Another tab holds the torrent's files. Close the other tabs with this page and resume the torrent."
    )]
    Locked,
    /// It is not there.
    #[error(
        "The browser has lost the torrent's files; perhaps it cleared this site's data. Check the torrent again to \
         find out what is left."
    )]
    NotFound,
    /// What the browser says.
    #[error(
        "The browser's storage does not work ({0}). Everything that was verified is kept; resume to try again."
    )]
    Other(String),
}
