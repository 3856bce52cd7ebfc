//! Why a server was not reached, or said nothing usable: the same whatever carries the exchange.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::policy::Refusal;

/// What went wrong between us and a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReachError {
    /// The policy refuses the server's address.
    Refused(Refusal),
    /// The address is none that can be asked.
    BadUrl {
        /// As given, the first 200 characters.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It could not be reached; why, in the words of the network.
    Unreachable(String),
    /// It did not answer in time.
    TimedOut(Duration),
    /// It redirects from address to address, more often than this.
    TooManyRedirects(usize),
    /// Its answer is longer than this many bytes.
    TooLong(usize),
}

impl ReachError {
    /// A sentence for a person about `server`, for instance "the tracker".
    #[must_use]
    pub fn about(&self, server: &str) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::BadUrl { url, why } => format!("\"{url}\" is no address of {server}: {why}"),
            Self::Unreachable(text) => format!("{server} could not be reached: {text}"),
            Self::TimedOut(limit) => format!("{server} did not answer within {} s", limit.as_secs_f32()),
            Self::TooManyRedirects(max) => format!("{server} redirects more than {max} times"),
            Self::TooLong(max) => format!("the answer of {server} is longer than {} MiB", max >> 20),
        }
    }

    /// An address that is none, as it was given.
    pub(crate) fn bad_url(url: &str, why: &'static str) -> Self {
        Self::BadUrl { url: url.chars().take(200).collect(), why }
    }
}

impl fmt::Display for ReachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.about("the server"))
    }
}

impl Error for ReachError {}
