//! A `.torrent` file by its address.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use codec::bencode::{Limits, Value, scan};
use url::Url;

use crate::ReachError;
use crate::http::HttpClient;
use crate::policy::{DestinationKind, DestinationPolicy};

/// Longest `.torrent` file that is fetched, in bytes.
pub const TORRENT_LEN_MAX: usize = 16 << 20;

/// How long fetching one may take in all.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Two million parts are more files than any torrent has.
const LIMITS: Limits = Limits { len_max: TORRENT_LEN_MAX, depth_max: 64, items_max: 2_000_000 };

/// What went wrong, in words that a person understands.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file did not come.
    #[error("{}", .0.about("the server"))]
    Reach(#[from] ReachError),
    /// The server answered with an error of its own.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// What the server sent is no `.torrent` file.
    #[error("what the server sent is no .torrent file: {0}")]
    NotATorrent(String),
}

/// Gets the `.torrent` file at `url` (http or https), and hands it over only if it can be one: a bencoded dictionary
/// with an `info` dictionary that has pieces. Whoever asks for something else this way learns nothing about it.
///
/// # Errors
/// [`FetchError`]; its text is for the user.
pub async fn fetch_torrent(
    policy: &Arc<DestinationPolicy>,
    url: &str,
    bind: Option<IpAddr>,
    timeout: Duration,
) -> Result<Vec<u8>, FetchError> {
    let bad = |why| ReachError::bad_url(url, why);
    let parsed = Url::parse(url.trim()).map_err(|_| bad("it is malformed"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(bad("only http and https are known").into());
    }
    let client = HttpClient::new(Arc::clone(policy), DestinationKind::Web, bind);
    let answer = client.get(parsed, TORRENT_LEN_MAX, timeout).await?;
    if answer.status != 200 {
        return Err(FetchError::Status(answer.status));
    }
    check_metainfo(&answer.body).map_err(FetchError::NotATorrent)?;
    Ok(answer.body)
}

/// Whether this is metainfo as far as its outline goes; the engine checks the rest when it reads it.
fn check_metainfo(body: &[u8]) -> Result<(), String> {
    if body.trim_ascii_start().first() == Some(&b'<') {
        return Err("it is a web page".to_owned());
    }
    let document = scan(body, &LIMITS).map_err(|error| error.to_string())?;
    let info = document.root().get(b"info").ok_or("it has no \"info\"")?;
    let has_pieces = info.get(b"pieces").and_then(Value::bytes).is_some();
    let has_piece_length = info.get(b"piece length").and_then(Value::number).is_some();
    // A torrent of version 2 alone (BEP 52) has a file tree in place of pieces.
    let has_file_tree = info.get(b"file tree").and_then(Value::dict).is_some();
    if has_piece_length && (has_pieces || has_file_tree) {
        Ok(())
    } else {
        Err("its \"info\" names no pieces".to_owned())
    }
}
