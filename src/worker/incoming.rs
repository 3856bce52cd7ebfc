//! What the relay says: frames to inputs of the engines.

use std::time::Duration;

use engine::{AnnounceAnswer, CloseReason, Input, ScrapeAnswer};
use relay_proto::{
    AnnounceOk, Announced, Close, CloseCode, Fetched, Frame, Outcome, ProtocolError, ScrapeEntry, Scraped,
};

use super::host::State;
use super::relay::{Greeted, SocketEvent, copy_message};
use super::requests::Announcing;
use super::tabs::tell;
use super::torrents;
use crate::messages::Update;

impl State {
    /// Something happened on the socket.
    pub(super) fn on_socket(&mut self, event: SocketEvent) {
        match event {
            SocketEvent::Open => self.wires.relay.on_open(),
            SocketEvent::Message(message) => {
                let mut bytes = std::mem::take(&mut self.message);
                copy_message(&message, &mut bytes);
                self.wires.relay.heard(bytes.len());
                if let Err(error) = self.on_message(&bytes) {
                    self.wires.relay.on_protocol_error(&error);
                }
                self.message = bytes;
            }
            SocketEvent::Text => {
                self.wires.relay.on_protocol_error(&ProtocolError::Unexpected { name: "text" });
            }
            SocketEvent::Closed => self.wires.relay.on_closed(),
        }
    }

    fn on_message(&mut self, message: &[u8]) -> Result<(), ProtocolError> {
        if !self.wires.relay.is_up() {
            match self.wires.relay.greet(message)? {
                Some(Greeted::Welcome { is_new_session }) => {
                    tell(None, Update::TokenAccepted { token: self.wires.relay.token().to_owned() });
                    if is_new_session {
                        self.on_new_session();
                    }
                }
                Some(Greeted::Refused) => {
                    self.on_refused();
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
        let frames = self.wires.relay.receive(message)?;
        let session_len = frames.session_len();
        for frame in frames.from_relay() {
            self.on_frame(frame?, message)?;
            if !self.wires.relay.is_up() {
                return Ok(());
            }
        }
        self.wires.relay.processed(session_len);
        Ok(())
    }

    fn on_frame(&mut self, frame: Frame, message: &[u8]) -> Result<(), ProtocolError> {
        match frame {
            Frame::Data { stream, payload } => self.on_data(stream, &message[payload])?,
            Frame::Credit { stream: number, limit } => {
                if let Some(stream) = self.wires.streams.get_mut(number) {
                    stream.send_credit.raise(limit);
                    self.wires.to_pump.insert(number);
                }
            }
            Frame::Opened { stream } => {
                if let Some(connection) = self.wires.streams.get_mut(stream).map(|stream| stream.connection) {
                    self.drive(connection.torrent, Input::Connected { peer: connection.peer });
                }
            }
            Frame::Close { stream, close } => {
                if let Some(stream) = self.wires.streams.remove(stream) {
                    let peer = stream.connection.peer;
                    let input = match fault_of_peer(&close) {
                        Some(reason) => Input::Rejected { peer, reason },
                        None => Input::Closed { peer },
                    };
                    self.drive(stream.connection.torrent, input);
                } else if let Some((request, Some(fault))) = self.wires.ranges.end(stream, &close) {
                    self.drive(request.torrent, Input::FetchFailed { fetch: request.fetch, fault });
                }
            }
            Frame::Accept { stream, accept } => self.on_accept(stream, &accept),
            Frame::Announced(Announced { request, outcome }) => {
                if let Some(asked) = self.wires.requests.announced(request) {
                    self.on_announced(
                        asked,
                        match outcome {
                            Outcome::Ok(answer) => Ok(to_answer(answer)),
                            Outcome::Error(reason) => Err(reason),
                        },
                    );
                }
            }
            Frame::Scraped(Scraped { request, outcome }) => {
                if let Some(asked) = self.wires.requests.scraped(request) {
                    self.on_scraped(asked, outcome);
                }
            }
            Frame::FetchData { request, payload } => {
                self.wires.requests.fetch_data(request, &message[payload]);
            }
            Frame::Fetched(Fetched { request, outcome }) => self.on_fetched(request, outcome),
            Frame::Refused(refused) => {
                self.wires.relay.on_late_refused(&refused);
                self.on_refused();
            }
            // The link and the greeting have seen to these.
            Frame::Window { .. } | Frame::Ping { .. } | Frame::Pong { .. } | Frame::Welcome(_) => {}
            // No relay says these; `from_relay` lets only the first through.
            Frame::Switch(_)
            | Frame::Hello(_)
            | Frame::Open { .. }
            | Frame::FetchRange { .. }
            | Frame::Register(_)
            | Frame::Unregister(_)
            | Frame::Announce(_)
            | Frame::Scrape(_)
            | Frame::Fetch(_) => return Err(ProtocolError::Unexpected { name: "tab's" }),
        }
        Ok(())
    }

    fn on_data(&mut self, number: u32, data: &[u8]) -> Result<(), ProtocolError> {
        let Some(connection) = self.wires.streams.receive(number, data.len())? else {
            return self.on_range_data(number, data);
        };
        self.drive(connection.torrent, Input::Received { peer: connection.peer, data });
        // The engine may have closed the stream over this.
        if let Some(stream) = self.wires.streams.get_mut(number)
            && let Some(limit) = stream.receive_credit.consume(data.len() as u64)
        {
            self.wires.relay.send(&Frame::Credit { stream: number, limit });
        }
        Ok(())
    }

    fn on_range_data(&mut self, number: u32, data: &[u8]) -> Result<(), ProtocolError> {
        let Some(request) = self.wires.ranges.receive(number, data.len())? else { return Ok(()) };
        self.drive(request.torrent, Input::Fetched { fetch: request.fetch, data });
        if let Some(limit) = self.wires.ranges.consume(number, data.len()) {
            self.wires.relay.send(&Frame::Credit { stream: number, limit });
        }
        Ok(())
    }

    fn on_accept(&mut self, number: u32, accept: &relay_proto::Accept) {
        let magnet = self.torrents.find_magnet(accept.info_hash).filter(|magnet| magnet.is_running());
        if let Some(magnet) = magnet.map(|magnet| magnet.number) {
            if let Some(magnet) = self.torrents.magnet_mut(magnet) {
                magnet.accept(&mut self.wires, number, accept.addr);
            }
            return;
        }
        let torrent = self.torrents.find(accept.info_hash).filter(|torrent| torrent.is_running());
        let Some(torrent) = torrent.map(|torrent| torrent.number) else {
            return self
                .wires
                .relay
                .send(&Frame::Close { stream: number, close: Close::new(CloseCode::TabDone) });
        };
        if let Some(torrent) = self.torrents.get_mut(torrent) {
            torrent.accept(&mut self.wires, number, accept.addr);
        }
    }

    /// One torrent was asked for, so the answer has its counts or none.
    fn on_scraped(&mut self, asked: Announcing, outcome: Outcome<Vec<ScrapeEntry>>) {
        let result = match outcome {
            Outcome::Ok(entries) => {
                entries.first().map(to_counts).ok_or_else(|| "it does not know the torrent".to_owned())
            }
            Outcome::Error(reason) => Err(reason),
        };
        if self.torrents.get_mut(asked.torrent).is_some_and(|torrent| torrent.epoch() == asked.epoch) {
            self.drive(asked.torrent, Input::Scraped { tracker: asked.tracker, result });
        }
    }

    fn on_fetched(&mut self, request: u32, outcome: Outcome<relay_proto::FetchOk>) {
        let Some(fetching) = self.wires.requests.fetched(request) else { return };
        match outcome {
            Outcome::Ok(_) => {
                torrents::add(&self.host, fetching.tab, fetching.request, fetching.link, fetching.bytes);
            }
            Outcome::Error(reason) => tell(
                Some(fetching.tab),
                Update::AddFailed {
                    request: fetching.request,
                    message: format!("{} could not be fetched: {reason}", fetching.link),
                },
            ),
        }
    }

    /// The session is new: nothing of the one before is left at the relay. Everybody begins anew, perhaps with another
    /// incoming port.
    fn on_new_session(&mut self) {
        self.lose_session();
        for torrent in self.torrents.iter_mut() {
            torrent.start(&mut self.wires);
        }
        for magnet in self.torrents.magnets_mut() {
            magnet.start(&mut self.wires);
        }
    }

    /// The relay sent us away, perhaps for good.
    fn on_refused(&mut self) {
        if !self.wires.relay.has_session() {
            self.lose_session();
        }
    }

    /// Tries to reach the relay again.
    pub(super) fn reconnect(&mut self) {
        if self.wires.relay.give_up_session() {
            self.lose_session();
        }
        self.wires.relay.connect();
    }

    /// Nothing of the session is left at the relay. Nobody goes on as if there were one, or connections that cannot
    /// come about would be asked for without end.
    fn lose_session(&mut self) {
        self.wires.streams.clear();
        self.wires.ranges.clear();
        self.wires.to_pump.clear();
        self.wires.sent.clear();
        // Before their announces fail: an engine that goes on would ask the next tracker, with nothing registered.
        for torrent in self.torrents.iter_mut() {
            torrent.lose_session(&mut self.wires);
        }
        for magnet in self.torrents.magnets_mut() {
            magnet.lose_session(&mut self.wires);
        }
        let (announces, fetches) = self.wires.requests.clear();
        for asked in announces {
            self.on_announced(asked, Err("The connection to the relay was lost.".to_owned()));
        }
        for fetching in fetches {
            let message =
                format!("{} could not be fetched: the connection to the relay was lost.", fetching.link);
            tell(Some(fetching.tab), Update::AddFailed { request: fetching.request, message });
        }
    }

    fn drive(&mut self, torrent: u32, input: Input<'_>) {
        if let Some(magnet) = self.torrents.magnet_mut(torrent) {
            magnet.drive(&mut self.wires, input);
        } else if let Some(torrent) = self.torrents.get_mut(torrent) {
            torrent.drive(&mut self.wires, input);
        }
    }
}

/// What the peer did, where the relay looked at its handshake and ended the stream for that.
fn fault_of_peer(close: &Close) -> Option<CloseReason> {
    match CloseCode::from_number(close.code)? {
        CloseCode::PeerNotBitTorrent => Some(CloseReason::NotBitTorrent),
        CloseCode::PeerWrongInfoHash => Some(CloseReason::WrongInfoHash),
        _ => None,
    }
}

fn to_answer(answer: AnnounceOk) -> AnnounceAnswer {
    AnnounceAnswer {
        interval: Duration::from_secs(u64::from(answer.interval_s)),
        min_interval: answer.min_interval_s.map(|seconds| Duration::from_secs(u64::from(seconds))),
        complete: answer.complete,
        incomplete: answer.incomplete,
        peers: answer.peers,
        warning: answer.warning,
        tracker_id: answer.tracker_id,
        external_ip: answer.external_ip,
    }
}

fn to_counts(entry: &ScrapeEntry) -> ScrapeAnswer {
    let &ScrapeEntry { info_hash: _, complete, downloaded, incomplete } = entry;
    ScrapeAnswer { complete, downloaded, incomplete }
}
