//! Which client is behind a peer id (BEP 20, and what clients really send).

use codec::PeerId;

/// Name and version of the client that made this peer id, for people; empty if it does not say.
#[must_use]
pub fn client_name(peer_id: &PeerId) -> String {
    let id = &peer_id.0;
    azureus_style(id)
        .or_else(|| dashed_style(id, b"M", "BitTorrent"))
        .or_else(|| dashed_style(id, b"A2-", "aria2"))
        .or_else(|| dashed_style(id, b"Q", "Queen Bee"))
        .or_else(|| shadow_style(id))
        .or_else(|| xbt_style(id))
        .or_else(|| exbc_style(id))
        .or_else(|| tixati_style(id))
        .or_else(|| id.starts_with(b"FD6").then(|| "Free Download Manager 6".to_owned()))
        .unwrap_or_default()
}

/// How the four characters after the two letters spell a version.
#[derive(Clone, Copy)]
enum Version {
    /// Each a number, `D` being 13; the last only if it is a digit other than zero. (A letter there is the kind of build.)
    Digits,
    /// Each a number, all four.
    FourDigits,
    /// Each a number, the first three.
    ThreeDigits,
    /// Three numbers and a letter for the kind of build, `B` being a beta; with a `Q` behind, the third has two digits.
    Build,
    /// Two and two decimal digits.
    Pairs,
    /// One digit, two, and one.
    OneTwoOne,
    /// Two numbers, and a third that goes on into the last character if that is not zero.
    OneOneTwo,
    /// Two numbers and a third, which is not always spelt so that it can be told.
    OneOneUnsure,
    /// Two numbers, then `D` or `R` and a number: before a release.
    KTorrent,
    /// Several schemes up to 3.xx, another from 4.0.0 on.
    Transmission,
    /// It does not say.
    Unsaid,
}

/// Two letters, name, version. In the order of the letters.
const CLIENTS: &[(&[u8; 2], &str, Version)] = &[
    (b"7T", "aTorrent", Version::Digits),
    (b"AD", "Advanced Download Manager", Version::Digits),
    (b"AZ", "Vuze", Version::FourDigits),
    (b"BC", "BitComet", Version::Pairs),
    (b"BF", "Bitflu", Version::Digits),
    (b"BI", "BiglyBT", Version::FourDigits),
    (b"BN", "Baidu Netdisk", Version::Unsaid),
    (b"BT", "BitTorrent", Version::Build),
    (b"BW", "BitTorrent Web", Version::ThreeDigits),
    (b"CD", "Enhanced CTorrent", Version::Pairs),
    (b"CT", "CTorrent", Version::Digits),
    (b"DE", "Deluge", Version::Digits),
    (b"FC", "FileCroc", Version::FourDigits),
    (b"FD", "Free Download Manager", Version::OneOneUnsure),
    (b"FL", "Flud", Version::Digits),
    (b"FW", "FrostWire", Version::Digits),
    (b"GT", "anacrolix/torrent", Version::Digits),
    (b"HL", "Halite", Version::Digits),
    (b"JT", "JavaTorrent", Version::Digits),
    (b"KG", "KGet", Version::Digits),
    (b"KT", "KTorrent", Version::KTorrent),
    (b"LP", "Lphant", Version::Digits),
    (b"LT", "libtorrent", Version::Digits),
    (b"LW", "LimeWire", Version::Digits),
    (b"Lr", "LibreTorrent", Version::Digits),
    (b"MO", "MonoTorrent", Version::Digits),
    (b"MR", "Miro", Version::FourDigits),
    (b"PI", "PicoTorrent", Version::OneTwoOne),
    (b"QD", "QQDownload", Version::Digits),
    (b"RT", "Retriever", Version::Digits),
    (b"SD", "Thunder", Version::Digits),
    (b"SW", "Swarmscope", Version::Digits),
    (b"SZ", "Shareaza", Version::Digits),
    (b"TB", "Torch Browser", Version::Unsaid),
    (b"TL", "Tribler", Version::Digits),
    (b"TN", "TorrentDotNET", Version::Digits),
    (b"TR", "Transmission", Version::Transmission),
    (b"TS", "Torrentstorm", Version::Digits),
    (b"UM", "\u{b5}Torrent Mac", Version::Build),
    (b"UT", "\u{b5}Torrent", Version::Build),
    (b"UW", "\u{b5}Torrent Web", Version::Build),
    (b"WD", "WebTorrent Desktop", Version::Pairs),
    (b"WS", "HTTP seed", Version::Unsaid),
    (b"WW", "WebTorrent", Version::Pairs),
    (b"XF", "Xfplay", Version::OneOneTwo),
    (b"XL", "Xunlei", Version::Digits),
    (b"XT", "XanTorrent", Version::Digits),
    (b"ZT", "ZipTorrent", Version::Digits),
    (b"lt", "rTorrent", Version::Digits),
    (b"qB", "qBittorrent", Version::Digits),
];

/// `-TR3000-`: two letters, four characters of version. Some clients put a letter in place of the last dash, and some put
/// bytes that are no characters before it.
fn azureus_style(id: &[u8; 20]) -> Option<String> {
    let [b'-', letters @ .., a, b, c, d, end] = id.first_chunk::<8>()? else {
        return None;
    };
    if !letters.iter().chain([a, b, c]).all(u8::is_ascii_graphic) {
        return None;
    }
    let version = [*a, *b, *c, if d.is_ascii_graphic() { *d } else { b'0' }];
    match (letters, &version[2..]) {
        (b"BL", _) => return Some(bitlord(id, &version)),
        // Flud has the same letters.
        (b"FL", b"FF") => return Some(format!("Folx {}.x", digit(*a))),
        _ => {}
    }
    let known = CLIENTS.binary_search_by_key(&letters, |client| client.0).ok().map(|nth| CLIENTS[nth]);
    let Some((_, name, scheme)) = known else {
        return Some(format!("{} {}", letters.escape_ascii(), digits(&version)));
    };
    let version = match scheme {
        Version::Digits => digits(if matches!(d, b'1'..=b'9') { &version } else { &version[..3] }),
        Version::FourDigits => digits(&version),
        Version::ThreeDigits => digits(&version[..3]),
        Version::Build => build(&version, *end),
        Version::Pairs => pairs(&version),
        Version::OneTwoOne => [digit(*a), digit(*b) + &digit(*c), digit(version[3])].join("."),
        Version::OneOneTwo if *d == b'0' => digits(&version[..3]),
        Version::OneOneTwo => [digit(*a), digit(*b), digit(*c) + &digit(version[3])].join("."),
        Version::OneOneUnsure if c.is_ascii_alphanumeric() => digits(&version[..3]),
        Version::OneOneUnsure => [digit(*a), digit(*b), "x".to_owned()].join("."),
        Version::KTorrent => ktorrent(&version),
        Version::Transmission => transmission(&version),
        Version::Unsaid => return Some(name.to_owned()),
    };
    Some(format!("{name} {version}"))
}

fn build(version: &[u8; 4], end: u8) -> String {
    let [a, b, c, kind] = version.map(digit);
    match (version[3], end) {
        (b'0'..=b'9', b'Q') => format!("{a}.{b}.{c}{kind}"),
        (b'B', _) => format!("{a}.{b}.{c} beta"),
        _ => format!("{a}.{b}.{c}"),
    }
}

/// `-BL246326`: three numbers and three digits of build.
fn bitlord(id: &[u8; 20], version: &[u8; 4]) -> String {
    let build = std::str::from_utf8(&id[6..9]).ok().filter(|build| is_number(build));
    match build {
        Some(build) => format!("BitLord {}-{build}", digits(&version[..3])),
        None => format!("BitLord {}", digits(version)),
    }
}

fn ktorrent(version: &[u8; 4]) -> String {
    let [a, b, _, d] = version.map(digit);
    match version[2] {
        b'D' => format!("{a}.{b} dev {d}"),
        b'R' => format!("{a}.{b} RC {d}"),
        _ => digits(&version[..3]),
    }
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
        b'S' => "Shad0w",
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

/// `exbc`, two bytes of version: old clients of one family.
fn exbc_style(id: &[u8; 20]) -> Option<String> {
    let [major, minor, rest @ ..] = id.strip_prefix(b"exbc")? else { return None };
    let name = if rest.starts_with(b"LORD") { "BitLord" } else { "BitComet" };
    Some(format!("{name} {major}.{minor:02}"))
}

/// `TIX0193-`: decimal digits in pairs.
fn tixati_style(id: &[u8; 20]) -> Option<String> {
    let version = id.strip_prefix(b"TIX")?.first_chunk::<4>()?;
    version.iter().all(u8::is_ascii_digit).then(|| format!("Tixati {}", pairs(version)))
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

/// `0006` is 0.6, `0072` is 0.72, `2940` is 2.94, and from version 4 on `4050` is 4.0.5, with lower case letters behind
/// upper case ones. `Z` and `X` mark what is no release.
fn transmission(version: &[u8; 4]) -> String {
    let suffix = match version[3] {
        b'Z' | b'X' => "+",
        b'B' => " beta",
        _ => "",
    };
    let [a, b, c, d] = version.map(|byte| match byte {
        b'a'..=b'z' => (u32::from(byte - b'a') + 36).to_string(),
        _ => digit(byte),
    });
    match version {
        b"0000" => "0.0".to_owned(),
        [b'0', b'0', b'0', _] => format!("0.{d}"),
        [b'0', b'0', ..] => format!("0.{c}{d}"),
        [b'0'..=b'3', ..] => format!("{a}.{b}{c}{suffix}"),
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

    /// Starts of peer ids, and what they say.
    type Names = [(&'static [u8], &'static str)];

    const NAMES: &Names = &[
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
        (b"S58B-----", "Shad0w 5.8.11"),
        (b"T03I-----", "BitTornado 0.3.18"),
        (b"XBT054d-", "XBT 0.5.4"),
    ];

    /// As other clients' tests have them, where one agrees with what they say.
    const NAMES_OF_OTHERS: &Names = &[
        (b"-ADB560-", "Advanced Download Manager 11.5.6"),
        (b"-AZ8421-", "Vuze 8.4.2.1"),
        (b"-BC0241-", "BitComet 2.41"),
        (b"-BI2300-", "BiglyBT 2.3.0.0"),
        (b"-BL246326", "BitLord 2.4.6-326"),
        (b"-BN0001-", "Baidu Netdisk"),
        (b"-BT791B-", "BitTorrent 7.9.1 beta"),
        (b"-BT791\0-", "BitTorrent 7.9.1"),
        (b"-BW1293-", "BitTorrent Web 1.2.9"),
        (b"-FC1013-", "FileCroc 1.0.1.3"),
        (b"-FD51@\xff-", "Free Download Manager 5.1.x"),
        (b"-FD51R\xff-", "Free Download Manager 5.1.27"),
        (b"-FD51W\xff-", "Free Download Manager 5.1.32"),
        (b"-FD51\x5d\xc7-", "Free Download Manager 5.1.x"),
        (b"FD6k4SYy9BOU4U4rk3-J", "Free Download Manager 6"),
        (b"-FL51FF-", "Folx 5.x"),
        (b"-FW6830-", "FrostWire 6.8.3"),
        (b"-KT33D1-", "KTorrent 3.3 dev 1"),
        (b"-Lr10X0-", "LibreTorrent 1.0.33"),
        (b"-MR1100-", "Miro 1.1.0.0"),
        (b"-PI0091-", "PicoTorrent 0.09.1"),
        (b"-PI0120-", "PicoTorrent 0.12.0"),
        (b"-TB2137-", "Torch Browser"),
        (b"-TR0006-", "Transmission 0.6"),
        (b"-TR0072-", "Transmission 0.72"),
        (b"-TR111Z-", "Transmission 1.11+"),
        (b"-TR400B-", "Transmission 4.0.0 beta"),
        (b"-TR4000-", "Transmission 4.0.0"),
        (b"-TR4Az0-", "Transmission 4.10.61"),
        (b"-UT341\0-", "\u{b5}Torrent 3.4.1"),
        (b"-UT7a5\0-", "\u{b5}Torrent 7.10.5"),
        (b"-UW110Q-", "\u{b5}Torrent Web 1.1.0"),
        (b"-UW1110Q", "\u{b5}Torrent Web 1.1.10"),
        (b"-WS1000-", "HTTP seed"),
        // WebTorrent writes two digits for each of the first two numbers; others read four.
        (b"-WW0007-", "WebTorrent 0.7"),
        (b"-XF9990-", "Xfplay 9.9.9"),
        (b"-XF9992-", "Xfplay 9.9.92"),
        (b"A2-1-18-8-", "aria2 1.18.8"),
        (b"A2-1-2-0-", "aria2 1.2.0"),
        (b"Q1-23-4-", "Queen Bee 1.23.4"),
        (b"TIX0193-", "Tixati 1.93"),
        (b"exbc\x008LORD2\0\x04", "BitLord 0.56"),
        (b"exbc\x008zDc\x10-n", "BitComet 0.56"),
    ];

    #[test]
    fn clients_are_named_with_their_versions() {
        for (start, name) in NAMES.iter().chain(NAMES_OF_OTHERS) {
            assert_eq!(check(start), *name, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn what_names_no_client_has_no_name() {
        for start in [
            &b""[..],
            b"M4x3-6--",
            b"A2-1-x-0-",
            b"S58B--x--",
            b"S--------",
            b"-T\x00R000-",
            b"-IIO\x10-\x04-",
            b"-I\x05O\x08\x03\x01-",
            b"\0\0\0\0",
        ] {
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
