//! The .torrent files of magnet links, kept beside the content for the next time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use engine::{Magnet, Metainfo};

use crate::session::read_file;

/// Where the torrent of this link is kept in `folder`: `.HASH.torrent`, hidden as the record of verified pieces is.
pub(crate) fn path_for(folder: &Path, magnet: &Magnet) -> PathBuf {
    folder.join(format!(".{}.torrent", magnet.info_hash()))
}

/// What is kept there, if it is what the link names.
pub(crate) fn read(path: &Path, magnet: &Magnet) -> Option<Metainfo> {
    let metainfo = Metainfo::parse(&read_file(path).ok()?).ok()?;
    (metainfo.info_hash() == magnet.info_hash()).then_some(metainfo)
}

/// Keeps a .torrent file there, in one step: a kill leaves the file that was there before or the new one.
pub(crate) fn write(path: &Path, torrent: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new_path = path.with_added_extension("new");
    fs::write(&new_path, torrent)?;
    fs::rename(new_path, path)
}
