//! Torrents come in: from a .torrent file that the user added, or from storage when the worker starts.

use std::rc::Rc;
use std::sync::Arc;

use engine::{Bitfield, FilePriority, InfoHash, Metainfo, PieceIndex, Resume, ResumeLog, order};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;
use web_sys::FileSystemDirectoryHandle;

use super::magnet;
use super::torrent::{Condition, Stored, Torrent};
use crate::envelope::TabNumber;
use crate::messages::{KeptRow, Update};
use crate::worker::clock::unix_ms;
use crate::worker::host::{Host, State};
use crate::worker::storage::{
    self, Content, Found, GlobalFile, Handles, Listing, StorageError, TorrentFolder,
};
use crate::worker::tabs::tell;
use crate::worker::words::bytes_in_words;

/// A torrent that is being loaded or deleted is waited for.
const BUSY_RETRY_MS: u32 = 200;
/// What is said when nobody is there any more to do it.
pub(super) const GONE: &str = "The engine has stopped. Reload the page.";

/// Adds a torrent. `name` is the file's name or its address, for messages.
pub(crate) fn add(host: &Host, tab: TabNumber, request: u32, name: String, bytes: Vec<u8>) {
    let host = host.clone();
    spawn_local(async move {
        let update = match try_add(&host, &name, &bytes).await {
            Ok(info_hash) => Update::Added { request, info_hash: info_hash.to_string() },
            Err(message) => Update::AddFailed { request, message },
        };
        tell(Some(tab), update);
    });
}

async fn try_add(host: &Host, name: &str, bytes: &[u8]) -> Result<InfoHash, String> {
    let metainfo = Arc::new(Metainfo::parse(bytes).map_err(|error| format!("“{name}”: {error}"))?);
    let info_hash = metainfo.info_hash();
    claim(host, info_hash, metainfo.name()).await?;
    let outcome = store(host, &metainfo).await;
    host.turn(|state| {
        state.disk.busy.remove(&info_hash);
    });
    outcome.map(|()| info_hash)
}

/// Waits until nobody else is at work on this torrent, and claims it.
pub(super) async fn claim(host: &Host, info_hash: InfoHash, name: &str) -> Result<(), String> {
    loop {
        let claimed = host.turn(|state| {
            if state.torrents.find(info_hash).is_some() || state.torrents.find_magnet(info_hash).is_some() {
                return Err(format!("“{name}” is already in the list."));
            }
            if let Some(failure) = &state.disk.failure {
                return Err(failure.clone());
            }
            Ok(state.disk.top.is_some() && state.disk.busy.insert(info_hash))
        });
        match claimed {
            Some(Ok(true)) => return Ok(()),
            Some(Ok(false)) => TimeoutFuture::new(BUSY_RETRY_MS).await,
            Some(Err(message)) => return Err(message),
            None => return Err(GONE.to_owned()),
        }
    }
}

pub(super) async fn store(host: &Host, metainfo: &Arc<Metainfo>) -> Result<(), String> {
    let (top, handles) = disk(host).ok_or(GONE)?;
    let info_hash = metainfo.info_hash();
    let folder = TorrentFolder::open(&top, info_hash).await.map_err(|error| error.to_string())?;
    let resume = read_resume(&folder, metainfo).map_err(|error| error.to_string())?;
    // A torrent that was here before is wanted as it was then.
    let wanted = folder.read_wanted(metainfo.files().len()).await.map_err(|error| error.to_string())?;
    if let Err(message) = check_room(&folder, metainfo, &resume.have, &wanted).await {
        let is_new = resume.have.count() == 0;
        drop(folder);
        if is_new {
            // What cannot be deleted now has no metainfo and goes with the next start.
            let _ = storage::forget(&top, info_hash).await;
            host.turn(|state| state.disk.kept.remove(&info_hash));
        }
        return Err(message);
    }
    write(&folder, metainfo)
        .await
        .map_err(|error| format!("“{}” could not be stored. {error}", metainfo.name()))?;
    open(host, handles, folder, Arc::clone(metainfo), resume).await.map_err(|error| error.to_string())
}

/// Whether there is room for all that is missing of what is wanted; if not, the words for it.
pub(super) async fn check_room(
    folder: &TorrentFolder,
    metainfo: &Metainfo,
    have: &Bitfield,
    wanted: &[FilePriority],
) -> Result<(), String> {
    let missing_bytes = missing_bytes(metainfo, have, wanted);
    match folder.has_room_for(missing_bytes).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(no_room(metainfo, missing_bytes, storage::free_bytes().await)),
        Err(error) => Err(error.to_string()),
    }
}

fn no_room(metainfo: &Metainfo, missing_bytes: u64, free_bytes: Option<u64>) -> String {
    let free = match free_bytes {
        Some(free_bytes) if free_bytes < missing_bytes => {
            format!("can store only {} more", bytes_in_words(free_bytes))
        }
        _ => "cannot store so much".to_owned(),
    };
    format!(
        "“{}” needs {}, but the browser {free} for this page. Make room on the disk, or save and remove other \
         torrents here, and add it again.",
        metainfo.name(),
        bytes_in_words(missing_bytes),
    )
}

async fn write(folder: &TorrentFolder, metainfo: &Metainfo) -> Result<(), StorageError> {
    folder.write_metainfo(metainfo.as_bytes()).await?;
    folder.update_state(|state| {
        state.added_ms = unix_ms();
        state.is_paused = false;
        state.removed_with_data = None;
    })
}

/// Bytes of the pieces that are still to come if the files are wanted as much as this. Those of pieces that skipped files
/// share with wanted ones are stored as well.
fn missing_bytes(metainfo: &Metainfo, have: &Bitfield, wanted: &[FilePriority]) -> u64 {
    let priorities = metainfo.piece_priorities(wanted);
    let is_wanted = |piece: &PieceIndex| priorities.get(piece.0 as usize) != Some(&FilePriority::Skip);
    have.iter_missing().filter(is_wanted).map(|piece| u64::from(metainfo.piece_size(piece))).sum()
}

/// What the log says; a log that is none is begun anew, and one with much in it that no longer matters is shortened.
pub(super) fn read_resume(folder: &TorrentFolder, metainfo: &Metainfo) -> Result<Resume, StorageError> {
    let log = ResumeLog::new(metainfo.info_hash(), metainfo.pieces_total());
    let bytes = folder.read_resume()?;
    match log.parse(&bytes) {
        Ok(resume) => {
            let compacted = log.compacted(&resume);
            if resume.is_old || bytes.len() > 2 * compacted.len() {
                folder.replace_resume(&compacted)?;
            } else if resume.valid_len < bytes.len() {
                folder.cut_resume(resume.valid_len)?;
            }
            Ok(resume)
        }
        Err(_) => {
            let header = log.header();
            folder.replace_resume(&header)?;
            Ok(Resume::new(Bitfield::none(metainfo.pieces_total())))
        }
    }
}

async fn open(
    host: &Host,
    handles: Rc<Handles>,
    folder: TorrentFolder,
    metainfo: Arc<Metainfo>,
    resume: Resume,
) -> Result<(), StorageError> {
    let Some(number) = host.turn(|state| state.torrents.next_number()) else { return Ok(()) };
    let opened = Opened::new(number, Rc::new(folder), handles, metainfo, resume).await?;
    host.turn(|state| opened.insert(state));
    Ok(())
}

/// A torrent with its content, not yet in the list.
pub(super) struct Opened {
    number: u32,
    metainfo: Arc<Metainfo>,
    stored: Stored,
    resume: Resume,
    wanted: Vec<FilePriority>,
    arranged: Result<(), StorageError>,
}

impl Opened {
    /// Opens what is stored of a torrent that will have this number.
    pub(super) async fn new(
        number: u32,
        folder: Rc<TorrentFolder>,
        handles: Rc<Handles>,
        metainfo: Arc<Metainfo>,
        resume: Resume,
    ) -> Result<Self, StorageError> {
        let folders = folder.content_folders().await?;
        let wanted = folder.read_wanted(metainfo.files().len()).await?;
        let content = Rc::new(Content::new(number, Arc::clone(&metainfo), folders, handles));
        // A kill may have come between a wish and what follows from it. Where it cannot be done, on a full disk for
        // instance, the torrent is there all the same, and says so.
        let arranged = content.arrange(&wanted).await;
        Ok(Self { number, metainfo, stored: Stored { folder, content }, resume, wanted, arranged })
    }

    /// Puts it into the list, and lets it begin.
    pub(super) fn insert(self, state: &mut State) {
        let Self { number, metainfo, stored, resume, wanted, arranged } = self;
        let condition = if stored.folder.state().is_paused { Condition::Paused } else { Condition::Running };
        let mut torrent = Torrent::new(number, metainfo, stored, resume, wanted, condition);
        torrent.start(&mut state.wires);
        state.disk.kept.remove(&torrent.info_hash());
        state.torrents.insert(torrent);
        if let Err(error) = arranged {
            state.wires.fail(number, &error);
        }
    }

    /// Nobody wants it any more.
    pub(super) fn abandon(&self) {
        self.stored.content.abandon();
    }
}

pub(super) fn disk(host: &Host) -> Option<(FileSystemDirectoryHandle, Rc<Handles>)> {
    host.turn(|state| Some((state.disk.top.clone()?, Rc::clone(&state.disk.handles)))).flatten()
}

/// Loads what is stored. To be called once, when the worker starts.
pub(crate) fn load(host: &Host) {
    let host = host.clone();
    spawn_local(async move {
        if let Err(error) = try_load(&host).await {
            let message =
                format!("The browser's storage could not be opened. {error} Reload the page to try again.");
            host.turn(|state| state.disk.failure = Some(message.clone()));
            tell(None, Update::Notice { message });
        }
    });
}

async fn try_load(host: &Host) -> Result<(), StorageError> {
    let top = storage::top().await?;
    load_global(host, &top).await;
    let Listing { mut found, failed } = storage::list(&top).await?;
    for (info_hash, error) in failed {
        could_not_load(info_hash, &error.to_string());
    }
    order::sort_by_key(&mut found, |found| (found.folder.state().added_ms, found.info_hash));
    let handles = host.turn(|state| Rc::clone(&state.disk.handles)).unwrap_or_default();
    for found in found {
        let info_hash = found.info_hash;
        // One that cannot be loaded is no reason to go without the others.
        if let Err(error) = load_one(host, &top, Rc::clone(&handles), found).await {
            could_not_load(info_hash, &error.to_string());
        }
    }
    let free_bytes = storage::free_bytes().await;
    // From now on torrents can be added.
    host.turn(|state| {
        state.disk.top = Some(top);
        state.disk.free_bytes = free_bytes;
    });
    Ok(())
}

/// Without its file there are no common limits until the user sets some.
async fn load_global(host: &Host, top: &FileSystemDirectoryHandle) {
    let file = GlobalFile::open(top).await;
    host.turn(|state| match file {
        Ok(file) => {
            state.keep_to(file.limits());
            state.disk.global = Some(file);
        }
        Err(error) => {
            let message = format!("The limits for all torrents could not be read. {error} Set them again.");
            tell(None, Update::Notice { message });
        }
    });
}

async fn load_one(
    host: &Host,
    top: &FileSystemDirectoryHandle,
    handles: Rc<Handles>,
    found: Found,
) -> Result<(), StorageError> {
    let Found { info_hash, folder, metainfo } = found;
    let is_kept = folder.state().removed_with_data == Some(false);
    let metainfo = Metainfo::parse(&metainfo).ok().filter(|parsed| parsed.info_hash() == info_hash);
    if let Some(metainfo) = metainfo {
        let resume = read_resume(&folder, &metainfo)?;
        if is_kept {
            keep(host, info_hash, KeptRow::new(&metainfo, &resume.have));
            return Ok(());
        }
        return open(host, handles, folder, Arc::new(metainfo), resume).await;
    }
    let Some(folder) = magnet::load(host, info_hash, folder).await? else { return Ok(()) };
    let empty_len = ResumeLog::new(info_hash, 0).header().len();
    if folder.read_resume()?.len() > empty_len {
        keep(host, info_hash, KeptRow::nameless(info_hash));
        if !is_kept {
            could_not_load(
                info_hash,
                "Its .torrent file is damaged; add that again to go on with what is stored, or delete its data below \
                 the list.",
            );
        }
        return Ok(());
    }
    // It was being added when the browser was killed.
    drop(folder);
    storage::forget(top, info_hash).await
}

fn keep(host: &Host, info_hash: InfoHash, row: KeptRow) {
    host.turn(|state| state.disk.kept.insert(info_hash, row));
}

fn could_not_load(info_hash: InfoHash, why: &str) {
    let message = format!("The stored torrent {info_hash} could not be loaded. {why}");
    tell(None, Update::Notice { message });
}

#[cfg(test)]
mod tests {
    use FilePriority::{Low, Normal, Skip};

    use super::*;

    #[test]
    fn room_is_wanted_for_wanted_pieces_that_are_missing() {
        // Files of two pieces, of half a piece, and of half a piece and two more, the last of them short.
        let lens = [32_768, 8_192, 8_192 + 16_384 + 9];
        let files: String =
            lens.iter().enumerate().map(|(at, len)| format!("d6:lengthi{len}e4:pathl1:{at}ee")).collect();
        let hashes = "h".repeat(5 * 20);
        let info = format!("d5:filesl{files}e4:name7:content12:piece lengthi16384e6:pieces100:{hashes}e");
        let metainfo = Metainfo::parse(format!("d4:info{info}e").as_bytes()).expect("a torrent");
        let mut have = Bitfield::none(5);
        let missing = |have: &Bitfield, wanted: &[FilePriority]| missing_bytes(&metainfo, have, wanted);
        assert_eq!(missing(&have, &[Normal; 3]), 4 * 16_384 + 9);
        assert_eq!(missing(&have, &[Skip, Low, Skip]), 16_384, "the piece that it shares");
        assert_eq!(missing(&have, &[Normal, Skip, Skip]), 32_768);
        assert_eq!(missing(&have, &[Skip; 3]), 0);
        have.insert(PieceIndex(1));
        assert_eq!(missing(&have, &[Normal, Skip, Skip]), 16_384);
    }
}
