//! Which client is behind a peer id (BEP 20, and what clients really send).

use codec::PeerId;

/// Name and version of the client that made this peer id, for people; empty if it does not say.
#[must_use]
pub fn client_name(peer_id: &PeerId) -> String {
    let id = &peer_id.0;
    azureus_style(id)
        .or_else(|| dashed_style(id, b"M", "BitTorrent"))
        .or_else(|| dashed_style(id, b"A2-", "aria2"))
        .or_else(|| shadow_style(id))
        .or_else(|| xbt_style(id))
        .unwrap_or_default()
}

/// How the four characters after the two letters spell a version.
#[derive(Clone, Copy)]
enum Version {
    /// Each a number, `D` being 13; the last only if it is a digit other than zero. (A letter there is the kind of build.)
    Digits,
    /// Each a number, all four.
    FourDigits,
    /// Two and two decimal digits.
    Pairs,
    /// One scheme up to 3.xx, another from 4.0.0 on.
    Transmission,
}

/// Two letters, name, version. In the order of the letters.
const CLIENTS: &[(&[u8; 2], &str, Version)] = &[
    (b"7T", "aTorrent", Version::Digits),
    (b"AZ", "Vuze", Version::FourDigits),
    (b"BC", "BitComet", Version::Pairs),
    (b"BF", "Bitflu", Version::Digits),
    (b"BI", "BiglyBT", Version::FourDigits),
    (b"BT", "BitTorrent", Version::Digits),
    (b"CD", "Enhanced CTorrent", Version::Pairs),
    (b"CT", "CTorrent", Version::Digits),
    (b"DE", "Deluge", Version::Digits),
    (b"FD", "Free Download Manager", Version::Digits),
    (b"FL", "Flud", Version::Digits),
    (b"FW", "FrostWire", Version::Digits),
    (b"GT", "anacrolix/torrent", Version::Digits),
    (b"HL", "Halite", Version::Digits),
    (b"JT", "JavaTorrent", Version::Digits),
    (b"KG", "KGet", Version::Digits),
    (b"KT", "KTorrent", Version::Digits),
    (b"LP", "Lphant", Version::Digits),
    (b"LT", "libtorrent", Version::Digits),
    (b"LW", "LimeWire", Version::Digits),
    (b"MO", "MonoTorrent", Version::Digits),
    (b"MR", "Miro", Version::Digits),
    (b"PI", "PicoTorrent", Version::Digits),
    (b"QD", "QQDownload", Version::Digits),
    (b"RT", "Retriever", Version::Digits),
    (b"SD", "Thunder", Version::Digits),
    (b"SW", "Swarmscope", Version::Digits),
    (b"SZ", "Shareaza", Version::Digits),
    (b"TL", "Tribler", Version::Digits),
    (b"TN", "TorrentDotNET", Version::Digits),
    (b"TR", "Transmission", Version::Transmission),
    (b"TS", "Torrentstorm", Version::Digits),
    (b"UM", "\u{b5}Torrent Mac", Version::Digits),
    (b"UT", "\u{b5}Torrent", Version::Digits),
    (b"UW", "\u{b5}Torrent Web", Version::Digits),
    (b"WD", "WebTorrent Desktop", Version::Pairs),
    (b"WW", "WebTorrent", Version::Pairs),
    (b"XL", "Xunlei", Version::Digits),
    (b"XT", "XanTorrent", Version::Digits),
    (b"ZT", "ZipTorrent", Version::Digits),
    (b"lt", "rTorrent", Version::Digits),
    (b"qB", "qBittorrent", Version::Digits),
];

/// `-TR3000-`: two letters, four characters of version. Some clients put a letter in place of the last dash.
fn azureus_style(id: &[u8; 20]) -> Option<String> {
    let [b'-', letters @ .., a, b, c, d, _] = id.first_chunk::<8>()? else {
        return None;
    };
    let version = [*a, *b, *c, *d];
    if !letters.iter().chain(&version).all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let known = CLIENTS.binary_search_by_key(&letters, |client| client.0).ok().map(|nth| CLIENTS[nth]);
    let Some((_, name, scheme)) = known else {
        return Some(format!("{} {}", letters.escape_ascii(), digits(&version)));
    };
    let version = match scheme {
        Version::Digits => digits(if matches!(d, b'1'..=b'9') { &version } else { &version[..3] }),
        Version::FourDigits => digits(&version),
        Version::Pairs => pairs(&version),
        Version::Transmission => transmission(&version),
    };
    Some(format!("{name} {version}"))
}

/// `M4-3-6--`, `A2-1-36-0-`: numbers between dashes.
fn dashed_style(id: &[u8; 20], prefix: &[u8], name: &str) -> Option<String> {
    let rest = id.strip_prefix(prefix)?;
    let numbers: Vec<&str> = rest
        .split(|byte| *byte == b'-')
        .take(3)
        .map(|part| std::str::from_utf8(part).ok().filter(|text| is_number(text)))
        .collect::<Option<_>>()?;
    (numbers.len() == 3).then(|| format!("{name} {}", numbers.join(".")))
}

/// `S58B-----`: a letter, up to five characters of version filled up with dashes, three dashes.
fn shadow_style(id: &[u8; 20]) -> Option<String> {
    let (letter, version) = id.first_chunk::<6>()?.split_first()?;
    let name = match letter {
        b'A' => "ABC",
        b'O' => "Osprey Permaseed",
        b'Q' => "BTQueue",
        b'R' => "Tribler",
        b'S' => "Shadow",
        b'T' => "BitTornado",
        b'U' => "UPnP NAT BitTorrent",
        _ => return None,
    };
    let len = version.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let is_filled_up = id[1 + len..9].iter().all(|byte| *byte == b'-');
    (len > 0 && is_filled_up).then(|| format!("{name} {}", digits(&version[..len])))
}

/// `XBT054d-`: three decimal digits; `d` marks a debug build.
fn xbt_style(id: &[u8; 20]) -> Option<String> {
    let version = id.strip_prefix(b"XBT")?.first_chunk::<3>()?;
    version.iter().all(u8::is_ascii_digit).then(|| format!("XBT {}", digits(version)))
}

/// Each character a number (`0` to `9`, then `A` = 10 or `a` = 10 on), with dots between.
fn digits(version: &[u8]) -> String {
    let numbers: Vec<String> = version.iter().map(|byte| digit(*byte)).collect();
    numbers.join(".")
}

fn digit(byte: u8) -> String {
    match char::from(byte).to_digit(36) {
        Some(number) => number.to_string(),
        None => byte.escape_ascii().to_string(),
    }
}

/// `0206` is 2.6, `0171` is 1.71: decimal digits in pairs, and otherwise as they stand.
fn pairs(version: &[u8; 4]) -> String {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u8>().ok();
    match (number(&version[..2]), number(&version[2..])) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => digits(version),
    }
}

/// `2940` is 2.94, `3000` is 3.00, and from version 4 on `4050` is 4.0.5. `Z` and `X` mark what is no release.
fn transmission(version: &[u8; 4]) -> String {
    let [a, b, c, kind] = version.map(digit);
    let suffix = match kind.as_str() {
        "35" | "33" => "+",
        "11" => " beta",
        _ => "",
    };
    match version[0] {
        b'0'..=b'3' => format!("{a}.{b}{c}{suffix}"),
        _ => format!("{a}.{b}.{c}{suffix}"),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(start: &[u8]) -> String {
        let mut id = [b'x'; 20];
        id[..start.len()].copy_from_slice(start);
        client_name(&PeerId(id))
    }

    #[test]
    fn clients_are_named_with_their_versions() {
        let table: &[(&[u8], &str)] = &[
            (b"-SW0100-", "Swarmscope 0.1.0"),
            (b"-TR2940-", "Transmission 2.94"),
            (b"-TR3000-", "Transmission 3.00"),
            (b"-TR300Z-", "Transmission 3.00+"),
            (b"-TR4050-", "Transmission 4.0.5"),
            (b"-TR410B-", "Transmission 4.1.0 beta"),
            (b"-LT2080-", "libtorrent 2.0.8"),
            (b"-lt0D80-", "rTorrent 0.13.8"),
            (b"-qB4520-", "qBittorrent 4.5.2"),
            (b"-qB4251-", "qBittorrent 4.2.5.1"),
            (b"-UT355W-", "\u{b5}Torrent 3.5.5"),
            (b"-DE13F0-", "Deluge 1.3.15"),
            (b"-DE211s-", "Deluge 2.1.1"),
            (b"-AZ5750-", "Vuze 5.7.5.0"),
            (b"-BC0171-", "BitComet 1.71"),
            (b"-WW0206-", "WebTorrent 2.6"),
            (b"-WD0024-", "WebTorrent Desktop 0.24"),
            (b"-WWab00-", "WebTorrent 10.11.0.0"),
            (b"-YY1234-", "YY 1.2.3.4"),
            (b"A2-1-36-0-", "aria2 1.36.0"),
            (b"M4-3-6--", "BitTorrent 4.3.6"),
            (b"M7-10-3-", "BitTorrent 7.10.3"),
            (b"S58B-----", "Shadow 5.8.11"),
            (b"T03I-----", "BitTornado 0.3.18"),
            (b"XBT054d-", "XBT 0.5.4"),
        ];
        for (start, name) in table {
            assert_eq!(check(start), *name, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn what_names_no_client_has_no_name() {
        for start in
            [&b""[..], b"M4x3-6--", b"A2-1-x-0-", b"S58B--x--", b"S--------", b"-T\x00R000-", b"\0\0\0\0"]
        {
            assert_eq!(check(start), "", "{}", start.escape_ascii());
        }
    }

    #[test]
    fn the_table_is_in_the_order_that_its_search_needs() {
        assert!(CLIENTS.is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        #[test]
        fn arbitrary_ids_never_panic_and_give_short_printable_names(id: [u8; 20], tail: [u8; 12]) {
            let mut azureus = *b"-TR0000-000000000000";
            azureus[3..15].copy_from_slice(&tail);
            for id in [id, azureus] {
                let name = client_name(&PeerId(id));
                prop_assert!(name.len() < 60 && !name.contains(char::is_control), "{name}");
            }
        }
    }
}
