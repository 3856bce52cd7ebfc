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
