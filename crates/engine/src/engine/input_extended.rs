//! Messages of extensions (BEP 10): routed to what handles each, and the extension handshake.

use super::Engine;
use crate::ext::{BadExtended, CLIENT, ExtendedHandshake, Extension, HANDSHAKE_ID};
use crate::peers::Voter;
use crate::{CloseReason, Message, PeerKey, Reserved};

impl Engine {
    /// A message under one of the ids that we gave; under any other it was not asked for, and says nothing to us.
    pub(super) fn handle_extended(&mut self, key: PeerKey, id: u8, payload: &[u8]) {
        if !self.peers.get(&key).is_some_and(|peer| peer.spoken.has(Reserved::EXTENDED)) {
            return;
        }
        let extension = Extension::from_local_id(id).filter(|&extension| self.offers(extension));
        let (name, outcome) = match extension {
            Some(extension) => (extension.name(), self.handle_extension(key, extension, payload)),
            None if id == HANDSHAKE_ID => ("handshake", self.handle_extended_handshake(key, payload)),
            None => return,
        };
        if outcome.is_err() {
            self.close(key, CloseReason::BadExtended { extension: name, len: payload.len() as u32 });
        }
    }

    /// One arm for each extension that [`Engine::offers`]; what it does stands in a file of its own.
    fn handle_extension(
        &mut self,
        key: PeerKey,
        extension: Extension,
        payload: &[u8],
    ) -> Result<(), BadExtended> {
        match extension {
            Extension::UploadOnly => self.handle_upload_only(key, payload),
            Extension::DontHave => self.handle_dont_have(key, payload),
            Extension::Metadata => self.handle_metadata(key, payload),
            Extension::Pex => self.handle_pex(key, payload),
        }
    }

    /// Whether we take messages of this extension.
    pub(super) fn offers(&self, extension: Extension) -> bool {
        match extension {
            Extension::UploadOnly | Extension::DontHave | Extension::Metadata => true,
            Extension::Pex => !self.is_private(),
        }
    }

    /// Sends a message of an extension under the id that the peer gave it. Returns whether the peer takes such messages.
    pub(super) fn send_extended(&mut self, key: PeerKey, extension: Extension, payload: Vec<u8>) -> bool {
        let Some(id) = self.peers.get(&key).and_then(|peer| peer.extensions.id(extension)) else {
            return false;
        };
        self.send(key, &Message::Extended { id, payload });
        true
    }

    /// Introduces us, if the peer speaks BEP 10; again whenever something in it has changed.
    pub(super) fn send_extended_handshake(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key).filter(|peer| peer.spoken.has(Reserved::EXTENDED)) else {
            return;
        };
        let id = |extension: Extension| self.offers(extension).then(|| extension.local_id());
        let handshake = ExtendedHandshake {
            ids: Extension::ALL.map(id),
            client: Some(CLIENT.into()),
            port: Some(self.port).filter(|port| *port > 0),
            requests_max: Some(self.config.requests_from_peer_max),
            your_ip: Some(peer.addr.ip().to_canonical()),
            metadata_len: u32::try_from(self.metainfo.info_bytes().len()).ok(),
            // A super-seed looks like a downloader.
            is_upload_only: (self.am_upload_only() && peer.reveal.is_none()).then_some(true),
        };
        self.send(key, &Message::Extended { id: HANDSHAKE_ID, payload: handshake.encode() });
    }

    fn handle_extended_handshake(&mut self, key: PeerKey, payload: &[u8]) -> Result<(), BadExtended> {
        let said = ExtendedHandshake::parse(payload)?;
        let your_ip = said.your_ip;
        let Some(peer) = self.peers.get_mut(&key) else { return Ok(()) };
        let voter = Voter::Peer(peer.addr.ip());
        peer.extensions.take_in(said);
        if let Some(requests_max) = peer.extensions.said.requests_max {
            peer.pipeline.set_depth_max(requests_max.min(self.config.requests_told_max));
        }
        if let Some(your_ip) = your_ip {
            self.book.update_own(|own| own.vote(voter, your_ip));
        }
        self.learn_port(key);
        self.close_if_neither_downloads(key);
        Ok(())
    }
}
