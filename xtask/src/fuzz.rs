//! `cargo xtask fuzz [TARGET] [--runs N]`: feeds the decoders and the engine what a fuzzer makes up, with cargo-fuzz and
//! a nightly compiler. What it starts with is written anew each time; what it has found stays in `fuzz/corpus`.

use std::process::Command;

use crate::paths;
use crate::run::{Outcome, output, run};
use crate::setup::tools_installed;

const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Executions of each target where none are said: some minutes for all of them.
const RUNS_DEFAULT: u64 = 1_000_000;

/// Runs one target, or all of them one after the other.
pub(crate) fn fuzz(args: &[String]) -> Outcome {
    let (target, runs) = parse(args)?;
    if output(Command::new("cargo").args(["+nightly", "--version"])).is_none() {
        return Err("fuzzing needs a nightly compiler: rustup toolchain install nightly".to_owned());
    }
    let cargo_fuzz = tools_installed("cargo-fuzz", "cargo-fuzz", CARGO_FUZZ_VERSION)?;
    let fuzz_dir = paths::root().join("fuzz");
    let corpus = fuzz_dir.join("corpus");
    let mut seeds = nightly("cargo");
    run(seeds
        .current_dir(&fuzz_dir)
        .args(["run", "--quiet", "--release", "--example", "seeds", "--"])
        .arg(corpus))?;
    for name in targets()?.iter().filter(|name| target.as_ref().is_none_or(|target| target == *name)) {
        let mut fuzz = nightly(&cargo_fuzz);
        // The code has no unsafe blocks, so a sanitizer would only cost time.
        fuzz.current_dir(paths::root()).args(["run", "--sanitizer", "none", name]);
        if name == "trackers" {
            fuzz.args(["--features", "trackers"]);
        }
        fuzz.arg("--");
        run(fuzz.args([format!("-runs={runs}"), format!("-max_len={}", len_max(name))]))
            .map_err(|error| format!("{error}; what broke it lies in fuzz/artifacts/{name}"))?;
    }
    Ok(())
}

/// Longest input of a target, in bytes: enough for whatever its rules speak of, since longer ones only take longer.
fn len_max(target: &str) -> u32 {
    match target {
        // Stories of two hundred steps.
        "engine" => 2048,
        // A file of version 2 with the hashes of its pieces.
        "metainfo" => 1024,
        "magnet" => 128,
        _ => 256,
    }
}

/// A program that is to use the nightly compiler.
fn nightly(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
    command
}

/// The names of all targets, in order.
fn targets() -> Outcome<Vec<String>> {
    let manifest = paths::root().join("fuzz/Cargo.toml");
    let text =
        std::fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let table: toml::Table = text.parse().map_err(|error| format!("{}: {error}", manifest.display()))?;
    let bins = table.get("bin").and_then(|bins| bins.as_array()).into_iter().flatten();
    Ok(bins.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect())
}

/// Which target, if only one, and how many executions.
fn parse(args: &[String]) -> Outcome<(Option<String>, u64)> {
    let (mut target, mut runs) = (None, RUNS_DEFAULT);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--runs" {
            let number = args.next().and_then(|number| number.replace('_', "").parse().ok());
            runs = number.filter(|&runs| runs > 0).ok_or("--runs wants a number above zero")?;
        } else if target.is_none() && targets()?.contains(arg) {
            target = Some(arg.clone());
        } else {
            let known = targets()?.join(", ");
            return Err(format!("`{arg}` is no target; there are: {known}"));
        }
    }
    Ok((target, runs))
}

#[cfg(test)]
mod tests {
    use super::{RUNS_DEFAULT, parse, targets};

    fn parsed(args: &[&str]) -> Result<(Option<String>, u64), String> {
        parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_target_and_a_number_may_be_said() {
        assert_eq!(parsed(&[]), Ok((None, RUNS_DEFAULT)));
        assert_eq!(parsed(&["wire", "--runs", "10_000_000"]), Ok((Some("wire".to_owned()), 10_000_000)));
        for wrong in [&["nothing"][..], &["--runs"], &["--runs", "0"], &["wire", "magnet"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_has_its_file() {
        for name in targets().expect("the manifest is read") {
            let file = crate::paths::root().join(format!("fuzz/fuzz_targets/{name}.rs"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
