//! Content that stayed when its torrent was removed: what there is, and how its room is freed.

use engine::{Bitfield, InfoHash, Metainfo, order};
use wasm_bindgen_futures::spawn_local;

use super::control::delete;
use crate::messages::KeptRow;
use crate::worker::host::{Host, State};
use crate::worker::storage::TorrentFolder;

impl KeptRow {
    /// Of a torrent of which the pieces in `have` are there.
    pub(super) fn new(metainfo: &Metainfo, have: &Bitfield) -> Self {
        let bytes = have.iter().map(|piece| u64::from(metainfo.piece_size(piece))).sum();
        Self {
            info_hash: metainfo.info_hash().to_string(),
            name: metainfo.name().to_owned(),
            bytes: Some(bytes),
        }
    }

    /// Of a torrent whose .torrent file is lost.
    pub(super) fn nameless(info_hash: InfoHash) -> Self {
        Self { info_hash: info_hash.to_string(), name: info_hash.to_string(), bytes: None }
    }
}

impl State {
    /// What is kept, by name.
    pub(crate) fn kept(&self) -> Vec<KeptRow> {
        let mut kept: Vec<KeptRow> = self.disk.kept.values().cloned().collect();
        order::sort_by(&mut kept, |a, b| a.name.cmp(&b.name));
        kept
    }

    /// Deletes what was kept. Nothing happens if that torrent is being added again.
    pub(crate) fn delete_kept(&mut self, info_hash: InfoHash) {
        if !self.disk.kept.contains_key(&info_hash) || !self.disk.busy.insert(info_hash) {
            return;
        }
        self.disk.kept.remove(&info_hash);
        spawn_local(delete_for_good(self.host.clone(), info_hash));
    }
}

async fn delete_for_good(host: Host, info_hash: InfoHash) {
    if let Some(top) = host.turn(|state| state.disk.top.clone()).flatten()
        && let Ok(folder) = TorrentFolder::open(&top, info_hash).await
    {
        // After a kill in between, the next start deletes the rest. If even this cannot be written, it is listed again.
        let _ = folder.update_state(|state| state.removed_with_data = Some(true));
    }
    delete(host, info_hash).await;
}
