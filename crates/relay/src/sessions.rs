//! What all sessions share, and the list of those that can be gone on with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use peernet::policy::DestinationPolicy;
use peernet::tracker::TrackerClient;
use peernet::webseed::RangeClient;
use relay_proto::{Hello, Refused, RefusedCode, Secret, SessionKey};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::carrier::Carrier;
use crate::rate::Bucket;
use crate::refusals::Refusals;
use crate::session::{Event, Session};
use crate::{Config, guard};

/// WebSockets beyond one for each session: those being replaced, and those that have yet to say hello.
const CONNECTIONS_SPARE: usize = 64;

/// What every part of a running relay stands on.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) token: Secret,
    pub(crate) policy: Arc<DestinationPolicy>,
    pub(crate) trackers: TrackerClient,
    pub(crate) web_seeds: RangeClient,
    pub(crate) refusals: Refusals,
    /// Bytes a second of all sessions: they all use the one token.
    pub(crate) bytes: Bucket,
    pub(crate) shutdown: CancellationToken,
    /// WebSockets at the same time, let in or not; also those that have yet to say hello take memory.
    pub(crate) connections: Arc<Semaphore>,
    /// Sessions and carriers: a shutdown waits for them.
    pub(crate) tasks: TaskTracker,
    sessions: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    secret: Secret,
    mailbox: mpsc::Sender<Event>,
}

impl Shared {
    pub(crate) fn new(config: Config, token: String) -> Self {
        let policy = Arc::new(DestinationPolicy::public().allow_all(config.allow_net.iter().copied()));
        Self {
            token: Secret(token),
            trackers: TrackerClient::new(Arc::clone(&policy), config.dial_from()),
            web_seeds: RangeClient::new(Arc::clone(&policy), config.dial_from()),
            policy,
            refusals: Refusals::default(),
            bytes: Bucket::new(config.max_bytes_per_s),
            shutdown: CancellationToken::new(),
            connections: Arc::new(Semaphore::new(config.max_sessions.saturating_add(CONNECTIONS_SPARE))),
            tasks: TaskTracker::new(),
            sessions: Mutex::default(),
            config,
        }
    }

    /// Hands a carrier to the session that its hello names, or to a new one.
    pub(crate) async fn admit(self: &Arc<Self>, hello: Hello, carrier: Carrier) {
        if let Some(mailbox) = hello.session.as_ref().and_then(|key| self.find(key)) {
            let event = Event::Attach { hello, carrier, resumes: true };
            match mailbox.send(event).await {
                Ok(()) => return,
                // It ended just now: what was sent to it comes back.
                Err(mpsc::error::SendError(Event::Attach { hello, carrier, .. })) => {
                    self.begin(hello, carrier).await;
                }
                Err(_) => {}
            }
            return;
        }
        self.begin(hello, carrier).await;
    }

    async fn begin(self: &Arc<Self>, hello: Hello, carrier: Carrier) {
        let (Ok(id), Ok(secret)) = (guard::random_secret(), guard::random_secret()) else {
            tracing::error!("the system has no random numbers");
            return;
        };
        let key = SessionKey { id, secret: Secret(secret) };
        let (mailbox, events) = mpsc::channel(64);
        if !self.insert(&key, mailbox.clone()) {
            self.refusals.note(RefusedCode::TooManySessions.code(), "a new session");
            carrier.refuse(&Refused::new(RefusedCode::TooManySessions)).await;
            return;
        }
        let session = Session::new(Arc::clone(self), key, mailbox, &hello);
        self.tasks.spawn(session.run(events, hello, carrier));
    }

    fn insert(&self, key: &SessionKey, mailbox: mpsc::Sender<Event>) -> bool {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= self.config.max_sessions {
            return false;
        }
        sessions.insert(key.id.clone(), Entry { secret: key.secret.clone(), mailbox });
        true
    }

    fn find(&self, key: &SessionKey) -> Option<mpsc::Sender<Event>> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = sessions.get(&key.id)?;
        guard::is_same_secret(&key.secret.0, &entry.secret.0).then(|| entry.mailbox.clone())
    }

    /// The session is over; nobody can go on with it.
    pub(crate) fn forget(&self, key: &SessionKey) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&key.id);
    }

    pub(crate) fn open_connections(&self) -> usize {
        let max = self.config.max_sessions.saturating_add(CONNECTIONS_SPARE);
        max.saturating_sub(self.connections.available_permits())
    }

    /// Sessions that run or could be gone on with.
    pub(crate) fn count(&self) -> usize {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
