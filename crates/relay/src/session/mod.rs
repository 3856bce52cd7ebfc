//! One tab's session: one task that owns the link, all sockets to peers and everything registered. It outlives its
//! WebSocket for a while.

mod accept;
mod frames;
mod ranges;
mod requests;
mod stream;
mod streams;
mod torrents;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use relay_proto::{
    Frame, Hello, Limits, Link, MAX_MESSAGE_LEN, ProtocolError, Refused, RefusedCode, SESSION_WINDOW,
    STREAM_CREDIT_UP, SessionKey, Welcome, encode,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::carrier::{Carrier, FromTab};
use crate::rate::Bucket;
use crate::sessions::Shared;
use accept::Incoming;
use ranges::{RangeNews, Ranges};
use requests::{Announces, Fetches};
use stream::DialResult;
use streams::Streams;
use torrents::Torrents;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often a session that has used up its rate looks whether it may go on.
const RATE_TICK: Duration = Duration::from_millis(20);
/// How often a tab that says nothing is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// After so long without a word the WebSocket is taken for dead.
const SILENCE_MAX: Duration = Duration::from_secs(65);
/// Frames queued for a tab whose window is full, in bytes. Only answers and closes can pile up, payload never does.
const QUEUE_MAX: usize = 4 << 20;
/// Smallest credit in bytes for the way down: the first handshake must fit.
const STREAM_CREDIT_MIN: u64 = 1024;

/// What comes to a session from elsewhere than its WebSocket.
pub(crate) enum Event {
    /// A WebSocket whose hello names this session, or which is its first.
    Attach {
        /// Its hello.
        hello: Hello,
        /// The WebSocket.
        carrier: Carrier,
        /// It is not the first.
        resumes: bool,
    },
    /// A peer was reached, or not.
    Dialed(DialResult),
    /// A peer came and said its handshake.
    Incoming(Incoming),
    /// The answer to a request.
    Answer(Frame<&'static [u8]>),
    /// A file was fetched.
    Fetched(u32, Result<Vec<u8>, String>),
    /// Something came of a request to a web seed, on this stream.
    Range(u32, RangeNews),
}

/// Why a session ends.
enum End {
    /// The tab did not come back in time.
    Vanished,
    /// The relay shuts down, or the tab broke the protocol.
    Refused(Refused),
}

pub(crate) struct Session {
    shared: Arc<Shared>,
    key: SessionKey,
    mailbox: mpsc::Sender<Event>,
    link: Link,
    streams: Streams,
    torrents: Torrents,
    announces: Announces,
    fetches: Fetches,
    ranges: Ranges,
    dials: Bucket,
    incoming_port: u16,

    outgoing: Option<mpsc::Sender<Bytes>>,
    incoming: Option<mpsc::Receiver<FromTab>>,
    /// The last WebSocket was closed on purpose.
    said_goodbye: bool,
    /// When the tab last said something; while there is no carrier, when the last one was lost.
    heard_at: Instant,
    pinged_at: Instant,
    /// Dials, accepts and requests; dropped with the session.
    tasks: JoinSet<()>,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        key: SessionKey,
        mailbox: mpsc::Sender<Event>,
        hello: &Hello,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let incoming_port = accept::listen(&shared, &mailbox, &mut tasks);
        Self {
            link: Link::new(SESSION_WINDOW),
            streams: Streams::new(Arc::clone(&shared), hello.stream_credit),
            torrents: Torrents::default(),
            announces: Announces::default(),
            fetches: Fetches::default(),
            ranges: Ranges::new(Arc::clone(&shared), hello.stream_credit),
            dials: Bucket::new(u64::from(shared.config.max_dials_per_s)),
            incoming_port,
            outgoing: None,
            incoming: None,
            said_goodbye: false,
            heard_at: Instant::now(),
            pinged_at: Instant::now(),
            tasks,
            shared,
            key,
            mailbox,
        }
    }

    /// Runs until the tab has gone for good.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<Event>, hello: Hello, carrier: Carrier) {
        tracing::info!(session = self.name(), port = self.incoming_port, "session begins");
        let end = match self.attach(&hello, carrier, false).await {
            Ok(()) => self.serve(&mut events).await,
            Err(end) => end,
        };
        self.shared.forget(&self.key);
        match end {
            End::Vanished => tracing::info!(session = self.name(), "session ends: the tab has not come back"),
            End::Refused(refused) => {
                tracing::info!(session = self.name(), "session ends: {}", refused.text);
                self.refuse(refused).await;
            }
        }
        self.streams.close_all();
        self.tasks.abort_all();
        self.announces.leave_all(&self.shared, self.incoming_port).await;
    }

    async fn serve(&mut self, events: &mut mpsc::Receiver<Event>) -> End {
        let shutdown = self.shared.shutdown.clone();
        let mut next_tick = Instant::now() + TICK;
        loop {
            let has_frames = self.wants_to_send();
            let waits_for_rate = self.streams.waits_for_rate() || self.ranges.waits_for_rate();
            let wake_at = if waits_for_rate { Instant::now() + RATE_TICK } else { next_tick };
            let result = tokio::select! {
                message = receive(&mut self.incoming), if self.incoming.is_some() => self.on_message(message),
                () = writable(&self.outgoing), if has_frames => self.send_message(),
                Some(ready) = self.streams.next_ready() => {
                    self.streams.on_ready(ready, &mut self.link);
                    Ok(())
                }
                Some(event) = events.recv() => self.on_event(event).await,
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => Ok(()),
                () = tokio::time::sleep_until(wake_at) => Ok(()),
                () = shutdown.cancelled() => Err(End::Refused(Refused::new(RefusedCode::ShuttingDown))),
            };
            if let Err(end) = result {
                return end;
            }
            self.streams.resume_writes(&mut self.link);
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                if let Err(end) = self.on_tick() {
                    return end;
                }
            }
        }
    }

    fn wants_to_send(&self) -> bool {
        self.outgoing.is_some()
            && (self.link.has_message()
                || self.streams.can_fill(&self.link)
                || self.ranges.can_fill(&self.link)
                || (self.fetches.has_data() && self.link.data_room() > 0))
    }

    /// The WebSocket can take a message: fill one with what is there, and hand it over.
    fn send_message(&mut self) -> Result<(), End> {
        let Some(outgoing) = &self.outgoing else { return Ok(()) };
        let Ok(permit) = outgoing.try_reserve() else {
            if outgoing.is_closed() {
                self.detach();
            }
            return Ok(());
        };
        self.fetches.fill(&mut self.link);
        self.ranges.fill(&mut self.link);
        self.streams.fill(&mut self.link);
        if let Some(message) = self.link.poll_message(MAX_MESSAGE_LEN) {
            permit.send(message);
        }
        Ok(())
    }

    fn on_message(&mut self, message: Option<FromTab>) -> Result<(), End> {
        let message = match message {
            Some(FromTab::Message(message)) => message,
            Some(FromTab::Goodbye) => {
                self.detach();
                self.said_goodbye = true;
                return Ok(());
            }
            None => {
                self.detach();
                return Ok(());
            }
        };
        self.heard_at = Instant::now();
        self.take_frames(&message).map_err(|error| self.broken(&error))?;
        self.check_queue()
    }

    /// Each of a tab's frames may bring an answer: one that asks on and on without reading is sent away.
    fn check_queue(&self) -> Result<(), End> {
        let len = self.link.pending_len();
        if len <= QUEUE_MAX {
            return Ok(());
        }
        self.shared.refusals.note(RefusedCode::Overloaded.code(), format!("{len} bytes queued"));
        Err(End::Refused(Refused::new(RefusedCode::Overloaded)))
    }

    async fn on_event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Attach { hello, carrier, resumes } => return self.attach(&hello, carrier, resumes).await,
            Event::Dialed(result) => self.streams.on_dialed(result, &mut self.link),
            Event::Incoming(incoming) => self.on_incoming(incoming),
            Event::Answer(frame) => self.send(&frame),
            Event::Fetched(request, result) => self.fetches.on_fetched(request, result, &mut self.link),
            Event::Range(id, news) => self.ranges.on_news(id, news),
        }
        Ok(())
    }

    /// Lets a WebSocket carry this session from now on. An older one is told so.
    async fn attach(&mut self, hello: &Hello, carrier: Carrier, resumes: bool) -> Result<(), End> {
        if self.outgoing.is_some() {
            self.refuse(Refused::new(RefusedCode::Replaced)).await;
        }
        // A new session counts from zero: of the offsets of one that is gone, only the window between them holds.
        let (received, limit) = if resumes {
            (hello.received, hello.limit)
        } else {
            (0, hello.limit.saturating_sub(hello.received))
        };
        let attached = self.link.attach(received, limit);
        self.outgoing = Some(carrier.outgoing);
        self.incoming = Some(carrier.incoming);
        self.said_goodbye = false;
        self.heard_at = Instant::now();
        attached.map_err(|error| self.broken(&error))?;
        if hello.stream_credit < STREAM_CREDIT_MIN {
            let text =
                format!("a stream credit of {} is less than {STREAM_CREDIT_MIN} bytes", hello.stream_credit);
            self.shared.refusals.note(RefusedCode::Malformed.code(), &text);
            return Err(End::Refused(Refused { code: RefusedCode::Malformed.number(), text }));
        }
        let welcome = Frame::Welcome(self.welcome(resumes));
        self.send_now(&welcome).await;
        tracing::debug!(session = self.name(), resumes, "carried by a new WebSocket");
        Ok(())
    }

    fn welcome(&self, resumed: bool) -> Welcome {
        let config = &self.shared.config;
        Welcome {
            session: self.key.clone(),
            resumed,
            received: self.link.received(),
            limit: self.link.limit(),
            stream_credit: STREAM_CREDIT_UP,
            incoming_port: self.incoming_port,
            limits: Limits {
                streams: config.max_streams,
                dials_per_s: config.max_dials_per_s,
                info_hashes: config.max_info_hashes,
                bytes_per_s: config.max_bytes_per_s,
            },
            suggestion: config.suggest.clone(),
        }
    }

    fn detach(&mut self) {
        tracing::debug!(session = self.name(), "the WebSocket is gone");
        self.link.detach();
        self.outgoing = None;
        // Of what was not looked at only a goodbye counts; the rest comes again.
        self.said_goodbye = self.incoming.take().is_some_and(|mut incoming| {
            std::iter::from_fn(|| incoming.try_recv().ok()).any(|said| matches!(said, FromTab::Goodbye))
        });
        self.heard_at = Instant::now();
    }

    /// Sends a carrier frame past the link, which may not be attached.
    async fn send_now(&mut self, frame: &Frame<&[u8]>) {
        let mut message = Vec::new();
        if let (Ok(_), Some(outgoing)) = (encode(frame, &mut message), &self.outgoing) {
            // A WebSocket that takes nothing for so long is dead; it will be found so.
            let _ = tokio::time::timeout(TICK, outgoing.send(message.into())).await;
        }
    }

    /// Tells the present WebSocket why it is closed, and lets go of it.
    async fn refuse(&mut self, refused: Refused) {
        self.send_now(&Frame::Refused(refused)).await;
        self.detach();
    }

    fn broken(&self, error: &ProtocolError) -> End {
        self.shared.refusals.note(RefusedCode::Malformed.code(), error);
        End::Refused(Refused { code: RefusedCode::Malformed.number(), text: error.to_string() })
    }

    /// Queues a frame.
    fn send(&mut self, frame: &Frame<&[u8]>) {
        send(&mut self.link, frame);
    }

    fn on_tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let silence = now.saturating_duration_since(self.heard_at);
        if self.outgoing.is_none() && silence >= self.shared.config.resume_within(self.said_goodbye) {
            return Err(End::Vanished);
        }
        if self.outgoing.is_some() && silence >= SILENCE_MAX {
            self.detach();
        } else if self.outgoing.is_some() && silence >= PING_EVERY && now >= self.pinged_at + PING_EVERY {
            self.pinged_at = now;
            self.send(&Frame::Ping { number: silence.as_secs() });
        }
        self.check_queue()?;
        self.streams.on_tick(now, &mut self.link);
        Ok(())
    }

    /// Enough of the session's id to tell sessions apart in the log.
    fn name(&self) -> &str {
        self.key.id.get(..8).unwrap_or(&self.key.id)
    }
}

/// Queues a frame that this relay made; none of them is too long for its type.
fn send(link: &mut Link, frame: &Frame<&[u8]>) {
    if let Err(error) = link.send(frame) {
        tracing::error!("a frame was not sent: {error}");
    }
}

async fn receive(incoming: &mut Option<mpsc::Receiver<FromTab>>) -> Option<FromTab> {
    match incoming {
        Some(incoming) => incoming.recv().await,
        None => std::future::pending().await,
    }
}

/// Until the WebSocket can take a message, or is gone.
async fn writable(outgoing: &Option<mpsc::Sender<Bytes>>) {
    match outgoing {
        Some(outgoing) => drop(outgoing.reserve().await),
        None => std::future::pending().await,
    }
}
