//! Trackers that answer what a test wants them to.

use std::net::{SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::metainfo::{bytes, dict, encode, int};
use crate::places::fresh_ip;

/// What a tracker answers to every announce.
#[derive(Clone, Debug)]
pub enum Answer {
    /// These peers, in compact form (BEP 23).
    Peers(Vec<SocketAddr>),
    /// A page for people, as a tracker behind a misconfigured server does.
    Html,
    /// A refusal in the words of BEP 3.
    Failure(String),
    /// Another address, which answers the same, for ever.
    RedirectForEver,
    /// Bytes that are no bencode.
    Garbage,
}

/// A running tracker. Dropping it stops it.
#[derive(Debug)]
pub struct FakeTracker {
    /// Its address for announces.
    pub url: String,
    announces: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl FakeTracker {
    /// Starts one.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind((fresh_ip(), 0)).await.expect("a tracker can listen");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let announces = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&announces);
        let announce = async move |RawQuery(query): RawQuery| {
            log.lock().expect("no test panics while it holds this").push(query.clone().unwrap_or_default());
            respond(&answer, &query.unwrap_or_default())
        };
        let routes = Router::new().route("/announce", get(announce));
        let task = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("a tracker serves until it is stopped");
        });
        Self { url: format!("http://{addr}/announce"), announces, task }
    }

    /// The address of a tracker that does not run.
    #[must_use]
    pub fn down() -> String {
        format!("http://{}/announce", crate::places::fresh_addr())
    }

    /// The queries of all announces so far.
    ///
    /// # Panics
    /// Never: nobody panics while holding the list.
    #[must_use]
    pub fn announces(&self) -> Vec<String> {
        self.announces.lock().expect("no test panics while it holds this").clone()
    }
}

impl Drop for FakeTracker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn respond(answer: &Answer, query: &str) -> Response {
    let bencode = |value| ([(header::CONTENT_TYPE, "text/plain")], encode(&value)).into_response();
    match answer {
        Answer::Peers(peers) => bencode(dict([
            ("interval", int(1800)),
            ("min interval", int(5)),
            ("complete", int(peers.len() as u64)),
            ("incomplete", int(0)),
            ("peers", bytes(compact(peers))),
        ])),
        Answer::Html => {
            ([(header::CONTENT_TYPE, "text/html")], "<!doctype html><title>Welcome</title>").into_response()
        }
        Answer::Failure(reason) => bencode(dict([("failure reason", bytes(reason))])),
        Answer::RedirectForEver => {
            let location = format!("/announce?{query}&again=1");
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
        Answer::Garbage => [0xff_u8; 64].into_response(),
    }
}

fn compact(peers: &[SocketAddr]) -> Vec<u8> {
    let v4 = peers.iter().filter_map(|addr| match addr {
        SocketAddr::V4(addr) => Some(addr),
        SocketAddr::V6(_) => None,
    });
    v4.flat_map(|addr: &SocketAddrV4| [&addr.ip().octets()[..], &addr.port().to_be_bytes()].concat())
        .collect()
}
