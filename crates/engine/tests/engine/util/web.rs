//! A web server with the content, in virtual time.

use std::time::Duration;

use engine::{FetchFault, FetchRange, FetchRequest};

use super::{Packet, Swarm};

/// Bytes of one read.
const READ_LEN: usize = 30_000;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Web {
    /// Bytes a second for each request.
    pub rate: u64,
    /// It answers nothing else.
    pub fault: Option<FetchFault>,
    /// Flips a byte in every read.
    pub corrupts: bool,
    /// Breaks off after so many bytes.
    pub cut_after: Option<u64>,
    /// Requests so far.
    pub requests: u32,
}

impl Default for Web {
    fn default() -> Self {
        Self { rate: 1_000_000, fault: None, corrupts: false, cut_after: None, requests: 0 }
    }
}

impl Swarm {
    /// Sends what is asked for, one read behind the other. What is cancelled comes all the same.
    pub(super) fn fetch(&mut self, number: usize, request: &FetchRequest) {
        self.web.requests += 1;
        let FetchRange::Bytes { offset } = request.range else { unreachable!("the content is one file") };
        let (fetch, expected) = (request.fetch, request.len);
        let received =
            if self.web.fault.is_some() { 0 } else { self.web.cut_after.unwrap_or(expected).min(expected) };
        let bytes = self.content.bytes[offset as usize..][..received as usize].to_vec();
        let mut at = self.now + self.net.latency * 2;
        for read in bytes.chunks(READ_LEN) {
            let mut bytes = read.to_vec();
            if self.web.corrupts {
                bytes[0] ^= 0x55;
            }
            at = at + Duration::from_micros(bytes.len() as u64 * 1_000_000 / self.web.rate);
            self.push(at, number, Packet::Fetched { fetch, bytes });
        }
        if received < expected {
            self.push(at, number, Packet::FetchFailed { fetch, received, expected });
        }
    }
}
