#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const PORT: u16 = 51413;

fn code(policy: &DestinationPolicy, ip: &str, port: u16, kind: DestinationKind) -> &'static str {
    match policy.check(SocketAddr::new(ip.parse().unwrap(), port), kind) {
        Ok(()) => "allowed",
        Err(refusal) => refusal.reason.code(),
    }
}

#[test]
fn the_public_policy_allows_public_addresses_only() {
    let table = [
        ("1.1.1.1", "allowed"),
        ("9.255.255.255", "allowed"),
        ("11.0.0.0", "allowed"),
        ("100.63.255.255", "allowed"),
        ("100.128.0.0", "allowed"),
        ("172.15.255.255", "allowed"),
        ("172.32.0.0", "allowed"),
        ("192.167.255.255", "allowed"),
        ("198.17.255.255", "allowed"),
        ("198.20.0.0", "allowed"),
        ("223.255.255.255", "allowed"),
        ("2606:4700::1111", "allowed"),
        ("2001:200::1", "allowed"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "carrier-grade-nat"),
        ("100.127.255.255", "carrier-grade-nat"),
        ("169.254.169.254", "link-local"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("192.88.99.1", "reserved"),
        ("198.18.0.1", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.254", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fc00::1", "unique-local"),
        ("fdff::1", "unique-local"),
        ("fec0::1", "unique-local"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("2001:2::1", "benchmarking"),
        ("2001::1", "reserved"),
        ("2001:0:7f00:1::", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("100::1", "reserved"),
        ("4000::1", "reserved"),
    ];
    let policy = DestinationPolicy::public();
    for (ip, expected) in table {
        for kind in [DestinationKind::Peer, DestinationKind::Tracker, DestinationKind::Web] {
            assert_eq!(code(&policy, ip, PORT, kind), expected, "{ip} as {kind:?}");
        }
    }
}

#[test]
fn an_ipv6_address_that_stands_for_an_ipv4_address_is_judged_by_that_one() {
    let table = [
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:192.168.0.1", "private"),
        ("::ffff:1.1.1.1", "allowed"),
        ("::127.0.0.1", "loopback"),
        ("::10.1.2.3", "private"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("2002:101:101::1", "allowed"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a00:1", "private"),
        ("64:ff9b::101:101", "allowed"),
    ];
    let policy = DestinationPolicy::public();
    for (ip, expected) in table {
        assert_eq!(code(&policy, ip, PORT, DestinationKind::Tracker), expected, "{ip}");
    }
}

#[test]
fn only_peers_are_refused_on_ports_below_1024() {
    let policy = DestinationPolicy::public();
    for port in [1, 25, 80, 443, 1023] {
        assert_eq!(code(&policy, "1.1.1.1", port, DestinationKind::Peer), "low-port");
        assert_eq!(code(&policy, "1.1.1.1", port, DestinationKind::Tracker), "allowed");
        assert_eq!(code(&policy, "1.1.1.1", port, DestinationKind::Web), "allowed");
    }
    assert_eq!(code(&policy, "1.1.1.1", 1024, DestinationKind::Peer), "allowed");
}

#[test]
fn an_allowed_network_is_open_on_every_port_but_zero_and_its_neighbours_stay_closed() {
    let policy = DestinationPolicy::public().allow("127.77.0.0/16".parse().unwrap());
    assert_eq!(code(&policy, "127.77.3.4", PORT, DestinationKind::Peer), "allowed");
    assert_eq!(code(&policy, "127.77.3.4", 80, DestinationKind::Peer), "allowed");
    assert_eq!(code(&policy, "::ffff:127.77.3.4", PORT, DestinationKind::Peer), "allowed");
    assert_eq!(code(&policy, "127.77.3.4", 0, DestinationKind::Peer), "port-zero");
    assert_eq!(code(&policy, "127.76.255.255", PORT, DestinationKind::Peer), "loopback");
    assert_eq!(code(&policy, "127.78.0.0", PORT, DestinationKind::Peer), "loopback");
    assert_eq!(code(&policy, "::1", PORT, DestinationKind::Peer), "loopback");
}

#[test]
fn an_allowed_ipv6_network_is_open() {
    let policy = DestinationPolicy::public().allow("fd12::/16".parse().unwrap());
    assert_eq!(code(&policy, "fd12::1", PORT, DestinationKind::Peer), "allowed");
    assert_eq!(code(&policy, "fd13::1", PORT, DestinationKind::Peer), "unique-local");
}

#[test]
fn a_refusal_says_what_and_which_flag_would_allow_it() {
    let addr = "127.0.0.1:6969".parse().unwrap();
    let refusal = DestinationPolicy::public().check(addr, DestinationKind::Tracker).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the tracker 127.0.0.1:6969 is a loopback address: a service on this machine; \
         it is not reached unless --allow-net 127.0.0.1/32 allows it"
    );
}

#[test]
fn a_closed_policy_allows_nothing_but_its_networks() {
    let policy = DestinationPolicy::closed().allow("127.77.0.0/16".parse().unwrap());
    assert_eq!(code(&policy, "127.77.3.4", PORT, DestinationKind::Peer), "allowed");
    assert_eq!(code(&policy, "127.0.0.1", PORT, DestinationKind::Peer), "loopback");
    assert_eq!(code(&policy, "1.1.1.1", PORT, DestinationKind::Peer), "public");
}
