//! Counts of passed and failed tests, from what test programs print.

/// How many passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Tally {
    /// A check that counts as one test.
    pub(super) fn of_one(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed) }
    }

    /// Takes in the last line of a test program, `test result: ok. 3 passed; 0 failed; …`; other lines say nothing.
    pub(super) fn add_line(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else { return };
        self.passed += count(counts, "passed");
        self.failed += count(counts, "failed");
    }
}

/// The number that stands before `word`.
fn count(counts: &str, word: &str) -> u64 {
    let mut last = 0;
    for token in counts.split([' ', ';']).filter(|token| !token.is_empty()) {
        if token == word {
            return last;
        }
        last = token.parse().unwrap_or(0);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_are_summed_and_other_lines_left_alone() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test a ... ok",
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "100 passed, by its own account",
        ] {
            tally.add_line(line);
        }
        assert_eq!(tally, Tally { passed: 16, failed: 2 });
    }
}
