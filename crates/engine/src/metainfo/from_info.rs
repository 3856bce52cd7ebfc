//! A .torrent file around an info dictionary that came from peers (BEP 9).

use super::{Metainfo, MetainfoError};

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
}

fn list(out: &mut Vec<u8>, texts: &[String]) {
    out.push(b'l');
    texts.iter().for_each(|text| string(out, text));
    out.push(b'e');
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{}:{text}", text.len()).as_bytes());
}
