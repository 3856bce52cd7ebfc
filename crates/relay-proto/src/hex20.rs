//! Info hashes and peer ids as 40 hexadecimal digits in JSON.

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
