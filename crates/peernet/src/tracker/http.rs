//! Announces and scrapes over http and https (BEP 3, 7, 23, 48).

use std::time::Duration;

use codec::InfoHash;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

use super::{
    ANSWER_LEN_MAX, AnnounceAnswer, AnnounceEvent, AnnounceParams, ScrapeAnswer, TrackerError, answer,
};
use crate::http::{Answer, HttpClient};

/// What may stand for itself in a query (RFC 3986, unreserved); every other byte is written as `%xx`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) async fn announce(
    client: &HttpClient,
    mut url: Url,
    params: &AnnounceParams,
    timeout: Duration,
) -> Result<AnnounceAnswer, TrackerError> {
    append_query(&mut url, &announce_query(params));
    answer::announce(&get(client, url, timeout).await?)
}

pub(super) async fn scrape(
    client: &HttpClient,
    mut url: Url,
    torrents: &[InfoHash],
    timeout: Duration,
) -> Result<Vec<ScrapeAnswer>, TrackerError> {
    let path = scrape_path(url.path()).ok_or(TrackerError::NoScrape)?;
    url.set_path(&path);
    let query: Vec<String> = torrents.iter().map(|hash| format!("info_hash={}", escape(&hash.0))).collect();
    append_query(&mut url, &query.join("&"));
    answer::scrape(&get(client, url, timeout).await?, torrents)
}

/// The body, if it can be an answer at all. Some trackers send their failure reason with an error status, so what
/// looks like a dictionary is read whatever the status.
async fn get(client: &HttpClient, url: Url, timeout: Duration) -> Result<Vec<u8>, TrackerError> {
    let Answer { status, body } = client.get(url, ANSWER_LEN_MAX, timeout).await?;
    let bad = |what: String| Err(TrackerError::BadAnswer(what));
    match body.trim_ascii_start().first() {
        Some(b'd') => Ok(body),
        _ if !(200..300).contains(&status) => bad(format!("it answered with status {status}")),
        Some(b'<') => {
            bad("it sent a web page; the address may be wrong, or a login page is in the way".into())
        }
        Some(_) => bad("it is not bencoded".into()),
        None => bad("it is empty".into()),
    }
}

fn escape(bytes: &[u8]) -> String {
    percent_encode(bytes, ESCAPED).to_string()
}

fn announce_query(params: &AnnounceParams) -> String {
    let AnnounceParams { port, uploaded, downloaded, left, num_want, key, .. } = params;
    let tracker_id = params.tracker_id.as_ref().map(|id| format!("&trackerid={}", escape(id)));
    let info_hash = escape(&params.info_hash.0);
    let peer_id = escape(&params.peer_id.0);
    let event = match params.event {
        AnnounceEvent::Started => "&event=started",
        AnnounceEvent::Completed => "&event=completed",
        AnnounceEvent::Stopped => "&event=stopped",
        AnnounceEvent::Regular => "",
    };
    format!(
        "info_hash={info_hash}&peer_id={peer_id}&port={port}&uploaded={uploaded}&downloaded={downloaded}\
         &left={left}&compact=1&no_peer_id=1&numwant={num_want}&key={key:08x}{event}{}",
        tracker_id.unwrap_or_default()
    )
}

/// Private trackers name their user in the query that the address already has; it is kept as it is.
fn append_query(url: &mut Url, query: &str) {
    url.set_fragment(None);
    let whole = match url.query() {
        Some(present) if !present.is_empty() => format!("{}&{query}", present.trim_end_matches('&')),
        _ => query.to_owned(),
    };
    url.set_query(Some(&whole));
}

/// BEP 48: only an address whose last path segment begins with `announce` has a place to scrape.
fn scrape_path(path: &str) -> Option<String> {
    let (folder, last) = path.rsplit_once('/')?;
    last.strip_prefix("announce").map(|rest| format!("{folder}/scrape{rest}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn hashes_are_escaped_byte_by_byte() {
        assert_eq!(
            escape(b"\x00\x12\xff&=+ ~.-_aZ9%?#/:@"),
            "%00%12%FF%26%3D%2B%20~.-_aZ9%25%3F%23%2F%3A%40"
        );
    }

    #[test]
    fn a_query_that_is_there_is_kept_and_a_fragment_is_not() {
        for (given, whole) in [
            ("http://t.example/announce", "http://t.example/announce?info_hash=%00"),
            ("http://t.example/announce?", "http://t.example/announce?info_hash=%00"),
            ("http://t.example/announce?pass=a%2Fb", "http://t.example/announce?pass=a%2Fb&info_hash=%00"),
            ("http://t.example/announce?pass=1&#top", "http://t.example/announce?pass=1&info_hash=%00"),
        ] {
            let mut url = Url::parse(given).unwrap();
            append_query(&mut url, "info_hash=%00");
            assert_eq!(url.as_str(), whole);
        }
    }

    #[test]
    fn the_scrape_address_follows_the_announce_address() {
        assert_eq!(scrape_path("/announce").as_deref(), Some("/scrape"));
        assert_eq!(scrape_path("/x/announce.php").as_deref(), Some("/x/scrape.php"));
        assert_eq!(scrape_path("/announce/a"), None);
        assert_eq!(scrape_path("/tracker"), None);
    }
}
