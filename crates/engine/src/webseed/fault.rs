//! What can go wrong with a request to a web seed.

use std::fmt;

/// Why the host could not get what it was to fetch; the numbers say what the server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFault {
    /// The server could not be reached, or the connection broke before an answer.
    Unreachable,
    /// The host's policy, or the relay's, does not allow this address.
    NotAllowed,
    /// The host has no room for another request just now.
    Busy,
    /// It answered with a status that brings no data.
    Status {
        /// HTTP status.
        code: u16,
        /// When to come back, in seconds, if it said so (`Retry-After`, or the body of a 503 as in BEP 17).
        retry_after_s: Option<u32>,
    },
    /// It sent, or would have sent, the whole file where a part from its middle was asked for.
    NoRanges,
    /// It named another range than the one asked for, or a body of another length.
    WrongRange {
        /// First byte that it would send.
        start: u64,
        /// Bytes that it would send.
        len: u64,
    },
    /// Instead of content it sent a web page: a sign-in page, or an error that calls itself a success.
    WebPage,
    /// It ended before all was there.
    Cut {
        /// Bytes that came.
        received: u64,
        /// Bytes asked for.
        expected: u64,
    },
    /// It redirects from address to address, or to one that may not be used.
    Moved {
        /// Redirects followed.
        redirects: u32,
    },
    /// It was silent for too long.
    TimedOut {
        /// How long, in seconds.
        silent_s: u32,
    },
}

impl FetchFault {
    /// A short stable name, without the numbers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotAllowed => "not-allowed",
            Self::Busy => "busy",
            Self::Status { .. } => "status",
            Self::NoRanges => "no-ranges",
            Self::WrongRange { .. } => "wrong-range",
            Self::WebPage => "web-page",
            Self::Cut { .. } => "cut",
            Self::Moved { .. } => "moved",
            Self::TimedOut { .. } => "timed-out",
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => write!(f, "the web seed could not be reached"),
            Self::NotAllowed => write!(f, "the web seed's address may not be reached"),
            Self::Busy => write!(f, "too many requests are under way"),
            Self::Status { code, retry_after_s: None } => {
                write!(f, "the web seed answered with status {code}")
            }
            Self::Status { code, retry_after_s: Some(seconds) } => {
                write!(f, "the web seed answered with status {code}: come back in {seconds} s")
            }
            Self::NoRanges => write!(f, "the web seed cannot send parts of a file"),
            Self::WrongRange { start, len } => {
                write!(
                    f,
                    "the web seed would have sent {len} bytes from {start}, which is not what it was asked for"
                )
            }
            Self::WebPage => write!(f, "the web seed sent a web page instead of the content"),
            Self::Cut { received, expected } => {
                write!(f, "the web seed stopped after {received} of {expected} bytes")
            }
            Self::Moved { redirects } => {
                write!(
                    f,
                    "the web seed leads elsewhere, and after {redirects} redirects there is nothing to be had"
                )
            }
            Self::TimedOut { silent_s } => write!(f, "the web seed was silent for {silent_s} s"),
        }
    }
}
