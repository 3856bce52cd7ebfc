//! The session with the relay: connects, says hello, comes back after a cut, and knows what a person is to be told.

mod backoff;
mod socket;

use bytes::BytesMut;
use gloo::timers::callback::Timeout;
use relay_proto::{
    Frame, Frames, Hello, Link, MAX_MESSAGE_LEN, PROTOCOL_VERSION, ProtocolError, RESUME_WITHIN_S, Refused,
    RefusedCode, SESSION_WINDOW, STREAM_CREDIT_DOWN, STREAM_CREDIT_UP, Secret, SessionKey, Welcome, encode,
};

use self::backoff::Backoff;
use self::socket::Socket;
pub(crate) use self::socket::{SocketEvent, copy_message};
use super::clock::Clock;
use super::host::{Host, State};
use super::random;
use crate::messages::{RelayKind, RelayState};

/// A carrier that was silent for so long is asked whether it still stands.
const PING_AFTER_MS: u32 = 15_000;
/// One that stays silent after that is given up.
const SILENT_ROUNDS_MAX: u32 = 3;

/// The session with the relay, over one WebSocket at a time.
pub(crate) struct Relay {
    host: Host,
    url: String,
    token: String,
    /// To be tried when the relay refuses the token.
    spare_token: Option<String>,
    phase: Phase,
    socket: Option<Socket>,
    /// Counts sockets, so that an event of an older one is known as such.
    socket_number: u64,
    link: Link,
    /// Session bytes that are done with, not yet known to the link.
    unacknowledged_bytes: u64,
    session: Option<SessionKey>,
    welcome: Option<Welcome>,
    backoff: Backoff,
    clock: Clock,
    /// When we were let in no longer; `None` while we are.
    cut_at: Option<engine::Instant>,
    silent_rounds: u32,
    _ping_timer: Option<gloo::timers::callback::Interval>,
    text: String,
    down_bytes: u64,
    up_bytes: u64,
}

/// How far the connection is.
enum Phase {
    /// Nobody has said yet where the relay is.
    Idle,
    /// The socket opens.
    Opening,
    /// Hello is sent.
    Greeting,
    /// Let in.
    Up,
    /// Cut; the timer tries again.
    Waiting { _timer: Timeout },
    /// Not let in; only another token helps.
    Refused,
}

/// What became of a message.
pub(crate) enum Greeted {
    /// The relay let us in. If the session is new, all streams and registrations of the one before are gone.
    Welcome {
        /// Nothing of the session before is left.
        is_new_session: bool,
    },
    /// It did not.
    Refused,
}

impl Relay {
    /// No connection yet.
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            url: String::new(),
            token: String::new(),
            spare_token: None,
            phase: Phase::Idle,
            socket: None,
            socket_number: 0,
            link: Link::new(SESSION_WINDOW),
            unacknowledged_bytes: 0,
            session: None,
            welcome: None,
            backoff: Backoff::default(),
            clock: Clock::new(),
            cut_at: None,
            silent_rounds: 0,
            _ping_timer: None,
            text: "Looking for the relay.".to_owned(),
            down_bytes: 0,
            up_bytes: 0,
        }
    }

    /// Says where the relay is, and connects. The spare token is tried if the other one is refused.
    pub(crate) fn init(&mut self, url: String, token: String, spare_token: Option<String>) {
        self.url = url;
        self.token = token;
        self.spare_token = spare_token;
        let host = self.host.clone();
        self._ping_timer = Some(gloo::timers::callback::Interval::new(PING_AFTER_MS, move || {
            host.turn(|state| state.wires.relay.check_silence());
        }));
        self.connect();
    }

    /// Another token. Tries it at once, unless the one that we have is accepted or about to be: then only if that is
    /// refused one day. Whoever hands us a wrong one must not put an end to what works.
    pub(crate) fn set_token(&mut self, token: String) {
        let before = (self.token != token).then(|| self.token.clone());
        match self.phase {
            Phase::Greeting | Phase::Up => {
                self.spare_token = before.map(|_| token).or_else(|| self.spare_token.take());
                return;
            }
            Phase::Idle | Phase::Opening | Phase::Waiting { .. } => self.spare_token = before,
            Phase::Refused => self.spare_token = None,
        }
        self.token = token;
        if matches!(self.phase, Phase::Waiting { .. } | Phase::Refused) {
            self.backoff.reset();
            self.connect();
        }
    }

    /// The token in use.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Frames reach the relay, now or, as far as we know, after a reconnect.
    pub(crate) fn has_session(&self) -> bool {
        self.welcome.is_some()
    }

    /// Whether frames come and go at this moment.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// Our incoming port; zero while there is none.
    pub(crate) fn incoming_port(&self) -> u16 {
        self.welcome.as_ref().map_or(0, |welcome| welcome.incoming_port)
    }

    /// Bytes that have come from the relay, of all sessions together.
    pub(crate) fn down_bytes(&self) -> u64 {
        self.down_bytes
    }

    /// Credit that each new stream has for the way up, in bytes.
    pub(crate) fn stream_credit_up(&self) -> u64 {
        self.welcome.as_ref().map_or(STREAM_CREDIT_UP, |welcome| welcome.stream_credit)
    }

    /// A torrent's address that the relay suggests.
    pub(crate) fn suggestion(&self) -> Option<String> {
        self.welcome.as_ref()?.suggestion.clone()
    }

    /// For the view.
    pub(crate) fn state(&self) -> RelayState {
        RelayState {
            kind: match self.phase {
                Phase::Up => RelayKind::Connected,
                Phase::Refused => RelayKind::Refused,
                _ => RelayKind::Connecting,
            },
            text: self.text.clone(),
            incoming_port: Some(self.incoming_port()).filter(|&port| port != 0 && self.is_up()),
            down_bytes: self.down_bytes,
            up_bytes: self.up_bytes,
        }
    }

    /// Queues a frame; it leaves at the end of the turn. Frames that our own code makes too long are dropped, with a
    /// word on the console.
    pub(crate) fn send(&mut self, frame: &Frame<&[u8]>) {
        if let Err(error) = self.link.send(frame) {
            web_sys::console::error_1(&format!("a frame was not sent: {error}").into());
        }
    }

    /// Hands everything that may leave to the socket.
    pub(crate) fn flush(&mut self) {
        let Some(socket) = &self.socket else { return };
        while let Some(message) = self.link.poll_message(MAX_MESSAGE_LEN) {
            self.up_bytes += message.len() as u64;
            if socket.send(&message).is_err() {
                // The close event follows; the link keeps what was not acknowledged.
                return;
            }
        }
    }

    /// Takes a message of an attached carrier apart.
    pub(crate) fn receive<'a>(&mut self, message: &'a [u8]) -> Result<Frames<'a>, ProtocolError> {
        self.link.receive(message)
    }

    /// These session bytes are done with; [`Self::acknowledge`] follows at the end of the turn.
    pub(crate) fn processed(&mut self, bytes: u64) {
        self.unacknowledged_bytes += bytes;
    }

    /// Acknowledges what was processed, unless the storage is behind: the relay then sends no more than the session's
    /// window holds, and TCP slows the peers.
    pub(crate) fn acknowledge(&mut self, is_storage_behind: bool) {
        if !is_storage_behind {
            self.link.processed(std::mem::take(&mut self.unacknowledged_bytes));
        }
    }

    fn renew_link(&mut self) {
        self.link = Link::new(SESSION_WINDOW);
        self.unacknowledged_bytes = 0;
    }

    /// A message came, of whatever kind.
    pub(crate) fn heard(&mut self, bytes: usize) {
        self.silent_rounds = 0;
        self.down_bytes += bytes as u64;
    }

    /// Whether an event belongs to the present socket.
    pub(crate) fn is_current(&self, socket_number: u64) -> bool {
        self.socket.is_some() && self.socket_number == socket_number
    }

    /// The socket stands: say hello.
    pub(crate) fn on_open(&mut self) {
        if self.session.is_none() {
            // Offsets of a session that is gone for good mean nothing to the next one.
            self.renew_link();
        }
        let hello = Hello {
            version: PROTOCOL_VERSION,
            token: Secret(self.token.clone()),
            session: self.session.clone(),
            received: self.link.received(),
            limit: self.link.limit(),
            stream_credit: STREAM_CREDIT_DOWN,
        };
        let mut message = BytesMut::new();
        let sent = encode(&Frame::Hello(hello), &mut message).is_ok()
            && self.socket.as_ref().is_some_and(|socket| socket.send(&message).is_ok());
        if sent {
            self.phase = Phase::Greeting;
        } else {
            self.give_up_carrier("The token is too long or the connection broke.");
        }
    }

    /// Before the welcome: looks for it. `Ok(None)` once we are let in, and for messages without either answer.
    pub(crate) fn greet(&mut self, message: &[u8]) -> Result<Option<Greeted>, ProtocolError> {
        for frame in Frames::parse(message)?.from_relay() {
            match frame? {
                Frame::Welcome(welcome) if matches!(self.phase, Phase::Greeting) => {
                    return Ok(Some(self.on_welcome(welcome)?));
                }
                Frame::Refused(refused) => {
                    self.on_refused(&refused);
                    return Ok(Some(Greeted::Refused));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn on_welcome(&mut self, welcome: Welcome) -> Result<Greeted, ProtocolError> {
        let is_new_session = !welcome.resumed || self.session.is_none();
        if is_new_session {
            self.renew_link();
        }
        self.link.attach(welcome.received, welcome.limit)?;
        self.backoff.reset();
        self.cut_at = None;
        self.phase = Phase::Up;
        self.session = Some(welcome.session.clone());
        self.text = if welcome.incoming_port == 0 {
            "Connected to the relay. It has no port on which peers could reach this tab.".to_owned()
        } else {
            format!("Connected to the relay; peers reach this tab on port {}.", welcome.incoming_port)
        };
        self.welcome = Some(welcome);
        Ok(Greeted::Welcome { is_new_session })
    }

    /// The relay sends us away in mid-session.
    pub(crate) fn on_late_refused(&mut self, refused: &Refused) {
        self.on_refused(refused);
    }

    fn on_refused(&mut self, refused: &Refused) {
        let code = RefusedCode::from_number(refused.code);
        match code {
            Some(RefusedCode::BadToken) if self.spare_token.is_some() => {
                self.token = self.spare_token.take().unwrap_or_default();
                self.connect();
            }
            Some(RefusedCode::BadToken) => self.refuse(
                "The relay does not accept this page's token. Open the page by the address that the relay printed \
                 when it started (it ends in ?token=…), or enter the token here.",
            ),
            Some(RefusedCode::Version | RefusedCode::Unsupported) => self.refuse(&format!(
                "The relay does not fit this page: {} Reload the page; if that does not help, update the relay.",
                refused.text
            )),
            _ => {
                if matches!(
                    code,
                    Some(RefusedCode::Malformed | RefusedCode::Overloaded | RefusedCode::Replaced)
                ) {
                    // That session is gone, or another's; ask for a new one.
                    self.session = None;
                }
                self.give_up_carrier(&format!("The relay ended the connection: {}", refused.text));
            }
        }
    }

    fn refuse(&mut self, text: &str) {
        self.drop_carrier();
        self.forget_session();
        self.phase = Phase::Refused;
        self.text = text.to_owned();
    }

    /// The socket closed, or never stood.
    pub(crate) fn on_closed(&mut self) {
        let text = if matches!(self.phase, Phase::Opening) {
            format!(
                "The relay at {} does not answer, or it does not serve pages from this address.",
                self.url
            )
        } else {
            "The connection to the relay was cut.".to_owned()
        };
        self.give_up_carrier(&text);
    }

    /// The relay broke the protocol: begin a new session.
    pub(crate) fn on_protocol_error(&mut self, error: &ProtocolError) {
        self.session = None;
        self.give_up_carrier(&format!("The relay sent something unexpected: {error}."));
    }

    fn give_up_carrier(&mut self, text: &str) {
        self.drop_carrier();
        let wait_ms = self.backoff.next_ms(random::u32());
        self.text = format!("{text} Trying again in {} s.", wait_ms.div_ceil(1000));
        let host = self.host.clone();
        let timer = Timeout::new(wait_ms, move || {
            host.turn(State::reconnect);
        });
        self.phase = Phase::Waiting { _timer: timer };
    }

    /// The relay has not been reached for so long that it has forgotten the session. Returns whether that is news.
    pub(crate) fn give_up_session(&mut self) -> bool {
        let now = self.clock.now();
        let is_over = self.cut_at.is_some_and(|at| now.since(at).as_secs() >= RESUME_WITHIN_S);
        if !is_over || self.welcome.is_none() {
            return false;
        }
        self.forget_session();
        true
    }

    fn forget_session(&mut self) {
        self.session = None;
        self.welcome = None;
        self.renew_link();
    }

    fn drop_carrier(&mut self) {
        self.cut_at.get_or_insert_with(|| self.clock.now());
        self.socket = None;
        self.link.detach();
    }

    pub(crate) fn connect(&mut self) {
        self.drop_carrier();
        self.socket_number += 1;
        self.silent_rounds = 0;
        let number = self.socket_number;
        let host = self.host.clone();
        match Socket::open(&self.url, move |event| host.on_socket(number, event)) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.phase = Phase::Opening;
            }
            Err(_) => self.refuse(&format!("“{}” is no address of a relay.", self.url)),
        }
    }

    fn check_silence(&mut self) {
        if self.socket.is_none() {
            return;
        }
        self.silent_rounds += 1;
        if self.silent_rounds > SILENT_ROUNDS_MAX {
            self.give_up_carrier("The relay does not answer any more.");
        } else if self.silent_rounds > 1 && self.is_up() {
            self.send(&Frame::Ping { number: u64::from(self.silent_rounds) });
        }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("url", &self.url).field("text", &self.text).finish_non_exhaustive()
    }
}
