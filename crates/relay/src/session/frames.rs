//! What a session does with each frame of its tab.

use bytes::Bytes;
use codec::InfoHash;
use peernet::policy::DestinationKind;
use relay_proto::{
    Announced, Close, CloseCode, FetchRange, Frame, FrameType, Open, Outcome, ProtocolError, Refused,
    RefusedCode, Register, Scraped,
};

use super::accept::Incoming;
use super::stream::{self, Stream};
use super::{Session, send};

impl Session {
    /// Takes one message. All frames have had their effect when this returns, so all its bytes are processed: what
    /// must wait does so in the streams, within their credit.
    pub(super) fn take_frames(&mut self, message: &Bytes) -> Result<(), ProtocolError> {
        let frames = self.link.receive(message)?;
        let session_len = frames.session_len();
        for frame in frames {
            self.take_frame(frame?, message)?;
        }
        self.link.processed(session_len);
        Ok(())
    }

    fn take_frame(&mut self, frame: Frame, message: &Bytes) -> Result<(), ProtocolError> {
        match frame {
            // The link has seen to these.
            Frame::Window { .. } | Frame::Ping { .. } | Frame::Pong { .. } => {}
            Frame::Open { stream, open } => self.open(stream, &open)?,
            Frame::FetchRange { stream, range } => self.fetch_range(stream, range)?,
            Frame::Data { stream, payload } => {
                self.streams.check_known(stream, FrameType::Data)?;
                self.streams.on_data(stream, &message[payload], &mut self.link);
            }
            Frame::Credit { stream, limit } => {
                self.streams.check_known(stream, FrameType::Credit)?;
                self.streams.on_credit(stream, limit);
                self.ranges.on_credit(stream, limit);
            }
            Frame::Close { stream, .. } => {
                self.streams.check_known(stream, FrameType::Close)?;
                self.streams.on_close(stream);
                self.ranges.on_close(stream);
            }
            Frame::Register(register) => self.register(register),
            Frame::Unregister(unregister) => {
                let gone = self.torrents.unregister(unregister.torrent);
                self.leave(&gone);
            }
            Frame::Announce(announce) => {
                let request = announce.request;
                let is_registered = self.torrents.contains(&announce.info_hash);
                let asked = self.announces.ask(
                    announce,
                    is_registered,
                    &self.shared,
                    self.incoming_port,
                    &self.mailbox,
                );
                if let Err(text) = asked {
                    self.send(&Frame::Announced(Announced { request, outcome: Outcome::Error(text) }));
                }
            }
            Frame::Scrape(scrape) => {
                let request = scrape.request;
                let is_registered = scrape.info_hashes.iter().all(|hash| self.torrents.contains(hash));
                let asked = self.announces.scrape(scrape, is_registered, &self.shared, &self.mailbox);
                if let Err(text) = asked {
                    self.send(&Frame::Scraped(Scraped { request, outcome: Outcome::Error(text) }));
                }
            }
            Frame::Fetch(fetch) => {
                self.fetches.begin(fetch, &self.shared, &self.mailbox, &mut self.tasks, &mut self.link);
            }
            Frame::Switch(_) => {
                // The WebSocket stays the carrier; the tab learns that there is no other.
                let text = RefusedCode::Unsupported.text().to_owned();
                self.send(&Frame::Refused(Refused { code: RefusedCode::Unsupported.number(), text }));
            }
            Frame::Hello(_) => return Err(ProtocolError::Unexpected { name: FrameType::Hello.name() }),
            Frame::Welcome(_) => return Err(ProtocolError::Unexpected { name: FrameType::Welcome.name() }),
            Frame::Refused(_) => return Err(ProtocolError::Unexpected { name: FrameType::Refused.name() }),
            Frame::Opened { .. } => return Err(ProtocolError::Unexpected { name: FrameType::Opened.name() }),
            Frame::Accept { .. } => return Err(ProtocolError::Unexpected { name: FrameType::Accept.name() }),
            Frame::Announced(_) => {
                return Err(ProtocolError::Unexpected { name: FrameType::Announced.name() });
            }
            Frame::Scraped(_) => return Err(ProtocolError::Unexpected { name: FrameType::Scraped.name() }),
            Frame::FetchData { .. } => {
                return Err(ProtocolError::Unexpected { name: FrameType::FetchData.name() });
            }
            Frame::Fetched(_) => return Err(ProtocolError::Unexpected { name: FrameType::Fetched.name() }),
        }
        Ok(())
    }

    fn open(&mut self, id: u32, open: &Open) -> Result<(), ProtocolError> {
        self.streams.claim(id)?;
        if let Err((code, text)) = self.may_open(open) {
            self.shared.refusals.note(code.code(), &text);
            send(&mut self.link, &Frame::Close { stream: id, close: Close::with_text(code, text) });
            return Ok(());
        }
        self.dials.take(1);
        let dialing = stream::dial(id, open.addr, &self.shared, &self.mailbox, &mut self.tasks);
        self.streams
            .insert(id, Stream::dialing(self.torrents.hashes_with(open.info_hash), open.addr, dialing));
        Ok(())
    }

    fn fetch_range(&mut self, id: u32, range: FetchRange) -> Result<(), ProtocolError> {
        self.streams.claim(id)?;
        if let Err((code, text)) = self.may_fetch(&range) {
            self.shared.refusals.note(code.code(), &text);
            send(&mut self.link, &Frame::Close { stream: id, close: Close::with_text(code, text) });
            return Ok(());
        }
        self.dials.take(1);
        self.ranges.begin(id, range, &self.mailbox, &mut self.tasks);
        Ok(())
    }

    fn may_fetch(&self, range: &FetchRange) -> Result<(), (CloseCode, String)> {
        if !self.torrents.contains(&range.info_hash) {
            return Err((CloseCode::NotRegistered, format!("{} is not registered", range.info_hash)));
        }
        let max = self.shared.config.max_ranges;
        if max == 0 {
            return Err((CloseCode::DestinationRefused, "this relay asks no web seeds".to_owned()));
        }
        if self.ranges.len() >= max as usize {
            let text = format!("{max} requests to web seeds are under way, no more are allowed");
            return Err((CloseCode::TooManyRanges, text));
        }
        self.may_dial()
    }

    fn may_open(&self, open: &Open) -> Result<(), (CloseCode, String)> {
        if !self.torrents.contains(&open.info_hash) {
            return Err((CloseCode::NotRegistered, format!("{} is not registered", open.info_hash)));
        }
        let destination = self.shared.policy.check(open.addr, DestinationKind::Peer);
        destination.map_err(|refusal| (CloseCode::DestinationRefused, refusal.to_string()))?;
        let max = self.shared.config.max_streams;
        if self.streams.len() >= max as usize {
            return Err((CloseCode::TooManyStreams, format!("{max} streams are open, no more are allowed")));
        }
        self.may_dial()
    }

    fn may_dial(&self) -> Result<(), (CloseCode, String)> {
        if self.dials.available() == 0 {
            let max = self.shared.config.max_dials_per_s;
            return Err((
                CloseCode::DialRate,
                format!("more than {max} connections were asked for in a second"),
            ));
        }
        Ok(())
    }

    fn register(&mut self, register: Register) {
        match self.torrents.register(register, self.shared.config.max_info_hashes) {
            Ok(gone) => self.leave(&gone),
            Err(text) => self.shared.refusals.note("too-many-info-hashes", text),
        }
    }

    /// Ends all that belongs to these torrents.
    fn leave(&mut self, gone: &[InfoHash]) {
        if !gone.is_empty() {
            self.streams.unregister(gone, &mut self.link);
            self.ranges.unregister(gone, &mut self.link);
            self.announces.leave(gone, &self.shared, self.incoming_port);
        }
    }

    /// A peer came: it is let in if it names a registered torrent and there is room.
    pub(super) fn on_incoming(&mut self, incoming: Incoming) {
        let Incoming { socket, addr, info_hash, handshake } = incoming;
        if !self.torrents.contains(&info_hash) {
            self.shared
                .refusals
                .note(CloseCode::NotRegistered.code(), format!("{addr} asks for {info_hash}"));
            return;
        }
        if self.streams.len() >= self.shared.config.max_streams as usize {
            self.shared
                .refusals
                .note(CloseCode::TooManyStreams.code(), format!("{addr} is one peer too many"));
            return;
        }
        let info_hashes = self.torrents.hashes_with(info_hash);
        self.streams.accept(socket, addr, info_hashes, &handshake, &mut self.link);
    }
}
