//! The few steps that need root.

use std::process::Command;

use crate::run::{Outcome, output, succeeds};

/// `program` as root: as it is if we are root, else through `sudo` if that asks no password.
pub(super) fn command(program: &str) -> Outcome<Command> {
    if output(Command::new("id").arg("-u")).as_deref() == Some("0") {
        return Ok(Command::new(program));
    }
    if succeeds(Command::new("sudo").args(["-n", "true"])) {
        let mut command = Command::new("sudo");
        command.args(["-n", program]);
        return Ok(command);
    }
    Err("this step needs root: run `sudo -v` first, or run it as root".to_owned())
}
