//! Canonical peer priority (BEP 40): a number that both ends of a connection compute alike and that nobody can choose
//! freely. Whoever prefers high numbers helps to make the swarm a random graph, in which every peer is a few steps
//! from every other; and who brings many addresses of one network does not get all places.

use std::net::{IpAddr, SocketAddr};

use crc::{CRC_32_ISCSI, Crc, Table};

/// CRC-32C.
const CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

/// Of the bytes in which two addresses need not agree, only these bits count.
const FAR_MASK: u8 = 0x55;

/// The priority of the connection between these two; `None` if they are of different families.
///
/// For IPv6 the BEP's text is followed, as Transmission does: one byte more than what both have in common counts whole,
/// and at least the first six. libtorrent lets one more byte count.
pub(crate) fn priority(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    if ours.ip() == theirs.ip() {
        return Some(checksum(&ours.port().to_be_bytes(), &theirs.port().to_be_bytes()));
    }
    match (ours.ip(), theirs.ip()) {
        (IpAddr::V4(ours), IpAddr::V4(theirs)) => Some(masked(ours.octets(), theirs.octets(), 2)),
        (IpAddr::V6(ours), IpAddr::V6(theirs)) => Some(masked(ours.octets(), theirs.octets(), 6)),
        _ => None,
    }
}

/// The first `whole_min` bytes count whole at least.
fn masked<const LEN: usize>(mut ours: [u8; LEN], mut theirs: [u8; LEN], whole_min: usize) -> u32 {
    let common = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
    let whole = whole_min.max(common + 1).min(LEN);
    for byte in ours[whole..].iter_mut().chain(&mut theirs[whole..]) {
        *byte &= FAR_MASK;
    }
    checksum(&ours, &theirs)
}

/// Over the lesser and the greater, so that both ends get the same.
fn checksum(a: &[u8], b: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(a.min(b));
    digest.update(a.max(b));
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends compute `expected`.
    fn check(a: &str, b: &str, expected: u32) {
        let parse = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let (a, b) = (parse(a), parse(b));
        assert_eq!(priority(a, b).map(|it| format!("{it:08x}")), Some(format!("{expected:08x}")), "{a} {b}");
        assert_eq!(priority(a, b), priority(b, a));
    }

    #[test]
    fn the_vectors_of_the_bep() {
        check("123.213.32.10:1", "98.76.54.32:2", 0xec2d_7224);
        check("123.213.32.10:1", "123.213.32.234:2", 0x9956_8189);
    }

    #[test]
    fn the_vectors_of_transmission_for_ipv4() {
        check("123.213.32.10:51413", "98.76.54.32:6881", 0xec2d_7224);
        check("123.213.32.10:51413", "123.213.33.234:6881", 0xf618_50a9);
        check("123.213.32.10:51413", "123.213.32.234:6881", 0x9956_8189);
        check("123.213.32.10:51413", "123.213.32.10:6881", 0x9f85_2e9f);
    }

    #[test]
    fn the_vectors_of_libtorrent_for_ipv4() {
        check("230.12.123.3:1234", "230.12.123.3:300", 0xae8b_7034);
        check("230.12.123.1:1", "230.12.123.3:2", 0x99c5_4d79);
        check("230.12.23.1:1", "230.12.123.3:2", 0x21fd_5f80);
        check("230.120.23.1:1", "230.12.123.3:2", 0xfa9a_860e);
    }

    #[test]
    fn the_vectors_of_transmission_for_ipv6() {
        for (ours, theirs, expected) in [
            ("2a03:2880:f277:1cd:face:b00c:0:167", "2a03:2880:f177:185:face:b00c:0:25de", 0xe4d0_f2e2),
            ("2a03:2880:f177:f1cd:face:b00c:0:167", "2a03:2880:f177:f285:face:b00c:0:25de", 0xcd99_3d35),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:185:face:b00c:0:25de", 0xf47e_9889),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:1cd:fbce:b00c:0:25de", 0x2bc3_5c30),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:1cd:facf:b00c:0:25de", 0x04bf_aa11),
            ("2a03:2880:f177:1cd:face:b50c:0:167", "2a03:2880:f177:1cd:face:b00d:0:25de", 0xa0f9_6012),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:1cd:face:b00d:0:25de", 0x47fc_5342),
            ("2a03:2880:f177:1cd:face:b00c:ff00:167", "2a03:2880:f177:1cd:face:b00c:ff:25de", 0x51bb_5b16),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:1cd:face:b00c:1:25de", 0xdaac_ae90),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:1cd:face:b00c:0:25de", 0x0066_dfec),
            ("2a03:2880:f177:1cd:face:b00c:0:167", "2a03:2880:f177:1cd:face:b00c:0:16de", 0x74cf_65f6),
        ] {
            check(&format!("[{ours}]:51413"), &format!("[{theirs}]:6881"), expected);
        }
        check(
            "[2a03:2880:f177:1cd:face:b00c:0:167]:6882",
            "[2a03:2880:f177:1cd:face:b00c:0:167]:6881",
            0x67f8_fe57,
        );
    }

    #[test]
    fn addresses_that_differ_in_the_last_byte_count_whole() {
        check("[::1]:1", "[::2]:2", 0x344e_9a02);
    }

    #[test]
    fn addresses_of_different_families_have_none() {
        let parse = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(priority(parse("1.2.3.4:5"), parse("[::1]:5")), None);
    }
}
