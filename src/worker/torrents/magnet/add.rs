//! A magnet link comes in, from the user or from storage; and what becomes of it once the info dictionary is there.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use engine::{InfoHash, Input, Magnet, Metainfo, PeerSource};
use wasm_bindgen_futures::spawn_local;

use super::MagnetTorrent;
use crate::envelope::TabNumber;
use crate::messages::Update;
use crate::worker::clock::unix_ms;
use crate::worker::host::{Host, State};
use crate::worker::storage::{StorageError, TorrentFolder};
use crate::worker::tabs::tell;
use crate::worker::torrents::add::{self, GONE, Opened};

/// Adds the torrent that a magnet link names.
pub(crate) fn add_magnet(host: &Host, tab: TabNumber, request: u32, link: String) {
    let host = host.clone();
    spawn_local(async move {
        let update = match try_add(&host, &link).await {
            Ok(info_hash) => Update::Added { request, info_hash: info_hash.to_string() },
            Err(message) => Update::AddFailed { request, message },
        };
        tell(Some(tab), update);
    });
}

async fn try_add(host: &Host, link: &str) -> Result<InfoHash, String> {
    let magnet = Magnet::parse(link).map_err(|error| error.to_string())?;
    let info_hash = magnet.info_hash();
    let name = magnet.name().map_or_else(|| info_hash.to_string(), str::to_owned);
    let peers = magnet.peers().to_vec();
    if let Err(message) = add::claim(host, info_hash, &name).await {
        // It may be there already, and look for just these.
        host.turn(|state| state.introduce(info_hash, &peers));
        return Err(message);
    }
    let outcome = store(host, magnet).await;
    host.turn(|state| {
        state.disk.busy.remove(&info_hash);
        state.introduce(info_hash, &peers);
    });
    outcome.map(|()| info_hash).map_err(|error| format!("“{name}” could not be stored. {error}"))
}

async fn store(host: &Host, magnet: Magnet) -> Result<(), String> {
    let (top, _) = add::disk(host).ok_or(GONE)?;
    let words = |error: StorageError| error.to_string();
    let folder = TorrentFolder::open(&top, magnet.info_hash()).await.map_err(words)?;
    let stored = Metainfo::parse(&folder.read_metainfo().await.map_err(words)?).ok();
    if let Some(metainfo) = stored.filter(|metainfo| metainfo.info_hash() == magnet.info_hash()) {
        // It was here before, and nobody need be asked.
        drop(folder);
        return add::store(host, &Arc::new(metainfo)).await;
    }
    folder.write_magnet(&magnet.to_string()).await.map_err(words)?;
    let new = folder.update_state(|state| {
        state.added_ms = unix_ms();
        state.is_paused = false;
        state.removed_with_data = None;
    });
    new.map_err(words)?;
    insert(host, magnet, folder);
    Ok(())
}

/// Takes in what is stored in this folder, if that is a magnet link. Returns the folder if it is not.
pub(in crate::worker::torrents) async fn load(
    host: &Host,
    info_hash: InfoHash,
    folder: TorrentFolder,
) -> Result<Option<TorrentFolder>, StorageError> {
    let link = folder.read_magnet().await?;
    let magnet = Magnet::parse(&link).ok().filter(|magnet| magnet.info_hash() == info_hash);
    let Some(magnet) = magnet else { return Ok(Some(folder)) };
    insert(host, magnet, folder);
    Ok(None)
}

impl State {
    /// Tells a torrent of peers that a magnet link names, whether its info dictionary is there or not.
    fn introduce(&mut self, info_hash: InfoHash, peers: &[SocketAddr]) {
        let found = || Input::PeersFound { source: PeerSource::Magnet, addrs: peers };
        let magnet = self.torrents.find_magnet(info_hash).map(|magnet| magnet.number);
        let torrent = self.torrents.find(info_hash).map(|torrent| torrent.number);
        if let Some(magnet) = magnet.and_then(|number| self.torrents.magnet_mut(number)) {
            magnet.drive(&mut self.wires, found());
        }
        if let Some(torrent) = torrent.and_then(|number| self.torrents.get_mut(number)) {
            torrent.drive(&mut self.wires, found());
        }
    }
}

fn insert(host: &Host, magnet: Magnet, folder: TorrentFolder) {
    host.turn(|state| {
        let number = state.torrents.next_number();
        let mut magnet = MagnetTorrent::new(number, magnet, Rc::new(folder));
        magnet.start(&mut state.wires);
        state.disk.kept.remove(&magnet.info_hash());
        state.torrents.insert_magnet(magnet);
    });
}

/// The info dictionary is there: stores the torrent, and lets it begin.
pub(super) async fn finish(host: Host, number: u32, info: Arc<[u8]>) {
    if let Err(message) = try_finish(&host, number, &info).await {
        host.turn(|state| {
            if let Some(magnet) = state.torrents.magnet_mut(number) {
                magnet.fail(&mut state.wires, message);
            }
        });
    }
}

async fn try_finish(host: &Host, number: u32, info: &[u8]) -> Result<(), String> {
    let words = |error: StorageError| error.to_string();
    let fetched = host.turn(|state| {
        let magnet = state.torrents.magnet_mut(number)?;
        let selection = magnet.magnet.selection().clone();
        Some((magnet.magnet.metainfo(info), selection, Rc::clone(&magnet.folder)))
    });
    // The user may have removed it meanwhile.
    let Some((metainfo, selection, folder)) = fetched.flatten() else { return Ok(()) };
    let metainfo = Arc::new(metainfo.map_err(|error| error.to_string())?);
    let (_, handles) = add::disk(host).ok_or(GONE)?;
    let resume = add::read_resume(&folder, &metainfo).map_err(words)?;
    let files = metainfo.files().len();
    if selection.iter().next().is_some() {
        let wanted = selection.priorities(files);
        add::check_room(&folder, &metainfo, &resume.have, &wanted).await?;
        // Before the rest, so that a kill in between makes it no torrent of which everything is wanted.
        folder.write_wanted(&wanted).await.map_err(words)?;
    } else {
        let wanted = folder.read_wanted(files).await.map_err(words)?;
        add::check_room(&folder, &metainfo, &resume.have, &wanted).await?;
    }
    folder.write_metainfo(metainfo.as_bytes()).await.map_err(words)?;
    let opened = Opened::new(number, folder, handles, metainfo, resume).await.map_err(words)?;
    host.turn(|state| {
        let Some(mut magnet) = state.torrents.remove_magnet(number) else { return opened.abandon() };
        magnet.leave(&mut state.wires);
        opened.insert(state);
        let known = magnet.fetch.into_known_peers();
        if let Some(torrent) = state.torrents.get_mut(number) {
            for (addr, source) in known {
                torrent.drive(&mut state.wires, Input::PeersFound { source, addrs: &[addr] });
            }
        }
    });
    Ok(())
}
