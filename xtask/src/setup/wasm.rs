//! A compiler with a standard library for `wasm32-unknown-unknown`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{say, wasm_std};
use crate::paths;
use crate::run::{Outcome, output, run};

/// The target of the page.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Where Debian installs its compiler.
pub(super) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Seconds for the release server to hand over the target's standard library, some 20 MB.
const RUSTUP_TIMEOUT_S: &str = "300";

/// Which compiler makes wasm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WasmCompiler {
    rustc: Option<PathBuf>,
}

impl WasmCompiler {
    /// One that works on this machine now, if any.
    pub(crate) fn find() -> Option<Self> {
        let default = Self { rustc: None };
        let debian = Self { rustc: Some(PathBuf::from(DEBIAN_RUSTC)) };
        [default, debian].into_iter().find(|compiler| compiler.is_new_enough() && compiler.links())
    }

    /// The value of `RUSTC` for wasm builds; `None` if the default compiler does it.
    pub(crate) fn rustc(&self) -> Option<&Path> {
        self.rustc.as_deref()
    }

    /// Sets what a build for wasm needs.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some(rustc) = &self.rustc {
            command.env("RUSTC", rustc);
        }
    }

    /// Name and version.
    pub(crate) fn version(&self) -> String {
        output(self.command().arg("--version")).unwrap_or_default()
    }

    /// A `cargo clippy` for wasm: each compiler has its own.
    pub(crate) fn clippy(&self) -> Option<Command> {
        let mut command = match &self.rustc {
            None => {
                let mut command = crate::run::cargo();
                command.arg("clippy");
                command
            }
            Some(rustc) => {
                let debian_clippy = rustc.with_file_name("cargo-clippy");
                if !debian_clippy.exists() {
                    return None;
                }
                let mut command = Command::new(debian_clippy);
                command.arg("clippy").current_dir(paths::root());
                command
            }
        };
        self.apply(&mut command);
        command.args(["--target", WASM_TARGET]);
        Some(command)
    }

    fn is_new_enough(&self) -> bool {
        release(&self.version()).is_some_and(|release| release >= release_min())
    }

    // Whether it is there, complete and of one version is found out by using it: a library that the compiler has
    // outgrown looks the same from outside.
    fn links(&self) -> bool {
        let probe = std::env::temp_dir().join(format!("swarmscope-probe-{}.wasm", std::process::id()));
        let mut command = self.command();
        command.args(["--target", WASM_TARGET, "--crate-type", "cdylib", "--crate-name", "probe", "-o"]);
        command.arg(&probe).arg("-").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { return false };
        if let Some(mut stdin) = child.stdin.take() {
            // A compiler that ended early answers for itself below.
            let _ = stdin.write_all(b"pub fn probe() -> String { String::new() }");
        }
        let linked = child.wait().is_ok_and(|status| status.success());
        let _ = std::fs::remove_file(probe);
        linked
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.rustc.as_deref().unwrap_or_else(|| Path::new("rustc")));
        command.current_dir(paths::root());
        command
    }
}

/// Finds a compiler for wasm, or installs one: with rustup where Rust's release server can be reached, else from
/// Debian's packages.
pub(super) fn ensure() -> Outcome<WasmCompiler> {
    if let Some(compiler) = WasmCompiler::find() {
        say(&format!("{} compiles to wasm", compiler.version()));
        return Ok(compiler);
    }
    if let Err(why_not_rustup) = rustup_target() {
        say(&format!("{why_not_rustup}; taking Debian's second compiler instead"));
        wasm_std::install().map_err(|error| {
            format!("{error}; by hand, where Rust's release server can be reached: rustup target add {WASM_TARGET}")
        })?;
    }
    WasmCompiler::find().ok_or_else(|| {
        format!("no compiler links for {WASM_TARGET} after the installation; by hand: rustup target add {WASM_TARGET}")
    })
}

/// The oldest compiler that builds the workspace.
pub(super) fn release_min() -> (u32, u32) {
    // Cargo hands the manifest's `rust-version` to what it compiles.
    release(&format!("rustc {}", env!("CARGO_PKG_RUST_VERSION")))
        .expect("invariant: rust-version is a version")
}

/// Major and minor number of `rustc 1.95.0 (…)`.
pub(super) fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn rustup_target() -> Outcome {
    if paths::on_path("rustup").is_none() {
        return Err("there is no rustup".to_owned());
    }
    say(&format!("rustup target add {WASM_TARGET}"));
    // Bounded by coreutils' `timeout`, since a dropped packet would otherwise hold us for many minutes.
    let mut command = Command::new("timeout");
    command.args([RUSTUP_TIMEOUT_S, "rustup", "target", "add", WASM_TARGET]).current_dir(paths::root());
    run(&mut command).map_err(|_| "rustup could not fetch the wasm target".to_owned())
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_compare_as_numbers() {
        assert_eq!(
            release("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some((1, 96))
        );
        assert_eq!(release("rustc 1.95"), Some((1, 95)));
        assert!(release("rustc 1.100.0-nightly") > release("rustc 1.95.0"));
        assert_eq!(release(""), None);
    }
}
