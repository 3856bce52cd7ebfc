//! Where the built programs are.

use std::path::{Path, PathBuf};

/// The relay: `SWARMSCOPE_RELAY`, or what `cargo xtask build` left in `target/release`.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn relay() -> PathBuf {
    built("SWARMSCOPE_RELAY", "target/release/swarmscope-relay")
}

/// The node: `SWARMSCOPE_NODE`, or what `cargo xtask build` left in `target/release`.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn node() -> PathBuf {
    built("SWARMSCOPE_NODE", "target/release/swarmscope-node")
}

/// The folder with the built page: `SWARMSCOPE_DIST`, or what `cargo xtask build` left in `dist`.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn dist() -> PathBuf {
    built("SWARMSCOPE_DIST", "dist")
}

/// The workspace's root folder.
///
/// # Panics
/// Never: this package lies in it.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("invariant: the package lies in the workspace's folder")
}

/// A file of this package, for instance a script.
#[must_use]
pub fn own_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn built(variable: &str, default: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| workspace().join(default), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask build`, or set {variable}", path.display());
    path
}
