//! The checks on the wasm target: clippy, and the packages' own tests in a real browser.

use std::path::{Path, PathBuf};

use super::step::Steps;
use crate::paths;
use crate::run::cargo;
use crate::setup::BuildSetup;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The package of the page.
const PAGE_PACKAGE: &str = "swarmscope";

/// What marks a package with tests for this target.
const TEST_CRATE: &str = "wasm_bindgen_test";

/// Runs them all.
pub(super) fn all(steps: &mut Steps, setup: &BuildSetup) {
    match setup.wasm.clippy() {
        Some(mut clippy) => {
            clippy.args(["--package", PAGE_PACKAGE, "--lib", "--bins", "--", "-D", "warnings"]);
            steps.run("clippy for wasm", &mut clippy);
        }
        None => println!("\nno clippy for wasm on this machine: skipped"),
    }
    let packages = packages_with_tests();
    if packages.is_empty() {
        return;
    }
    let mut tests = cargo();
    tests.args(["test", "--target", WASM_TARGET, "--lib", "--no-fail-fast"]);
    for package in &packages {
        tests.args(["--package", package]);
    }
    setup.wasm.apply(&mut tests);
    tests.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", setup.tools.wasm_test_runner());
    if let Some(driver) = paths::on_path("chromedriver") {
        tests.env("CHROMEDRIVER", driver);
    }
    steps.run_tests("wasm tests", &mut tests);
}

fn packages_with_tests() -> Vec<String> {
    let root = paths::root();
    let mut packages = Vec::new();
    if mentions_tests(&root.join("src")) {
        packages.push(PAGE_PACKAGE.to_owned());
    }
    let Ok(crates) = std::fs::read_dir(root.join("crates")) else { return packages };
    for package in crates.flatten() {
        if mentions_tests(&package.path().join("src")) {
            packages.push(package.file_name().to_string_lossy().into_owned());
        }
    }
    packages.sort();
    packages
}

fn mentions_tests(path: &Path) -> bool {
    if path.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return false };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        return paths.iter().any(|path| mentions_tests(path));
    }
    path.extension().is_some_and(|extension| extension == "rs")
        && std::fs::read_to_string(path).is_ok_and(|text| text.contains(TEST_CRATE))
}
