//! The streams through the relay: which peer each belongs to, its credits, and what waits to be sent on it.

use std::collections::VecDeque;

use engine::{BlockRef, FlatMap, PeerKey};
use relay_proto::{ProtocolError, ReceiveCredit, STREAM_CREDIT_DOWN, SendCredit};

/// The tab numbers the streams that it opens with odd numbers, the relay those of incoming peers with even ones.
const FIRST_STREAM: u32 = 1;

/// A connection of one torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Connection {
    /// The torrent's number in this session of the worker.
    pub(crate) torrent: u32,
    /// The engine's key.
    pub(crate) peer: PeerKey,
}

/// What waits to be sent on a stream.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// Bytes, of which so many are already sent.
    Bytes {
        /// All of them.
        bytes: Vec<u8>,
        /// How many are sent.
        sent: usize,
    },
    /// A `piece` message whose block is read from storage when its turn comes.
    Block {
        /// The message up to the block.
        header: [u8; 13],
        /// What follows.
        block: BlockRef,
    },
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Whose it is.
    pub(crate) connection: Connection,
    /// Credit that the relay gave us.
    pub(crate) send_credit: SendCredit,
    /// Credit that we gave the relay.
    pub(crate) receive_credit: ReceiveCredit,
    /// What waits, in order.
    pub(crate) queue: VecDeque<Waiting>,
    /// The block at the head of the queue is being read.
    pub(crate) is_preparing: bool,
    /// Bytes sent and not yet reported to the engine.
    pub(crate) unreported_bytes: u64,
}

/// All streams of a session with the relay.
#[derive(Debug)]
pub(crate) struct Streams {
    by_number: FlatMap<u32, Stream>,
    numbers: FlatMap<Connection, u32>,
    next: u32,
}

impl Default for Streams {
    fn default() -> Self {
        Self { by_number: FlatMap::new(), numbers: FlatMap::new(), next: FIRST_STREAM }
    }
}

impl Streams {
    /// A stream that we open. Returns its number.
    pub(crate) fn open(&mut self, connection: Connection, send_credit: u64) -> u32 {
        let number = self.new_number();
        self.insert(number, connection, send_credit);
        number
    }

    /// A number for a stream of ours.
    pub(crate) fn new_number(&mut self) -> u32 {
        let number = self.next;
        // Two billion connections in one session are out of reach; if not, the oldest numbers are long closed.
        self.next = self.next.checked_add(2).unwrap_or(FIRST_STREAM);
        number
    }

    /// A stream that the relay opened for an incoming peer.
    pub(crate) fn insert(&mut self, number: u32, connection: Connection, send_credit: u64) {
        self.numbers.insert(connection, number);
        self.by_number.insert(
            number,
            Stream {
                connection,
                send_credit: SendCredit::new(send_credit),
                receive_credit: ReceiveCredit::new(STREAM_CREDIT_DOWN),
                queue: VecDeque::new(),
                is_preparing: false,
                unreported_bytes: 0,
            },
        );
    }

    /// The number of a connection's stream.
    pub(crate) fn number(&self, connection: Connection) -> Option<u32> {
        self.numbers.get(&connection).copied()
    }

    /// A stream; `None` if it is closed.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Stream> {
        self.by_number.get_mut(&number)
    }

    /// Payload came. Returns whose it is; `None` if the stream is closed, which only means that frames crossed.
    pub(crate) fn receive(&mut self, number: u32, bytes: usize) -> Result<Option<Connection>, ProtocolError> {
        let Some(stream) = self.by_number.get_mut(&number) else { return Ok(None) };
        stream.receive_credit.receive(bytes as u64)?;
        Ok(Some(stream.connection))
    }

    /// Forgets a stream.
    pub(crate) fn remove(&mut self, number: u32) -> Option<Stream> {
        let stream = self.by_number.remove(&number)?;
        self.numbers.remove(&stream.connection);
        Some(stream)
    }

    /// Forgets all streams of a torrent. Returns their numbers.
    pub(crate) fn remove_torrent(&mut self, torrent: u32) -> Vec<u32> {
        let numbers: Vec<u32> = self
            .numbers
            .iter()
            .filter(|(connection, _)| connection.torrent == torrent)
            .map(|(_, number)| *number)
            .collect();
        for number in &numbers {
            self.remove(*number);
        }
        numbers
    }

    /// The session is gone: forgets all streams and begins to number anew. Returns whose they were.
    pub(crate) fn clear(&mut self) -> Vec<Connection> {
        let connections = self.numbers.keys().copied().collect();
        *self = Self::default();
        connections
    }
}

impl Stream {
    /// The message with the block at the head of the queue was read. One that no longer stands there is of an earlier
    /// stream of this number.
    pub(crate) fn put_read(&mut self, block: BlockRef, message: Vec<u8>) {
        if let Some(Waiting::Block { block: waiting, .. }) = self.queue.front()
            && *waiting == block
        {
            self.queue[0] = Waiting::Bytes { bytes: message, sent: 0 };
        }
    }

    /// Takes up to `max` bytes from the head of the queue into `out`, as long as it holds bytes and not blocks.
    pub(crate) fn take_bytes(&mut self, out: &mut Vec<u8>, max: usize) {
        while out.len() < max {
            let Some(Waiting::Bytes { bytes, sent }) = self.queue.front_mut() else { return };
            let take = (bytes.len() - *sent).min(max - out.len());
            out.extend_from_slice(&bytes[*sent..*sent + take]);
            *sent += take;
            if *sent == bytes.len() {
                self.queue.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn connection(torrent: u32, peer: u32) -> Connection {
        Connection { torrent, peer: PeerKey(peer) }
    }

    #[test]
    fn streams_of_the_tab_have_odd_numbers_and_none_is_used_twice() {
        let mut streams = Streams::default();
        let numbers: Vec<u32> = (0..3).map(|peer| streams.open(connection(0, peer * 2), 10)).collect();
        streams.remove(numbers[1]);
        assert_eq!(streams.open(connection(0, 8), 10), 7);
        assert_eq!(numbers, [1, 3, 5]);
        assert_eq!(streams.number(connection(0, 2)), None);
        assert_eq!(streams.number(connection(0, 8)), Some(7));
    }

    #[test]
    fn a_peer_cannot_exceed_its_credit_and_late_payload_is_no_fault() {
        let mut streams = Streams::default();
        let number = streams.open(connection(0, 0), 10);
        let window = usize::try_from(STREAM_CREDIT_DOWN).unwrap();
        assert_eq!(streams.receive(number, window), Ok(Some(connection(0, 0))));
        assert!(streams.receive(number, 1).is_err());
        streams.remove(number);
        assert_eq!(streams.receive(number, 1), Ok(None));
    }

    #[test]
    fn bytes_leave_in_order_and_a_block_holds_back_what_is_behind_it() {
        let mut streams = Streams::default();
        let number = streams.open(connection(0, 0), 10);
        let stream = streams.get_mut(number).unwrap();
        stream.queue.push_back(Waiting::Bytes { bytes: vec![1, 2, 3], sent: 0 });
        stream.queue.push_back(Waiting::Bytes { bytes: vec![4], sent: 0 });
        let block = BlockRef { piece: engine::PieceIndex(0), begin: 0, len: 1 };
        stream.queue.push_back(Waiting::Block { header: [0; 13], block });
        stream.queue.push_back(Waiting::Bytes { bytes: vec![5], sent: 0 });
        let mut out = Vec::new();
        stream.take_bytes(&mut out, 2);
        assert_eq!(out, [1, 2]);
        stream.take_bytes(&mut out, 100);
        assert_eq!(out, [1, 2, 3, 4]);
        assert_eq!(stream.queue.len(), 2);
    }

    #[test]
    fn a_block_that_was_read_leaves_in_its_place_and_another_one_does_not() {
        let mut streams = Streams::default();
        let number = streams.open(connection(0, 0), 10);
        let stream = streams.get_mut(number).unwrap();
        let block = |begin| BlockRef { piece: engine::PieceIndex(0), begin, len: 1 };
        stream.queue.push_back(Waiting::Block { header: [0; 13], block: block(0) });
        stream.queue.push_back(Waiting::Bytes { bytes: vec![9], sent: 0 });
        let mut out = Vec::new();
        stream.put_read(block(1), vec![7]);
        stream.take_bytes(&mut out, 100);
        assert!(out.is_empty());
        stream.put_read(block(0), vec![5]);
        stream.take_bytes(&mut out, 100);
        assert_eq!(out, [5, 9]);
    }

    #[test]
    fn only_the_streams_of_one_torrent_go_with_it() {
        let mut streams = Streams::default();
        let mine = streams.open(connection(1, 0), 10);
        let other = streams.open(connection(2, 0), 10);
        assert_eq!(streams.remove_torrent(1), [mine]);
        assert_eq!(streams.number(connection(2, 0)), Some(other));
        assert_eq!(streams.clear(), [connection(2, 0)]);
    }
}
