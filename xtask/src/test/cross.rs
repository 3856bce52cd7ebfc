//! The tests that cross crates: real clients and a real browser against the built page and programs.

use std::process::Command;

use super::matrix::Matrix;
use super::step::Steps;
use crate::paths;
use crate::run::cargo;
use crate::setup::BuildSetup;

/// The package that holds them.
pub(crate) const PACKAGE: &str = "swarmscope-tests";

/// Runs them, or those whose name contains the filter.
pub(super) fn tests(steps: &mut Steps, setup: &BuildSetup, filter: &[String]) {
    let mut tests = cargo();
    tests.args(["test", "--package", PACKAGE, "--no-fail-fast", "--"]).args(filter);
    let mut matrix = Matrix::default();
    let command = with_places(&mut tests, setup);
    steps.run_tests_watched("cross tests", command, &mut |line| matrix.add_line(line));
    if filter.is_empty() {
        steps.check("interop matrix", || matrix.print());
    }
}

/// Tells a program of that package where everything is that it starts.
pub(crate) fn with_places<'a>(command: &'a mut Command, setup: &BuildSetup) -> &'a mut Command {
    command.env("SWARMSCOPE_RELAY", paths::release_program("swarmscope-relay"));
    command.env("SWARMSCOPE_NODE", paths::release_program("swarmscope-node"));
    command.env("SWARMSCOPE_DIST", paths::dist());
    command.env("SWARMSCOPE_TRUNK", setup.tools.trunk());
    command.env("SWARMSCOPE_TRUNK_PATH", setup.tools.path());
    // Absent if the default compiler makes wasm: it must not become `RUSTC` for the native build of the tests.
    if let Some(rustc) = setup.wasm.rustc() {
        command.env("SWARMSCOPE_WASM_RUSTC", rustc);
    }
    command
}
