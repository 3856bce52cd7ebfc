//! Info hashes and peer ids as 40 hexadecimal digits in JSON, and other bytes as as many as they need.

use codec::{InfoHash, PeerId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

fn parse<E: Error>(text: &str) -> Result<[u8; 20], E> {
    text.parse::<InfoHash>().map(|hash| hash.0).map_err(E::custom)
}

/// For a field that is one [`InfoHash`].
pub(crate) mod hash {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(hash: &InfoHash, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(hash)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<InfoHash, D::Error> {
        parse(&String::deserialize(from)?).map(InfoHash)
    }
}

/// For a field that is one [`PeerId`].
pub(crate) mod peer_id {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(id: &PeerId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&InfoHash(id.0))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PeerId, D::Error> {
        parse(&String::deserialize(from)?).map(PeerId)
    }
}

/// For a field that is a list of [`InfoHash`]es.
pub(crate) mod hashes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(hashes: &[InfoHash], to: S) -> Result<S::Ok, S::Error> {
        hashes.iter().map(ToString::to_string).collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<InfoHash>, D::Error> {
        Vec::<String>::deserialize(from)?.iter().map(|text| parse(text).map(InfoHash)).collect()
    }
}

/// For a field that is bytes of any number, or is left out.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        let text = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        bytes.as_ref().map(text).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(from)?.map(|text| from_hex(&text).map_err(D::Error::custom)).transpose()
    }

    fn from_hex(text: &str) -> Result<Vec<u8>, &'static str> {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err("an odd number of digits") };
        let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
        pairs.iter().map(byte).collect::<Option<_>>().ok_or("a character that is no hexadecimal digit")
    }
}
