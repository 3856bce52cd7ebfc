//! What kind of address an address is, after IANA's special-purpose registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Declares the classes with their stable codes and their words.
macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident => $code:literal, $text:literal;)+) => {
        /// The kind of an IP address, as far as reaching it goes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AddressClass { $($(#[$doc])* $variant,)+ }

        impl AddressClass {
            /// A short stable name, for logs and tests.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// As in "this address is …".
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

classes! {
    /// Routed on the public internet.
    Public => "public", "an address of the public internet";
    /// 0.0.0.0/8 and `::`: reaches this machine on most systems.
    Unspecified => "unspecified", "the unspecified address, which means this machine";
    /// 127.0.0.0/8 and `::1`.
    Loopback => "loopback", "a loopback address: a service on this machine";
    /// RFC 1918.
    Private => "private", "an address of a private network";
    /// 100.64.0.0/10, RFC 6598.
    CarrierGradeNat => "carrier-grade-nat", "an address behind a provider's shared NAT";
    /// 169.254.0.0/16 (cloud metadata services live there) and fe80::/10.
    LinkLocal => "link-local", "a link-local address";
    /// fc00::/7 and the older fec0::/10.
    UniqueLocal => "unique-local", "a unique-local address of a private network";
    /// 224.0.0.0/4 and ff00::/8.
    Multicast => "multicast", "a multicast address";
    /// 255.255.255.255.
    Broadcast => "broadcast", "the broadcast address";
    /// Addresses for use in documents.
    Documentation => "documentation", "an address reserved for documentation";
    /// 198.18.0.0/15, RFC 2544.
    Benchmarking => "benchmarking", "an address reserved for benchmarks";
    /// Everything else that is not assigned to hosts of the internet.
    Reserved => "reserved", "a reserved address";
}

/// The kind of `ip`. An IPv6 address that stands for an IPv4 address is of that address's kind.
pub(super) fn classify(ip: IpAddr) -> AddressClass {
    match ip {
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => classify_v6(ip),
    }
}

fn classify_v4(ip: Ipv4Addr) -> AddressClass {
    match ip.octets() {
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::CarrierGradeNat,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        // Protocol assignments (RFC 6890) and the withdrawn anycast address of 6to4 relays (RFC 7526).
        [192, 0, 0, _] | [192, 88, 99, _] => AddressClass::Reserved,
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> AddressClass {
    if ip.is_unspecified() {
        return AddressClass::Unspecified;
    }
    if ip.is_loopback() {
        return AddressClass::Loopback;
    }
    if let Some(embedded) = embedded_v4(ip) {
        return classify_v4(embedded);
    }
    match ip.segments() {
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressClass::UniqueLocal,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressClass::Documentation,
        [0x2001, 2, 0, ..] => AddressClass::Benchmarking,
        // Protocol assignments, Teredo (an IPv4 tunnel) among them.
        [0x2001, 0..=0x1ff, ..] => AddressClass::Reserved,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        // Only 2000::/3 is handed out to hosts.
        _ => AddressClass::Reserved,
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped and compatible (RFC 4291), 6to4 (RFC 3056), and NAT64's
/// well-known prefix (RFC 6052).
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => from(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => from(high, low),
        [0x2002, high, low, ..] => from(high, low),
        _ => None,
    }
}
