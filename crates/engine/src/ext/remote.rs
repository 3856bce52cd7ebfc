//! What a peer's extension handshakes have said so far.

use super::{ExtendedHandshake, Extension};

/// The state of the extension protocol on one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions {
    /// All its handshakes as one: what the last one that named it said of each.
    pub(crate) said: ExtendedHandshake,
}

impl Extensions {
    /// The id under which the peer takes messages of this extension, if it does.
    pub(crate) fn id(&self, extension: Extension) -> Option<u8> {
        self.said.id(extension).filter(|&id| id != 0)
    }

    /// It downloads nothing (BEP 21).
    pub(crate) fn is_upload_only(&self) -> bool {
        self.said.is_upload_only == Some(true)
    }

    /// A handshake came, the first or a later one: what it names counts from now on.
    pub(crate) fn take_in(&mut self, new: ExtendedHandshake) {
        let old = std::mem::take(&mut self.said);
        self.said = ExtendedHandshake {
            ids: std::array::from_fn(|at| new.ids[at].or(old.ids[at])),
            client: new.client.or(old.client),
            // The first one stays: who names ever new ones would fill our address book with them.
            port: old.port.or(new.port),
            requests_max: new.requests_max.or(old.requests_max),
            your_ip: new.your_ip.or(old.your_ip),
            metadata_len: new.metadata_len.or(old.metadata_len),
            is_upload_only: new.is_upload_only.or(old.is_upload_only),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_handshake_changes_what_it_names_and_nothing_else() {
        let mut peer = Extensions::default();
        assert_eq!(peer.id(Extension::Pex), None);
        let first = ExtendedHandshake {
            client: Some("one".into()),
            requests_max: Some(100),
            is_upload_only: Some(true),
            ..ExtendedHandshake::default().with(Extension::Pex, 5).with(Extension::Metadata, 6)
        };
        peer.take_in(first);
        assert_eq!((peer.id(Extension::Pex), peer.id(Extension::Metadata)), (Some(5), Some(6)));
        let later = ExtendedHandshake { requests_max: Some(7), ..ExtendedHandshake::default() };
        peer.take_in(later.with(Extension::Pex, 0).with(Extension::DontHave, 1));
        assert_eq!((peer.id(Extension::Pex), peer.id(Extension::Metadata)), (None, Some(6)));
        assert_eq!((peer.said.client.as_deref(), peer.said.requests_max), (Some("one"), Some(7)));
        assert!(peer.is_upload_only() && peer.id(Extension::DontHave) == Some(1));
    }
}
