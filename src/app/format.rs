//! Numbers as a person reads them. Units are decimal, as disks and network links count.

/// Between a number and its unit: they never part at the end of a line.
const NBSP: char = '\u{a0}';

const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];

/// Bytes with three significant digits: `0 B`, `16.4 kB`, `1.07 GB`.
#[must_use]
pub(super) fn bytes(count: u64) -> String {
    if count < 1000 {
        return format!("{count}{NBSP}B");
    }
    let mut value = count as f64;
    let mut unit = 0;
    // 999.5 would be rounded up to a four-digit 1000 of the smaller unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$}{NBSP}{}", UNITS[unit])
}

/// Bytes a second.
#[must_use]
pub(super) fn rate(bytes_per_s: u64) -> String {
    format!("{}/s", bytes(bytes_per_s))
}

/// A share of 0 to 1 in percent, with one decimal. Rounded down: 100% is said of the whole only.
#[must_use]
pub(super) fn percent(share: f64) -> String {
    let tenths = (share.clamp(0.0, 1.0) * 1000.0).floor() as u32;
    if tenths == 1000 { "100%".to_owned() } else { format!("{}.{}%", tenths / 10, tenths % 10) }
}

/// Seconds in the two largest units that matter: `9 s`, `4 min 5 s`, `3 h 20 min`, `2 d 4 h`.
#[must_use]
pub(super) fn duration(total_s: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{large}{NBSP}{large_unit}")
        } else {
            format!("{large}{NBSP}{large_unit} {small}{NBSP}{small_unit}")
        }
    };
    match total_s {
        0..MINUTE => format!("{total_s}{NBSP}s"),
        MINUTE..HOUR => two(total_s / MINUTE, "min", total_s % MINUTE, "s"),
        HOUR..DAY => two(total_s / HOUR, "h", total_s % HOUR / MINUTE, "min"),
        DAY.. => two(total_s / DAY, "d", total_s % DAY / HOUR, "h"),
    }
}

/// Milliseconds since a start as a clock shows them: `0:07.3`, `12:05.0`, `1:02:05.0`.
#[must_use]
pub(super) fn clock(total_ms: u64) -> String {
    let (total_s, tenths) = (total_ms / 1000, total_ms % 1000 / 100);
    let (h, min, s) = (total_s / 3600, total_s % 3600 / 60, total_s % 60);
    if h > 0 { format!("{h}:{min:02}:{s:02}.{tenths}") } else { format!("{min}:{s:02}.{tenths}") }
}

/// A count with its thousands set apart: `12 345`.
#[must_use]
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 peer`, `2 peers`.
#[must_use]
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{}{NBSP}{}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace([NBSP, '\u{202f}'], " ")
    }

    #[test]
    fn bytes_have_three_significant_digits_and_decimal_units() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (16_384, "16.4 kB"),
            (262_144, "262 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (9_999_999, "10.0 MB"),
            (1_073_741_824, "1.07 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(plain(&bytes(count)), text, "{count}");
        }
        assert_eq!(plain(&rate(1_500_000)), "1.50 MB/s");
    }

    #[test]
    fn percent_is_100_for_the_whole_only() {
        for (share, text) in [
            (0.0, "0.0%"),
            (0.123_99, "12.3%"),
            (0.999_999, "99.9%"),
            (1.0, "100%"),
            (7.0, "100%"),
            (-1.0, "0.0%"),
        ] {
            assert_eq!(percent(share), text, "{share}");
        }
        assert_eq!(percent(f64::NAN), "0.0%");
    }

    #[test]
    fn durations_show_the_two_largest_units() {
        for (s, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (245, "4 min 5 s"),
            (12_000, "3 h 20 min"),
            (3_600, "1 h"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(plain(&duration(s)), text, "{s}");
        }
    }

    #[test]
    fn clocks_show_tenths_and_hours_when_there_are_any() {
        for (ms, text) in [(0, "0:00.0"), (7_390, "0:07.3"), (725_000, "12:05.0"), (3_725_000, "1:02:05.0")] {
            assert_eq!(clock(ms), text, "{ms}");
        }
    }

    #[test]
    fn counts_set_thousands_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1 000"), (1_234_567, "1 234 567")] {
            assert_eq!(plain(&count(number)), text);
        }
        assert_eq!(plain(&plural(1, "peer", "peers")), "1 peer");
        assert_eq!(plain(&plural(0, "peer", "peers")), "0 peers");
    }
}
