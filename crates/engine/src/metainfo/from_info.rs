//! A .torrent file around what came from peers: the info dictionary (BEP 9), or the piece layers (BEP 52).

use codec::bencode::scan;

use super::layers::PieceLayers;
use super::parse::LIMITS;
use super::{Metainfo, MetainfoError};
use crate::order;

impl Metainfo {
    /// The torrent of this info dictionary, with these trackers, in tiers, and these web seeds (BEP 19).
    ///
    /// # Errors
    /// As [`Metainfo::parse`].
    pub(crate) fn from_info(
        info: &[u8],
        trackers: &[Vec<String>],
        web_seeds: &[String],
    ) -> Result<Self, MetainfoError> {
        let mut bytes = b"d".to_vec();
        if let Some(first) = trackers.iter().flatten().next() {
            string(&mut bytes, "announce");
            string(&mut bytes, first);
            string(&mut bytes, "announce-list");
            bytes.push(b'l');
            for tier in trackers {
                list(&mut bytes, tier);
            }
            bytes.push(b'e');
        }
        string(&mut bytes, "info");
        bytes.extend_from_slice(info);
        if !web_seeds.is_empty() {
            string(&mut bytes, "url-list");
            list(&mut bytes, web_seeds);
        }
        bytes.push(b'e');
        Self::parse(&bytes)
    }

    /// The same torrent with these piece layers in its file, so that they need not be fetched again.
    ///
    /// # Errors
    /// Those of [`Metainfo::parse`]: the file may have become too long.
    pub(crate) fn with_piece_layers(&self, layers: &PieceLayers) -> Result<Self, MetainfoError> {
        let document = scan(&self.bytes, &LIMITS).map_err(MetainfoError::Damaged)?;
        let entries = document.root().dict().into_iter().flatten();
        let others = entries.filter(|(key, _)| *key != b"piece layers");
        let mut entries: Vec<(&[u8], &[u8])> = others.map(|(key, value)| (key, value.raw())).collect();
        let layers = encode(layers);
        entries.push((b"piece layers", &layers));
        order::sort(&mut entries);
        let mut bytes = b"d".to_vec();
        for (key, value) in entries {
            byte_string(&mut bytes, key);
            bytes.extend_from_slice(value);
        }
        bytes.push(b'e');
        Self::parse(&bytes)
    }
}

fn encode(layers: &PieceLayers) -> Vec<u8> {
    let mut out = b"d".to_vec();
    for (root, layer) in layers.iter() {
        byte_string(&mut out, root);
        byte_string(&mut out, layer.as_flattened());
    }
    out.push(b'e');
    out
}

fn list(out: &mut Vec<u8>, texts: &[String]) {
    out.push(b'l');
    texts.iter().for_each(|text| string(out, text));
    out.push(b'e');
}

fn string(out: &mut Vec<u8>, text: &str) {
    byte_string(out, text.as_bytes());
}

pub(crate) fn byte_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{}:", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}
