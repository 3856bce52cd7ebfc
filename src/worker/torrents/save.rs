//! Finished content for the page to hand out.

use std::rc::Rc;

use engine::{InfoHash, Metainfo};
use wasm_bindgen_futures::spawn_local;

use crate::envelope::TabNumber;
use crate::messages::{SavedFile, Update};
use crate::worker::host::State;
use crate::worker::storage::{Content, StorageError, TorrentFolder};
use crate::worker::tabs::tell;

impl State {
    /// Tells the tab where the files are; for a folder, with the checksums that its zip needs.
    pub(crate) fn save(&self, tab: TabNumber, info_hash: InfoHash) {
        let Some(torrent) = self.torrents.find(info_hash) else { return };
        let metainfo = std::sync::Arc::clone(&torrent.metainfo);
        if !torrent.can_save() {
            let message = format!("“{}” is not complete yet; it can be saved when it is.", metainfo.name());
            return tell(Some(tab), Update::Notice { message });
        }
        let content = torrent.content();
        spawn_local(async move {
            let update = match files(&metainfo, &content).await {
                Ok(files) => Update::SaveReady {
                    info_hash: info_hash.to_string(),
                    name: metainfo.name().to_owned(),
                    is_folder: !metainfo.is_single_file(),
                    files,
                },
                Err(error) => Update::Notice {
                    message: format!("“{}” could not be saved. {error}", metainfo.name()),
                },
            };
            tell(Some(tab), update);
        });
    }
}

async fn files(metainfo: &Metainfo, content: &Rc<Content>) -> Result<Vec<SavedFile>, StorageError> {
    let mut files = Vec::new();
    for (number, file) in metainfo.files().iter().enumerate().filter(|(_, file)| !file.is_padding) {
        let crc32 = if metainfo.is_single_file() { None } else { Some(content.crc32(number).await?) };
        files.push(SavedFile {
            path: file.path.clone(),
            stored_at: TorrentFolder::content_path(metainfo.info_hash(), number),
            len: file.len,
            crc32,
        });
    }
    Ok(files)
}
