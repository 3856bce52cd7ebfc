//! Peer exchange (BEP 11): what its messages say. Whom to tell of whom is decided in `peers/pex.rs`.

use std::net::SocketAddr;

use codec::bencode::{Limits, Value, scan};

use super::BadExtended;

/// Most of what is read of one: fifty addresses take a kilobyte, and the first message may have more.
const LIMITS: Limits = Limits { len_max: 16 * 1024, depth_max: 8, items_max: 1000 };

/// Bytes of an address in a compact list.
const LEN_V4: usize = 6;
const LEN_V6: usize = 18;

/// What is said of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PexFlags(pub u8);

impl PexFlags {
    /// It prefers encryption.
    pub const ENCRYPTION: Self = Self(0x01);
    /// It downloads nothing: a seed, or a partial one.
    pub const SEED: Self = Self(0x02);
    /// It speaks uTP (BEP 29).
    pub const UTP: Self = Self(0x04);
    /// It introduces peers that cannot be reached (BEP 55).
    pub const HOLEPUNCH: Self = Self(0x08);
    /// Whoever tells has connected to it.
    pub const REACHABLE: Self = Self(0x10);

    /// Whether all of these are said.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These too, if `condition` holds.
    #[must_use]
    pub const fn with(self, flags: Self, condition: bool) -> Self {
        if condition { Self(self.0 | flags.0) } else { self }
    }
}

/// One message. IPv4 and IPv6 are told apart on the wire only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PexMessage {
    /// Peers to which the sender is connected since its last message.
    pub added: Vec<(SocketAddr, PexFlags)>,
    /// Peers to which it is connected no longer.
    pub dropped: Vec<SocketAddr>,
}

impl PexMessage {
    /// Reads a payload; of each list at most `entries_max` addresses. What is missing or of a wrong kind counts as empty.
    ///
    /// # Errors
    /// If it is no bencoded dictionary.
    pub fn parse(payload: &[u8], entries_max: usize) -> Result<Self, BadExtended> {
        let document = scan(payload, &LIMITS).map_err(|_| BadExtended)?;
        let root = document.root();
        if root.dict().is_none() {
            return Err(BadExtended);
        }
        let bytes = |key: &str| root.get(key.as_bytes()).and_then(Value::bytes).unwrap_or_default();
        let flags = |key: &str| {
            bytes(key).iter().map(|flags| PexFlags(*flags)).chain(std::iter::repeat(PexFlags::default()))
        };
        let added_v4 = addrs_v4(bytes("added")).zip(flags("added.f"));
        let added_v6 = addrs_v6(bytes("added6")).zip(flags("added6.f"));
        let dropped = addrs_v4(bytes("dropped")).chain(addrs_v6(bytes("dropped6")));
        Ok(Self {
            added: added_v4.chain(added_v6).take(entries_max).collect(),
            dropped: dropped.take(entries_max).collect(),
        })
    }

    /// The payload, in canonical bencode.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let added = |is_v4: bool| self.added.iter().filter(move |(addr, _)| addr.is_ipv4() == is_v4);
        let addrs = |is_v4: bool| added(is_v4).flat_map(|(addr, _)| compact(addr)).collect::<Vec<u8>>();
        let flags = |is_v4: bool| added(is_v4).map(|(_, flags)| flags.0).collect::<Vec<u8>>();
        let dropped = |is_v4: bool| {
            let of_family = self.dropped.iter().filter(move |addr| addr.is_ipv4() == is_v4);
            of_family.flat_map(compact).collect::<Vec<u8>>()
        };
        let mut out = b"d".to_vec();
        for (key, value) in [
            ("added", addrs(true)),
            ("added.f", flags(true)),
            ("added6", addrs(false)),
            ("added6.f", flags(false)),
            ("dropped", dropped(true)),
            ("dropped6", dropped(false)),
        ] {
            out.extend(format!("{}:{key}{}:", key.len(), value.len()).bytes());
            out.extend(value);
        }
        out.push(b'e');
        out
    }
}

fn compact(addr: &SocketAddr) -> Vec<u8> {
    let mut bytes = match addr {
        SocketAddr::V4(addr) => addr.ip().octets().to_vec(),
        SocketAddr::V6(addr) => addr.ip().octets().to_vec(),
    };
    bytes.extend(addr.port().to_be_bytes());
    bytes
}

fn addrs_v4(bytes: &[u8]) -> impl Iterator<Item = SocketAddr> {
    let (chunks, _) = bytes.as_chunks::<LEN_V4>();
    chunks
        .iter()
        .map(|&[a, b, c, d, high, low]| SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low]))))
}

fn addrs_v6(bytes: &[u8]) -> impl Iterator<Item = SocketAddr> {
    let (chunks, _) = bytes.as_chunks::<LEN_V6>();
    chunks.iter().filter_map(|chunk| {
        let (ip, port) = chunk.split_first_chunk::<16>()?;
        Some(SocketAddr::from((*ip, u16::from_be_bytes(*port.first_chunk()?))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = PexMessage {
            added: vec![
                (addr("1.2.3.4:6881"), PexFlags::SEED.with(PexFlags::REACHABLE, true)),
                (addr("[2001:db8::1]:6882"), PexFlags::UTP),
            ],
            dropped: vec![addr("5.6.7.8:1"), addr("[2001:db8::2]:2")],
        };
        assert_eq!(PexMessage::parse(&message.encode(), 50), Ok(message));
        let v4_only = PexMessage { added: vec![(addr("1.2.3.4:6881"), PexFlags(0x12))], dropped: vec![] };
        assert_eq!(
            v4_only.encode(),
            b"d5:added6:\x01\x02\x03\x04\x1a\xe17:added.f1:\x126:added60:8:added6.f0:7:dropped0:8:dropped60:e"
        );
    }

    #[test]
    fn what_is_missing_counts_as_empty_and_flags_may_be() {
        assert_eq!(PexMessage::parse(b"de", 50), Ok(PexMessage::default()));
        let no_flags = PexMessage::parse(b"d5:added6:\x01\x02\x03\x04\x1a\xe17:droppedi5ee", 50);
        let added = vec![(addr("1.2.3.4:6881"), PexFlags::default())];
        assert_eq!(no_flags, Ok(PexMessage { added, dropped: vec![] }));
    }

    #[test]
    fn half_an_address_is_none_and_more_than_the_bound_are_not_read() {
        let odd = PexMessage::parse(b"d5:added7:\x01\x02\x03\x04\x1a\xe1\x01e", 50).expect("a message");
        assert_eq!(odd.added.len(), 1);
        let mut many = b"d5:added6000:".to_vec();
        many.extend([1; 6000]);
        many.push(b'e');
        assert_eq!(PexMessage::parse(&many, 50).expect("a message").added.len(), 50);
    }

    #[test]
    fn what_is_no_dictionary_is_malformed() {
        for payload in [&b""[..], b"le", b"d5:added", b"i1e", b"d1:ae"] {
            assert_eq!(PexMessage::parse(payload, 50), Err(BadExtended), "{payload:?}");
        }
    }
}
