//! Finished content for the page to hand out.

use std::rc::Rc;
use std::sync::Arc;

use engine::{FilePriority, InfoHash, Metainfo};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use crate::envelope::TabNumber;
use crate::messages::{SavedFile, Update};
use crate::worker::host::{Host, State};
use crate::worker::storage::{Content, StorageError, TorrentFolder};
use crate::worker::tabs::tell;

/// For so long after content was handed out it counts as being saved: a double click saves it once.
const REST_MS: u32 = 1000;

/// A torrent's content on its way to a tab.
struct Saving {
    host: Host,
    torrent: u32,
    metainfo: Arc<Metainfo>,
    wanted: Vec<FilePriority>,
    content: Rc<Content>,
}

impl State {
    /// Tells the tab where the files are; for a folder, with the checksums that its zip needs. Nothing happens while
    /// that is under way already.
    pub(crate) fn save(&mut self, tab: TabNumber, info_hash: InfoHash) {
        let Some(number) = self.torrents.find(info_hash).map(|torrent| torrent.number) else { return };
        let Some(torrent) = self.torrents.get_mut(number).filter(|torrent| torrent.saving.is_none()) else {
            return;
        };
        let metainfo = Arc::clone(&torrent.metainfo);
        let wanted = torrent.wanted.clone();
        if !torrent.can_save() {
            let message = format!("“{}” is not complete yet; it can be saved when it is.", metainfo.name());
            return tell(Some(tab), Update::Notice { message });
        }
        torrent.saving = Some(0.0);
        let content = torrent.content();
        let saving = Saving { host: self.host.clone(), torrent: number, metainfo, wanted, content };
        spawn_local(saving.run(tab));
    }
}

impl Saving {
    async fn run(self, tab: TabNumber) {
        let name = self.metainfo.name();
        let update = match self.files().await {
            Ok(files) => Update::SaveReady {
                info_hash: self.metainfo.info_hash().to_string(),
                name: name.to_owned(),
                is_folder: !self.metainfo.is_single_file(),
                files,
            },
            Err(error) => Update::Notice { message: format!("“{name}” could not be saved. {error}") },
        };
        let is_ready = matches!(update, Update::SaveReady { .. });
        tell(Some(tab), update);
        if is_ready {
            self.report(Some(1.0));
            TimeoutFuture::new(REST_MS).await;
        }
        self.report(None);
    }

    async fn files(&self) -> Result<Vec<SavedFile>, StorageError> {
        let metainfo = &self.metainfo;
        let is_wanted = |number: usize| self.wanted.get(number) != Some(&FilePriority::Skip);
        let all = metainfo.files().iter().enumerate();
        let listed = all.filter(|(number, file)| !file.is_padding && is_wanted(*number));
        let total_bytes: u64 = listed.clone().map(|(_, file)| file.len).sum();
        let mut done_bytes = 0;
        let mut files = Vec::new();
        for (number, file) in listed {
            let crc32 = if metainfo.is_single_file() {
                None
            } else {
                let on_read = |bytes| {
                    done_bytes += bytes;
                    self.report(Some(done_bytes as f64 / total_bytes.max(1) as f64));
                };
                Some(self.content.crc32(number, on_read).await?)
            };
            files.push(SavedFile {
                path: file.path.clone(),
                stored_at: TorrentFolder::content_path(metainfo.info_hash(), number),
                len: file.len,
                crc32,
            });
        }
        Ok(files)
    }

    fn report(&self, share: Option<f64>) {
        self.host.turn(|state| {
            if let Some(torrent) = state.torrents.get_mut(self.torrent) {
                torrent.saving = share;
            }
        });
    }
}
