//! The extension handshake (BEP 10): who speaks which extension under which id, and a few facts beside. It may come
//! again; what it does not name stays as it was.

use std::net::IpAddr;

use codec::bencode::{Limits, Value, scan};

use super::{BadExtended, Extension};

/// Most of what is read of it. Real ones have some 200 bytes, two levels and 40 values.
const LIMITS: Limits = Limits { len_max: 64 * 1024, depth_max: 16, items_max: 4000 };
/// Characters of a client's name that are kept.
const CLIENT_LEN_MAX: usize = 60;

/// What an extension handshake says; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedHandshake {
    /// Under which id the sender takes each extension's messages, in the order of [`Extension::ALL`]; zero: not any
    /// more.
    pub ids: [Option<u8>; Extension::ALL.len()],
    /// Name and version of the sender's client (`v`), printable.
    pub client: Option<String>,
    /// The sender's incoming port (`p`).
    pub port: Option<u16>,
    /// Requests that the sender lets wait (`reqq`); at least one.
    pub requests_max: Option<u32>,
    /// The receiver's address as the sender sees it (`yourip`).
    pub your_ip: Option<IpAddr>,
    /// Length of the info dictionary in bytes (BEP 9, `metadata_size`).
    pub metadata_len: Option<u32>,
    /// The sender downloads nothing (BEP 21, `upload_only`).
    pub is_upload_only: Option<bool>,
}

impl ExtendedHandshake {
    /// The id that it gives an extension; `None` where it says nothing.
    #[must_use]
    pub const fn id(&self, extension: Extension) -> Option<u8> {
        self.ids[extension.index()]
    }

    /// Names an extension under an id.
    #[must_use]
    pub const fn with(mut self, extension: Extension, id: u8) -> Self {
        self.ids[extension.index()] = Some(id);
        self
    }

    /// Reads the payload of extended message 0. Unknown keys, and known ones with values that make no sense, count as
    /// absent.
    ///
    /// # Errors
    /// If it is no bencoded dictionary.
    pub fn parse(payload: &[u8]) -> Result<Self, BadExtended> {
        let document = scan(payload, &LIMITS).map_err(|_| BadExtended)?;
        let root = document.root();
        if root.dict().is_none() {
            return Err(BadExtended);
        }
        let number = |key: &str| root.get(key.as_bytes()).and_then(Value::number);
        let bytes = |key: &str| root.get(key.as_bytes()).and_then(Value::bytes);
        let names = root.get(b"m");
        let id = |extension: Extension| u8::try_from(names?.get(extension.name().as_bytes())?.number()?).ok();
        Ok(Self {
            ids: Extension::ALL.map(id),
            client: bytes("v").map(printable).filter(|client| !client.is_empty()),
            port: number("p").and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0),
            requests_max: number("reqq").and_then(|reqq| u32::try_from(reqq).ok()).filter(|reqq| *reqq > 0),
            your_ip: bytes("yourip").and_then(ip),
            metadata_len: number("metadata_size").and_then(|len| u32::try_from(len).ok()),
            is_upload_only: number("upload_only").map(|flag| flag != 0),
        })
    }

    /// The payload of extended message 0, in canonical bencode.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"d1:md".to_vec();
        for extension in Extension::ALL {
            if let Some(id) = self.id(extension) {
                number(extension.name(), u32::from(id), &mut out);
            }
        }
        out.push(b'e');
        let mut optional = |key, value: Option<u32>| {
            if let Some(value) = value {
                number(key, value, &mut out);
            }
        };
        optional("metadata_size", self.metadata_len);
        optional("p", self.port.map(u32::from));
        optional("reqq", self.requests_max);
        optional("upload_only", self.is_upload_only.map(u32::from));
        if let Some(client) = &self.client {
            string("v", client.as_bytes(), &mut out);
        }
        match self.your_ip {
            Some(IpAddr::V4(ip)) => string("yourip", &ip.octets(), &mut out),
            Some(IpAddr::V6(ip)) => string("yourip", &ip.octets(), &mut out),
            None => {}
        }
        out.push(b'e');
        out
    }
}

fn number(key: &str, value: u32, out: &mut Vec<u8>) {
    out.extend(format!("{}:{key}i{value}e", key.len()).bytes());
}

fn string(key: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend(format!("{}:{key}{}:", key.len(), value.len()).bytes());
    out.extend(value);
}

/// What a stranger calls itself, fit to be shown: no control characters and no marks that turn text around.
fn printable(name: &[u8]) -> String {
    let turns_text = |c| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let text = String::from_utf8_lossy(name);
    let kept: String =
        text.chars().filter(|&c| !c.is_control() && !turns_text(c)).take(CLIENT_LEN_MAX).collect();
    kept.trim().to_owned()
}

/// An address in network order: four bytes or sixteen.
fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
    };
    (!ip.is_unspecified() && !ip.is_multicast()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(payload: &[u8]) -> ExtendedHandshake {
        ExtendedHandshake::parse(payload).unwrap_or_else(|_| panic!("{}", payload.escape_ascii()))
    }

    fn full() -> ExtendedHandshake {
        ExtendedHandshake {
            client: Some("Swarmscope 0.1.0".into()),
            port: Some(6881),
            requests_max: Some(500),
            your_ip: Some(IpAddr::from([80, 4, 4, 200])),
            metadata_len: Some(31_235),
            is_upload_only: Some(true),
            ..ExtendedHandshake::default().with(Extension::Pex, 1).with(Extension::DontHave, 7)
        }
    }

    #[test]
    fn what_is_written_is_canonical_and_read_back() {
        let payload = full().encode();
        assert_eq!(
            payload.escape_ascii().to_string(),
            "d1:md11:lt_donthavei7e6:ut_pexi1ee13:metadata_sizei31235e1:pi6881e4:reqqi500e11:upload_onlyi1e\
             1:v16:Swarmscope 0.1.06:yourip4:P\\x04\\x04\\xc8e"
        );
        assert_eq!(parse(&payload), full());
        assert_eq!(parse(&ExtendedHandshake::default().encode()), ExtendedHandshake::default());
    }

    #[test]
    fn a_handshake_as_other_clients_send_it_is_understood() {
        let said = parse(
            b"d12:complete_agoi-1e1:md11:lt_donthavei7e12:ut_holepunchi4e11:ut_metadatai2e6:ut_pexi1ee\
              13:metadata_sizei31235e4:reqqi500e11:upload_onlyi3e1:v17:qBittorrent/4.5.26:yourip4:\x0a\0\0\x01e",
        );
        assert_eq!(said.id(Extension::Metadata), Some(2));
        assert_eq!(said.id(Extension::UploadOnly), None);
        assert_eq!(said.client.as_deref(), Some("qBittorrent/4.5.2"));
        assert_eq!((said.requests_max, said.is_upload_only), (Some(500), Some(true)));
        assert_eq!(said.your_ip, Some(IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn zero_disables_and_silence_does_not() {
        let said = parse(b"d1:md6:ut_pexi0eee");
        assert_eq!((said.id(Extension::Pex), said.id(Extension::Metadata)), (Some(0), None));
    }

    #[test]
    fn senseless_values_count_as_absent() {
        let said = parse(
            b"d1:md11:ut_metadatai256e6:ut_pexi-1ee13:metadata_sizei-5e1:pi70000e4:reqqi0e1:v3:\r\n\x006:yourip3:abce",
        );
        assert_eq!(said, ExtendedHandshake::default());
        assert_eq!(parse(b"d1:mi5e1:pli1ee1:vi7ee"), ExtendedHandshake::default());
        assert_eq!(parse(b"d6:yourip4:\0\0\0\0e").your_ip, None);
    }

    #[test]
    fn an_address_of_version_4_within_version_6_is_one_of_version_4() {
        let said = parse(b"d6:yourip16:\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04e");
        assert_eq!(said.your_ip, Some(IpAddr::from([1, 2, 3, 4])));
    }

    #[test]
    fn a_name_is_made_fit_to_be_shown() {
        let long = format!("d1:v100:{}e", "x".repeat(100));
        assert_eq!(parse(long.as_bytes()).client, Some("x".repeat(CLIENT_LEN_MAX)));
        assert_eq!(parse("d1:v8:a\u{202e}b\u{7}cde".as_bytes()).client.as_deref(), Some("abcd"));
        assert_eq!(parse(b"d1:v2:a\xffe").client.as_deref(), Some("a\u{fffd}"));
    }

    #[test]
    fn what_is_no_dictionary_is_refused() {
        for bad in [&b""[..], b"i1e", b"le", b"d1:m", b"de junk", b"d1:mi01ee", &[b'l'; 1000]] {
            assert_eq!(ExtendedHandshake::parse(bad), Err(BadExtended), "{}", bad.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ExtendedHandshake::parse(&bytes);
            let _ = ExtendedHandshake::parse(&[b"d1:v", &bytes[..], b"e"].concat());
        }
    }
}
