//! A plain web server that hands out the files of a folder, whole or by ranges, as any web server does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::places::fresh_ip;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path below the folder.
    pub path: String,
    /// First and last byte asked for.
    pub range: Option<(u64, u64)>,
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct WebServer {
    /// Address of the folder, with a slash at its end.
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl WebServer {
    /// Hands out what lies in `folder`.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind((fresh_ip(), 0)).await.expect("a web server can listen");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, folder) = (Arc::clone(&requests), folder.to_owned());
        let answer = async move |UrlPath(path): UrlPath<String>, headers: HeaderMap| {
            let range = asked_range(&headers);
            log.lock()
                .expect("no test panics while it holds this")
                .push(Request { path: path.clone(), range });
            respond(&folder.join(path), range)
        };
        let routes = Router::new().route("/{*path}", get(answer));
        let task = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("a web server serves until it is stopped");
        });
        Self { url: format!("http://{addr}/"), requests, task }
    }

    /// All requests so far.
    ///
    /// # Panics
    /// Never: nobody panics while the log is locked.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panics while it holds this").clone()
    }

    /// Bytes that were asked for by ranges.
    #[must_use]
    pub fn asked_bytes(&self) -> u64 {
        self.requests().iter().filter_map(|request| request.range).map(|(first, last)| last - first + 1).sum()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn asked_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let value = headers.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn respond(file: &PathBuf, range: Option<(u64, u64)>) -> Response {
    let Ok(content) = fs::read(file) else { return StatusCode::NOT_FOUND.into_response() };
    let Some((first, last)) = range else { return content.into_response() };
    let part = usize::try_from(first).ok().zip(usize::try_from(last).ok());
    let Some(part) = part.and_then(|(first, last)| content.get(first..=last)) else {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    };
    let named = format!("bytes {first}-{last}/{}", content.len());
    (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, named)], part.to_vec()).into_response()
}
