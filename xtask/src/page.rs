//! The page: built by trunk, and only if something that it is made of changed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::fingerprint::fingerprint;
use crate::paths::{self, on_path};
use crate::run::{Outcome, cargo, no_arguments, run};
use crate::setup::{self, BuildSetup};
use crate::tidy::wasm_imports;

/// What the page is made of. Packages that do not exist (yet) count for nothing.
const SOURCES: [&str; 12] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "crates/codec",
    "crates/engine",
    "crates/lecture",
    "crates/relay-proto",
    "crates/sim",
    "index.html",
    "src",
    "www",
];

/// Holds the fingerprint of what `dist` was built from; trunk clears the folder, so any other build removes it.
const STAMP: &str = "dist/.built-from";

/// Sizes of the page's wasm and script together, in bytes.
pub(crate) struct PageSize {
    /// As they are.
    pub(crate) plain_bytes: u64,
    /// After brotli at its best level; `None` if there is no `brotli` to ask.
    pub(crate) brotli_bytes: Option<u64>,
}

/// Builds the page into `dist` if it is out of date, checks what its wasm imports, and tells its size.
pub(crate) fn build(setup: &BuildSetup) -> Outcome {
    let sources: Vec<PathBuf> = SOURCES.iter().map(PathBuf::from).collect();
    let print = fingerprint(paths::root(), &sources, &setup.wasm.version())?;
    let stamp = paths::root().join(STAMP);
    if std::fs::read_to_string(&stamp).is_ok_and(|built_from| built_from == print) {
        println!("build: the page is up to date");
    } else {
        println!("build: the page (some minutes the first time)");
        // Trunk works offline below, so that it downloads no tools of its own; hence the crates come first.
        run(cargo().args(["fetch", "--quiet"]))?;
        let mut trunk = trunk(setup);
        // Which cargo profile that is, index.html says.
        trunk.args(["build", "--release"]);
        run(&mut trunk).map_err(|error| format!("the page was not built: {error}"))?;
        let foreign = wasm_imports::foreign_in(&paths::dist())?;
        if !foreign.is_empty() {
            return Err(format!("the page would not load: {}", foreign.join("; ")));
        }
        std::fs::write(&stamp, print).map_err(|error| format!("{STAMP}: {error}"))?;
    }
    let size = size()?;
    let brotli = size.brotli_bytes.map_or_else(
        || "size after brotli unknown, since there is no `brotli`".to_owned(),
        |bytes| format!("{} kB after brotli", bytes.div_ceil(1000)),
    );
    println!("build: wasm and script are {} kB, {brotli}", size.plain_bytes.div_ceil(1000));
    Ok(())
}

/// `cargo xtask serve`: `trunk serve` with the right compiler and tools.
pub(crate) fn serve(args: &[String]) -> Outcome {
    no_arguments(args)?;
    let setup = setup::for_build()?;
    run(cargo().args(["fetch", "--quiet"]))?;
    // Beside `dist`, so that a relay that serves the release page goes on doing so.
    run(trunk(&setup).arg("serve").arg("--dist").arg(paths::target_dir().join("serve")))
}

/// Size of what a visitor downloads.
pub(crate) fn size() -> Outcome<PageSize> {
    let mut plain_bytes = 0;
    let mut brotli_bytes = Some(0);
    for file in files_of_page(&paths::dist())? {
        plain_bytes +=
            std::fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?.len();
        let compressed = on_path("brotli").and_then(|brotli| {
            let mut command = Command::new(brotli);
            command.args(["-q", "11", "--stdout"]).arg(&file).stdin(Stdio::null());
            command.output().ok().filter(|output| output.status.success())
        });
        brotli_bytes = brotli_bytes.zip(compressed).map(|(sum, output)| sum + output.stdout.len() as u64);
    }
    Ok(PageSize { plain_bytes, brotli_bytes })
}

/// trunk, so that it takes the right compiler and our wasm-bindgen, and downloads nothing.
fn trunk(setup: &BuildSetup) -> Command {
    let mut command = Command::new(setup.tools.trunk());
    command.current_dir(paths::root()).env("PATH", setup.tools.path()).env("TRUNK_OFFLINE", "true");
    // Trunk takes 0 and 1 here for a wrong boolean and stops; the convention allows any value.
    command.env_remove("NO_COLOR");
    setup.wasm.apply(&mut command);
    command
}

fn files_of_page(dir: &std::path::Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))? {
        let path = entry.map_err(|error| format!("{}: {error}", dir.display()))?.path();
        if path.is_dir() {
            files.extend(files_of_page(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "wasm" || extension == "js") {
            files.push(path);
        }
    }
    Ok(files)
}
