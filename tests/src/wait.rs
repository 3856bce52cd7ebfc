//! Waiting for something to become true, never for a guessed time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Enough for anything that takes a second on an idle machine, on a machine that is busy with something else.
pub const LONG: Duration = Duration::from_secs(120);

/// Polls `check` until it gives a value.
///
/// # Panics
/// When `limit` is over, with `what` in the message.
pub async fn until<T>(what: &str, limit: Duration, check: impl AsyncFnMut() -> Option<T>) -> T {
    until_seen(what, limit, POLL_INTERVAL, check).await
}

/// As [`until`], looking only every `interval`: a look at a page takes time away from what is measured in it.
///
/// # Panics
/// As [`until`].
pub async fn until_seen<T>(
    what: &str,
    limit: Duration,
    interval: Duration,
    mut check: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain for: {what}", limit.as_secs());
        sleep(interval).await;
    }
}

/// As [`until`] for a condition without a value.
///
/// # Panics
/// As [`until`].
pub async fn until_true(what: &str, limit: Duration, mut check: impl AsyncFnMut() -> bool) {
    until(what, limit, async || check().await.then_some(())).await;
}
