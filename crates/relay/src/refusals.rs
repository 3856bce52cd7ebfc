//! Every refusal is logged with its reason, and counted.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

/// How often each reason was given since the start.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Refusals {
    /// Notes one. `detail` must hold no secret.
    pub(crate) fn note(&self, reason: &'static str, detail: impl Display) {
        tracing::warn!(reason, "refused: {detail}");
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// How often this reason was given.
    pub(crate) fn count(&self, reason: &str) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(reason).copied().unwrap_or(0)
    }
}
