//! Which files of a torrent are skipped, and where the bytes lie that come of them all the same: pieces that they share
//! with wanted files. A folder beside the content has one small file for each, named by its number in the torrent.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The skipped files of a torrent.
#[derive(Debug)]
pub(crate) struct Parts {
    folder: PathBuf,
    files: BTreeSet<usize>,
}

impl Parts {
    /// What an earlier run left in `.NAME.parts` beside the content at `root`.
    pub(crate) fn find(root: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(root.file_name().unwrap_or_default());
        name.push(".parts");
        let folder = root.with_file_name(name);
        let names = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let files = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
        Self { folder, files }
    }

    /// The file's ends lie here.
    pub(crate) fn holds(&self, file: usize) -> bool {
        self.files.contains(&file)
    }

    /// The file's ends belong here from now on.
    pub(crate) fn add(&mut self, file: usize) {
        self.files.insert(file);
    }

    /// The file's ends belong into the file itself from now on.
    pub(crate) fn remove(&mut self, file: usize) {
        self.files.remove(&file);
        if self.files.is_empty() {
            // Only an empty folder goes; one that is not there is as good.
            let _removed = fs::remove_dir(&self.folder);
        }
    }

    /// Where they lie.
    pub(crate) fn path(&self, file: usize) -> PathBuf {
        self.folder.join(file.to_string())
    }
}
