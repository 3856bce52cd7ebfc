//! The program `swarmscope-node`.

use std::process::ExitCode;

use clap::Parser;
use node::cli::{Cli, Command};
use tracing_subscriber::EnvFilter;

/// Threads for file reads at most; more would only queue at the disk.
const BLOCKING_THREADS_MAX: usize = 16;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("SWARMSCOPE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        let outcome = runtime.block_on(run(cli.command));
        // All that matters is done; a name look-up that hangs must not hold up the end.
        runtime.shutdown_background();
        outcome
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("swarmscope-node: {error}");
        ExitCode::FAILURE
    })
}

async fn run(command: Command) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    match command {
        Command::Get(args) => node::get::run(args).await,
        Command::Seed(args) => node::seed::run(args).await,
        Command::Create(args) => node::create::run(args).await,
        Command::Demo(args) => node::demo::run(args).await,
    }
}
