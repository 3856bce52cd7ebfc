//! Bytes from peers: of all that they say, only the extension protocol means something here.

use super::MetadataFetch;
use super::peer::Stage;
use crate::ext::{
    BadExtended, ExtendedHandshake, Extension, HANDSHAKE_ID, METADATA_PIECE_LEN, MetadataMessage,
};
use crate::wire::Decoded;
use crate::{CloseReason, METAINFO_LEN_MAX, Message, PeerKey};

/// Requests of one peer that are refused: as many as the longest info dictionary has pieces. Who asks on without reading
/// would fill our memory with answers.
const REFUSED_MAX: u32 = METAINFO_LEN_MAX as u32 / METADATA_PIECE_LEN;

impl MetadataFetch {
    pub(super) fn handle_received(&mut self, key: PeerKey, data: &[u8]) {
        let mut at = 0;
        while let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.stage != Stage::Connecting) {
            peer.received_at = self.now;
            match peer.decoder.next(data, &mut at) {
                Ok(Some(Decoded::Handshake(handshake))) => self.handle_handshake(key, &handshake),
                Ok(Some(Decoded::Message(Message::Extended { id, payload }))) => {
                    self.handle_extended(key, id, &payload);
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(reason) => return self.close(key, &reason),
            }
        }
    }

    fn handle_extended(&mut self, key: PeerKey, id: u8, payload: &[u8]) {
        let (extension, outcome) = if id == HANDSHAKE_ID {
            ("handshake", self.handle_extended_handshake(key, payload))
        } else if id == Extension::Metadata.local_id() {
            (Extension::Metadata.name(), self.handle_metadata(key, payload))
        } else {
            return;
        };
        if outcome.is_err() {
            self.close(key, &CloseReason::BadExtended { extension, len: payload.len() as u32 });
        }
    }

    fn handle_extended_handshake(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        let said = ExtendedHandshake::parse(payload)?;
        let Some(peer) = self.peers.get_mut(&key) else { return Ok(()) };
        let before = peer.offered_len();
        peer.extensions.take_in(said);
        let now = peer.offered_len();
        let speaks = peer.extensions.id(Extension::Metadata).is_some();
        let claimed = peer.extensions.said.metadata_len;
        if now.is_some() && before.is_none() {
            peer.waits_since = None;
        }
        match claimed {
            Some(len) if len as usize > METAINFO_LEN_MAX => {
                self.refused_len = Some(len);
                self.close(key, &CloseReason::MetadataTooLong { len, max: METAINFO_LEN_MAX as u32 });
            }
            _ if !speaks => self.close(key, &CloseReason::NoMetadata),
            // There is one right length: who names two does not know it.
            _ if before.is_some() && before != now => self.close(key, &CloseReason::NoMetadata),
            _ => {}
        }
        Ok(())
    }

    fn handle_metadata(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        match MetadataMessage::parse(payload)? {
            Some(MetadataMessage::Request { piece }) => self.answer_no(key, piece),
            Some(MetadataMessage::Reject { piece }) => self.handle_reject(key, piece),
            Some(MetadataMessage::Data { piece, total_len, bytes }) => {
                self.handle_data(key, piece, total_len, bytes);
            }
            None => {}
        }
        Ok(())
    }

    /// We have nothing to give.
    fn answer_no(&mut self, key: PeerKey, piece: u32) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let Some(id) = peer.extensions.id(Extension::Metadata) else { return };
        if peer.refused == REFUSED_MAX {
            return self.close(key, &CloseReason::TooManyRequests { max: REFUSED_MAX });
        }
        peer.refused += 1;
        let payload = MetadataMessage::Reject { piece }.encode();
        self.send(key, &Message::Extended { id, payload });
    }

    fn handle_reject(&mut self, key: PeerKey, piece: u32) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let Some(at) = peer.asked.iter().position(|asked| asked.piece == piece) else { return };
        let asked = peer.asked.remove(at);
        peer.is_idle = true;
        peer.waits_since.get_or_insert(self.now);
        if let Some(assembly) = self.assemblies.get_mut(&asked.len) {
            if asked.is_active {
                assembly.unask(piece);
            }
            assembly.give_up_on(key);
        }
    }

    fn handle_data(&mut self, key: PeerKey, piece: u32, total_len: Option<u32>, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let len = bytes.len() as u32;
        let Some(at) = peer.asked.iter().position(|asked| asked.piece == piece) else {
            peer.unrequested_bytes += u64::from(len);
            if peer.unrequested_bytes > self.config.unrequested_bytes_max {
                let reason = CloseReason::UnrequestedBlocks { bytes: peer.unrequested_bytes };
                self.close(key, &reason);
            }
            return;
        };
        let asked = peer.asked.remove(at);
        peer.down_bytes += u64::from(len);
        peer.is_idle = false;
        peer.waits_since = (!peer.asked.is_empty()).then_some(self.now);
        let sender = (peer.addr, peer.peer_id);
        // It was given up for one of another length meanwhile.
        let Some(assembly) = self.assemblies.get_mut(&asked.len) else { return };
        if asked.is_active {
            assembly.unask(piece);
        }
        let expected = assembly.piece_size(piece).unwrap_or(0);
        if len != expected || total_len.is_some_and(|total| total != asked.len) {
            return self.close(key, &CloseReason::MetadataPiece { piece, len, expected });
        }
        if assembly.put(piece, bytes, key) {
            self.senders.insert(key, sender);
            self.judge_if_whole(asked.len);
        }
    }
}
