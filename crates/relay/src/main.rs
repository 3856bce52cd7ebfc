//! `swarmscope-relay`: see `--help`.

use std::process::ExitCode;

use clap::Parser;
use relay::Config;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    // The WebSocket crate's traces would hold whole messages, and so the token.
    let filter = match EnvFilter::try_new(format!("{},tungstenite=info", config.log)) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("--log {}: {error}", config.log);
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    raise_open_files(config.open_files_max());
    let running = match relay::start(config).await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("relay: listening on http://{}/", running.addr());
    println!("relay: open {}", running.page_address());
    wait_for_signal().await;
    running.shutdown().await;
    ExitCode::SUCCESS
}

/// Each connection is an open file, and many systems allow 1024 unless a program asks for more.
fn raise_open_files(wanted: u64) {
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed < wanted => tracing::warn!(
            "the system allows {allowed} open files, and all sessions together may want {wanted}; raise the limit \
             (ulimit -Hn) or lower --max-sessions or --max-streams"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!("the limit of open files could not be raised to {wanted}: {error}"),
    }
}

/// Until the user or the system asks the program to end.
async fn wait_for_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the signal ends the program anyway.
    let _ = tokio::signal::ctrl_c().await;
}
