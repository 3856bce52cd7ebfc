//! One input to the fetch, and everything that it wants done about it.

use std::net::SocketAddr;

use engine::{AnnounceEvent, AnnounceRequest, Event, Input, Instant, Output, PeerKey};
use gloo::timers::callback::Timeout;
use relay_proto::{Announce, Close, CloseCode, Frame, Open};
use wasm_bindgen_futures::spawn_local;

use super::{EPOCH, MagnetTorrent, add};
use crate::worker::host::{Host, Wires};
use crate::worker::requests::Announcing;
use crate::worker::streams::{Connection, Waiting};
use crate::worker::torrents::torrent::Condition;

/// A data frame up carries at most so much; what is sent here is far shorter.
const FRAME_LEN_MAX: usize = 64 * 1024;

impl MagnetTorrent {
    /// Hands one input to the fetch and carries out what it wants.
    pub(crate) fn drive(&mut self, wires: &mut Wires, input: Input<'_>) {
        let now = wires.clock.now();
        self.fetch.handle(now, input);
        loop {
            match self.fetch.poll_output() {
                Output::Connect { peer, addr } => {
                    let stream = wires.streams.open(self.connection(peer), wires.relay.stream_credit_up());
                    let open = Open { addr, info_hash: self.info_hash() };
                    wires.relay.send(&Frame::Open { stream, open });
                }
                Output::Send { peer, bytes } => self.send(wires, peer, bytes),
                Output::Close { peer, .. } => self.close(wires, peer),
                Output::Announce(request) => self.announce(wires, request),
                Output::Event(event) => self.on_event(wires, now, event),
                Output::Wait { until } => {
                    self.wait(&wires.host, now, until);
                    return;
                }
                // There is no content yet.
                _ => {}
            }
        }
    }

    /// A peer came on a stream of the relay's.
    pub(crate) fn accept(&mut self, wires: &mut Wires, stream: u32, addr: SocketAddr) {
        let peer = PeerKey(self.next_incoming);
        self.next_incoming = self.next_incoming.wrapping_add(2);
        wires.streams.insert(stream, self.connection(peer), wires.relay.stream_credit_up());
        self.drive(wires, Input::Accepted { peer, addr });
    }

    /// Sends what waits on a stream, as far as its credit goes.
    pub(crate) fn pump(&self, wires: &mut Wires, number: u32) {
        let Wires { streams, relay, scratch, .. } = wires;
        let Some(stream) = streams.get_mut(number) else { return };
        loop {
            let credit = usize::try_from(stream.send_credit.available()).unwrap_or(FRAME_LEN_MAX);
            scratch.clear();
            stream.take_bytes(scratch, credit.min(FRAME_LEN_MAX));
            if scratch.is_empty() {
                return;
            }
            relay.send(&Frame::Data { stream: number, payload: scratch });
            stream.send_credit.take(scratch.len() as u64);
        }
    }

    fn connection(&self, peer: PeerKey) -> Connection {
        Connection { torrent: self.number, peer }
    }

    fn send(&self, wires: &mut Wires, peer: PeerKey, bytes: Vec<u8>) {
        let Some(number) = wires.streams.number(self.connection(peer)) else { return };
        if let Some(stream) = wires.streams.get_mut(number) {
            stream.queue.push_back(Waiting::Bytes { bytes, sent: 0 });
            wires.to_pump.insert(number);
        }
    }

    fn close(&self, wires: &mut Wires, peer: PeerKey) {
        let Some(number) = wires.streams.number(self.connection(peer)) else { return };
        self.pump(wires, number);
        wires.streams.remove(number);
        wires.relay.send(&Frame::Close { stream: number, close: Close::new(CloseCode::TabDone) });
    }

    fn announce(&self, wires: &mut Wires, request: AnnounceRequest) {
        let announcing = Announcing { torrent: self.number, epoch: EPOCH, tracker: request.tracker };
        if !wires.relay.has_session() {
            return wires.unanswered.push(announcing);
        }
        let number = wires.requests.announce(announcing);
        wires.relay.send(&Frame::Announce(Announce {
            request: number,
            url: request.url,
            info_hash: request.info_hash,
            peer_id: self.peer_id,
            key: self.tracker_key,
            event: match request.event {
                AnnounceEvent::Started => relay_proto::AnnounceEvent::Started,
                AnnounceEvent::Completed => relay_proto::AnnounceEvent::Completed,
                AnnounceEvent::Stopped => relay_proto::AnnounceEvent::Stopped,
                AnnounceEvent::Regular => relay_proto::AnnounceEvent::Regular,
            },
            uploaded: request.uploaded,
            downloaded: request.downloaded,
            left: request.left,
            num_want: request.num_want,
            tracker_id: request.tracker_id,
        }));
    }

    fn on_event(&mut self, wires: &Wires, now: Instant, event: Event) {
        match &event {
            Event::Failed { message } => self.condition = Condition::Failed(message.clone()),
            Event::MetadataFetched { info } => {
                spawn_local(add::finish(wires.host.clone(), self.number, info.clone()));
            }
            _ => {}
        }
        self.log.push(now, event);
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
        let wait_ms = u32::try_from(until.since(now).as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
        let timer = Timeout::new(wait_ms.min(i32::MAX as u32), move || {
            host.turn(|state| {
                if let Some(magnet) = state.torrents.magnet_mut(number) {
                    magnet.timer = None;
                    magnet.drive(&mut state.wires, Input::Timeout);
                }
            });
        });
        self.timer = Some((until, timer));
    }
}
