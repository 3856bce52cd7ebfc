//! `cargo xtask test`: every check of the project, one after the other, all of them even if one fails. The last line
//! says how many passed and how many failed.

pub(crate) mod cross;
mod matrix;
mod step;
mod tally;
mod wasm;

use std::time::Duration;

use crate::run::{Outcome, cargo};
use crate::setup::{self, BuildSetup};
use crate::{build, page};
use step::Steps;

/// Wasm and script of the page together, after brotli; what it has is in `docs/benchmarks.md`.
const PAGE_BROTLI_BYTES_MAX: u64 = 500_000;

/// No step may hang a run for ever; compiling everything on two cores takes a fraction of this.
pub(super) const STEP_LIMIT: Duration = Duration::from_secs(40 * 60);

/// What to run.
enum Scope {
    All,
    Quick,
    Cross { filter: Vec<String> },
}

/// `cargo xtask test [--quick | --cross [FILTER]]`.
pub(crate) fn test(args: &[String]) -> Outcome {
    let scope = match args.split_first() {
        None => Scope::All,
        Some((flag, [])) if flag == "--quick" => Scope::Quick,
        Some((flag, filter)) if flag == "--cross" => Scope::Cross { filter: filter.to_vec() },
        Some((other, _)) => return Err(format!("test does not know `{other}`; see cargo xtask --help")),
    };
    let mut steps = Steps::default();
    match scope {
        Scope::Quick => native(&mut steps),
        Scope::All => {
            let setup = steps.check("setup", setup_all);
            native(&mut steps);
            if let Some(setup) = setup {
                wasm::all(&mut steps, &setup);
                built(&mut steps, &setup, &[]);
            }
        }
        Scope::Cross { filter } => {
            if let Some(setup) = steps.check("setup", setup_all) {
                built(&mut steps, &setup, &filter);
            }
        }
    }
    let failed = steps.summary();
    // Not an error with a message: the summary has said it all, and its last line must stay the last.
    std::process::exit(i32::from(failed > 0));
}

fn setup_all() -> Outcome<BuildSetup> {
    let setup = setup::for_build()?;
    setup::for_tests(&setup.wasm)?;
    Ok(setup)
}

/// What needs nothing but a Rust toolchain.
fn native(steps: &mut Steps) {
    steps.run("format", cargo().args(["fmt", "--all", "--check"]));
    steps.run("clippy", cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]));
    steps.run(
        "documentation",
        cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"),
    );
    // Among them, `tidy` in xtask's own tests.
    steps.run_tests(
        "native tests",
        cargo().args(["test", "--workspace", "--exclude", cross::PACKAGE, "--no-fail-fast"]),
    );
}

/// What needs the built page and programs.
fn built(steps: &mut Steps, setup: &BuildSetup, filter: &[String]) {
    if steps.check("build", || build::build_all(setup)).is_none() {
        steps.fail("cross tests", "nothing to test without the build");
        return;
    }
    steps.check("page size", || {
        let bytes = page::size()?.brotli_bytes.ok_or("there is no `brotli` to measure with")?;
        if bytes <= PAGE_BROTLI_BYTES_MAX {
            Ok(())
        } else {
            Err(format!("the page has {bytes} bytes after brotli; {PAGE_BROTLI_BYTES_MAX} are allowed"))
        }
    });
    cross::tests(steps, setup, filter);
}
