//! Addresses of web seeds, and of what they have.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

use crate::{BlockRef, Metainfo};

/// What cannot stand in an address as it is. `%` can: an address may be encoded already.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What is encoded in a name: all but RFC 3986's unreserved characters.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest address, in bytes.
const URL_LEN_MAX: usize = 2048;

/// The address as it can be asked: without space around it, with `%20` for each space in it. `None` for anything but
/// http and https (BEP 19 leaves others to whom they please), and for what is no text.
pub(crate) fn normal_url(url: &[u8]) -> Option<String> {
    let url = std::str::from_utf8(url).ok()?.trim();
    let (scheme, rest) = url.split_once("://")?;
    let is_known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if !is_known || rest.is_empty() || rest.starts_with('/') || url.contains(char::is_control) {
        return None;
    }
    let encoded = utf8_percent_encode(url, UNSAFE).to_string();
    (encoded.len() <= URL_LEN_MAX).then_some(encoded)
}

/// The server's name, without port and sign-in.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_bracketed = host.starts_with('[');
    match host.rsplit_once(':') {
        Some((name, _)) if !is_bracketed || name.ends_with(']') => name,
        _ => host,
    }
}

/// Where a file lies on a server (BEP 19). An address that ends with a slash is a folder in which the torrent lies
/// under its name; for a torrent of several files it always is one.
pub(super) fn file_url(metainfo: &Metainfo, base: &str, file: usize) -> String {
    let mut url = base.to_owned();
    if metainfo.is_single_file() && !base.ends_with('/') {
        return url;
    }
    if !url.ends_with('/') {
        url.push('/');
    }
    push_name(&mut url, metainfo.web_name());
    if !metainfo.is_single_file() {
        for name in metainfo.web_path(file) {
            url.push('/');
            push_name(&mut url, name);
        }
    }
    url
}

/// What a script is asked (BEP 17): part of a piece, the last byte included.
pub(super) fn piece_url(metainfo: &Metainfo, base: &str, block: &BlockRef) -> String {
    let hash = percent_encode(&metainfo.info_hash().0, NAME).to_string();
    let first = if base.contains('?') { '&' } else { '?' };
    let last = u64::from(block.begin) + u64::from(block.len).saturating_sub(1);
    format!("{base}{first}info_hash={hash}&piece={}&ranges={}-{last}", block.piece.0, block.begin)
}

fn push_name(url: &mut String, name: &[u8]) {
    url.extend(percent_encode(name, NAME));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_trimmed_and_encoded_once() {
        let table = [
            ("  http://a/b \n", Some("http://a/b")),
            ("http://a/two  spaces", Some("http://a/two%20%20spaces")),
            ("http://a/is%20encoded", Some("http://a/is%20encoded")),
            ("HTTPS://a/\u{fc}?x=1&y", Some("HTTPS://a/%C3%BC?x=1&y")),
            ("ftp://a/b", None),
            ("http:///b", None),
            ("http://", None),
            ("a/b", None),
            ("", None),
            ("http://a/\u{7}", None),
        ];
        for (url, expected) in table {
            assert_eq!(normal_url(url.as_bytes()).as_deref(), expected, "{url:?}");
        }
        assert_eq!(normal_url(b"http://a/\xff"), None);
        assert_eq!(normal_url(format!("http://a/{}", "b".repeat(URL_LEN_MAX)).as_bytes()), None);
    }

    #[test]
    fn a_web_seed_is_called_by_its_host() {
        let table = [
            ("http://mirror.example/pub/", "mirror.example"),
            ("https://mirror.example:8443/x?y", "mirror.example"),
            ("http://me:secret@mirror.example", "mirror.example"),
            ("http://[2001:db8::1]:80/x", "[2001:db8::1]"),
            ("http://[2001:db8::1]/x", "[2001:db8::1]"),
        ];
        for (url, host) in table {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
