//! Numbers in words for messages.

/// An amount of storage, such as `1.5 GB`: decimal units, as disks and downloads are counted.
pub(crate) fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut tenths = u128::from(bytes) * 10 / 1000;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_decimal_and_a_unit_that_fits() {
        let words = [0, 999, 1000, 1_550, 999_999, 1_000_000, 6 << 30, u64::MAX].map(bytes_in_words);
        assert_eq!(
            words,
            ["0 bytes", "999 bytes", "1.0 kB", "1.5 kB", "999.9 kB", "1.0 MB", "6.4 GB", "18446.7 PB"]
        );
    }
}
