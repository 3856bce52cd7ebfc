//! What comes from web seeds: bytes, and failures.

use super::Engine;
use crate::webseed::{Verdict, verdict};
use crate::{BlockRef, CloseReason, Event, FetchFault, FetchKey, Output, PeerKey, WebSeedUrl};

impl Engine {
    pub(super) fn handle_web_seeds_found(&mut self, urls: &[String]) {
        let sources: Vec<_> = urls.iter().filter_map(|url| WebSeedUrl::files(url.as_bytes())).collect();
        self.add_web_seeds(&sources);
    }

    pub(super) fn handle_fetched(&mut self, fetch: FetchKey, data: &[u8]) {
        let Some(key) = self.web_seeds.fetching(fetch) else { return };
        let mut from = 0;
        // A block that completes may end the request, or the web seed's use. What comes beyond is ignored.
        while from < data.len() && self.web_seeds.fetching(fetch).is_some() {
            from += self.take_fetched(key, from, data.len());
        }
    }

    /// Takes what belongs to one block from `data[from..to]`. Returns how many bytes that is; never none.
    fn take_fetched(&mut self, key: PeerKey, from: usize, to: usize) -> usize {
        let Some(at) = self.web_seeds.get(key).and_then(|seed| seed.fetch).map(|fetch| fetch.at) else {
            return to - from;
        };
        let (block, in_block) = self.block_at(at);
        let Some(seed) = self.web_seeds.get_mut(key) else { return to - from };
        let Some(fetch) = &mut seed.fetch else { return to - from };
        let len = u64::from(block.len - in_block).min(fetch.end - fetch.at).min((to - from) as u64);
        fetch.at += len;
        let is_over = fetch.at == fetch.end;
        seed.at = fetch.at;
        seed.progress_at = self.now;
        seed.failures = 0;
        seed.fault = None;
        seed.down_bytes += len;
        seed.down_rate.add(self.now, len);
        if is_over {
            seed.fetch = None;
        }
        let is_wanted = seed.outstanding.iter().any(|request| request.block == block);
        self.totals.down_bytes += len;
        self.totals.down_rate.add(self.now, len);
        let part = BlockRef { begin: block.begin + in_block, len: len as u32, ..block };
        if is_wanted {
            self.picker.add_contributor(block.piece, key);
            self.outbox.push(Output::Store { block: part, from: from..from + len as usize });
        } else {
            self.totals.wasted_bytes += len;
        }
        if is_wanted && in_block + part.len == block.len {
            self.end_fetched_block(key, &block);
        }
        if is_over {
            self.begin_fetch(key);
        }
        len as usize
    }

    /// All of a block that this web seed is counted on for is there.
    pub(super) fn end_fetched_block(&mut self, key: PeerKey, block: &BlockRef) {
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        let Some(at) = seed.outstanding.iter().position(|request| request.block == *block) else { return };
        seed.outstanding.remove(at);
        self.end_block(block, true);
        // Others may have brought the rest of the request.
        self.cancel_if_useless(key);
    }

    pub(super) fn handle_fetch_failed(&mut self, fetch: FetchKey, fault: FetchFault) {
        if let Some(key) = self.web_seeds.fetching(fetch) {
            if let Some(seed) = self.web_seeds.get_mut(key) {
                seed.failures = seed.failures.saturating_add(1);
            }
            self.judge_web_seed(key, fault);
        }
    }

    /// We gave up waiting.
    pub(super) fn fail_fetch(&mut self, key: PeerKey, fault: FetchFault) {
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        seed.failures = seed.failures.saturating_add(1);
        if let Some(fetch) = seed.fetch {
            self.outbox.push(Output::CancelFetch { fetch: fetch.key });
        }
        self.judge_web_seed(key, fault);
    }

    fn judge_web_seed(&mut self, key: PeerKey, fault: FetchFault) {
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        let file = seed.fetch.take().and_then(|fetch| fetch.file);
        seed.fault = Some(fault);
        let verdict = verdict(&self.config, seed.source.kind, fault, seed.failures);
        self.give_back_fetch(key);
        self.outbox.event(Event::WebSeedFailed { peer: key, fault });
        match verdict {
            Verdict::Retry(wait) => {
                if let Some(seed) = self.web_seeds.get_mut(key) {
                    seed.retry_at = Some(self.now + wait);
                }
            }
            Verdict::LoseFile => self.lose_file(key, file, fault),
            Verdict::Drop => self.drop_web_seed(key, CloseReason::WebSeed(fault)),
        }
    }

    /// The server does not have this file: pieces that reach into it are not to be had from there.
    fn lose_file(&mut self, key: PeerKey, file: Option<usize>, fault: FetchFault) {
        let Some(file) = file.and_then(|file| self.metainfo.files().get(file)) else { return };
        let first = self.block_at(file.offset).0.piece;
        let last = self.block_at(file.offset + file.len.saturating_sub(1)).0.piece;
        self.leave_web_seed(key);
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        for piece in first.0..=last.0 {
            seed.has.remove(crate::PieceIndex(piece));
        }
        if seed.has.count() == 0 {
            return self.drop_web_seed(key, CloseReason::WebSeed(fault));
        }
        seed.starved_at = None;
        seed.counted_as_seed = Some(self.picker.add_peer(&seed.has));
    }

    /// The web seed is of no use, for as long as this engine lives.
    pub(super) fn drop_web_seed(&mut self, key: PeerKey, reason: CloseReason) {
        self.cancel_fetch(key);
        self.leave_web_seed(key);
        if let Some(seed) = self.web_seeds.get_mut(key) {
            seed.dropped = Some(reason.clone());
            seed.retry_at = None;
        }
        self.outbox.event(Event::PeerLeft { peer: key, reason });
    }
}
