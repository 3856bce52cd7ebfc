//! The standard library for wasm where Rust's release server is out of reach: Debian's `rustc-web` compiles it from
//! `rust-web-src`. That compiler is installed as `/usr/bin/rustc`, beside rustup's.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::wasm::{DEBIAN_RUSTC, WASM_TARGET, release, release_min};
use super::{apt, root, say};
use crate::paths;
use crate::run::{Outcome, output, run};

const COMPILER_PACKAGE: &str = "rustc-web";
const SOURCE_PACKAGE: &str = "rust-web-src";

/// Where Debian's compiler looks for the libraries of a target.
const DEBIAN_RUSTLIB: &str = "/usr/lib/rustlib";

/// Name of the crate that is built only to have its standard library built.
const CARRIER: &str = "wasm_std_carrier";

// Replaces what an older compiler left, and lets the compiler find the linker where it looks for it.
const INSTALL_SCRIPT: &str = r#"
set -e
lib="$1/$2/lib" bin="$1/$3/bin" linker="$4"
shift 4
mkdir -p "$lib" "$bin"
rm -f "$lib"/*.rlib
cp "$@" "$lib/"
chmod 644 "$lib"/*.rlib
cmp -s "$linker" "$bin/rust-lld" || ln -sf "$linker" "$bin/rust-lld"
"#;

/// Installs compiler, source and the library built from it.
pub(super) fn install() -> Outcome {
    apt::install(&[COMPILER_PACKAGE, SOURCE_PACKAGE])?;
    let versions = (apt::version(COMPILER_PACKAGE), apt::version(SOURCE_PACKAGE));
    if versions.0.is_none() || versions.0 != versions.1 {
        return Err(format!("{COMPILER_PACKAGE} and {SOURCE_PACKAGE} differ in version: {versions:?}"));
    }
    let compiler = output(Command::new(DEBIAN_RUSTC).arg("--version")).unwrap_or_default();
    let (major, minor) = release_min();
    if release(&compiler).is_none_or(|release| release < (major, minor)) {
        return Err(format!(
            "{COMPILER_PACKAGE} gave `{compiler}`, and {major}.{minor} is needed (in Debian 12 it comes with the \
             security updates, from the suite bookworm-security)"
        ));
    }
    let host = host()?;
    let linker = linker(&host)?;
    say("building the standard library for wasm (one to two minutes)");
    let libraries = build(&linker)?;
    say(&format!("copying it to {DEBIAN_RUSTLIB}/{WASM_TARGET}"));
    let mut script = root::command("sh")?;
    script.args(["-c", INSTALL_SCRIPT, "install", DEBIAN_RUSTLIB, WASM_TARGET, &host]);
    run(script.arg(linker).args(libraries))
}

/// The triple of this machine as Debian's compiler names it.
fn host() -> Outcome<String> {
    let version = output(Command::new(DEBIAN_RUSTC).arg("-vV"))
        .ok_or_else(|| format!("{DEBIAN_RUSTC} does not run"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| format!("{DEBIAN_RUSTC} does not tell its host"))
}

/// Debian's package has no linker for wasm; rustup's toolchain does.
fn linker(host: &str) -> Outcome<PathBuf> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(paths::root()))
        .ok_or("rustup's rustc does not run")?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    if linker.exists() { Ok(linker) } else { Err(format!("there is no {}", linker.display())) }
}

/// Builds the library; the files to install.
fn build(linker: &Path) -> Outcome<Vec<PathBuf>> {
    let dir = paths::cache_dir().join("wasm-std");
    let explain = |error: std::io::Error| format!("{}: {error}", dir.display());
    // From scratch, since leftovers of another compiler would be copied along.
    if dir.exists() {
        std::fs::remove_dir_all(&dir).map_err(explain)?;
    }
    std::fs::create_dir_all(dir.join("src")).map_err(explain)?;
    std::fs::write(dir.join("src/lib.rs"), "").map_err(explain)?;
    let manifest =
        format!("[package]\nname = \"{CARRIER}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n");
    std::fs::write(dir.join("Cargo.toml"), manifest).map_err(explain)?;

    let mut cargo = crate::run::cargo();
    cargo.current_dir(&dir);
    // `test` is what tests on the wasm target stand on.
    cargo.args(["build", "--release", "-Zbuild-std=std,panic_abort,test", "--target", WASM_TARGET]);
    cargo.env("RUSTC", DEBIAN_RUSTC);
    // Lets a stable compiler take -Zbuild-std.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    // Without bitcode in the library, lto fails.
    cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes");
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    cargo.env("CARGO_TARGET_DIR", dir.join("target"));
    run(&mut cargo)?;

    let deps = dir.join("target").join(WASM_TARGET).join("release/deps");
    let mut libraries: Vec<PathBuf> = std::fs::read_dir(&deps)
        .map_err(explain)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .filter(|path| !path.to_string_lossy().contains(CARRIER))
        .collect();
    libraries.sort();
    if libraries.is_empty() { Err(format!("no library in {}", deps.display())) } else { Ok(libraries) }
}
