//! Parts of files from web seeds (BEP 19, 17): one GET for one range, its body as it comes, never more than was asked
//! for. Connections are kept for the next request to the same server.
//!
//! The caller chooses address and range and nothing else: no header, no method. It learns the status and the bytes of
//! the range, no header either.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE,
    RETRY_AFTER,
};
use url::Url;

use crate::ReachError;
use crate::http::HttpClient;
use crate::policy::{DestinationKind, DestinationPolicy, Refusal};

/// How long a server may take until the first byte of its answer, redirects included.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(25);

/// How long it may be silent within an answer.
pub const SILENCE_MAX: Duration = Duration::from_secs(25);

/// Most bytes of one request; a bound for counters, no server minds.
pub const RANGE_LEN_MAX: u64 = 1 << 30;

/// Longest body of an error that is read, in bytes: BEP 17 puts a number there.
const ERROR_BODY_MAX: usize = 32;

/// Why there are no bytes, or no more of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The address cannot be asked.
    #[error("\"{url}\" is no address of a web seed: {why}")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The policy refuses the server's address.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server could not be reached, or the connection broke before an answer.
    #[error("the server could not be reached: {0}")]
    Unreachable(String),
    /// It was silent for too long.
    #[error("the server was silent for {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It redirects from address to address.
    #[error("the server redirects more than {0} times")]
    TooManyRedirects(usize),
    /// The server answered with a status that brings no data.
    #[error("the server answered with status {status}")]
    Status {
        /// HTTP status.
        status: u16,
        /// When to come back, in seconds, if it said so.
        retry_after_s: Option<u32>,
    },
    /// It would have sent the whole file where a part from its middle was asked for.
    #[error("the server cannot send parts of a file")]
    NoRanges,
    /// It named another range than the one asked for, or a body of another length.
    #[error("the server would have sent {len} bytes from {start}")]
    WrongRange {
        /// First byte.
        start: u64,
        /// Number of bytes.
        len: u64,
    },
    /// Instead of content it sent a web page.
    #[error("the server sent a web page")]
    WebPage,
    /// It ended before all was there.
    #[error("the server stopped after {received} of {expected} bytes")]
    Cut {
        /// Bytes that came.
        received: u64,
        /// Bytes asked for.
        expected: u64,
    },
}

/// What is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeRequest {
    /// Address: http or https.
    pub url: String,
    /// First byte (BEP 19); `None`: the address says which bytes, and all of the answer is wanted (BEP 17).
    pub offset: Option<u64>,
    /// How many bytes; not zero.
    pub len: u64,
}

/// Fetches ranges. Cheap to clone.
#[derive(Clone)]
pub struct RangeClient {
    http: HttpClient,
}

impl std::fmt::Debug for RangeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RangeClient").finish_non_exhaustive()
    }
}

impl RangeClient {
    /// A client that reaches only what the policy allows, from the address `bind` if there is one.
    #[must_use]
    pub fn new(policy: Arc<DestinationPolicy>, bind: Option<IpAddr>) -> Self {
        Self { http: HttpClient::keeping_alive(policy, DestinationKind::Web, bind) }
    }

    /// Asks the server. When this returns, its answer has been found fit and its body can be read.
    ///
    /// # Errors
    /// [`RangeError`]; its text is for a person.
    pub async fn open(&self, request: &RangeRequest) -> Result<RangeBody, RangeError> {
        let url = web_url(&request.url)?;
        if request.len == 0 || request.len > RANGE_LEN_MAX {
            return Err(RangeError::WrongRange { start: request.offset.unwrap_or(0), len: request.len });
        }
        let answered = self.http.follow(url, headers(request));
        let response = tokio::time::timeout(ANSWER_TIMEOUT, answered)
            .await
            .map_err(|_elapsed| RangeError::TimedOut(ANSWER_TIMEOUT))??;
        check(request, response).await
    }
}

/// The bytes of a range as they come.
#[derive(Debug)]
pub struct RangeBody {
    /// `None` once all is there.
    response: Option<Response>,
    received: u64,
    expected: u64,
}

impl RangeBody {
    /// The next bytes; `None` when all that was asked for is there.
    ///
    /// # Errors
    /// [`RangeError::Cut`] or [`RangeError::TimedOut`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, RangeError> {
        let Some(response) = &mut self.response else { return Ok(None) };
        let cut = RangeError::Cut { received: self.received, expected: self.expected };
        let part = tokio::time::timeout(SILENCE_MAX, response.chunk()).await;
        let Ok(Some(mut bytes)) = part.map_err(|_elapsed| RangeError::TimedOut(SILENCE_MAX))? else {
            return Err(cut);
        };
        let left = self.expected - self.received;
        let is_exact = bytes.len() as u64 == left;
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.received += bytes.len() as u64;
        if self.received == self.expected
            && let Some(mut response) = self.response.take()
            && is_exact
            && response.content_length() == Some(self.expected)
        {
            // Its end is known to be here: reading it lets the connection be used again.
            let _end = response.chunk().await;
        }
        Ok(Some(bytes))
    }
}

/// The address, if a web seed may have it. One with a name and a password would make us send them.
fn web_url(url: &str) -> Result<Url, RangeError> {
    let bad = |why| RangeError::BadUrl { url: url.chars().take(200).collect(), why };
    let parsed = Url::parse(url).map_err(|_| bad("it is malformed"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(bad("only http and https are known"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(bad("it holds a user's name or password"));
    }
    Ok(parsed)
}

fn headers(request: &RangeRequest) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A range of something compressed would be no range of the file.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(offset) = request.offset {
        let last = offset.saturating_add(request.len - 1);
        if let Ok(value) = HeaderValue::from_str(&format!("bytes={offset}-{last}")) {
            headers.insert(RANGE, value);
        }
    }
    headers
}

/// Whether the answer brings the bytes that were asked for.
async fn check(request: &RangeRequest, response: Response) -> Result<RangeBody, RangeError> {
    let status = response.status().as_u16();
    match (status, request.offset) {
        (206, Some(offset)) => check_range(response.headers(), offset, request.len)?,
        // It knows no ranges and sends the file from its start: good for the start, and only cut off behind it.
        (200, Some(0)) => check_length(&response, |len| len >= request.len)?,
        (200, Some(_)) => return Err(RangeError::NoRanges),
        (200, None) => check_length(&response, |len| len == request.len)?,
        _ => return Err(RangeError::Status { status, retry_after_s: retry_after(status, response).await }),
    }
    // What nobody vouched for as a part of a file may be a page that says "sign in" or "not found".
    if status == 200 && is_web_page(response.headers()) {
        return Err(RangeError::WebPage);
    }
    if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(RangeError::WrongRange { start: 0, len: response.content_length().unwrap_or(0) });
    }
    Ok(RangeBody { response: Some(response), received: 0, expected: request.len })
}

fn check_range(headers: &HeaderMap, offset: u64, len: u64) -> Result<(), RangeError> {
    let named = headers.get(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
    match named {
        Some((start, named_len)) if (start, named_len) == (offset, len) => Ok(()),
        Some((start, len)) => Err(RangeError::WrongRange { start, len }),
        None => Err(RangeError::NoRanges),
    }
}

fn check_length(response: &Response, fits: impl Fn(u64) -> bool) -> Result<(), RangeError> {
    match response.content_length() {
        Some(len) if !fits(len) => Err(RangeError::WrongRange { start: 0, len }),
        _ => Ok(()),
    }
}

/// Start and length of `bytes 0-499/1234`.
fn content_range(value: &str) -> Option<(u64, u64)> {
    let (first, rest) = value.trim().strip_prefix("bytes")?.trim_start().split_once('-')?;
    let (last, _total) = rest.split_once('/')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some((first, last.checked_sub(first)?.checked_add(1)?))
}

fn is_web_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// Seconds from `Retry-After`, or from the body of a 503 (BEP 17). A date there is not worth a clock.
async fn retry_after(status: u16, mut response: Response) -> Option<u32> {
    let named =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if named.is_some() || status != 503 {
        return named;
    }
    let body = tokio::time::timeout(SILENCE_MAX, response.chunk()).await.ok()?.ok()??;
    let text = body.get(..body.len().min(ERROR_BODY_MAX))?;
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

impl From<ReachError> for RangeError {
    fn from(error: ReachError) -> Self {
        match error {
            ReachError::Refused(refusal) => Self::Refused(refusal),
            ReachError::BadUrl { url, why } => Self::BadUrl { url, why },
            ReachError::Unreachable(text) => Self::Unreachable(text),
            ReachError::TimedOut(limit) => Self::TimedOut(limit),
            ReachError::TooManyRedirects(max) => Self::TooManyRedirects(max),
            // Bodies are not read by what gives this error.
            ReachError::TooLong(max) => Self::WrongRange { start: 0, len: max as u64 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_two_places_and_a_total() {
        let table = [
            ("bytes 0-499/1234", Some((0, 500))),
            ("bytes 500-500/*", Some((500, 1))),
            (" bytes  7 - 8 /9", Some((7, 2))),
            ("bytes 8-7/9", None),
            ("bytes */1234", None),
            ("items 0-1/2", None),
            ("bytes 0-18446744073709551615/*", None),
            ("", None),
        ];
        for (value, expected) in table {
            assert_eq!(content_range(value), expected, "{value:?}");
        }
    }

    #[test]
    fn addresses_with_a_password_or_of_another_kind_are_not_asked() {
        for url in ["ftp://a/b", "http://me@a/b", "http://me:pw@a/b", "file:///etc/passwd", "x"] {
            assert!(matches!(web_url(url), Err(RangeError::BadUrl { .. })), "{url}");
        }
        assert!(web_url("https://a/b?c=d").is_ok());
    }
}
