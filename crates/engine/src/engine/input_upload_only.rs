//! Peers that download nothing (BEP 21): seeds, and partial seeds that have all that they want.

use super::Engine;
use crate::ext::{BadExtended, Extension};
use crate::{CloseReason, PeerKey};

impl Engine {
    /// We want nothing any more.
    pub(super) fn am_upload_only(&self) -> bool {
        self.picker.is_complete()
    }

    /// The message that says so between two extension handshakes: one byte, zero for "I do download".
    pub(super) fn handle_upload_only(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        let [flag] = payload else { return Err(BadExtended) };
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.extensions.said.is_upload_only = Some(*flag != 0);
        }
        self.close_if_neither_downloads(key);
        Ok(())
    }

    /// The last piece that we want is there: whoever wants nothing either makes room.
    pub(super) fn end_download(&mut self) {
        self.tell_upload_only();
        self.joined_keys().into_iter().for_each(|key| self.close_if_neither_downloads(key));
    }

    /// Tells everybody that takes such messages whether we still download.
    pub(super) fn tell_upload_only(&mut self) {
        let flag = u8::from(self.am_upload_only());
        for key in self.joined_keys() {
            self.send_extended(key, Extension::UploadOnly, vec![flag]);
        }
    }

    /// Neither side wants anything of the other: the place is better used by somebody else.
    pub(super) fn close_if_neither_downloads(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key).filter(|peer| peer.is_joined()) else { return };
        if !self.am_upload_only() {
            return;
        }
        if peer.has.is_complete() {
            self.close(key, CloseReason::BothSeeds);
        } else if peer.extensions.is_upload_only() {
            self.close(key, CloseReason::BothUploadOnly);
        }
    }
}
