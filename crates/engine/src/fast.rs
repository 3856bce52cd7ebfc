//! The fast extension's policies (BEP 6): which pieces a peer may have while we choke it, and what else is promised.

use std::net::IpAddr;

use codec::InfoHash;
use sha1::{Digest as _, Sha1};

use crate::{Config, PieceIndex};

/// Of a torrent's pieces, one in so many may be allowed at most: in a small torrent ten pieces would be a large part of
/// the whole, and choking would mean nothing.
const PIECES_PER_ALLOWED: u32 = 8;

/// The pieces that a peer at this address may have while it is choked. Always the same ones for the same address, so that
/// coming back brings nothing new; and for all addresses of one network, so that having many brings little.
pub(crate) fn allowed_fast_set(
    config: &Config,
    ip: IpAddr,
    info_hash: &InfoHash,
    pieces_total: u32,
) -> Vec<PieceIndex> {
    draw(ip, info_hash, pieces_total, config.allowed_fast_pieces.min(pieces_total / PIECES_PER_ALLOWED))
}

/// The canonical algorithm of BEP 6; `count` is at most `pieces_total`.
fn draw(ip: IpAddr, info_hash: &InfoHash, pieces_total: u32, count: u32) -> Vec<PieceIndex> {
    let mut set: Vec<PieceIndex> = Vec::with_capacity(count as usize);
    let mut hash = Sha1::new().chain_update(network(ip)).chain_update(info_hash.0).finalize();
    while set.len() < count as usize {
        for number in hash.chunks_exact(4) {
            let number = number.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
            let piece = PieceIndex(number % pieces_total);
            if set.len() < count as usize && !set.contains(&piece) {
                set.push(piece);
            }
        }
        hash = Sha1::digest(hash);
    }
    set
}

/// The network that the address is in: for version 4 the first three bytes and a zero; for version 6, of which BEP 6
/// says nothing, the 48 bits that one customer usually gets.
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            vec![a, b, c, 0]
        }
        IpAddr::V6(ip) => ip.octets()[..6].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO_HASH: InfoHash = InfoHash([0xaa; 20]);

    fn numbers(set: &[PieceIndex]) -> Vec<u32> {
        set.iter().map(|piece| piece.0).collect()
    }

    fn set(ip: [u8; 4], pieces_total: u32) -> Vec<u32> {
        numbers(&allowed_fast_set(&Config::default(), ip.into(), &INFO_HASH, pieces_total))
    }

    #[test]
    fn the_published_vectors_come_out() {
        let published = [1059, 431, 808, 1217, 287, 376, 1188, 353, 508, 1246];
        for count in [7, 9, 10] {
            let drawn = draw([80, 4, 4, 200].into(), &INFO_HASH, 1313, count);
            assert_eq!(numbers(&drawn), published[..count as usize]);
        }
        assert_eq!(set([80, 4, 4, 200], 1313), published, "ten by default");
    }

    #[test]
    fn one_network_gets_one_set() {
        assert_eq!(set([80, 4, 4, 1], 1313), set([80, 4, 4, 200], 1313));
        assert_ne!(set([80, 4, 5, 1], 1313), set([80, 4, 4, 1], 1313));
        let v6 = |last| {
            let ip = IpAddr::from([0x2001, 0xdb8, 7, 1, 2, 3, 4, last]);
            numbers(&allowed_fast_set(&Config::default(), ip, &INFO_HASH, 1313))
        };
        assert_eq!(v6(1), v6(2));
        let mapped = IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x5004, 0x04c8]);
        let mapped = numbers(&allowed_fast_set(&Config::default(), mapped, &INFO_HASH, 1313));
        assert_eq!(mapped, set([80, 4, 4, 200], 1313));
    }

    #[test]
    fn small_torrents_allow_few_pieces_and_no_piece_twice() {
        for (pieces_total, count) in [(1, 0), (7, 0), (8, 1), (40, 5), (80, 10), (100_000, 10)] {
            let set = set([80, 4, 4, 200], pieces_total);
            assert_eq!(set.len(), count, "{pieces_total} pieces");
            assert!(set.iter().all(|piece| *piece < pieces_total));
            assert!(set.iter().enumerate().all(|(at, piece)| !set[..at].contains(piece)));
        }
        assert_eq!(draw([1, 2, 3, 4].into(), &INFO_HASH, 3, 3).len(), 3, "the whole torrent can be drawn");
    }
}
