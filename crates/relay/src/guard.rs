//! Who may talk to the relay: every page that its user visits could try.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq;

use crate::Config;

/// The relay was called by a name that is not its own.
///
/// A page of `evil.example` can make that name point to 127.0.0.1 (DNS rebinding) and is then of the relay's origin
/// in the browser's eyes. Names that its owner did not give it are therefore refused; plain addresses cannot be
/// rebound.
pub(crate) fn check_host(headers: &HeaderMap, config: &Config) -> Result<(), String> {
    let host = single(headers, &HOST)?.ok_or("the request names no host")?;
    let name = host_name(host);
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    let is_allowed =
        |allowed: &String| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host);
    if is_address || name.eq_ignore_ascii_case("localhost") || config.allow_host.iter().any(is_allowed) {
        return Ok(());
    }
    Err(format!("the relay is not called {name:?}; --allow-host {name} allows it"))
}

/// A page of another origin wants to use the relay.
///
/// Browsers name the origin in every WebSocket handshake. What is no browser need not, and could write anything.
pub(crate) fn check_origin(headers: &HeaderMap, config: &Config) -> Result<(), String> {
    let Some(origin) = single(headers, &ORIGIN)? else { return Ok(()) };
    let host = single(headers, &HOST)?.unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let is_same = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
    let is_allowed = |allowed: &String| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin);
    if is_same || config.allow_origin.iter().any(is_allowed) {
        return Ok(());
    }
    Err(format!("a page of {origin:?} may not use this relay; --allow-origin {origin} allows it"))
}

/// Compares in a time that does not depend on where the two differ.
pub(crate) fn is_same_secret(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// 128 random bits as hexadecimal digits.
pub(crate) fn random_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(format!("the request has several {name} headers"));
    }
    first.map(|value| value.to_str().map_err(|_| format!("the {name} header is malformed"))).transpose()
}

/// The host without its port, IPv6 without brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(ip, _)| ip);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use clap::Parser;

    use super::*;

    fn config(flags: &[&str]) -> Config {
        Config::parse_from(std::iter::once(&"relay").chain(flags))
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn plain_addresses_and_localhost_are_the_relay() {
        for host in
            ["127.0.0.1:7077", "localhost:7077", "LOCALHOST", "[::1]:7077", "192.168.1.5", "127.0.0.1"]
        {
            assert_eq!(check_host(&headers(&[("host", host)]), &config(&[])), Ok(()), "{host}");
        }
    }

    #[test]
    fn another_name_is_refused_unless_allowed() {
        let rebound = headers(&[("host", "evil.example:7077")]);
        assert!(check_host(&rebound, &config(&[])).is_err());
        assert_eq!(check_host(&rebound, &config(&["--allow-host", "evil.example"])), Ok(()));
        for host in ["127.0.0.1.evil.example", "localhost.evil.example", "", "[evil]"] {
            assert!(check_host(&headers(&[("host", host)]), &config(&[])).is_err(), "{host}");
        }
    }

    #[test]
    fn a_request_with_no_host_or_two_is_refused() {
        assert!(check_host(&headers(&[]), &config(&[])).is_err());
        let two = headers(&[("host", "127.0.0.1"), ("host", "evil.example")]);
        assert!(check_host(&two, &config(&[])).is_err());
    }

    #[test]
    fn only_the_same_origin_or_an_allowed_one_passes() {
        let of = |origin: &str| headers(&[("host", "127.0.0.1:7077"), ("origin", origin)]);
        assert_eq!(check_origin(&of("http://127.0.0.1:7077"), &config(&[])), Ok(()));
        for origin in
            ["http://evil.example", "http://127.0.0.1:8080", "null", "http://127.0.0.1:7077.evil.example"]
        {
            assert!(check_origin(&of(origin), &config(&[])).is_err(), "{origin}");
        }
        let allowing = config(&["--allow-origin", "http://127.0.0.1:8080"]);
        assert_eq!(check_origin(&of("http://127.0.0.1:8080"), &allowing), Ok(()));
        assert!(check_origin(&of("http://127.0.0.1:8081"), &allowing).is_err());
    }

    #[test]
    fn secrets_are_the_same_only_if_all_of_them_is() {
        assert!(is_same_secret("abc", "abc"));
        for other in ["", "ab", "abcd", "abd"] {
            assert!(!is_same_secret(other, "abc"), "{other}");
        }
    }

    #[test]
    fn made_up_secrets_differ() {
        assert_ne!(random_secret().unwrap(), random_secret().unwrap());
    }
}
