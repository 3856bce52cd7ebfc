//! A canary: calls what `clippy.toml` bans, and expects clippy to say so. If the ban stops working, the expectation
//! is unfulfilled and clippy fails.

#[test]
#[expect(clippy::disallowed_methods, reason = "the canary of the ban")]
fn the_ban_on_clocks_bites() {
    // Two readings of a monotonic clock never run backwards, which is all that a test may say about one.
    let first = std::time::Instant::now();
    assert!(std::time::Instant::now() >= first);
}
