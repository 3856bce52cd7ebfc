//! Which files the user wants.

use std::rc::Rc;

use engine::{FilePriority, InfoHash, Input};
use wasm_bindgen_futures::spawn_local;

use super::torrent::Torrent;
use crate::messages;
use crate::worker::host::{Host, State};
use crate::worker::storage::{Content, StorageError, TorrentFolder};

/// How far a torrent's wishes are on their way to storage, and what was kept of files that are wanted now into these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keeping {
    /// What is stored is what is wanted.
    #[default]
    Done,
    /// It is being written.
    UnderWay,
    /// It could not be written. What is stored is what was wanted before.
    Failed,
}

impl Keeping {
    pub(super) fn is_under_way(self) -> bool {
        self == Self::UnderWay
    }

    /// Whether to try again; `is_arranged`: all bytes are where the wishes want them.
    fn is_to_be_tried_again(self, is_arranged: bool) -> bool {
        match self {
            Self::Done => !is_arranged,
            Self::UnderWay => false,
            Self::Failed => true,
        }
    }
}

/// A torrent's wishes on their way to storage, and its bytes to where they belong then.
struct Arranging {
    host: Host,
    torrent: u32,
    folder: Rc<TorrentFolder>,
    content: Rc<Content>,
}

impl State {
    /// Wants some files more or less from now on.
    pub(crate) fn set_file_priorities(
        &mut self,
        info_hash: InfoHash,
        files: &[(u32, messages::FilePriority)],
    ) {
        let wishes: Vec<_> = files.iter().map(|&(file, wish)| (file as usize, from_message(wish))).collect();
        self.control(info_hash, |torrent, wires| {
            let wanted = changed(&torrent.wanted, &wishes);
            if wanted != torrent.wanted {
                torrent.wanted.clone_from(&wanted);
                torrent.drive(wires, Input::FilePriorities { files: &wanted });
                torrent.keep_wishes(&wires.host);
            }
            Ok(())
        });
    }
}

impl Torrent {
    /// Stores what is wanted, and moves what was kept of files into them that were not wanted before.
    fn keep_wishes(&mut self, host: &Host) {
        let before = std::mem::replace(&mut self.keeping, Keeping::UnderWay);
        self.release_if_complete();
        if !before.is_under_way() {
            let arranging = Arranging {
                host: host.clone(),
                torrent: self.number,
                folder: Rc::clone(&self.stored.folder),
                content: self.content(),
            };
            spawn_local(arranging.run());
        }
    }

    /// As [`Self::keep_wishes`], if that failed before, in this session or when it was loaded.
    pub(super) fn keep_failed_wishes(&mut self, host: &Host) {
        if self.keeping.is_to_be_tried_again(self.content().is_arranged(&self.wanted)) {
            self.keep_wishes(host);
        }
    }
}

impl Arranging {
    /// Until what is stored is what is wanted, which may change meanwhile.
    async fn run(self) {
        let mut kept = None;
        while let Some(wanted) = self.next(kept.as_ref()) {
            // In this order: at a start everything is moved to where the stored wishes want it.
            if let Err(error) = self.keep(&wanted).await {
                self.fail(&error);
                return;
            }
            kept = Some(wanted);
        }
    }

    async fn keep(&self, wanted: &[FilePriority]) -> Result<(), StorageError> {
        self.folder.write_wanted(wanted).await?;
        self.content.arrange(wanted).await
    }

    /// What is wanted, unless that is kept already.
    fn next(&self, kept: Option<&Vec<FilePriority>>) -> Option<Vec<FilePriority>> {
        let next = self.host.turn(|state| {
            let torrent = state.torrents.get_mut(self.torrent)?;
            if kept != Some(&torrent.wanted) {
                return Some(torrent.wanted.clone());
            }
            torrent.keeping = Keeping::Done;
            torrent.release_if_complete();
            None
        });
        next.flatten()
    }

    fn fail(&self, error: &StorageError) {
        self.host.turn(|state| {
            if let Some(torrent) = state.torrents.get_mut(self.torrent) {
                torrent.keeping = Keeping::Failed;
                state.wires.fail(self.torrent, error);
            }
        });
    }
}

/// What is wanted after some wishes; those for files that there are not are none.
fn changed(wanted: &[FilePriority], wishes: &[(usize, FilePriority)]) -> Vec<FilePriority> {
    let mut wanted = wanted.to_vec();
    for &(file, wish) in wishes {
        if let Some(priority) = wanted.get_mut(file) {
            *priority = wish;
        }
    }
    wanted
}

const fn from_message(priority: messages::FilePriority) -> FilePriority {
    match priority {
        messages::FilePriority::Skip => FilePriority::Skip,
        messages::FilePriority::Low => FilePriority::Low,
        messages::FilePriority::Normal => FilePriority::Normal,
        messages::FilePriority::High => FilePriority::High,
    }
}

#[cfg(test)]
mod tests {
    use FilePriority::{High, Low, Normal, Skip};

    use super::*;

    #[test]
    fn wishes_that_could_not_be_stored_are_tried_again_also_if_no_byte_has_to_move() {
        for is_arranged in [true, false] {
            assert!(Keeping::Failed.is_to_be_tried_again(is_arranged));
            assert!(!Keeping::UnderWay.is_to_be_tried_again(is_arranged));
        }
        assert!(Keeping::Done.is_to_be_tried_again(false), "a kill came between a wish and its bytes");
        assert!(!Keeping::Done.is_to_be_tried_again(true));
    }

    #[test]
    fn files_that_are_not_named_stay_as_they_are_and_the_last_wish_for_a_file_holds() {
        let wishes = [(2, Skip), (0, Low), (2, High), (3, Skip), (usize::MAX, Skip)];
        assert_eq!(changed(&[Normal, Skip, Normal], &wishes), [Low, Skip, High]);
    }
}
