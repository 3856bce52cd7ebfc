//! Keeps web seeds busy: chooses runs of blocks, turns them into requests of the host, and takes them back.

use std::collections::VecDeque;

use super::Engine;
use crate::picker::{Asker, Outstanding, Speed};
use crate::webseed::{Fetch, Span, next_span, run_blocks};
use crate::{BLOCK_LEN, BlockRef, Event, FetchFault, FetchRequest, Output, PeerKey, PieceIndex, WebSeedUrl};

impl Engine {
    /// Takes web seeds in that are not known yet.
    pub(super) fn add_web_seeds(&mut self, sources: &[WebSeedUrl]) {
        let pieces_total = self.geometry.pieces_total();
        for source in sources {
            let key = PeerKey(self.next_key);
            if self.web_seeds.add(&self.config, self.now, key, source.clone(), pieces_total) {
                self.next_key += 2;
                if self.is_running {
                    self.join_web_seed(key);
                }
            }
        }
    }

    /// All that are of use take part from now on.
    pub(super) fn start_web_seeds(&mut self) {
        self.web_seeds.keys().into_iter().for_each(|key| self.join_web_seed(key));
    }

    /// None is asked any more.
    pub(super) fn stop_web_seeds(&mut self) {
        for key in self.web_seeds.keys() {
            self.cancel_fetch(key);
            self.leave_web_seed(key);
        }
    }

    fn join_web_seed(&mut self, key: PeerKey) {
        let Some(seed) = self.web_seeds.get_mut(key).filter(|seed| seed.dropped.is_none()) else { return };
        seed.failures = 0;
        seed.fault = None;
        seed.retry_at = None;
        seed.starved_at = None;
        seed.since = self.now;
        seed.down_rate.restart(self.now);
        seed.counted_as_seed = Some(self.picker.add_peer(&seed.has));
        let url = seed.source.url.clone();
        self.outbox.event(Event::WebSeedJoined { peer: key, url });
    }

    /// The picker does not count on it any more. Nothing may be asked of it.
    pub(super) fn leave_web_seed(&mut self, key: PeerKey) {
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        if let Some(is_counted_as_seed) = seed.counted_as_seed.take() {
            self.picker.remove_peer(&seed.has, is_counted_as_seed);
        }
    }

    /// Gives up on requests that are silent, and asks those for more that have nothing to do.
    pub(super) fn run_web_seeds(&mut self) {
        while let Some(key) = self.web_seeds.next_silent(&self.config, self.now) {
            let silent_s = self.config.web_seeds.silence_max.as_secs();
            self.fail_fetch(
                key,
                FetchFault::TimedOut { silent_s: u32::try_from(silent_s).unwrap_or(u32::MAX) },
            );
        }
        self.web_seeds.end_waits(self.now);
        self.web_seeds.is_limited = false;
        let mut last = None;
        while !self.waits_for_hashes()
            && let Some(key) = self.web_seeds.next_idle(last, self.picker.generation())
        {
            // Asked only when somebody waits: a limit that refuses counts as one that is felt.
            if !self.download_bucket.is_open(self.now) {
                self.web_seeds.is_limited = true;
                return;
            }
            last = Some(key);
            self.fetch_from(key);
        }
    }

    /// When a web seed is due by time alone.
    pub(super) fn next_web_seed_timeout(&self) -> Option<crate::Instant> {
        let limit = if self.web_seeds.is_limited { self.download_bucket.opens_at() } else { None };
        limit.into_iter().chain(self.web_seeds.next_due(&self.config)).min()
    }

    fn fetch_from(&mut self, key: PeerKey) {
        if self.web_seeds.fetches() < self.config.web_seeds.fetches_max {
            self.pick_run(key);
            self.begin_fetch(key);
        }
    }

    fn pick_run(&mut self, key: PeerKey) {
        // This one included: what it has begun is not given up for what it begins next.
        let peers = self.joined as usize + self.web_seeds.fetches() + 1;
        let generation = self.picker.generation();
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        let rate = seed.down_rate.per_second(self.now);
        let run = run_blocks(&self.config.web_seeds, rate) as usize;
        let asker = Asker {
            peer: key,
            has: &seed.has,
            current: seed.current,
            is_on_parole: seed.is_on_parole,
            outstanding: &seed.outstanding,
            released: 0,
            only: None,
            suggested: &[],
            speed: Speed::of(rate),
            is_fast: rate >= self.best_rate / 2,
            now: self.now,
        };
        // The bucket may be overdrawn a little, or each request would be for a block or two.
        let wanted = run.min(self.download_bucket.blocks_in(self.config.web_seeds.limited_run_time));
        self.picker.pick_run(&self.config, &asker, wanted, peers, &mut self.rng, &mut self.picked);
        if self.picked.is_exhausted {
            seed.starved_at = Some(self.picker.generation().max(generation));
        }
        let picked = std::mem::take(&mut self.picked);
        let request = |&(block, _): &_| Outstanding { block, sent_at: self.now, is_active: true };
        seed.outstanding.extend(picked.blocks.iter().map(request));
        seed.current = picked.blocks.last().map(|(block, _)| block.piece).or(seed.current);
        for &piece in &picked.discarded {
            self.outbox.push(Output::Discard { piece });
        }
        for &(block, reason) in &picked.blocks {
            self.pick_counts[reason as usize] += 1;
            self.download_bucket.spend(u64::from(block.len));
            self.outbox.event(Event::Picked { peer: key, block, reason });
        }
        self.picked = picked;
    }

    /// Asks for the first part of what the web seed is counted on for; padding on the way is filled in at once.
    pub(super) fn begin_fetch(&mut self, key: PeerKey) {
        while let Some((start, end)) = self.next_run(key) {
            let Some(seed) = self.web_seeds.get_mut(key) else { return };
            match next_span(&self.metainfo, &seed.source, start, end) {
                Span::Zeros { end } => self.fill_zeros(key, start, end),
                Span::Fetch { url, range, end, file } => {
                    let fetch = self.web_seeds.next_fetch();
                    let Some(seed) = self.web_seeds.get_mut(key) else { return };
                    seed.fetch = Some(Fetch { key: fetch, at: start, end, file });
                    seed.progress_at = self.now;
                    let len = end - start;
                    self.outbox.push(Output::Fetch(FetchRequest { fetch, peer: key, url, range, len }));
                    return;
                }
            }
        }
    }

    /// Where the next request to this web seed begins, and where the blocks in a row end that it is counted on for.
    fn next_run(&self, key: PeerKey) -> Option<(u64, u64)> {
        let seed = self.web_seeds.get(key).filter(|seed| seed.fetch.is_none())?;
        let first = seed.outstanding.front()?.block;
        let (first_start, first_end) = self.place_of(&first);
        // The first half of a block may have come from the file before.
        let start = if (first_start..first_end).contains(&seed.at) { seed.at } else { first_start };
        let mut end = first_end;
        for request in seed.outstanding.iter().skip(1) {
            let (start, next_end) = self.place_of(&request.block);
            if start != end {
                break;
            }
            end = next_end;
        }
        Some((start, end))
    }

    /// Where a block begins and ends in the content, in bytes.
    pub(super) fn place_of(&self, block: &BlockRef) -> (u64, u64) {
        let start = u64::from(block.piece.0) * u64::from(self.geometry.piece_len()) + u64::from(block.begin);
        (start, start + u64::from(block.len))
    }

    /// The block that holds this place, and how far into it the place lies.
    pub(super) fn block_at(&self, place: u64) -> (BlockRef, u32) {
        let piece_len = u64::from(self.geometry.piece_len());
        let piece = PieceIndex((place / piece_len) as u32);
        let in_piece = (place % piece_len) as u32;
        (self.geometry.block(piece, in_piece / BLOCK_LEN), in_piece % BLOCK_LEN)
    }

    fn fill_zeros(&mut self, key: PeerKey, start: u64, end: u64) {
        let mut at = start;
        while at < end {
            let (block, in_block) = self.block_at(at);
            let len = u64::from(block.len - in_block).min(end - at);
            self.picker.add_contributor(block.piece, key);
            let part = BlockRef { begin: block.begin + in_block, len: len as u32, ..block };
            self.outbox.push(Output::StoreZeros { block: part });
            at += len;
            if in_block + part.len == block.len {
                self.end_fetched_block(key, &block);
            }
        }
        if let Some(seed) = self.web_seeds.get_mut(key) {
            seed.at = end;
        }
    }

    /// The web seed is no longer counted on for anything. Its request, if there is one, is cancelled.
    pub(super) fn cancel_fetch(&mut self, key: PeerKey) {
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        if let Some(fetch) = seed.fetch.take() {
            self.outbox.push(Output::CancelFetch { fetch: fetch.key });
        }
        self.give_back_fetch(key);
    }

    /// Its blocks may be asked of others.
    pub(super) fn give_back_fetch(&mut self, key: PeerKey) {
        let Some(seed) = self.web_seeds.get_mut(key) else { return };
        // The rest of a block that was cut through is fetched with its beginning.
        seed.at = 0;
        for request in std::mem::take(&mut seed.outstanding) {
            self.give_back(&request);
        }
        self.picker.end_alone(key);
    }

    /// These pieces, in order, are not wanted any more.
    pub(super) fn cancel_pieces_at_web_seeds(&mut self, pieces: &[PieceIndex]) {
        let is_cancelled = |request: &Outstanding| pieces.binary_search(&request.block.piece).is_ok();
        for key in self.web_seeds.keys() {
            let Some(seed) = self.web_seeds.get_mut(key) else { continue };
            let (cancelled, kept): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(&mut seed.outstanding).into_iter().partition(is_cancelled);
            seed.outstanding = kept;
            seed.starved_at = None;
            cancelled.iter().for_each(|request| self.give_back(request));
            self.cancel_if_useless(key);
        }
    }

    /// Somebody else has brought this block: web seeds need not send it, and what they send of it is of no use.
    pub(super) fn cancel_at_web_seeds(&mut self, block: &BlockRef) {
        for key in self.web_seeds.keys() {
            let Some(seed) = self.web_seeds.get_mut(key) else { continue };
            let Some(at) = seed.outstanding.iter().position(|request| request.block == *block) else {
                continue;
            };
            let Some(request) = seed.outstanding.remove(at) else { continue };
            self.give_back(&request);
            self.cancel_if_useless(key);
        }
    }

    /// Cancels a request of which only blocks that are there are still to come, and asks for what is left.
    pub(super) fn cancel_if_useless(&mut self, key: PeerKey) {
        let Some(seed) = self.web_seeds.get(key) else { return };
        let Some(fetch) = seed.fetch else { return };
        let is_wanted = seed.outstanding.iter().any(|request| {
            let (start, end) = self.place_of(&request.block);
            start < fetch.end && end > fetch.at
        });
        if is_wanted {
            return;
        }
        if let Some(seed) = self.web_seeds.get_mut(key) {
            seed.fetch = None;
        }
        self.outbox.push(Output::CancelFetch { fetch: fetch.key });
        self.begin_fetch(key);
    }
}
