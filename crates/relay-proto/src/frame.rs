//! Frames: a header of nine bytes and a payload. Decoding names places in the message and copies no payload.

use std::ops::Range;

use bytes::BufMut;
use serde::{Serialize, de::DeserializeOwned};

use crate::control::{
    Accept, Announce, Announced, Close, Fetch, FetchRange, Fetched, Hello, Open, Refused, Register, Scrape,
    Scraped, Switch, Unregister, Welcome,
};
use crate::{HEADER_LEN, MAX_CONTROL_LEN, MAX_DATA_LEN, MAX_MESSAGE_LEN, ProtocolError};

/// One frame. `P` is where its bulk payload lies: a range of the message when decoded, a slice when encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the variants carry the documented payload types; the specification describes each"
)]
pub enum Frame<P = Range<usize>> {
    Hello(Hello),
    Welcome(Welcome),
    Refused(Refused),
    Window { acked: u64, limit: u64 },
    Ping { number: u64 },
    Pong { number: u64 },
    Switch(Switch),
    Open { stream: u32, open: Open },
    Opened { stream: u32 },
    Data { stream: u32, payload: P },
    Credit { stream: u32, limit: u64 },
    Close { stream: u32, close: Close },
    Accept { stream: u32, accept: Accept },
    Register(Register),
    Unregister(Unregister),
    Announce(Announce),
    Announced(Announced),
    Scrape(Scrape),
    Scraped(Scraped),
    Fetch(Fetch),
    FetchData { request: u32, payload: P },
    Fetched(Fetched),
    FetchRange { stream: u32, range: FetchRange },
}

/// What the first byte of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the frame of the same name")]
pub enum FrameType {
    Hello = 0x01,
    Welcome = 0x02,
    Refused = 0x03,
    Window = 0x04,
    Ping = 0x05,
    Pong = 0x06,
    Switch = 0x07,
    Open = 0x10,
    Opened = 0x11,
    Data = 0x12,
    Credit = 0x13,
    Close = 0x14,
    Accept = 0x15,
    Register = 0x20,
    Unregister = 0x21,
    Announce = 0x22,
    Announced = 0x23,
    Scrape = 0x24,
    Scraped = 0x25,
    Fetch = 0x26,
    FetchData = 0x27,
    Fetched = 0x28,
    FetchRange = 0x29,
}

use FrameType as T;

/// What the stream field of a header means.
enum StreamField {
    Zero,
    Stream,
    Request,
}

impl FrameType {
    const ALL: [Self; 23] = [
        Self::Hello,
        Self::Welcome,
        Self::Refused,
        Self::Window,
        Self::Ping,
        Self::Pong,
        Self::Switch,
        Self::Open,
        Self::Opened,
        Self::Data,
        Self::Credit,
        Self::Close,
        Self::Accept,
        Self::Register,
        Self::Unregister,
        Self::Announce,
        Self::Announced,
        Self::Scrape,
        Self::Scraped,
        Self::Fetch,
        Self::FetchData,
        Self::Fetched,
        Self::FetchRange,
    ];

    /// The type with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Carrier frames belong to one carrier, are not counted by session offsets and never replayed.
    #[must_use]
    pub const fn is_carrier(self) -> bool {
        (self as u8) < 0x10
    }

    /// Its name in the specification.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Welcome => "welcome",
            Self::Refused => "refused",
            Self::Window => "window",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Switch => "switch",
            Self::Open => "open",
            Self::Opened => "opened",
            Self::Data => "data",
            Self::Credit => "credit",
            Self::Close => "close",
            Self::Accept => "accept",
            Self::Register => "register",
            Self::Unregister => "unregister",
            Self::Announce => "announce",
            Self::Announced => "announced",
            Self::Scrape => "scrape",
            Self::Scraped => "scraped",
            Self::Fetch => "fetch",
            Self::FetchData => "fetch_data",
            Self::Fetched => "fetched",
            Self::FetchRange => "fetch_range",
        }
    }

    const fn payload_lens(self) -> (usize, usize) {
        match self {
            Self::Window => (16, 16),
            Self::Ping | Self::Pong | Self::Credit => (8, 8),
            Self::Opened => (0, 0),
            Self::Data | Self::FetchData => (1, MAX_DATA_LEN),
            _ => (2, MAX_CONTROL_LEN),
        }
    }

    const fn stream_field(self) -> StreamField {
        match self {
            Self::Open
            | Self::Opened
            | Self::Data
            | Self::Credit
            | Self::Close
            | Self::Accept
            | Self::FetchRange => StreamField::Stream,
            Self::FetchData => StreamField::Request,
            _ => StreamField::Zero,
        }
    }

    fn check(self, stream: u32, len: usize) -> Result<(), ProtocolError> {
        let name = self.name();
        let (min, max) = self.payload_lens();
        if len < min || len > max {
            return Err(ProtocolError::PayloadLength { name, len, min, max });
        }
        match (self.stream_field(), stream) {
            (StreamField::Zero, 1..) | (StreamField::Stream, 0) => {
                Err(ProtocolError::StreamNumber { name, stream })
            }
            _ => Ok(()),
        }
    }
}

/// The frames of one message, checked for structure: every header is sound and every payload lies in the message.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    message: &'a [u8],
    at: usize,
    session_len: u64,
}

/// A checked header and the place of its payload.
#[derive(Clone, Debug)]
pub(crate) struct RawFrame {
    pub(crate) kind: FrameType,
    stream: u32,
    payload: Range<usize>,
}

impl<'a> Frames<'a> {
    /// Checks the structure of a whole message. The JSON of control frames is parsed only when iterated.
    ///
    /// # Errors
    /// The message is too long or ends within a frame, or a header has an unknown type, a wrong length or stream.
    pub fn parse(message: &'a [u8]) -> Result<Self, ProtocolError> {
        if message.len() > MAX_MESSAGE_LEN {
            return Err(ProtocolError::MessageTooLong { len: message.len(), max: MAX_MESSAGE_LEN });
        }
        let mut session_len = 0;
        let mut at = 0;
        while at < message.len() {
            let raw = read_header(message, at)?;
            if !raw.kind.is_carrier() {
                session_len += (raw.payload.end - at) as u64;
            }
            at = raw.payload.end;
        }
        Ok(Self { message, at: 0, session_len })
    }

    /// Bytes of all its session frames, headers included: by so much the session offset grows.
    #[must_use]
    pub const fn session_len(&self) -> u64 {
        self.session_len
    }

    pub(crate) fn next_raw(&mut self) -> Option<RawFrame> {
        if self.at >= self.message.len() {
            return None;
        }
        let raw = read_header(self.message, self.at).ok()?;
        self.at = raw.payload.end;
        Some(raw)
    }

    /// The frames as a tab reads them: those that only a tab may send are an error, and what reads them is no part of
    /// the page.
    pub fn from_relay(mut self) -> impl Iterator<Item = Result<Frame, ProtocolError>> {
        std::iter::from_fn(move || {
            let raw = self.next_raw()?;
            Some(match decode_down(self.message, &raw) {
                Ok(Some(frame)) => Ok(frame),
                Ok(None) => Err(ProtocolError::Unexpected { name: raw.kind.name() }),
                Err(error) => Err(error),
            })
        })
    }

    /// Window and ping frames, which concern the link and nobody else.
    pub(crate) fn decode_carrier(&self, raw: &RawFrame) -> Option<Frame> {
        decode_numbers(self.message, raw)
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Frame, ProtocolError>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.next_raw()?;
        Some(match decode_down(self.message, &raw) {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => decode_up(self.message, &raw),
            Err(error) => Err(error),
        })
    }
}

/// Frames that hold numbers alone.
fn decode_numbers(message: &[u8], raw: &RawFrame) -> Option<Frame> {
    let RawFrame { kind, stream, .. } = *raw;
    let bytes = &message[raw.payload.clone()];
    Some(match kind {
        T::Window => Frame::Window { acked: be_u64(bytes), limit: be_u64(&bytes[8..]) },
        T::Ping => Frame::Ping { number: be_u64(bytes) },
        T::Pong => Frame::Pong { number: be_u64(bytes) },
        T::Credit => Frame::Credit { stream, limit: be_u64(bytes) },
        _ => return None,
    })
}

/// Frames that a relay may send; `None` for those that only a tab may.
fn decode_down(message: &[u8], raw: &RawFrame) -> Result<Option<Frame>, ProtocolError> {
    let RawFrame { kind, stream, ref payload } = *raw;
    let bytes = &message[payload.clone()];
    Ok(Some(match kind {
        T::Data => Frame::Data { stream, payload: payload.clone() },
        T::FetchData => Frame::FetchData { request: stream, payload: payload.clone() },
        T::Window | T::Ping | T::Pong | T::Credit => return Ok(decode_numbers(message, raw)),
        T::Welcome => Frame::Welcome(json(kind, bytes)?),
        T::Refused => Frame::Refused(json(kind, bytes)?),
        T::Switch => Frame::Switch(json(kind, bytes)?),
        T::Opened => Frame::Opened { stream },
        T::Close => Frame::Close { stream, close: json(kind, bytes)? },
        T::Accept => Frame::Accept { stream, accept: json(kind, bytes)? },
        T::Announced => Frame::Announced(json(kind, bytes)?),
        T::Scraped => Frame::Scraped(json(kind, bytes)?),
        T::Fetched => Frame::Fetched(json(kind, bytes)?),
        T::Hello
        | T::Open
        | T::Register
        | T::Unregister
        | T::Announce
        | T::Scrape
        | T::Fetch
        | T::FetchRange => return Ok(None),
    }))
}

/// Frames that only a tab may send.
fn decode_up(message: &[u8], raw: &RawFrame) -> Result<Frame, ProtocolError> {
    let RawFrame { kind, stream, ref payload } = *raw;
    let bytes = &message[payload.clone()];
    Ok(match kind {
        T::Hello => Frame::Hello(json(kind, bytes)?),
        T::Open => Frame::Open { stream, open: json(kind, bytes)? },
        T::Register => Frame::Register(json(kind, bytes)?),
        T::Unregister => Frame::Unregister(json(kind, bytes)?),
        T::Announce => Frame::Announce(json(kind, bytes)?),
        T::Scrape => Frame::Scrape(json(kind, bytes)?),
        T::Fetch => Frame::Fetch(json(kind, bytes)?),
        T::FetchRange => Frame::FetchRange { stream, range: json(kind, bytes)? },
        _ => return Err(ProtocolError::Unexpected { name: kind.name() }),
    })
}

fn read_header(message: &[u8], at: usize) -> Result<RawFrame, ProtocolError> {
    let Some((header, rest)) = message[at..].split_at_checked(HEADER_LEN) else {
        return Err(ProtocolError::Truncated { at, missing: at + HEADER_LEN - message.len() });
    };
    let kind =
        FrameType::from_number(header[0]).ok_or(ProtocolError::UnknownType { number: header[0], at })?;
    let [_, s0, s1, s2, s3, l0, l1, l2, l3] = *header else {
        return Err(ProtocolError::Truncated { at, missing: HEADER_LEN });
    };
    let stream = u32::from_be_bytes([s0, s1, s2, s3]);
    let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    kind.check(stream, len)?;
    if len > rest.len() {
        return Err(ProtocolError::Truncated { at, missing: len - rest.len() });
    }
    let start = at + HEADER_LEN;
    Ok(RawFrame { kind, stream, payload: start..start + len })
}

fn json<V: DeserializeOwned>(kind: FrameType, bytes: &[u8]) -> Result<V, ProtocolError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ProtocolError::Payload { name: kind.name(), reason: error.to_string() })
}

fn be_u64(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The nine bytes in front of a payload.
pub(crate) fn header(kind: FrameType, stream: u32, len: usize) -> [u8; HEADER_LEN] {
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    let [l0, l1, l2, l3] = (len as u32).to_be_bytes();
    [kind as u8, s0, s1, s2, s3, l0, l1, l2, l3]
}

/// Appends one frame to `out`. Returns how many bytes it takes.
///
/// # Errors
/// Its payload is longer or shorter than its type allows, or its stream number does not fit its type; then nothing
/// was appended.
pub fn encode(frame: &Frame<&[u8]>, out: &mut impl BufMut) -> Result<usize, ProtocolError> {
    match frame {
        Frame::Hello(body) => put_json(out, T::Hello, 0, body),
        Frame::Welcome(body) => put_json(out, T::Welcome, 0, body),
        Frame::Refused(body) => put_json(out, T::Refused, 0, body),
        Frame::Window { acked, limit } => {
            let both = [acked.to_be_bytes(), limit.to_be_bytes()];
            put(out, T::Window, 0, both.as_flattened())
        }
        Frame::Ping { number } => put(out, T::Ping, 0, &number.to_be_bytes()),
        Frame::Pong { number } => put(out, T::Pong, 0, &number.to_be_bytes()),
        Frame::Switch(body) => put_json(out, T::Switch, 0, body),
        Frame::Open { stream, open } => put_json(out, T::Open, *stream, open),
        Frame::Opened { stream } => put(out, T::Opened, *stream, &[]),
        Frame::Data { stream, payload } => put(out, T::Data, *stream, payload),
        Frame::Credit { stream, limit } => put(out, T::Credit, *stream, &limit.to_be_bytes()),
        Frame::Close { stream, close } => put_json(out, T::Close, *stream, close),
        Frame::Accept { stream, accept } => put_json(out, T::Accept, *stream, accept),
        Frame::Register(body) => put_json(out, T::Register, 0, body),
        Frame::Unregister(body) => put_json(out, T::Unregister, 0, body),
        Frame::Announce(body) => put_json(out, T::Announce, 0, body),
        Frame::Announced(body) => put_json(out, T::Announced, 0, body),
        Frame::Scrape(body) => put_json(out, T::Scrape, 0, body),
        Frame::Scraped(body) => put_json(out, T::Scraped, 0, body),
        Frame::Fetch(body) => put_json(out, T::Fetch, 0, body),
        Frame::FetchData { request, payload } => put(out, T::FetchData, *request, payload),
        Frame::Fetched(body) => put_json(out, T::Fetched, 0, body),
        Frame::FetchRange { stream, range } => put_json(out, T::FetchRange, *stream, range),
    }
}

fn put_json(
    out: &mut impl BufMut,
    kind: FrameType,
    stream: u32,
    body: &impl Serialize,
) -> Result<usize, ProtocolError> {
    let json = serde_json::to_vec(body)
        .map_err(|error| ProtocolError::Payload { name: kind.name(), reason: error.to_string() })?;
    put(out, kind, stream, &json)
}

fn put(out: &mut impl BufMut, kind: FrameType, stream: u32, payload: &[u8]) -> Result<usize, ProtocolError> {
    kind.check(stream, payload.len())?;
    out.put_slice(&header(kind, stream, payload.len()));
    out.put_slice(payload);
    Ok(HEADER_LEN + payload.len())
}
