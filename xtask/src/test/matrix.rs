//! What works with which ordinary client, as a table: the outcomes of the interop tests, one row for each thing that two
//! clients do with each other.

use std::collections::BTreeMap;

use crate::run::Outcome;

/// Whom our node meets.
const CLIENTS: [&str; 4] = ["libtorrent", "Transmission", "aria2", "web server"];

/// What they do, and the test that shows it with each of [`CLIENTS`].
const ROWS: [(&str, [Option<&str>; 4]); 14] = [
    (
        "download from it",
        [
            Some("node_gets::the_node_gets_from_libtorrent"),
            Some("node_gets::the_node_gets_from_transmission"),
            Some("node_gets::the_node_gets_from_aria2"),
            None,
        ],
    ),
    (
        "seed to it",
        [
            Some("node_seeds::libtorrent_gets_from_the_node"),
            Some("node_seeds::transmission_gets_from_the_node"),
            Some("node_seeds::aria2_gets_from_the_node"),
            None,
        ],
    ),
    (
        "download from it by magnet link",
        [
            Some("magnets::the_node_gets_by_magnet_from_libtorrent"),
            Some("magnets::the_node_gets_by_magnet_from_transmission"),
            Some("magnets::the_node_gets_by_magnet_from_aria2"),
            None,
        ],
    ),
    (
        "seed to it by magnet link",
        [
            Some("magnets::libtorrent_gets_by_magnet_from_the_node"),
            Some("magnets::transmission_gets_by_magnet_from_the_node"),
            Some("magnets::aria2_gets_by_magnet_from_the_node"),
            None,
        ],
    ),
    ("download a hybrid torrent from it", libtorrent("version_2::the_node_gets_a_hybrid_from_libtorrent")),
    ("seed a hybrid torrent to it", libtorrent("version_2::libtorrent_gets_a_hybrid_from_the_node")),
    (
        "download version 2 from it",
        libtorrent("version_2::the_node_gets_a_version_2_torrent_from_libtorrent"),
    ),
    ("seed version 2 to it", libtorrent("version_2::libtorrent_gets_a_version_2_torrent_from_the_node")),
    ("get piece layers from it", libtorrent("version_2::the_node_gets_the_hashes_from_libtorrent")),
    ("give piece layers to it", libtorrent("version_2::libtorrent_gets_the_hashes_from_the_node")),
    (
        "be introduced by it (peer exchange)",
        libtorrent("introductions::libtorrent_introduces_the_node_to_libtorrent"),
    ),
    (
        "introduce it (peer exchange)",
        libtorrent("introductions::the_node_introduces_libtorrent_to_libtorrent"),
    ),
    (
        "super-seed to it",
        [
            Some("node_seeds::libtorrent_and_aria2_get_from_a_super_seed_and_from_each_other"),
            None,
            Some("node_seeds::libtorrent_and_aria2_get_from_a_super_seed_and_from_each_other"),
            None,
        ],
    ),
    (
        "download from it as a web seed",
        [None, None, None, Some("web_seeds::the_node_gets_a_whole_folder_from_a_plain_web_server")],
    ),
];

const fn libtorrent(test: &str) -> [Option<&str>; 4] {
    [Some(test), None, None, None]
}

/// Outcomes as they come.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    /// Whether a test passed, by its name.
    passed: BTreeMap<String, bool>,
}

impl Matrix {
    /// Takes in what a test program says of one test, `test a::b ... ok`; other lines say nothing.
    pub(super) fn add_line(&mut self, line: &str) {
        if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            self.passed.insert(name.to_owned(), outcome == "ok");
        }
    }

    /// Prints the table.
    ///
    /// # Errors
    /// A test of the table did not run or did not pass.
    pub(super) fn print(&self) -> Outcome {
        println!(
            "{:<36}{}",
            "what our node can do with it",
            CLIENTS.map(|name| format!("{name:<14}")).concat()
        );
        for (what, tests) in &ROWS {
            println!("{what:<36}{}", tests.map(|test| format!("{:<14}", self.cell(test))).concat());
        }
        let tests = || ROWS.iter().flat_map(|(_, tests)| tests).flatten();
        match tests().find(|test| self.passed.get(**test) != Some(&true)) {
            Some(test) => Err(format!("`{test}` did not pass")),
            None => Ok(()),
        }
    }

    fn cell(&self, test: Option<&str>) -> &'static str {
        match test.map(|test| self.passed.get(test)) {
            None => "-",
            Some(None) => "not run",
            Some(Some(true)) => "ok",
            Some(Some(false)) => "FAILED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_only_if_each_of_its_tests_has_passed() {
        let mut matrix = Matrix::default();
        let all: Vec<&str> = ROWS.iter().flat_map(|(_, tests)| tests).flatten().copied().collect();
        for test in &all {
            assert!(matrix.print().is_err());
            matrix.add_line(&format!("test {test} ... ok"));
        }
        assert_eq!(matrix.print(), Ok(()));
        matrix.add_line(&format!("test {} ... FAILED", all[0]));
        assert_eq!(matrix.cell(Some(all[0])), "FAILED");
        assert!(matrix.print().is_err());
    }
}
