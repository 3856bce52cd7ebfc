//! Requests to web seeds, from the engine's words to peernet's and back.

use std::collections::BTreeMap;

use engine::{FetchFault, FetchKey, FetchRange, FetchRequest};
use peernet::webseed::{RangeClient, RangeError, RangeRequest};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::connections::Network;

/// Requests under way. Dropping it ends them.
pub(super) struct Fetcher {
    pub(super) client: RangeClient,
    pub(super) tasks: BTreeMap<FetchKey, AbortHandle>,
}

impl Fetcher {
    pub(super) fn new(client: RangeClient) -> Self {
        Self { client, tasks: BTreeMap::new() }
    }

    /// Asks in a task of its own; what comes is [`Network::Fetched`], as slowly as the driver takes it.
    pub(super) fn begin(&mut self, request: FetchRequest, network: mpsc::Sender<Network>) {
        let client = self.client.clone();
        let FetchRequest { fetch, url, range, len, .. } = request;
        let offset = match range {
            FetchRange::Bytes { offset } => Some(offset),
            FetchRange::Body => None,
        };
        let task = tokio::spawn(async move {
            let request = RangeRequest { url, offset, len };
            let result = pass_on(&client, &request, fetch, &network).await;
            if let Err(error) = &result {
                tracing::info!(url = request.url, %error, "web seed");
            }
            let fault = result.as_ref().err().map(fault_of);
            let _heard = network.send(Network::FetchEnded { fetch, fault }).await;
        });
        self.tasks.insert(fetch, task.abort_handle());
    }

    /// The request is over. Returns whether it was known.
    pub(super) fn end(&mut self, fetch: FetchKey) -> bool {
        self.tasks.remove(&fetch).is_some()
    }

    /// The engine wants nothing more of it.
    pub(super) fn cancel(&mut self, fetch: FetchKey) {
        if let Some(task) = self.tasks.remove(&fetch) {
            task.abort();
        }
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}

async fn pass_on(
    client: &RangeClient,
    request: &RangeRequest,
    fetch: FetchKey,
    network: &mpsc::Sender<Network>,
) -> Result<(), RangeError> {
    let mut body = client.open(request).await?;
    while let Some(bytes) = body.next().await? {
        if network.send(Network::Fetched { fetch, bytes }).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn fault_of(error: &RangeError) -> FetchFault {
    match *error {
        RangeError::BadUrl { .. } | RangeError::Refused(_) => FetchFault::NotAllowed,
        RangeError::Unreachable(_) => FetchFault::Unreachable,
        RangeError::TimedOut(limit) => {
            FetchFault::TimedOut { silent_s: u32::try_from(limit.as_secs()).unwrap_or(u32::MAX) }
        }
        RangeError::TooManyRedirects(max) => FetchFault::Moved { redirects: max as u32 },
        RangeError::Status { status, retry_after_s } => FetchFault::Status { code: status, retry_after_s },
        RangeError::NoRanges => FetchFault::NoRanges,
        RangeError::WrongRange { start, len } => FetchFault::WrongRange { start, len },
        RangeError::WebPage => FetchFault::WebPage,
        RangeError::Cut { received, expected } => FetchFault::Cut { received, expected },
    }
}
