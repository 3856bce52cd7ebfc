//! The plain TCP source of the bare page: a handshake, because the relay lets nothing else through, and then the
//! content from its first byte to its last.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use crate::content::Content;
use crate::places::fresh_ip;

/// Starts one for the next connection, on a thread of its own.
///
/// # Panics
/// When it cannot listen.
#[must_use]
pub fn start(content: &Content) -> SocketAddr {
    let listener = TcpListener::bind((fresh_ip(), 0)).expect("a source can listen");
    let addr = listener.local_addr().expect("a bound socket has an address");
    let info_hash = content.info_hash_bytes();
    let files: Vec<PathBuf> = content.files.iter().map(|(path, _)| content.parent.join(path)).collect();
    std::thread::spawn(move || {
        // The page reports what it misses; a source that is cut off has nothing to add.
        let _ = listener.accept().and_then(|(stream, _)| serve(stream, &info_hash, &files));
    });
    addr
}

fn serve(mut stream: TcpStream, info_hash: &[u8], files: &[PathBuf]) -> io::Result<()> {
    let mut handshake = [0; 68];
    stream.read_exact(&mut handshake)?;
    stream.write_all(
        &[b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0", info_hash, b"-ZZ0001-plain-source"].concat(),
    )?;
    let mut buffer = vec![0; 256 * 1024];
    for file in files {
        let mut file = File::open(file)?;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            stream.write_all(&buffer[..read])?;
        }
    }
    // Until the page has everything and closes.
    stream.read_exact(&mut [0]).or(Ok(()))
}
