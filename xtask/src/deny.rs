//! `cargo xtask deny`: licences, bans and sources of all dependencies, by cargo-deny and `deny.toml`.

use crate::run::{Outcome, cargo, no_arguments, run};
use crate::setup::tools_installed;

const CARGO_DENY_VERSION: &str = "0.20.2";

/// Advisories are left out here: their database is a git clone that not every network reaches
/// (`cargo deny check advisories` does it where it can be).
pub(crate) fn deny(args: &[String]) -> Outcome {
    no_arguments(args)?;
    let cargo_deny = tools_installed("cargo-deny", "cargo-deny", CARGO_DENY_VERSION)?;
    let mut command = std::process::Command::new(cargo_deny);
    command.current_dir(crate::paths::root()).env("CARGO", cargo().get_program());
    run(command.args(["--workspace", "--all-features", "check", "bans", "licenses", "sources"]))
}
