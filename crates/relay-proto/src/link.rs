//! One end of a session: what waits to be sent, what may have to be sent again, and how far the other end has come.
//!
//! Session frames are counted by bytes from the session's start, each way for itself. Bytes that were sent stay here
//! until the other end has acknowledged them; after a reconnect the rest goes out again, in the same order. The
//! owner carries messages between two links, and must not hand in messages of an older carrier after
//! [`Link::attach`].

use std::collections::VecDeque;

use bytes::{Buf, BufMut, Bytes, BytesMut, buf::Limit};

use crate::frame::{FrameType, header};
use crate::{
    Frame, Frames, HEADER_LEN, MAX_DATA_LEN, MAX_MESSAGE_LEN, MAX_SESSION_WINDOW, MIN_SESSION_WINDOW,
    ProtocolError, encode,
};

/// Messages are cut from allocations of this many bytes, so that small ones kept for replay do not each hold on to a
/// large one; the tail that a new allocation gives up is at most a quarter.
const ARENA_LEN: usize = 4 * MAX_MESSAGE_LEN;

/// One end of a session.
#[derive(Debug)]
pub struct Link {
    carrier_frames: VecDeque<Bytes>,
    /// The newest ping that waits for its answer; older ones need none, so pings cannot fill a queue.
    unanswered_ping: Option<u64>,
    is_attached: bool,

    /// Encoded session frames, not yet sent, and the length of each.
    pending: BytesMut,
    pending_lens: VecDeque<usize>,
    /// Messages that were sent and not acknowledged; those from `replay_at` on have to go out on this carrier.
    unacked: VecDeque<Bytes>,
    replay_at: usize,
    acked: u64,
    sent: u64,
    peer_limit: u64,

    received: u64,
    processed: u64,
    acked_to_peer: u64,
    window: u64,
}

impl Link {
    /// A new session in which the other end may send `window` bytes beyond what is processed here (brought into
    /// [`MIN_SESSION_WINDOW`] to [`MAX_SESSION_WINDOW`]).
    #[must_use]
    pub fn new(window: u64) -> Self {
        Self {
            carrier_frames: VecDeque::new(),
            unanswered_ping: None,
            is_attached: false,
            pending: BytesMut::new(),
            pending_lens: VecDeque::new(),
            unacked: VecDeque::new(),
            replay_at: 0,
            acked: 0,
            sent: 0,
            peer_limit: 0,
            received: 0,
            processed: 0,
            acked_to_peer: 0,
            window: window.clamp(MIN_SESSION_WINDOW, MAX_SESSION_WINDOW),
        }
    }

    /// Offset up to which session bytes were received: for hello and welcome.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Offset up to which the other end may send: for hello and welcome.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.acked_to_peer + self.window
    }

    /// A carrier stands and both ends have said hello and welcome. What the other end has is dropped here, the rest
    /// of what was sent goes out again.
    ///
    /// # Errors
    /// The other end claims what was never sent, or lacks what it had acknowledged.
    pub fn attach(&mut self, peer_received: u64, peer_limit: u64) -> Result<(), ProtocolError> {
        if peer_received < self.acked || peer_received > self.sent {
            return Err(ProtocolError::BadAck { claimed: peer_received, from: self.acked, to: self.sent });
        }
        self.take_ack(peer_received, peer_limit)?;
        self.detach();
        self.replay_at = 0;
        self.is_attached = true;
        Ok(())
    }

    /// The carrier is gone; nothing is sent until the next [`Link::attach`].
    pub fn detach(&mut self) {
        self.is_attached = false;
        self.unanswered_ping = None;
        self.carrier_frames.clear();
    }

    /// Queues one frame.
    ///
    /// # Errors
    /// The frame is longer than its type allows; nothing was queued.
    pub fn send(&mut self, frame: &Frame<&[u8]>) -> Result<(), ProtocolError> {
        match frame {
            Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Refused(_)
            | Frame::Window { .. }
            | Frame::Ping { .. }
            | Frame::Pong { .. }
            | Frame::Switch(_) => {
                let mut message = BytesMut::new();
                encode(frame, &mut message)?;
                self.carrier_frames.push_back(message.freeze());
            }
            _ => {
                let len = encode(frame, &mut self.pending)?;
                self.pending_lens.push_back(len);
            }
        }
        Ok(())
    }

    /// How much payload [`Link::read_data`] can take now: room in the message being built and in the other end's
    /// window. Zero means: take what [`Link::poll_message`] has, or wait for a window frame.
    #[must_use]
    pub fn data_room(&self) -> usize {
        if !self.is_attached || self.replay_at < self.unacked.len() {
            return 0;
        }
        let mut room = MAX_MESSAGE_LEN.saturating_sub(self.pending.len());
        if !self.pending.is_empty() {
            room = room.min(self.pending.capacity() - self.pending.len());
        }
        let window = self.peer_limit.saturating_sub(self.sent).saturating_sub(self.pending.len() as u64);
        room.min(usize::try_from(window).unwrap_or(usize::MAX)).saturating_sub(HEADER_LEN).min(MAX_DATA_LEN)
    }

    /// Appends a data frame whose payload `read` writes straight into the message being built: at most `max` bytes,
    /// and at most [`Link::data_room`], which must not be zero (`read` would take that for the end of its source). If
    /// `read` fails or writes nothing, no frame is appended.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_data<E>(
        &mut self,
        stream: u32,
        max: usize,
        read: impl FnOnce(&mut Limit<&mut BytesMut>) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let max = max.min(self.data_room());
        if self.pending.is_empty() && self.pending.capacity() < MAX_MESSAGE_LEN {
            self.pending = BytesMut::with_capacity(ARENA_LEN);
        }
        let start = self.pending.len();
        self.pending.put_bytes(0, HEADER_LEN);
        let result = read(&mut (&mut self.pending).limit(max));
        let len = self.pending.len() - start - HEADER_LEN;
        if len == 0 || result.is_err() {
            self.pending.truncate(start);
            return result;
        }
        self.pending[start..start + HEADER_LEN].copy_from_slice(&header(FrameType::Data, stream, len));
        self.pending_lens.push_back(HEADER_LEN + len);
        result
    }

    /// Bytes of session frames that were queued and not yet sent.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// Bytes kept for replay.
    #[must_use]
    pub const fn unacked_len(&self) -> u64 {
        self.sent - self.acked
    }

    /// Whether [`Link::poll_message`] has something.
    #[must_use]
    pub fn has_message(&self) -> bool {
        let is_window_due = self.processed - self.acked_to_peer >= self.window.div_ceil(4);
        let next_fits = || {
            let room = self.peer_limit.saturating_sub(self.sent);
            self.pending_lens.front().is_some_and(|len| *len as u64 <= room)
        };
        self.is_attached
            && (is_window_due
                || self.unanswered_ping.is_some()
                || !self.carrier_frames.is_empty()
                || self.replay_at < self.unacked.len()
                || next_fits())
    }

    /// The next message for the carrier, of at most `max` bytes if frames are no longer than that: carrier frames
    /// first, then what has to go out again, then as many queued frames as fit and the other end's window allows.
    pub fn poll_message(&mut self, max: usize) -> Option<Bytes> {
        if !self.is_attached {
            return None;
        }
        self.queue_carrier_frames();
        if let Some(message) = self.carrier_frames.pop_front() {
            return Some(message);
        }
        if let Some(message) = self.unacked.get(self.replay_at) {
            self.replay_at += 1;
            return Some(message.clone());
        }
        let room = self.peer_limit.saturating_sub(self.sent);
        let mut len = 0;
        while let Some(next) = self.pending_lens.front() {
            let with_next = len + next;
            if with_next as u64 > room || (len > 0 && with_next > max.min(MAX_MESSAGE_LEN)) {
                break;
            }
            len = with_next;
            self.pending_lens.pop_front();
        }
        if len == 0 {
            return None;
        }
        let message = self.pending.split_to(len).freeze();
        self.sent += len as u64;
        self.unacked.push_back(message.clone());
        self.replay_at = self.unacked.len();
        Some(message)
    }

    /// Takes a message that came. Window and ping frames have had their effect when this returns; the owner looks at
    /// the others, and then says [`Link::processed`].
    ///
    /// # Errors
    /// The message is malformed, exceeds the window, or acknowledges what was never sent.
    pub fn receive<'a>(&mut self, message: &'a [u8]) -> Result<Frames<'a>, ProtocolError> {
        let frames = Frames::parse(message)?;
        let offset = self.received.saturating_add(frames.session_len());
        if offset > self.limit() {
            return Err(ProtocolError::WindowOverrun { offset, limit: self.limit() });
        }
        let mut scan = frames.clone();
        while let Some(raw) = scan.next_raw() {
            match scan.decode_carrier(&raw) {
                Some(Frame::Window { acked, limit }) => self.take_ack(acked, limit)?,
                Some(Frame::Ping { number }) => self.unanswered_ping = Some(number),
                _ => {}
            }
        }
        self.received = offset;
        Ok(frames)
    }

    /// So many more session bytes ([`Frames::session_len`]) are done with; moves the window in which the other end
    /// may send. The window frame goes out by itself, once a quarter of the window has moved.
    pub fn processed(&mut self, bytes: u64) {
        self.processed = self.processed.saturating_add(bytes).min(self.received);
    }

    fn take_ack(&mut self, acked: u64, limit: u64) -> Result<(), ProtocolError> {
        if acked > self.sent {
            return Err(ProtocolError::BadAck { claimed: acked, from: self.acked, to: self.sent });
        }
        if limit.saturating_sub(acked) > MAX_SESSION_WINDOW {
            return Err(ProtocolError::WindowTooLarge { acked, limit, max: MAX_SESSION_WINDOW });
        }
        self.drop_acked(acked);
        self.peer_limit = self.peer_limit.max(limit);
        Ok(())
    }

    fn drop_acked(&mut self, acked: u64) {
        while self.acked < acked {
            let Some(oldest) = self.unacked.front_mut() else { return };
            let part = (acked - self.acked).min(oldest.len() as u64);
            self.acked += part;
            if part < oldest.len() as u64 {
                oldest.advance(part as usize);
            } else {
                self.unacked.pop_front();
                self.replay_at = self.replay_at.saturating_sub(1);
            }
        }
    }

    fn queue_carrier_frames(&mut self) {
        if let Some(number) = self.unanswered_ping.take() {
            self.queue_carrier_frame(&Frame::Pong { number });
        }
        if self.processed - self.acked_to_peer >= self.window.div_ceil(4) {
            self.acked_to_peer = self.processed;
            self.queue_carrier_frame(&Frame::Window { acked: self.processed, limit: self.limit() });
        }
    }

    fn queue_carrier_frame(&mut self, frame: &Frame<&[u8]>) {
        let mut message = BytesMut::new();
        if encode(frame, &mut message).is_ok() {
            self.carrier_frames.push_back(message.freeze());
        }
    }
}
