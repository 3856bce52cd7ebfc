//! Looks at processes four times a second and keeps the largest memory that it saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::proc_tree;

const INTERVAL: Duration = Duration::from_millis(250);

/// What browser and relay used during a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// CPU seconds of all the browser's processes.
    pub browser_cpu_s: f64,
    /// CPU seconds of the relay.
    pub relay_cpu_s: f64,
    /// Largest proportional set size of all the browser's processes together, in bytes.
    pub browser_pss_bytes: u64,
    /// Largest resident set of the relay, in bytes.
    pub relay_rss_bytes: u64,
}

/// A running measurement.
#[derive(Debug)]
pub struct Sampler {
    browser: u32,
    relay: u32,
    cpu_s: (f64, f64),
    peaks: Arc<Peaks>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Peaks {
    is_over: AtomicBool,
    browser: AtomicU64,
    relay: AtomicU64,
}

impl Sampler {
    /// Begins to watch the trees of two processes.
    #[must_use]
    pub fn start(browser: u32, relay: u32) -> Self {
        let peaks = Arc::new(Peaks::default());
        let of_thread = Arc::clone(&peaks);
        let thread = std::thread::spawn(move || {
            while !of_thread.is_over.load(Ordering::Relaxed) {
                of_thread.browser.fetch_max(proc_tree::pss_bytes(browser), Ordering::Relaxed);
                of_thread.relay.fetch_max(proc_tree::rss_bytes(relay), Ordering::Relaxed);
                std::thread::sleep(INTERVAL);
            }
        });
        let cpu_s = (proc_tree::cpu_s(browser), proc_tree::cpu_s(relay));
        Self { browser, relay, cpu_s, peaks, thread: Some(thread) }
    }

    /// Ends it.
    #[must_use]
    pub fn stop(mut self) -> Usage {
        let usage = Usage {
            browser_cpu_s: proc_tree::cpu_s(self.browser) - self.cpu_s.0,
            relay_cpu_s: proc_tree::cpu_s(self.relay) - self.cpu_s.1,
            browser_pss_bytes: 0,
            relay_rss_bytes: 0,
        };
        self.join();
        Usage {
            browser_pss_bytes: self.peaks.browser.load(Ordering::Relaxed),
            relay_rss_bytes: self.peaks.relay.load(Ordering::Relaxed),
            ..usage
        }
    }

    fn join(&mut self) {
        self.peaks.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A sampler that failed has shown its panic already.
            let _ = thread.join();
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.join();
    }
}
