//! From the engine to its peers: messages and blocks, as far as each stream's credit goes.

use std::rc::Rc;

use engine::{BlockRef, Input, PeerKey};
use relay_proto::Frame;
use wasm_bindgen_futures::spawn_local;

use super::torrent::Torrent;
use crate::worker::host::{Host, State, Wires};
use crate::worker::storage::StorageError;
use crate::worker::streams::Waiting;

/// A data frame up carries at most so much: the relay writes each to its peer in one go.
const FRAME_LEN_MAX: usize = 64 * 1024;

impl Torrent {
    /// Adds to what waits for a peer. It leaves at the end of the turn, so that small messages share a frame.
    pub(super) fn enqueue(&self, wires: &mut Wires, peer: PeerKey, waiting: Waiting) {
        let Some(number) = wires.streams.number(self.connection(peer)) else { return };
        if let Some(stream) = wires.streams.get_mut(number) {
            stream.queue.push_back(waiting);
            wires.to_pump.insert(number);
        }
    }

    /// Sends what waits on a stream, as far as its credit goes.
    pub(crate) fn pump(&mut self, wires: &mut Wires, number: u32) {
        let Wires { streams, relay, sent, scratch, .. } = wires;
        let Some(stream) = streams.get_mut(number) else { return };
        let mut failure = None;
        loop {
            let max =
                usize::try_from(stream.send_credit.available()).unwrap_or(FRAME_LEN_MAX).min(FRAME_LEN_MAX);
            if max == 0 || stream.is_preparing {
                break;
            }
            scratch.clear();
            stream.take_bytes(scratch, max);
            // Whole blocks behind the bytes; what exceeds the credit waits as bytes.
            while scratch.len() < max
                && let Some(Waiting::Block { header, block }) = stream.queue.front()
            {
                let (header, block) = (*header, *block);
                match self.read_block(&header, &block) {
                    Read::Bytes(bytes) => {
                        stream.queue.pop_front();
                        stream.queue.push_front(Waiting::Bytes { bytes, sent: 0 });
                        stream.take_bytes(scratch, max);
                    }
                    Read::NotOpen => {
                        stream.is_preparing = true;
                        self.read_later(&wires.host, number, header, block);
                        break;
                    }
                    Read::Failed(error) => {
                        failure = Some(error);
                        stream.queue.clear();
                        break;
                    }
                }
            }
            if scratch.is_empty() {
                break;
            }
            relay.send(&Frame::Data { stream: number, payload: scratch });
            stream.send_credit.take(scratch.len() as u64);
            if stream.unreported_bytes == 0 {
                sent.push(number);
            }
            stream.unreported_bytes += scratch.len() as u64;
        }
        if let Some(error) = failure {
            wires.fail(self.number, &error);
        }
    }

    fn read_block(&self, header: &[u8; 13], block: &BlockRef) -> Read {
        let mut bytes = vec![0; header.len() + block.len as usize];
        bytes[..header.len()].copy_from_slice(header);
        match self.stored.content.try_read(block, &mut bytes[header.len()..]) {
            None => Read::NotOpen,
            Some(Ok(true)) => Read::Bytes(bytes),
            // The file has become shorter than what was verified.
            Some(Ok(false)) => Read::Failed(StorageError::NotFound),
            Some(Err(error)) => Read::Failed(error),
        }
    }

    /// Reads a block whose files must be opened first, and goes on with the stream. A block may lie in more files than
    /// can be open together, so that it is read here and not only made ready to be read.
    fn read_later(&self, host: &Host, number: u32, header: [u8; 13], block: BlockRef) {
        let (content, host, torrent) = (Rc::clone(&self.stored.content), host.clone(), self.number);
        spawn_local(async move {
            let mut bytes = vec![0; header.len() + block.len as usize];
            bytes[..header.len()].copy_from_slice(&header);
            let outcome = content.read(&block, &mut bytes[header.len()..]).await;
            host.turn(|state| {
                let read = match outcome {
                    Ok(true) => Ok(bytes),
                    // The file has become shorter than what was verified.
                    Ok(false) => Err(StorageError::NotFound),
                    Err(error) => Err(error),
                };
                match read {
                    Ok(bytes) => {
                        if let Some(stream) = state.wires.streams.get_mut(number)
                            && stream.connection.torrent == torrent
                        {
                            stream.is_preparing = false;
                            stream.put_read(block, bytes);
                            state.wires.to_pump.insert(number);
                        }
                    }
                    Err(error) => state.wires.fail(torrent, &error),
                }
            });
        });
    }
}

enum Read {
    Bytes(Vec<u8>),
    NotOpen,
    Failed(StorageError),
}

impl State {
    /// Sends what waits on the streams that have something new to send or new credit.
    pub(crate) fn pump_all(&mut self) {
        while let Some(number) = self.wires.to_pump.pop_first() {
            let Some(stream) = self.wires.streams.get_mut(number) else { continue };
            let torrent = stream.connection.torrent;
            if let Some(magnet) = self.torrents.magnet_mut(torrent) {
                magnet.pump(&mut self.wires, number);
            } else if let Some(torrent) = self.torrents.get_mut(torrent) {
                torrent.pump(&mut self.wires, number);
            }
        }
    }

    /// Tells the engines what has left their queues. Returns whether there was anything to tell.
    pub(crate) fn report_sent(&mut self) -> bool {
        let sent = std::mem::take(&mut self.wires.sent);
        for number in &sent {
            let Some(stream) = self.wires.streams.get_mut(*number) else { continue };
            let bytes = std::mem::take(&mut stream.unreported_bytes);
            let connection = stream.connection;
            if let Some(torrent) = self.torrents.get_mut(connection.torrent) {
                torrent.drive(&mut self.wires, Input::Sent { peer: connection.peer, bytes });
            }
        }
        !sent.is_empty()
    }
}
