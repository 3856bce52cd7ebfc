//! The worker's time: microseconds since it started.

use engine::Instant;
use wasm_bindgen::JsCast as _;
use web_sys::{DedicatedWorkerGlobalScope, Performance};

/// Reads the browser's monotonic clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Option<Performance>);

impl Clock {
    /// The clock of this worker.
    pub(crate) fn new() -> Self {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        Self(scope.performance())
    }

    /// Now. Stands still in a browser without a clock, of which there is none.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(self.0.as_ref().map_or(0, |clock| (clock.now() * 1000.0) as u64))
    }
}

/// Milliseconds since 1970, for the order in which torrents were added.
pub(crate) fn unix_ms() -> u64 {
    js_sys::Date::now() as u64
}
