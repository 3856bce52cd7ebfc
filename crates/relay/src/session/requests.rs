//! What is asked on a tab's behalf: announces, scrapes and .torrent files; and the farewell to trackers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use codec::InfoHash;
use peernet::ReachError;
use peernet::fetch::{FETCH_TIMEOUT, FetchError, fetch_torrent};
use peernet::tracker::{self, AnnounceParams, TrackerError};
use relay_proto::{
    Announce, AnnounceEvent, AnnounceOk, Announced, CloseCode, Fetch, FetchOk, Fetched, Frame, Link,
    MAX_DATA_LEN, Outcome, Scrape, ScrapeEntry, Scraped,
};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{Event, send};
use crate::sessions::Shared;

/// Announces and scrapes of one session that wait for an answer at the same time.
const REQUESTS_MAX: usize = 64;
/// Trackers and torrents of one session that have to be told that it leaves.
const RECORDS_MAX: usize = 4000;
/// Files of one session that are fetched at the same time.
const FETCHES_MAX: usize = 2;
/// Peers of one answer that are passed on; so many fit a control frame.
const PEERS_MAX: usize = 1000;
/// Longest address of a tracker in bytes: each is kept for the farewell.
const URL_LEN_MAX: usize = 4096;
/// Characters of a tracker's text that are passed on.
const TEXT_MAX: usize = 500;
/// How long a tracker may take to hear a farewell.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(8);

/// A tracker, and a torrent that it is told about.
type Line = (String, InfoHash);

/// Announces and scrapes of one session.
#[derive(Default)]
pub(super) struct Announces {
    /// What each tracker was last told of each torrent, so that it can be told that the tab has left.
    records: BTreeMap<Line, AnnounceParams>,
    /// What is announced last of each torrent to each tracker, while it is under way: the next one waits for its end.
    turns: BTreeMap<Line, oneshot::Receiver<()>>,
    asking: JoinSet<()>,
    /// Not aborted with the session.
    farewells: JoinSet<()>,
}

impl Announces {
    /// Asks a tracker; the answer comes as an [`Event::Answer`].
    ///
    /// # Errors
    /// Why it is not asked, for a person.
    pub(super) fn ask(
        &mut self,
        announce: Announce,
        is_registered: bool,
        shared: &Arc<Shared>,
        port: u16,
        mailbox: &mpsc::Sender<Event>,
    ) -> Result<(), String> {
        let request = announce.request;
        self.may_ask(&announce.url, is_registered, shared)?;
        let params = params(&announce, port);
        let line = (announce.url, announce.info_hash);
        let url = line.0.clone();
        let turn = self.take_turn(line.clone());
        if announce.event == AnnounceEvent::Stopped {
            self.records.remove(&line);
        } else if self.records.len() < RECORDS_MAX || self.records.contains_key(&line) {
            self.records.insert(line, params.clone());
        }
        let (shared, mailbox) = (Arc::clone(shared), mailbox.clone());
        self.asking.spawn(async move {
            let turn = turn.begin().await;
            let outcome = match shared.trackers.announce(&url, &params).await {
                Ok(answer) => Outcome::Ok(announce_ok(answer)),
                Err(error) => Outcome::Error(tracker_error(&error, &shared)),
            };
            // The tab may be slow to take the answer; the tracker need not wait for that.
            drop(turn);
            let _ = mailbox.send(Event::Answer(Frame::Announced(Announced { request, outcome }))).await;
        });
        Ok(())
    }

    /// Asks a tracker for the sizes of swarms; the answer comes as an [`Event::Answer`].
    ///
    /// # Errors
    /// Why it is not asked, for a person.
    pub(super) fn scrape(
        &mut self,
        scrape: Scrape,
        is_registered: bool,
        shared: &Arc<Shared>,
        mailbox: &mpsc::Sender<Event>,
    ) -> Result<(), String> {
        let request = scrape.request;
        self.may_ask(&scrape.url, is_registered, shared)?;
        let (shared, mailbox) = (Arc::clone(shared), mailbox.clone());
        self.asking.spawn(async move {
            let outcome = match shared.trackers.scrape(&scrape.url, &scrape.info_hashes).await {
                Ok(answers) => Outcome::Ok(answers.iter().map(scrape_entry).collect()),
                Err(error) => Outcome::Error(tracker_error(&error, &shared)),
            };
            let _ = mailbox.send(Event::Answer(Frame::Scraped(Scraped { request, outcome }))).await;
        });
        Ok(())
    }

    fn may_ask(&mut self, url: &str, is_registered: bool, shared: &Shared) -> Result<(), String> {
        while self.asking.try_join_next().is_some() {}
        if !is_registered {
            shared.refusals.note(
                "not-registered",
                "a tracker was to be asked about an info hash that is not registered",
            );
            return Err("the relay asks trackers about registered info hashes only".to_owned());
        }
        if url.len() > URL_LEN_MAX {
            let text = format!("the tracker's address has {} bytes, {URL_LEN_MAX} are allowed", url.len());
            shared.refusals.note("address-too-long", &text);
            return Err(text);
        }
        if self.asking.len() >= REQUESTS_MAX {
            shared.refusals.note("too-many-requests", format!("{REQUESTS_MAX} requests to trackers wait"));
            return Err(format!("{REQUESTS_MAX} requests to trackers wait for an answer already"));
        }
        Ok(())
    }

    /// Tells the trackers of these torrents that the tab has left them.
    pub(super) fn leave(&mut self, gone: &[InfoHash], shared: &Arc<Shared>, port: u16) {
        while self.farewells.try_join_next().is_some() {}
        let leaving: Vec<Line> =
            self.records.keys().filter(|(_, hash)| gone.contains(hash)).cloned().collect();
        for line in leaving {
            if let Some(params) = self.records.remove(&line) {
                self.say_farewell(line, &params, port, shared);
            }
        }
    }

    /// Tells all trackers that the tab has left, and waits until they have heard it or the time is over.
    pub(super) async fn leave_all(mut self, shared: &Arc<Shared>, port: u16) {
        for (line, params) in std::mem::take(&mut self.records) {
            self.say_farewell(line, &params, port, shared);
        }
        while self.farewells.join_next().await.is_some() {}
    }

    /// A tracker that has not answered what it was told before would hear the farewell first, and then count us again;
    /// one that is silent for so long is better left to forget us.
    fn say_farewell(&mut self, line: Line, last: &AnnounceParams, port: u16, shared: &Arc<Shared>) {
        let turn = self.take_turn(line.clone());
        let trackers = shared.trackers.clone().with_timeout(FAREWELL_TIMEOUT);
        let event = tracker::AnnounceEvent::Stopped;
        let params = AnnounceParams { event, port, num_want: 0, ..last.clone() };
        self.farewells.spawn(async move {
            // A tracker's address may hold a passkey and stays out of the log.
            let Ok(_turn) = tokio::time::timeout(FAREWELL_TIMEOUT, turn.begin()).await else {
                return tracing::debug!("a silent tracker was not told that {} was left", params.info_hash);
            };
            match trackers.announce(&line.0, &params).await {
                Ok(_) => tracing::debug!("a tracker knows that {} was left", params.info_hash),
                Err(_) => tracing::debug!("a tracker was not told that {} was left", params.info_hash),
            }
        });
    }

    /// A place behind what is under way to this tracker about this torrent.
    fn take_turn(&mut self, line: Line) -> Turn {
        self.turns.retain(|_, turn| turn.try_recv() == Err(TryRecvError::Empty));
        let (over, next) = oneshot::channel();
        Turn { before: self.turns.insert(line, next), over }
    }
}

/// A place in a line of announces. Dropping it lets the next one go.
struct Turn {
    before: Option<oneshot::Receiver<()>>,
    over: oneshot::Sender<()>,
}

impl Turn {
    /// Waits until the one before is over. The next one may go when what this returns is dropped.
    async fn begin(self) -> oneshot::Sender<()> {
        if let Some(before) = self.before {
            let _dropped = before.await;
        }
        self.over
    }
}

fn tracker_error(error: &TrackerError, shared: &Shared) -> String {
    if let TrackerError::Reach(ReachError::Refused(refusal)) = error {
        shared.refusals.note(CloseCode::DestinationRefused.code(), refusal);
    }
    shortened(error.to_string())
}

fn params(announce: &Announce, port: u16) -> AnnounceParams {
    AnnounceParams {
        info_hash: announce.info_hash,
        peer_id: announce.peer_id,
        port,
        uploaded: announce.uploaded,
        downloaded: announce.downloaded,
        left: announce.left,
        event: match announce.event {
            AnnounceEvent::Started => tracker::AnnounceEvent::Started,
            AnnounceEvent::Completed => tracker::AnnounceEvent::Completed,
            AnnounceEvent::Stopped => tracker::AnnounceEvent::Stopped,
            AnnounceEvent::Regular => tracker::AnnounceEvent::Regular,
        },
        num_want: announce.num_want,
        key: announce.key,
        tracker_id: announce.tracker_id.clone(),
    }
}

fn announce_ok(answer: tracker::AnnounceAnswer) -> AnnounceOk {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let mut peers = answer.peers;
    peers.truncate(PEERS_MAX);
    AnnounceOk {
        interval_s: seconds(answer.interval),
        min_interval_s: answer.min_interval.map(seconds),
        complete: answer.complete,
        incomplete: answer.incomplete,
        peers,
        warning: answer.warning.map(shortened),
        tracker_id: answer.tracker_id,
        external_ip: answer.external_ip,
    }
}

fn scrape_entry(answer: &tracker::ScrapeAnswer) -> ScrapeEntry {
    ScrapeEntry {
        info_hash: answer.info_hash,
        complete: answer.complete,
        downloaded: answer.downloaded,
        incomplete: answer.incomplete,
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Files being fetched, and those on their way to the tab.
#[derive(Default)]
pub(super) struct Fetches {
    running: usize,
    to_send: VecDeque<(u32, Bytes, u64)>,
}

impl Fetches {
    /// Gets a file; it comes as an [`Event::Fetched`].
    pub(super) fn begin(
        &mut self,
        fetch: Fetch,
        shared: &Arc<Shared>,
        mailbox: &mpsc::Sender<Event>,
        tasks: &mut JoinSet<()>,
        link: &mut Link,
    ) {
        let request = fetch.request;
        if self.running + self.to_send.len() >= FETCHES_MAX {
            let text = format!("{FETCHES_MAX} files are being fetched already");
            shared.refusals.note("too-many-requests", &text);
            let fetched = Fetched { request, outcome: Outcome::Error(text) };
            return send(link, &Frame::Fetched(fetched));
        }
        self.running += 1;
        let (shared, mailbox) = (Arc::clone(shared), mailbox.clone());
        tasks.spawn(async move {
            let from = shared.config.dial_from();
            let result = fetch_torrent(&shared.policy, &fetch.url, from, FETCH_TIMEOUT).await;
            let result = result.map_err(|error| {
                if let FetchError::Reach(ReachError::Refused(refusal)) = &error {
                    shared.refusals.note(CloseCode::DestinationRefused.code(), refusal);
                }
                shortened(error.to_string())
            });
            let _ = mailbox.send(Event::Fetched(request, result)).await;
        });
    }

    /// A file is here, or is not to be had.
    pub(super) fn on_fetched(&mut self, request: u32, result: Result<Vec<u8>, String>, link: &mut Link) {
        self.running -= 1;
        match result {
            Ok(file) => {
                let len = file.len() as u64;
                self.to_send.push_back((request, file.into(), len));
            }
            Err(text) => send(link, &Frame::Fetched(Fetched { request, outcome: Outcome::Error(text) })),
        }
    }

    /// Something is to be sent as soon as there is room.
    pub(super) fn has_data(&self) -> bool {
        !self.to_send.is_empty()
    }

    /// Appends as much of the files as the message takes.
    pub(super) fn fill(&mut self, link: &mut Link) {
        while let Some((request, rest, len)) = self.to_send.front_mut() {
            let part_len = link.data_room().min(rest.len()).min(MAX_DATA_LEN);
            if part_len == 0 {
                return;
            }
            send(link, &Frame::FetchData { request: *request, payload: &rest[..part_len] });
            rest.advance(part_len);
            if rest.is_empty() {
                let fetched = Fetched { request: *request, outcome: Outcome::Ok(FetchOk { len: *len }) };
                send(link, &Frame::Fetched(fetched));
                self.to_send.pop_front();
            }
        }
    }
}
