//! Requests to web seeds through the relay: which stream is which request of which engine.

use engine::{FetchFault, FetchKey, FlatMap};
use relay_proto::{Close, CloseCode, ProtocolError, ReceiveCredit, STREAM_CREDIT_DOWN};

/// Redirects that a relay follows before it gives up, as far as the protocol does not say.
const REDIRECTS: u32 = 5;
/// Seconds after which a relay takes a web seed for silent.
const SILENT_S: u32 = 25;

/// A request of one torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The torrent's number in this session of the worker.
    pub(crate) torrent: u32,
    /// The engine's key.
    pub(crate) fetch: FetchKey,
}

/// One stream.
#[derive(Debug)]
struct Range {
    request: Request,
    expected: u64,
    credit: ReceiveCredit,
}

/// All requests of a session with the relay, by their streams.
#[derive(Debug, Default)]
pub(crate) struct Ranges(FlatMap<u32, Range>);

impl Ranges {
    /// A request for `expected` bytes on a new stream.
    pub(crate) fn begin(&mut self, stream: u32, request: Request, expected: u64) {
        self.0.insert(stream, Range { request, expected, credit: ReceiveCredit::new(STREAM_CREDIT_DOWN) });
    }

    /// Bytes came. Returns whose they are; `None` if the stream is closed, which only means that frames crossed.
    pub(crate) fn receive(&mut self, stream: u32, bytes: usize) -> Result<Option<Request>, ProtocolError> {
        let Some(range) = self.0.get_mut(&stream) else { return Ok(None) };
        range.credit.receive(bytes as u64)?;
        Ok(Some(range.request))
    }

    /// Bytes are done with. Returns the credit to grant, if it is time to.
    pub(crate) fn consume(&mut self, stream: u32, bytes: usize) -> Option<u64> {
        self.0.get_mut(&stream)?.credit.consume(bytes as u64)
    }

    /// The relay ended the stream. Returns whose it was, and what went wrong, if anything.
    pub(crate) fn end(&mut self, stream: u32, close: &Close) -> Option<(Request, Option<FetchFault>)> {
        let range = self.0.remove(&stream)?;
        Some((range.request, fault_of(close, range.credit.received(), range.expected)))
    }

    /// The engine wants no more of it. Returns the stream, if it stands.
    pub(crate) fn cancel(&mut self, request: Request) -> Option<u32> {
        let (&stream, _) = self.0.iter().find(|(_, range)| range.request == request)?;
        self.0.remove(&stream);
        Some(stream)
    }

    /// The session is gone, and all of them with it.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// What the close says about the web seed.
fn fault_of(close: &Close, received: u64, expected: u64) -> Option<FetchFault> {
    let answer = close.answer.unwrap_or_default();
    Some(match CloseCode::from_number(close.code) {
        Some(CloseCode::RangeDone) => return None,
        Some(CloseCode::WebSeedStatus) => {
            FetchFault::Status { code: answer.status.unwrap_or(0), retry_after_s: answer.retry_after_s }
        }
        Some(CloseCode::WebSeedNoRanges) => FetchFault::NoRanges,
        Some(CloseCode::WebSeedWrongRange) => {
            FetchFault::WrongRange { start: answer.start.unwrap_or(0), len: answer.len.unwrap_or(0) }
        }
        Some(CloseCode::WebSeedPage) => FetchFault::WebPage,
        Some(CloseCode::WebSeedCut) => FetchFault::Cut { received, expected },
        Some(CloseCode::WebSeedMoved) => FetchFault::Moved { redirects: REDIRECTS },
        Some(CloseCode::WebSeedSilent) => FetchFault::TimedOut { silent_s: SILENT_S },
        Some(CloseCode::DestinationRefused) => FetchFault::NotAllowed,
        Some(CloseCode::TooManyRanges | CloseCode::DialRate) => FetchFault::Busy,
        _ => FetchFault::Unreachable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_proto::WebAnswer;

    const MINE: Request = Request { torrent: 1, fetch: FetchKey(7) };

    #[test]
    fn bytes_and_the_end_belong_to_the_request_of_the_stream() {
        let mut ranges = Ranges::default();
        ranges.begin(3, MINE, 10);
        assert_eq!(ranges.receive(3, 10), Ok(Some(MINE)));
        assert_eq!(ranges.receive(5, 10), Ok(None));
        assert_eq!(ranges.end(3, &Close::new(CloseCode::RangeDone)), Some((MINE, None)));
        assert_eq!(ranges.receive(3, 10), Ok(None), "what crossed the end is no fault");
    }

    #[test]
    fn more_than_was_granted_is_a_fault_of_the_relay() {
        let mut ranges = Ranges::default();
        ranges.begin(3, MINE, 10);
        assert!(ranges.receive(3, STREAM_CREDIT_DOWN as usize + 1).is_err());
    }

    #[test]
    fn a_cancelled_request_is_found_by_its_key() {
        let mut ranges = Ranges::default();
        ranges.begin(3, MINE, 10);
        assert_eq!(ranges.cancel(Request { torrent: 2, ..MINE }), None);
        assert_eq!(ranges.cancel(MINE), Some(3));
        assert_eq!(ranges.cancel(MINE), None);
    }

    #[test]
    fn a_close_becomes_a_fault_with_its_numbers() {
        let answer = WebAnswer { status: Some(503), retry_after_s: Some(9), start: Some(1), len: Some(2) };
        let fault = |code| fault_of(&Close { answer: Some(answer), ..Close::new(code) }, 4, 8);
        let table = [
            (CloseCode::WebSeedStatus, FetchFault::Status { code: 503, retry_after_s: Some(9) }),
            (CloseCode::WebSeedWrongRange, FetchFault::WrongRange { start: 1, len: 2 }),
            (CloseCode::WebSeedCut, FetchFault::Cut { received: 4, expected: 8 }),
            (CloseCode::TooManyRanges, FetchFault::Busy),
            (CloseCode::DestinationRefused, FetchFault::NotAllowed),
            (CloseCode::PeerReset, FetchFault::Unreachable),
        ];
        for (code, expected) in table {
            assert_eq!(fault(code), Some(expected), "{code}");
        }
    }
}
