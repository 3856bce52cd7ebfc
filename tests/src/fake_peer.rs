//! A scripted peer. It speaks the wire by itself, so that it can break every rule of it, and it writes down what the
//! other side asks for: how often each block was sent, and what the other side says it has.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::content::Content;
use crate::places::fresh_ip;
use crate::wait;

/// Bytes of a block.
pub const BLOCK_LEN: u32 = 16 * 1024;

/// What a scripted peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Seeds as it should.
    Honest,
    /// Answers each request with other bytes than the torrent's.
    Corrupt,
    /// Unchokes, and answers no request.
    Stall,
    /// Answers the handshake with another torrent's info hash.
    WrongInfoHash,
    /// Answers the handshake with something else.
    NoBitTorrent,
    /// Announces a message of two gigabytes.
    OverlongMessage,
    /// Says that it has a piece that the torrent has not.
    IndexOutOfRange,
    /// Sends blocks that nobody asked for, without end.
    UnrequestedBlocks,
    /// Sends a bitfield that is too short.
    ShortBitfield,
}

/// What a scripted peer saw.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Connections with a handshake for our torrent.
    pub connections: u32,
    /// How often each block, named by piece and begin, was sent.
    pub blocks_sent: BTreeMap<(u32, u32), u32>,
    /// Pieces that the other side said to have, on any connection.
    pub verified: BTreeSet<u32>,
    /// Pieces that it said to have on one connection and not at the start of a later one.
    pub lost: Vec<u32>,
    /// Blocks that it requested of pieces that it had said to have.
    pub asked_again: Vec<(u32, u32)>,
}

impl Record {
    /// Number of blocks sent, each as often as it was sent.
    #[must_use]
    pub fn blocks_sent_total(&self) -> u64 {
        self.blocks_sent.values().map(|times| u64::from(*times)).sum()
    }

    /// Checks that the other side never went back behind what it had verified.
    ///
    /// # Panics
    /// When it requested a block of a piece that it had said to have, or came back without such a piece.
    pub fn assert_no_verified_piece_twice(&self) {
        assert!(self.lost.is_empty(), "the tab said to have these pieces, and then not: {:?}", self.lost);
        assert!(self.asked_again.is_empty(), "blocks requested of verified pieces: {:?}", self.asked_again);
    }
}

/// A running scripted peer. Dropping it stops it.
#[derive(Debug)]
pub struct FakePeer {
    /// Where it is reached.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    info_hash: [u8; 20],
    peer_id: [u8; 20],
    piece_len: u32,
    pieces: u32,
    bytes: Vec<u8>,
    record: Mutex<Record>,
    /// One permit for each block that may still be sent.
    allowance: Semaphore,
}

impl FakePeer {
    /// Starts one that has all of `content` and sends as fast as it can.
    pub async fn start(content: &Content, behaviour: Behaviour) -> Self {
        Self::start_with(content, behaviour, Semaphore::MAX_PERMITS).await
    }

    /// Starts one that sends no more blocks than it is allowed: so many now, more with [`FakePeer::allow`].
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start_with(content: &Content, behaviour: Behaviour, blocks: usize) -> Self {
        let listener = TcpListener::bind((fresh_ip(), 0)).await.expect("a peer can listen");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            behaviour,
            info_hash: content.info_hash_bytes(),
            peer_id: peer_id(addr),
            piece_len: content.piece_len,
            pieces: content.pieces(),
            bytes: content.read_all(),
            record: Mutex::default(),
            allowance: Semaphore::new(blocks),
        });
        let of_task = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&of_task);
                // A connection that the other side cuts ends with an error, as it should.
                tokio::spawn(async move { Connection::new(stream, shared).serve().await });
            }
        });
        Self { addr, shared, task }
    }

    /// Lets it send so many more blocks.
    pub fn allow(&self, blocks: usize) {
        self.shared.allowance.add_permits(blocks);
    }

    /// What it saw so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.shared.record().clone()
    }

    /// Waits until it has sent so many blocks in all.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn wait_for_blocks(&self, blocks: u64) {
        wait::until_true(&format!("the scripted peer to send {blocks} blocks"), wait::LONG, async || {
            self.shared.record().blocks_sent_total() >= blocks
        })
        .await;
    }
}

impl Drop for FakePeer {
    fn drop(&mut self) {
        self.task.abort();
        // Connections wait for permits or for bytes; without permits they end with their sockets.
        self.shared.allowance.close();
    }
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("nobody panics while holding the record")
    }

    fn block(&self, piece: u32, begin: u32, len: u32) -> Option<&[u8]> {
        let start = usize::try_from(u64::from(piece) * u64::from(self.piece_len) + u64::from(begin)).ok()?;
        self.bytes.get(start..start + len as usize)
    }
}

struct Connection {
    shared: Arc<Shared>,
    from: BufReader<OwnedReadHalf>,
    to: BufWriter<OwnedWriteHalf>,
    is_first_message: bool,
}

impl Connection {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        let (from, to) = stream.into_split();
        let (from, to) = (BufReader::new(from), BufWriter::with_capacity(64 * 1024, to));
        Self { shared, from, to, is_first_message: true }
    }

    async fn serve(mut self) -> std::io::Result<()> {
        let mut handshake = [0; 68];
        self.from.read_exact(&mut handshake).await?;
        if handshake[28..48] != self.shared.info_hash {
            return Ok(());
        }
        self.shared.record().connections += 1;
        self.greet().await?;
        self.to.flush().await?;
        loop {
            if self.from.buffer().is_empty() {
                self.to.flush().await?;
            }
            let len = self.from.read_u32().await?;
            if len == 0 {
                continue;
            }
            let id = self.from.read_u8().await?;
            let mut body = vec![0; len as usize - 1];
            self.from.read_exact(&mut body).await?;
            self.answer(id, &body).await?;
            self.is_first_message = false;
        }
    }

    async fn greet(&mut self) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        if shared.behaviour == Behaviour::NoBitTorrent {
            return self
                .to
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        }
        let mut info_hash = shared.info_hash;
        if shared.behaviour == Behaviour::WrongInfoHash {
            info_hash[0] ^= 1;
        }
        self.to.write_all(b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0").await?;
        self.to.write_all(&info_hash).await?;
        self.to.write_all(&shared.peer_id).await?;
        let mut bitfield = full_bitfield(shared.pieces);
        if shared.behaviour == Behaviour::ShortBitfield {
            bitfield.pop();
        }
        self.message(BITFIELD, &[&bitfield]).await?;
        match shared.behaviour {
            Behaviour::OverlongMessage => self.to.write_all(&[0x7f, 0xff, 0xff, 0xff, PIECE]).await,
            Behaviour::IndexOutOfRange => self.message(HAVE, &[&shared.pieces.to_be_bytes()]).await,
            _ => Ok(()),
        }
    }

    async fn answer(&mut self, id: u8, body: &[u8]) -> std::io::Result<()> {
        match (id, body.len()) {
            (BITFIELD, _) => self.note_bitfield(body),
            (HAVE, 4) => {
                self.shared.record().verified.insert(number(body, 0));
            }
            (INTERESTED, 0) => {
                self.message(UNCHOKE, &[]).await?;
                if self.shared.behaviour == Behaviour::UnrequestedBlocks {
                    self.flood().await?;
                }
            }
            (REQUEST, 12) => self.send_block(number(body, 0), number(body, 4), number(body, 8)).await?,
            _ => {}
        }
        if self.is_first_message && id != BITFIELD {
            // Who has nothing need not send a bitfield.
            self.note_bitfield(&[]);
        }
        Ok(())
    }

    /// Compares what the other side has at the start of this connection with what it said to have before.
    fn note_bitfield(&self, bits: &[u8]) {
        let has =
            |piece: u32| bits.get(piece as usize / 8).is_some_and(|byte| byte & (0x80 >> (piece % 8)) != 0);
        let mut record = self.shared.record();
        let lost: Vec<u32> = record.verified.iter().copied().filter(|piece| !has(*piece)).collect();
        record.lost.extend(lost);
        record.verified.extend((0..self.shared.pieces).filter(|piece| has(*piece)));
    }

    async fn send_block(&mut self, piece: u32, begin: u32, len: u32) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        if shared.record().verified.contains(&piece) {
            shared.record().asked_again.push((piece, begin));
        }
        if shared.behaviour == Behaviour::Stall {
            return Ok(());
        }
        if shared.allowance.available_permits() == 0 {
            self.to.flush().await?;
        }
        let Ok(permit) = shared.allowance.acquire().await else {
            return Err(std::io::ErrorKind::Interrupted.into());
        };
        permit.forget();
        let Some(block) = shared.block(piece, begin, len) else { return Ok(()) };
        let mut block = block.to_vec();
        if shared.behaviour == Behaviour::Corrupt {
            block.iter_mut().for_each(|byte| *byte ^= 0xff);
        }
        *shared.record().blocks_sent.entry((piece, begin)).or_default() += 1;
        self.message(PIECE, &[&piece.to_be_bytes(), &begin.to_be_bytes(), &block]).await
    }

    async fn flood(&mut self) -> std::io::Result<()> {
        let block = [0; BLOCK_LEN as usize];
        // The other side may by chance ask for some of these; it ends when the other side closes the connection.
        loop {
            for piece in 0..self.shared.pieces {
                self.message(PIECE, &[&piece.to_be_bytes(), &0_u32.to_be_bytes(), &block]).await?;
            }
        }
    }

    async fn message(&mut self, id: u8, parts: &[&[u8]]) -> std::io::Result<()> {
        let len = 1 + parts.iter().map(|part| part.len() as u32).sum::<u32>();
        self.to.write_u32(len).await?;
        self.to.write_u8(id).await?;
        for part in parts {
            self.to.write_all(part).await?;
        }
        Ok(())
    }
}

fn number(body: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]])
}

/// One of its own for each address: two peers with one id would be taken for one peer.
fn peer_id(addr: SocketAddr) -> [u8; 20] {
    let text = format!("-ZZ0001-{addr:-<12}");
    let mut id = [0; 20];
    id.copy_from_slice(&text.as_bytes()[text.len() - 20..]);
    id[..8].copy_from_slice(b"-ZZ0001-");
    id
}

fn full_bitfield(pieces: u32) -> Vec<u8> {
    let mut bits = vec![0xff; (pieces as usize).div_ceil(8)];
    if let (Some(last), spare @ 1..) = (bits.last_mut(), (8 - pieces % 8) % 8) {
        *last <<= spare;
    }
    bits
}

const UNCHOKE: u8 = 1;
const INTERESTED: u8 = 2;
const HAVE: u8 = 4;
const BITFIELD: u8 = 5;
const REQUEST: u8 = 6;
const PIECE: u8 = 7;
