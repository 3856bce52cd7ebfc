//! Which address others see us under, from what each of them says (BEP 10, `yourip`).

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The address that most name; of several the lowest. One of them alone may lie or be misled, for instance by a proxy.
pub(crate) fn majority(named: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    let mut votes: BTreeMap<IpAddr, usize> = BTreeMap::new();
    named.for_each(|ip| *votes.entry(ip).or_default() += 1);
    votes.into_iter().rev().max_by_key(|(_, count)| *count).map(|(ip, _)| ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_voices_count_and_a_tie_has_one_outcome() {
        let check = |last: &[u8]| majority(last.iter().map(|&last| IpAddr::from([1, 1, 1, last])));
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[3, 4, 4]), Some(IpAddr::from([1, 1, 1, 4])));
        assert_eq!(check(&[4, 3]), Some(IpAddr::from([1, 1, 1, 3])));
    }
}
