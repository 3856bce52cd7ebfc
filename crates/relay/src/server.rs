//! Listens, answers HTTP, and shuts down in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use relay_proto::MAX_MESSAGE_LEN;
use tokio::net::TcpListener;

use crate::sessions::Shared;
use crate::{Config, carrier, guard, http, web};

/// How long a shutdown waits for trackers to hear that the tabs have left.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a relay could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error("the relay cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder of the page is not there.
    #[error("there is no page in {0}: it has no index.html")]
    NoPage(String),
    /// No token could be made up.
    #[error("the system has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// An empty token would let everybody in.
    #[error("the token is empty; leave it out to have one made up")]
    EmptyToken,
}

/// A relay that runs in this process until it is shut down.
pub struct RunningRelay {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

/// Starts a relay. It runs until [`RunningRelay::shutdown`], on the tokio runtime that this is called on.
///
/// # Errors
/// [`StartError`]; its text is for the user.
pub async fn start(config: Config) -> Result<RunningRelay, StartError> {
    if let Some(dir) = &config.web
        && !dir.join("index.html").is_file()
    {
        return Err(StartError::NoPage(dir.display().to_string()));
    }
    let token = match config.token.clone() {
        Some(token) if token.is_empty() => return Err(StartError::EmptyToken),
        Some(token) => token,
        None => guard::random_secret()?,
    };
    let listen_error = |source| StartError::Listen { addr: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
    let addr = listener.local_addr().map_err(listen_error)?;
    if !addr.ip().is_loopback() {
        tracing::warn!(
            "the relay listens on {addr}: whoever reaches this address and knows the token can use it"
        );
    }
    let shared = Arc::new(Shared::new(config, token));
    let router = router(&shared);
    tokio::spawn(http::serve(listener, router, shared.config.header_timeout(), shared.shutdown.clone()));
    Ok(RunningRelay { addr, shared })
}

impl RunningRelay {
    /// Where tabs reach it.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The page's address with the token in it.
    #[must_use]
    pub fn page_address(&self) -> String {
        let token =
            percent_encoding::utf8_percent_encode(&self.shared.token.0, percent_encoding::NON_ALPHANUMERIC);
        format!("http://{}/?token={token}", self.addr)
    }

    /// What a page must know to be let in.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.token.0
    }

    /// How often something was refused for this reason (a code of [`relay_proto::CloseCode`] or
    /// [`relay_proto::RefusedCode`], or `host` or `origin`) since the start.
    #[must_use]
    pub fn refusals(&self, reason: &str) -> u64 {
        self.shared.refusals.count(reason)
    }

    /// Sessions that run or could be gone on with.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.count()
    }

    /// WebSockets that are open, let in or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.open_connections()
    }

    /// Tells the tabs, tells the trackers that they have left, and ends.
    pub async fn shutdown(self) {
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(
                "some trackers have not answered; they will notice by themselves that the peers are gone"
            );
        }
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    let router = Router::new().route("/healthz", get(async || "ok\n")).route("/relay", any(upgrade));
    let router = match &shared.config.web {
        Some(dir) => router.fallback_service(web::service(dir)),
        None => router,
    };
    router.layer(from_fn_with_state(Arc::clone(shared), guard_host)).with_state(Arc::clone(shared))
}

async fn guard_host(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match guard::check_host(request.headers(), &shared.config) {
        Ok(()) => next.run(request).await,
        Err(text) => forbidden(&shared, "host", text),
    }
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(text) = guard::check_origin(&headers, &shared.config) {
        return forbidden(&shared, "origin", text);
    }
    let Ok(place) = Arc::clone(&shared.connections).try_acquire_owned() else {
        shared.refusals.note("too-many-connections", "one WebSocket more than allowed");
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n").into_response();
    };
    upgrade.max_message_size(MAX_MESSAGE_LEN).max_frame_size(MAX_MESSAGE_LEN).write_buffer_size(0).on_upgrade(
        async move |socket| {
            let tasks = shared.tasks.clone();
            tasks.track_future(carrier::serve(socket, shared)).await;
            drop(place);
        },
    )
}

fn forbidden(shared: &Shared, reason: &'static str, text: String) -> Response {
    shared.refusals.note(reason, &text);
    (StatusCode::FORBIDDEN, text + "\n").into_response()
}
