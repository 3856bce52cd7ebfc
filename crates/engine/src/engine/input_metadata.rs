//! The info dictionary for peers that came by a magnet link and have only its hash (BEP 9). Private torrents are no
//! exception: who knows the hash and found us has a right to it as to the content.

use super::Engine;
use crate::PeerKey;
use crate::ext::{BadExtended, Extension, METADATA_PIECE_LEN, MetadataMessage};

impl Engine {
    pub(super) fn handle_metadata(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        // We ask nobody: other messages are answers that are late, or meant for somebody else.
        if let Some(MetadataMessage::Request { piece }) = MetadataMessage::parse(payload)? {
            self.serve_metadata(key, piece);
        }
        Ok(())
    }

    fn serve_metadata(&mut self, key: PeerKey, piece: u32) {
        let info = self.metainfo.info_bytes();
        let begin = (piece as usize).saturating_mul(METADATA_PIECE_LEN as usize);
        let end = begin.saturating_add(METADATA_PIECE_LEN as usize).min(info.len());
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let served_max = info.len() as u64 * u64::from(self.config.metadata_served_max);
        let is_fair =
            peer.metadata_bytes < served_max && peer.unsent_bytes < self.config.send_queue_bytes_max;
        let answer = match info.get(begin..end).filter(|bytes| !bytes.is_empty() && is_fair) {
            Some(bytes) => {
                peer.metadata_bytes += bytes.len() as u64;
                self.upload_bucket.spend(bytes.len() as u64);
                MetadataMessage::Data { piece, total_len: Some(info.len() as u32), bytes }
            }
            None => MetadataMessage::Reject { piece },
        };
        let payload = answer.encode();
        self.send_extended(key, Extension::Metadata, payload);
    }
}
