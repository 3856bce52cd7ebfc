//! trunk and wasm-bindgen in the versions that the project wants. What is on the `PATH` in that version is taken;
//! else it is installed into the project's own cache, where it overwrites nobody's other version.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::say;
use crate::paths;
use crate::run::{Outcome, cargo, output, run};

/// The newest trunk that builds with the workspace's `rust-version`.
const TRUNK_VERSION: &str = "0.21.14";

// These tools run for a moment only: compiling them with a fat link-time optimisation would take twice as long as
// they will ever run.
const FAST_PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

/// Where the tools are.
pub(crate) struct Tools {
    trunk: PathBuf,
    wasm_bindgen_dir: PathBuf,
}

impl Tools {
    /// trunk.
    pub(crate) fn trunk(&self) -> &Path {
        &self.trunk
    }

    /// Runs tests on the wasm target in a browser.
    pub(crate) fn wasm_test_runner(&self) -> PathBuf {
        self.wasm_bindgen_dir.join("wasm-bindgen-test-runner")
    }

    /// A `PATH` on which trunk finds the right wasm-bindgen first.
    pub(crate) fn path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.wasm_bindgen_dir.clone()).chain(std::env::split_paths(&path));
        std::env::join_paths(dirs).unwrap_or(path)
    }
}

/// Finds or installs the tools.
pub(super) fn ensure() -> Outcome<Tools> {
    let wasm_bindgen = locked_version("wasm-bindgen")?;
    let bindgen = ensure_tool("wasm-bindgen", "wasm-bindgen-cli", &wasm_bindgen, &[])?;
    let trunk_args = ["--locked", "--no-default-features", "--features", "rustls"];
    let trunk = ensure_tool("trunk", "trunk", TRUNK_VERSION, &trunk_args)?;
    let wasm_bindgen_dir = bindgen.parent().map_or_else(PathBuf::new, Path::to_owned);
    Ok(Tools { trunk, wasm_bindgen_dir })
}

/// A tool from crates.io that is needed now and then; installed if its version is not there.
pub(crate) fn installed(program: &str, package: &str, version: &str) -> Outcome<PathBuf> {
    ensure_tool(program, package, version, &["--locked"])
}

fn ensure_tool(program: &str, package: &str, version: &str, args: &[&str]) -> Outcome<PathBuf> {
    let dir = paths::cache_dir().join("tools").join(format!("{package}-{version}"));
    let own = dir.join("bin").join(program);
    let found =
        paths::on_path(program).into_iter().chain([own.clone()]).find(|path| is_version(path, version));
    if let Some(path) = found {
        say(&format!("{program} {version} is there"));
        return Ok(path);
    }
    say(&format!("cargo install {package} {version} (some minutes)"));
    let mut install = cargo();
    install.args(["install", package, "--version", version, "--root"]).arg(&dir).args(args);
    // Its own build folder: the workspace's would be filled with what no one needs again.
    install.env("CARGO_TARGET_DIR", dir.join("build")).envs(FAST_PROFILE);
    let by_hand = format!("by hand: cargo install {package} --version {version}");
    run(&mut install).map_err(|error| format!("{error}; {by_hand}"))?;
    let _ = std::fs::remove_dir_all(dir.join("build"));
    if is_version(&own, version) {
        Ok(own)
    } else {
        Err(format!("{} is not {version} after the installation; {by_hand}", own.display()))
    }
}

fn is_version(program: &Path, version: &str) -> bool {
    let told = output(Command::new(program).arg("--version")).unwrap_or_default();
    told.split_whitespace().any(|word| word == version)
}

/// The version of a package in Cargo.lock.
fn locked_version(package: &str) -> Outcome<String> {
    let lock = std::fs::read_to_string(paths::root().join("Cargo.lock"))
        .map_err(|error| format!("Cargo.lock: {error}"))?;
    version_in_lock(&lock, package).ok_or_else(|| format!("Cargo.lock has no {package}"))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let lock: toml::Table = lock.parse().ok()?;
    let entry = lock
        .get("package")?
        .as_array()?
        .iter()
        .find(|entry| entry.get("name").and_then(|name| name.as_str()) == Some(package))?;
    entry.get("version")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::version_in_lock;

    #[test]
    fn the_locked_version_is_that_of_the_package_itself() {
        let lock = "version = 4\n[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "trunk"), None);
    }
}
