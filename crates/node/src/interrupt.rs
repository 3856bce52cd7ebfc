//! Ctrl-C, or a polite request to end.

use std::sync::OnceLock;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whether either came. Signals concern the whole process, and so does this.
static HEARD: OnceLock<watch::Receiver<bool>> = OnceLock::new();

/// Waits until the user wants the program to end. Whoever asks after that learns it at once: a signal that comes between
/// two steps of a command, when nobody waits for it, is not lost.
pub(crate) async fn interrupted() {
    let mut heard = HEARD.get_or_init(listen).clone();
    if heard.wait_for(|heard| *heard).await.is_err() {
        // Nobody listens: without their handlers, the signals end the process as they always do.
        std::future::pending::<()>().await;
    }
}

/// Listens from now on, for as long as the runtime lives.
fn listen() -> watch::Receiver<bool> {
    let (sender, heard) = watch::channel(false);
    if let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    {
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            sender.send_replace(true);
        });
    }
    heard
}
