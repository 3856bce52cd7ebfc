//! The project's chores, as `cargo xtask …`. It does nothing that another program already does well: it finds out
//! what is missing, calls `cargo`, `trunk` and the system's installer in the right order with the right
//! environment, and tells in plain words what went wrong.

mod bench;
mod build;
mod deny;
mod fingerprint;
mod fuzz;
mod page;
mod paths;
mod run;
mod setup;
mod start;
mod test;
mod tidy;
mod token;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  start [--port N] [--no-demo] [--dev]
             install what is missing, build, run the relay with the page on http://127.0.0.1:7077/ and the demo
             swarm beside it; --dev lets the page of `cargo xtask serve` use this relay too
  serve      `trunk serve` with the right compiler: rebuilds the page while you edit it, on http://127.0.0.1:8080/
  build      build dist/, target/release/swarmscope-relay and target/release/swarmscope-node, start nothing
  test [--quick | --cross [FILTER]]
             install what the tests need and run all of them; --quick: only what runs natively without other
             programs; --cross: only those that cross crates (real clients and the browser)
  bench NAME [ARGUMENTS]
             measure; `cargo xtask bench tab` compares the tab with aria2 and with the bare page
  fuzz [TARGET] [--runs N]
             feed the decoders and the engine what a fuzzer makes up, or one of them, N times each (a million);
             needs a nightly compiler; cargo-fuzz is installed if missing
  setup [--tests]
             only install what is missing, with --tests also what the tests need
  tidy       check the rules that no compiler checks: dependency edges, sizes of files, banned calls, links
  deny       check licences, sources and versions of the dependencies with cargo-deny (installed if missing)
";

fn main() -> ExitCode {
    run::end_children_on_signal();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = args.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let outcome = match command {
        "start" => start::start(rest),
        "serve" => page::serve(rest),
        "build" => run::no_arguments(rest).and_then(|()| build::build()),
        "test" => test::test(rest),
        "bench" => bench::bench(rest),
        "fuzz" => fuzz::fuzz(rest),
        "setup" => setup::command(rest),
        "tidy" => run::no_arguments(rest).and_then(|()| tidy::command()),
        "deny" => deny::deny(rest),
        "" | "help" | "-h" | "--help" => {
            print!("{HELP}");
            return if command.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
        other => Err(format!("there is no command `{other}`; see cargo xtask --help")),
    };
    run::give_way_to_signal();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
