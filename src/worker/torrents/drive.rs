//! One input to a torrent's engine, and everything that it wants done about it.

use std::rc::Rc;
use std::sync::Arc;

use engine::{
    AnnounceEvent, AnnounceRequest, BlockRef, Event, FetchKey, FetchRange, FetchRequest, Input, Instant,
    Output, PeerKey, PieceHashes, PieceIndex, TrackerKey, VerifyOutcome,
};
use gloo::timers::callback::Timeout;
use relay_proto::{Announce, Close, CloseCode, Frame, Open, Scrape};
use wasm_bindgen_futures::spawn_local;

use super::torrent::{Condition, Torrent};
use super::verify::{Done, Job};
use crate::worker::host::{Host, State, Wires};
use crate::worker::ranges::Request;
use crate::worker::requests::Announcing;
use crate::worker::storage::StorageError;
use crate::worker::streams::{Connection, Waiting};

impl Torrent {
    /// Hands one input to the engine and carries out what it wants.
    pub(crate) fn drive(&mut self, wires: &mut Wires, input: Input<'_>) {
        let data: &[u8] = match &input {
            Input::Received { data, .. } | Input::Fetched { data, .. } => data,
            _ => &[],
        };
        let now = wires.clock.now();
        self.engine.handle(now, input);
        loop {
            match self.engine.poll_output() {
                Output::Store { block, from } => self.store(wires, block, data.get(from).unwrap_or_default()),
                Output::Send { peer, bytes } => {
                    self.enqueue(wires, peer, Waiting::Bytes { bytes, sent: 0 });
                }
                Output::SendBlock { peer, header, block } => {
                    self.enqueue(wires, peer, Waiting::Block { header, block });
                }
                Output::Event(event) => self.on_event(wires, now, event),
                Output::StoreZeros { block } => self.store(wires, block, &vec![0; block.len as usize]),
                Output::Fetch(request) => self.fetch(wires, request),
                Output::CancelFetch { fetch } => self.cancel_fetch(wires, fetch),
                Output::Verify { piece, hashes } => self.verify(wires, piece, hashes),
                Output::Discard { piece } => self.discard(wires, piece),
                Output::Connect { peer, addr } => {
                    let stream = wires.streams.open(self.connection(peer), wires.relay.stream_credit_up());
                    let open = Open { addr, info_hash: self.info_hash() };
                    wires.relay.send(&Frame::Open { stream, open });
                }
                Output::Close { peer, .. } => self.close(wires, peer),
                Output::Announce(request) => self.announce(wires, request),
                Output::Scrape { tracker, url } => self.scrape(wires, tracker, url),
                Output::Wait { until } => {
                    self.wait(&wires.host, now, until);
                    return self.rest_if_done(wires);
                }
            }
        }
    }

    /// The engine's connection, as the streams name it.
    pub(super) fn connection(&self, peer: PeerKey) -> Connection {
        Connection { torrent: self.number, peer }
    }

    fn verify(&mut self, wires: &mut Wires, piece: PieceIndex, hashes: PieceHashes) {
        self.verifying += 1;
        wires.verifier.push(Job {
            torrent: self.number,
            epoch: self.epoch,
            block: BlockRef { piece, begin: 0, len: self.metainfo.piece_size(piece) },
            hashes,
            assembled: self.assembler.take(piece),
            record: self.resume_log.record_piece(piece),
            content: Rc::clone(&self.stored.content),
            folder: Rc::clone(&self.stored.folder),
            late_writes: Rc::clone(&self.late_writes),
        });
    }

    fn close(&mut self, wires: &mut Wires, peer: PeerKey) {
        let Some(number) = wires.streams.number(self.connection(peer)) else { return };
        // What the peer has credit for goes out first; it has no claim to more.
        self.pump(wires, number);
        wires.streams.remove(number);
        wires.relay.send(&Frame::Close { stream: number, close: Close::new(CloseCode::TabDone) });
    }

    fn fetch(&self, wires: &mut Wires, request: FetchRequest) {
        let FetchRequest { fetch, url, range, len, .. } = request;
        let stream = wires.streams.new_number();
        wires.ranges.begin(stream, Request { torrent: self.number, fetch }, len);
        let offset = match range {
            FetchRange::Bytes { offset } => Some(offset),
            FetchRange::Body => None,
        };
        let range = relay_proto::FetchRange { url, info_hash: self.info_hash(), offset, len };
        wires.relay.send(&Frame::FetchRange { stream, range });
    }

    fn cancel_fetch(&self, wires: &mut Wires, fetch: FetchKey) {
        if let Some(stream) = wires.ranges.cancel(Request { torrent: self.number, fetch }) {
            wires.relay.send(&Frame::Close { stream, close: Close::new(CloseCode::TabDone) });
        }
    }

    fn announce(&mut self, wires: &mut Wires, request: AnnounceRequest) {
        let AnnounceRequest {
            tracker,
            url,
            info_hash,
            event,
            uploaded,
            downloaded,
            left,
            num_want,
            tracker_id,
            port: _,
        } = request;
        let announcing = Announcing { torrent: self.number, epoch: self.epoch, tracker };
        if !wires.relay.has_session() {
            return wires.unanswered.push(announcing);
        }
        let request = wires.requests.announce(announcing);
        wires.relay.send(&Frame::Announce(Announce {
            request,
            url,
            info_hash,
            peer_id: self.peer_id,
            key: self.tracker_key,
            event: match event {
                AnnounceEvent::Started => relay_proto::AnnounceEvent::Started,
                AnnounceEvent::Completed => relay_proto::AnnounceEvent::Completed,
                AnnounceEvent::Stopped => relay_proto::AnnounceEvent::Stopped,
                AnnounceEvent::Regular => relay_proto::AnnounceEvent::Regular,
            },
            uploaded,
            downloaded,
            left,
            num_want,
            tracker_id,
        }));
    }

    fn scrape(&self, wires: &mut Wires, tracker: TrackerKey, url: String) {
        if wires.relay.has_session() {
            let announcing = Announcing { torrent: self.number, epoch: self.epoch, tracker };
            let request = wires.requests.scrape(announcing);
            let info_hashes = vec![self.info_hash()];
            wires.relay.send(&Frame::Scrape(Scrape { request, url, info_hashes }));
        }
    }

    fn on_event(&mut self, wires: &mut Wires, now: Instant, event: Event) {
        if event == Event::HashesComplete {
            self.keep_hashes(wires);
        }
        if let Event::Failed { message } = &event {
            self.condition = Condition::Failed(message.clone());
        }
        if matches!(event, Event::GoalMet { .. }) {
            self.condition = Condition::Paused;
            self.has_met_goal = true;
        }
        self.log.push(now, event);
    }

    /// The engine has met a goal and has paused: so does the torrent.
    fn rest_if_done(&mut self, wires: &mut Wires) {
        if std::mem::take(&mut self.has_met_goal) {
            self.leave(wires);
            if let Err(error) = self.save_totals().and_then(|()| self.save_paused(true)) {
                wires.fail(self.number, &error);
            }
        }
    }

    /// Stores the .torrent file with the hashes that peers have sent, so that the next start need not fetch them.
    fn keep_hashes(&mut self, wires: &Wires) {
        self.metainfo = Arc::new(self.engine.metainfo().clone());
        let (folder, metainfo) = (Rc::clone(&self.stored.folder), Arc::clone(&self.metainfo));
        let (host, number) = (wires.host.clone(), self.number);
        spawn_local(async move {
            if let Err(error) = folder.write_metainfo(metainfo.as_bytes()).await {
                host.turn(|state| state.wires.fail(number, &error));
            }
        });
    }

    /// Comes back at `until`. A timer that is due earlier stays: it will find out.
    fn wait(&mut self, host: &Host, now: Instant, until: Option<Instant>) {
        let Some(until) = until else {
            self.timer = None;
            return;
        };
        if self.timer.as_ref().is_some_and(|(due, _)| *due <= until) {
            return;
        }
        let (host, number) = (host.clone(), self.number);
        let wait_ms = until.since(now).as_micros().div_ceil(1000);
        let timer =
            Timeout::new(u32::try_from(wait_ms).unwrap_or(u32::MAX).min(i32::MAX as u32), move || {
                host.turn(|state| {
                    if let Some(torrent) = state.torrents.get_mut(number) {
                        torrent.timer = None;
                        torrent.drive(&mut state.wires, Input::Timeout);
                    }
                });
            });
        self.timer = Some((until, timer));
    }

    /// A write or a read failed: the engine leaves the swarm, and the user decides.
    pub(crate) fn fail(&mut self, wires: &mut Wires, message: String) {
        if matches!(self.condition, Condition::Failed(_)) {
            return;
        }
        self.condition = Condition::Failed(message.clone());
        self.drive(wires, Input::StorageFailed { message });
        self.leave(wires);
        // Verdicts that are still to come are for an engine that has given up on those pieces.
        self.renew_engine();
    }
}

impl State {
    /// A piece was hashed.
    pub(crate) fn on_verified(&mut self, done: Done, len: usize) {
        let wires = &mut self.wires;
        wires.verifier.finished(len);
        let Some(torrent) = self.torrents.get_mut(done.torrent) else { return };
        torrent.verifying -= 1;
        let is_current = torrent.epoch == done.epoch;
        if let Some(buffer) = done.buffer.filter(|_| is_current) {
            torrent.assembler.recycle(buffer);
        }
        match done.outcome {
            Ok(outcome) => {
                if outcome == VerifyOutcome::Stored {
                    torrent.have.insert(done.piece);
                }
                if is_current {
                    torrent.settle_blocks(wires, done.piece, outcome);
                    torrent.drive(wires, Input::Verified { piece: done.piece, outcome });
                }
                if torrent.engine.summary().is_complete {
                    torrent.release_if_complete();
                    if let Err(error) = torrent.save_totals() {
                        self.wires.fail(done.torrent, &error);
                    }
                }
            }
            Err(error) => self.wires.fail(done.torrent, &error),
        }
    }
}

impl Wires {
    /// Notes that a torrent's storage failed; the torrent hears of it at the end of the turn.
    pub(crate) fn fail(&mut self, torrent: u32, error: &StorageError) {
        self.failures.push((torrent, error.to_string()));
    }
}
