//! Where things lie.

use std::path::{Path, PathBuf};

/// Root of the checkout.
pub(crate) fn root() -> &'static Path {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.parent().expect("invariant: xtask lies directly below the root")
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The built page.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// A program of this workspace, built in release.
pub(crate) fn release_program(name: &str) -> PathBuf {
    target_dir().join("release").join(name)
}

/// What survives `cargo clean` but may be deleted at any time: tools of the right version.
pub(crate) fn cache_dir() -> PathBuf {
    user_dir("XDG_CACHE_HOME", ".cache")
}

/// What the user wants to keep: the relay's token.
pub(crate) fn state_dir() -> PathBuf {
    user_dir("XDG_STATE_HOME", ".local/state")
}

/// A program on the `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

/// Below a directory of the XDG base directory specification, or below its default in the home directory.
fn user_dir(variable: &str, default: &str) -> PathBuf {
    let base = match std::env::var_os(variable) {
        Some(dir) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
        _ => PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())).join(default),
    };
    base.join("swarmscope")
}
