//! A TCP proxy between page and relay whose connections a test can cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::places::fresh_ip;
use crate::wait;

/// A running proxy. Dropping it closes its connections.
#[derive(Debug)]
pub struct CutProxy {
    /// Where it listens.
    pub addr: SocketAddr,
    cuts: watch::Sender<u64>,
    down_bytes: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl CutProxy {
    /// Starts one in front of `target`.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((fresh_ip(), 0)).await.expect("a proxy can listen");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let cuts = watch::Sender::new(0);
        let down_bytes = Arc::new(AtomicU64::new(0));
        let (of_task, counter) = (cuts.clone(), Arc::clone(&down_bytes));
        let task = tokio::spawn(async move {
            while let Ok((page, _)) = listener.accept().await {
                let (mut cut, counter) = (of_task.subscribe(), Arc::clone(&counter));
                tokio::spawn(async move {
                    let Ok(relay) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        () = carry(page, relay, &counter) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { addr, cuts, down_bytes, task }
    }

    /// Cuts all connections that stand, in the middle of whatever they carry.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until so many more bytes than now went from the relay to the page.
    ///
    /// # Panics
    /// When they have not in time.
    pub async fn wait_for_bytes(&self, bytes: u64) {
        let goal = self.down_bytes.load(Ordering::Relaxed) + bytes;
        wait::until_true(&format!("{bytes} more bytes through the proxy"), wait::LONG, async || {
            self.down_bytes.load(Ordering::Relaxed) >= goal
        })
        .await;
    }
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn carry(page: TcpStream, relay: TcpStream, down_bytes: &AtomicU64) {
    let (mut from_page, mut to_page) = page.into_split();
    let (mut from_relay, mut to_relay) = relay.into_split();
    let up = async {
        let _ = tokio::io::copy(&mut from_page, &mut to_relay).await;
        let _ = to_relay.shutdown().await;
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_relay.read(&mut buffer).await {
            if to_page.write_all(&buffer[..read]).await.is_err() {
                break;
            }
            down_bytes.fetch_add(read as u64, Ordering::Relaxed);
        }
        let _ = to_page.shutdown().await;
    };
    tokio::join!(up, down);
}
