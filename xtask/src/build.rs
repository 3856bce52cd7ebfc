//! `cargo xtask build`: the page and the two native programs.

use crate::page;
use crate::run::{Outcome, cargo, run};
use crate::setup::{self, BuildSetup};

/// Installs what is missing and builds everything; starts nothing.
pub(crate) fn build() -> Outcome {
    build_all(&setup::for_build()?)
}

/// Builds everything.
pub(crate) fn build_all(setup: &BuildSetup) -> Outcome {
    native()?;
    page::build(setup)
}

/// Builds relay and node.
pub(crate) fn native() -> Outcome {
    println!("build: relay and node");
    run(cargo().args(["build", "--release", "--package", "relay", "--package", "node"]))
}
