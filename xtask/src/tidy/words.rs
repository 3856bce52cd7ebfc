//! Calls and marks that must not be in the tree, or not in a part of it. Clippy bans calls too, but a misspelt path
//! in its configuration bans nothing without a word; this list catches the text.

use super::Finding;

/// Where a ban holds, what is banned, and why.
struct Ban {
    prefixes: &'static [&'static str],
    text: &'static str,
    reason: &'static str,
}

const EVERYWHERE: &[&str] = &[""];
const DETERMINISTIC: &[&str] = &["crates/engine/", "crates/sim/"];
const PAGE: &[&str] = &["src/"];

const CLOCK: &str = "time is an argument here";
const ENTROPY: &str = "the seed is an argument here";
const HOST: &str = "I/O and threads are the host's";
const FLOAT: &str = "no floating point in decisions: it need not come out the same everywhere";
const UNFINISHED: &str = "what is in the tree works";
const TRAP: &str = "it panics in wasm";

const BANS: [Ban; 18] = [
    Ban { prefixes: DETERMINISTIC, text: "Instant::now", reason: CLOCK },
    Ban { prefixes: DETERMINISTIC, text: "SystemTime", reason: CLOCK },
    Ban { prefixes: DETERMINISTIC, text: "Math::random", reason: ENTROPY },
    Ban { prefixes: DETERMINISTIC, text: "thread_rng", reason: ENTROPY },
    Ban { prefixes: DETERMINISTIC, text: "rand::rng", reason: ENTROPY },
    Ban { prefixes: DETERMINISTIC, text: "getrandom", reason: ENTROPY },
    Ban { prefixes: DETERMINISTIC, text: "RandomState", reason: ENTROPY },
    Ban { prefixes: DETERMINISTIC, text: "std::fs", reason: HOST },
    Ban { prefixes: &["crates/engine/src/", "crates/sim/src/"], text: "std::thread", reason: HOST },
    Ban { prefixes: &["crates/engine/src/"], text: "f32", reason: FLOAT },
    Ban { prefixes: &["crates/engine/src/"], text: "f64", reason: FLOAT },
    Ban { prefixes: PAGE, text: "std::time::Instant", reason: TRAP },
    Ban { prefixes: PAGE, text: "SystemTime::now", reason: TRAP },
    Ban { prefixes: EVERYWHERE, text: "todo!", reason: UNFINISHED },
    Ban { prefixes: EVERYWHERE, text: "unimplemented!", reason: UNFINISHED },
    Ban { prefixes: EVERYWHERE, text: "dbg!", reason: UNFINISHED },
    Ban { prefixes: EVERYWHERE, text: "#[ignore", reason: "a test that does not run is no test" },
    Ban { prefixes: EVERYWHERE, text: "#[should_panic]", reason: "say which panic is expected" },
];

/// The one file that calls what is banned, to prove that clippy sees it.
const CANARY: &str = "crates/engine/tests/clock_ban.rs";

/// Banned text in masked source.
pub(super) fn check(path: &str, code: &str) -> Vec<Finding> {
    if path == CANARY {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // A benchmark measures time from outside what it measures.
    let may_tell_time = path.contains("/benches/");
    let bans = BANS.iter().filter(|ban| ban.prefixes.iter().any(|prefix| path.starts_with(prefix)));
    let bans = bans.filter(|ban| !(may_tell_time && ban.reason == CLOCK));
    for ban in bans {
        for (number, line) in code.lines().enumerate() {
            if has_word(line, ban.text) {
                findings.push(format!("{path}:{}: `{}`: {}", number + 1, ban.text, ban.reason));
            }
        }
    }
    findings
}

/// `true` if `text` stands in `line` and is no part of a longer name.
fn has_word(line: &str, text: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_name);
        let after = line[at + text.len()..].chars().next().is_some_and(is_name);
        // A sign at an end of the text ends the name by itself.
        (!before || !text.starts_with(is_name)) && (!after || !text.ends_with(is_name))
    })
}

#[cfg(test)]
mod tests {
    use super::{BANS, check};

    #[test]
    fn each_ban_bites_where_it_holds_and_nowhere_else() {
        for ban in &BANS {
            let path = format!("{}x.rs", ban.prefixes[0]);
            let findings = check(&path, &format!("  {}()", ban.text));
            assert!(findings.iter().any(|finding| finding.contains(ban.text)), "{}", ban.text);
        }
        assert!(check("crates/relay/src/a.rs", "Instant::now()").is_empty());
        assert!(check("crates/engine/benches/a/main.rs", "Instant::now()").is_empty());
        assert!(check("crates/engine/src/a.rs", "MyInstant::nowhere() buf64 #![allow(x)]").is_empty());
    }
}
