//! Torrent files as the tests need them, the broken ones included. Written here and not with the engine's `create`,
//! so that a mistake of the engine cannot hide itself.

use std::collections::HashMap;

use serde_bencode::value::Value;
use sha1::{Digest, Sha1};

/// A torrent's info dictionary to be, as a tree that a test may bend.
#[derive(Clone, Debug)]
pub struct Info(HashMap<Vec<u8>, Value>);

impl Info {
    /// Of a torrent with one file.
    #[must_use]
    pub fn single(name: &str, len: u64, piece_len: u32, hashes: &[u8]) -> Self {
        let mut info = Self::common(name, piece_len, hashes);
        info.set("length", int(len));
        info
    }

    /// Of a torrent with a folder of files.
    #[must_use]
    pub fn multi(name: &str, files: &[(Vec<String>, u64)], piece_len: u32, hashes: &[u8]) -> Self {
        let mut info = Self::common(name, piece_len, hashes);
        let file = |(path, len): &(Vec<String>, u64)| {
            let path = path.iter().map(bytes).collect();
            dict([("path", Value::List(path)), ("length", int(*len))])
        };
        info.set("files", Value::List(files.iter().map(file).collect()));
        info
    }

    /// Replaces one entry.
    pub fn set(&mut self, key: &str, value: Value) {
        self.0.insert(key.as_bytes().to_vec(), value);
    }

    /// The dictionary in bencode.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(&Value::Dict(self.0.clone()))
    }

    fn common(name: &str, piece_len: u32, hashes: &[u8]) -> Self {
        let mut info = Self(HashMap::new());
        info.set("name", bytes(name));
        info.set("piece length", int(u64::from(piece_len)));
        info.set("pieces", Value::Bytes(hashes.to_vec()));
        info
    }
}

/// A torrent file around an encoded info dictionary: `tiers` are its trackers (BEP 12), the first one also in the
/// place where older clients look (BEP 3).
#[must_use]
pub fn torrent_file(encoded_info: &[u8], tiers: &[Vec<String>]) -> Vec<u8> {
    let mut file = b"d".to_vec();
    if let Some(first) = tiers.iter().flatten().next() {
        file.extend(entry("announce", &bytes(first)));
        let tier = |urls: &Vec<String>| Value::List(urls.iter().map(bytes).collect());
        file.extend(entry("announce-list", &Value::List(tiers.iter().map(tier).collect())));
    }
    file.extend(encode(&bytes("info")));
    file.extend(encoded_info);
    file.push(b'e');
    file
}

/// The same torrent file with these web seeds (BEP 19); it must have none yet.
///
/// # Panics
/// When `torrent` is no dictionary.
#[must_use]
pub fn with_web_seeds<S: AsRef<str>>(torrent: &[u8], urls: &[S]) -> Vec<u8> {
    // This key comes behind all others that are written here.
    let mut file = torrent.strip_suffix(b"e").expect("a torrent file is a dictionary").to_vec();
    file.extend(entry("url-list", &Value::List(urls.iter().map(|url| bytes(url.as_ref())).collect())));
    file.push(b'e');
    file
}

/// SHA-1 of an encoded info dictionary, in hexadecimal.
#[must_use]
pub fn info_hash(encoded_info: &[u8]) -> String {
    Sha1::digest(encoded_info).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A string.
#[must_use]
pub fn bytes(text: impl AsRef<[u8]>) -> Value {
    Value::Bytes(text.as_ref().to_vec())
}

/// A number.
///
/// # Panics
/// Above 2^63, which no test needs.
#[must_use]
pub fn int(value: u64) -> Value {
    Value::Int(i64::try_from(value).expect("test content is shorter than 2^63 bytes"))
}

/// A dictionary.
#[must_use]
pub fn dict<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Dict(entries.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect())
}

/// Any value in bencode, keys sorted.
///
/// # Panics
/// Never: a [`Value`] always encodes.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    serde_bencode::to_bytes(value).expect("invariant: a bencode tree encodes")
}

fn entry(key: &str, value: &Value) -> Vec<u8> {
    [encode(&bytes(key)), encode(value)].concat()
}
