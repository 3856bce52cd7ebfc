//! Addresses, ports and folders that no other test uses.

use std::fs::Permissions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A loopback address of its own for each program: clients refuse peers from their own address and several peers
/// from one. The second byte keeps clear of 127.0.0.0/16, which others use, and of the demo swarm's 127.77.0.0/16;
/// it comes from our process id, so that two test runs on one machine do not meet.
///
/// # Panics
/// When a process asks for more than 65 000.
#[must_use]
pub fn fresh_ip() -> IpAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    let second = 100 + (std::process::id() % 150) as u8;
    let third = u8::try_from(number / 250).expect("a test process takes fewer than 64 000 addresses");
    IpAddr::V4(Ipv4Addr::new(127, second, third, 1 + (number % 250) as u8))
}

/// A free TCP port on `ip`. It is free when this returns and stays so, since nobody else uses `ip`.
///
/// # Panics
/// When the address cannot be bound, which on loopback means that the machine has no port left.
#[must_use]
pub fn free_port(ip: IpAddr) -> u16 {
    let listener = TcpListener::bind((ip, 0)).expect("a loopback address takes a listener");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// A fresh address with a free port.
#[must_use]
pub fn fresh_addr() -> SocketAddr {
    let ip = fresh_ip();
    SocketAddr::new(ip, free_port(ip))
}

/// A folder for one test, deleted with this value. Readable by everyone, because opentracker reads its allow-list as
/// an unprivileged user.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Makes one in the system's folder for temporary files.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::inside(&std::env::temp_dir(), name)
    }

    /// Makes one in `parent`, for content too large for a temporary file system in memory.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn inside(parent: &Path, name: &str) -> Self {
        std::fs::create_dir_all(parent).expect("the folder for scratch folders can be made");
        let dir = tempfile::Builder::new()
            .prefix(&format!("swarmscope-{name}-"))
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .expect("a scratch folder can be made");
        Self(dir)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A new folder in it.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder in the scratch folder can be made");
        path
    }

    /// A new file in it.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).expect("a file in the scratch folder can be written");
        path
    }
}
