//! Requests to web seeds on a tab's behalf: one task each, which reads from the server no more than the tab has given
//! credit for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use codec::InfoHash;
use peernet::webseed::{RANGE_LEN_MAX, RangeClient, RangeError, RangeRequest};
use relay_proto::{Close, CloseCode, FetchRange, Frame, Link, MAX_DATA_LEN, WebAnswer};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::{Event, send};
use crate::sessions::Shared;

/// Longest address of a web seed in bytes, as of a tracker.
const URL_LEN_MAX: usize = 4096;
/// A message with less room than this goes out rather than get a tiny frame.
const ROOM_MIN: usize = 4 * 1024;
/// Most bytes that one request gives to a message while others wait.
const TURN_LEN: usize = 64 * 1024;

/// What comes of a request.
pub(crate) enum RangeNews {
    /// Bytes for which there was credit.
    Data(Bytes),
    /// No more comes.
    End(Close),
}

/// One request.
struct Range {
    info_hash: InfoHash,
    /// A permit for each byte that the task may still hand over.
    credit: Arc<Semaphore>,
    /// All that was ever granted, up to what a request can use.
    granted: u64,
    /// Bytes on their way to the tab; never more than was granted.
    waiting: VecDeque<Bytes>,
    end: Option<Close>,
    task: AbortHandle,
}

/// The requests of one session.
pub(super) struct Ranges {
    shared: Arc<Shared>,
    initial_credit: u64,
    by_id: BTreeMap<u32, Range>,
    /// Those with something for the tab, in the order of their turns.
    ready: VecDeque<u32>,
}

impl Ranges {
    /// None yet; each will have this credit at first.
    pub(super) fn new(shared: Arc<Shared>, initial_credit: u64) -> Self {
        Self { shared, initial_credit, by_id: BTreeMap::new(), ready: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Asks the web seed; what comes is an [`Event::Range`].
    pub(super) fn begin(
        &mut self,
        id: u32,
        range: FetchRange,
        mailbox: &mpsc::Sender<Event>,
        tasks: &mut JoinSet<()>,
    ) {
        let FetchRange { url, info_hash, offset, len } = range;
        let granted = self.initial_credit.min(RANGE_LEN_MAX);
        let credit = Arc::new(Semaphore::new(usize::try_from(granted).unwrap_or(0)));
        let request = RangeRequest { url, offset, len };
        let (shared, mailbox, permits) = (Arc::clone(&self.shared), mailbox.clone(), Arc::clone(&credit));
        let task = tasks.spawn(async move {
            let close = match fetch(&shared.web_seeds, &request, id, &permits, &mailbox).await {
                Ok(()) => Close::new(CloseCode::RangeDone),
                Err(error) => {
                    note_refusal(&error, &shared);
                    close_for(&error)
                }
            };
            let _ = mailbox.send(Event::Range(id, RangeNews::End(close))).await;
        });
        let range = Range { info_hash, credit, granted, waiting: VecDeque::new(), end: None, task };
        self.by_id.insert(id, range);
    }

    /// The tab grants up to `limit` bytes in all.
    pub(super) fn on_credit(&mut self, id: u32, limit: u64) {
        let Some(range) = self.by_id.get_mut(&id) else { return };
        let more = limit.min(RANGE_LEN_MAX).saturating_sub(range.granted);
        range.granted += more;
        range.credit.add_permits(usize::try_from(more).unwrap_or(0));
    }

    /// The tab wants no more of it.
    pub(super) fn on_close(&mut self, id: u32) {
        if let Some(range) = self.by_id.remove(&id) {
            range.task.abort();
        }
    }

    pub(super) fn on_news(&mut self, id: u32, news: RangeNews) {
        let Some(range) = self.by_id.get_mut(&id) else { return };
        match news {
            RangeNews::Data(bytes) => range.waiting.push_back(bytes),
            RangeNews::End(close) => range.end = Some(close),
        }
        if !self.ready.contains(&id) {
            self.ready.push_back(id);
        }
    }

    /// Something waits for the tab, and there is room for it.
    pub(super) fn can_fill(&self, link: &Link) -> bool {
        !self.ready.is_empty() && link.data_room() >= ROOM_MIN && self.shared.bytes.available() > 0
    }

    /// The token's bytes for this moment are used up while something waits.
    pub(super) fn waits_for_rate(&self) -> bool {
        !self.ready.is_empty() && self.shared.bytes.available() == 0
    }

    /// Appends what waits, each request in its turn, until the message is full or nothing is left.
    pub(super) fn fill(&mut self, link: &mut Link) {
        while let Some(id) = self.ready.pop_front() {
            let Some(range) = self.by_id.get_mut(&id) else { continue };
            if let Some(bytes) = range.waiting.front_mut() {
                let allowed = usize::try_from(self.shared.bytes.available()).unwrap_or(usize::MAX);
                let max = link.data_room().min(allowed).min(TURN_LEN).min(MAX_DATA_LEN);
                if allowed == 0 || link.data_room() < ROOM_MIN {
                    self.ready.push_front(id);
                    return;
                }
                let len = bytes.len().min(max);
                send(link, &Frame::Data { stream: id, payload: &bytes[..len] });
                self.shared.bytes.take(len as u64);
                bytes.advance(len);
                if bytes.is_empty() {
                    range.waiting.pop_front();
                }
            }
            if !range.waiting.is_empty() {
                self.ready.push_back(id);
            } else if let Some(close) = range.end.take() {
                self.by_id.remove(&id);
                send(link, &Frame::Close { stream: id, close });
            }
        }
    }

    /// These torrents are registered no longer.
    pub(super) fn unregister(&mut self, gone: &[InfoHash], link: &mut Link) {
        let is_over = |(id, range): (&u32, &Range)| gone.contains(&range.info_hash).then_some(*id);
        let over: Vec<u32> = self.by_id.iter().filter_map(is_over).collect();
        for id in over {
            self.on_close(id);
            send(link, &Frame::Close { stream: id, close: Close::new(CloseCode::Unregistered) });
        }
    }
}

/// Hands the body over as far as there is credit; without it nothing is read, so TCP slows the server.
async fn fetch(
    client: &RangeClient,
    request: &RangeRequest,
    id: u32,
    credit: &Semaphore,
    mailbox: &mpsc::Sender<Event>,
) -> Result<(), RangeError> {
    if request.url.len() > URL_LEN_MAX {
        let url = request.url.chars().take(100).collect();
        return Err(RangeError::BadUrl { url, why: "it is too long" });
    }
    let mut body = client.open(request).await?;
    while let Some(mut bytes) = body.next().await? {
        while !bytes.is_empty() {
            let Ok(first) = credit.acquire().await else { return Ok(()) };
            first.forget();
            // Nobody else takes permits, so what is there stays there.
            let more = credit.available_permits().min(bytes.len() - 1);
            credit.forget_permits(more);
            let part = bytes.split_to(more + 1);
            if mailbox.send(Event::Range(id, RangeNews::Data(part))).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn note_refusal(error: &RangeError, shared: &Shared) {
    match error {
        RangeError::Refused(refusal) => shared.refusals.note(CloseCode::DestinationRefused.code(), refusal),
        // An address may hold a password and stays out of the log.
        RangeError::BadUrl { why, .. } => {
            shared
                .refusals
                .note(CloseCode::DestinationRefused.code(), format!("address of a web seed: {why}"));
        }
        _ => {}
    }
}

fn close_for(error: &RangeError) -> Close {
    let (code, answer) = match *error {
        RangeError::BadUrl { .. } | RangeError::Refused(_) => (CloseCode::DestinationRefused, None),
        RangeError::Unreachable(_) => (CloseCode::Unreachable, None),
        RangeError::TimedOut(_) => (CloseCode::WebSeedSilent, None),
        RangeError::TooManyRedirects(_) => (CloseCode::WebSeedMoved, None),
        RangeError::Status { status, retry_after_s } => {
            let answer = WebAnswer { status: Some(status), retry_after_s, ..WebAnswer::default() };
            (CloseCode::WebSeedStatus, Some(answer))
        }
        RangeError::NoRanges => (CloseCode::WebSeedNoRanges, None),
        RangeError::WrongRange { start, len } => {
            let answer = WebAnswer { start: Some(start), len: Some(len), ..WebAnswer::default() };
            (CloseCode::WebSeedWrongRange, Some(answer))
        }
        RangeError::WebPage => (CloseCode::WebSeedPage, None),
        RangeError::Cut { .. } => (CloseCode::WebSeedCut, None),
    };
    Close { answer, ..Close::with_text(code, error) }
}
