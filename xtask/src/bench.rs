//! `cargo xtask bench NAME`: builds what is measured and runs the program of that name from the tests' package.

use crate::run::{Outcome, cargo, run};
use crate::test::cross;
use crate::{build, setup};

/// Runs `bench-NAME` in release, with the remaining arguments.
pub(crate) fn bench(args: &[String]) -> Outcome {
    let (name, rest) = args.split_first().ok_or("which one? `cargo xtask bench tab` is there")?;
    let setup = setup::for_build()?;
    setup::for_tests(&setup.wasm)?;
    build::build_all(&setup)?;
    let mut bench = cargo();
    bench.args(["run", "--release", "--package", cross::PACKAGE, "--bin", &format!("bench-{name}"), "--"]);
    run(cross::with_places(&mut bench, &setup).args(rest))
}
