//! Web seeds that a .torrent file names (BEP 19 `url-list`, BEP 17 `httpseeds`), and the names by which they know the
//! files: as the torrent's maker wrote them, not as we may store them.

use codec::bencode::{Value, scan};
use serde_bytes::ByteBuf;

use super::parse::LIMITS;
use super::raw::{RawFile, RawInfo};
use super::{FileEntry, Metainfo, MetainfoError};
use crate::FlatMap;
use crate::webseed::normal_url;

/// Web seeds kept of one torrent; mirrors of a big project are some dozens.
const WEB_SEEDS_MAX: usize = 100;

/// Where content can be had over http.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebSeedUrl {
    /// Address: http or https, ready to be asked.
    pub url: String,
    /// What is found there.
    pub kind: WebSeedKind,
}

/// How a web seed is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WebSeedKind {
    /// The files themselves, by ranges (BEP 19).
    Files,
    /// A script that knows the torrent, by pieces (BEP 17).
    Pieces,
}

impl WebSeedUrl {
    /// A server with the torrent's files (BEP 19), as `url-list` names it; `None` if the address cannot be asked. An
    /// address that ends with a slash is the folder in which file or folder lie.
    #[must_use]
    pub fn files(url: &[u8]) -> Option<Self> {
        normal_url(url).map(|url| Self { url, kind: WebSeedKind::Files })
    }

    fn pieces(url: &[u8]) -> Option<Self> {
        normal_url(url).map(|url| Self { url, kind: WebSeedKind::Pieces })
    }
}

/// What is known of web seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WebParts {
    urls: Vec<WebSeedUrl>,
    /// Where it is another one than that of the metainfo.
    name: Option<Vec<u8>>,
    /// Where they are other ones.
    paths: FlatMap<usize, Vec<Vec<u8>>>,
}

impl WebParts {
    pub(super) fn read(root: Value<'_>, info: &RawInfo, name: &str, files: &[FileEntry]) -> Self {
        let raw_name = info.name_utf8.as_ref().or(info.name.as_ref()).map(|raw| raw.to_vec());
        Self {
            urls: urls(root),
            name: raw_name.filter(|raw| raw != name.as_bytes()),
            paths: paths(info, files),
        }
    }
}

/// Both lists in their order, without those that stand there twice. Each may be one string or a list.
fn urls(root: Value<'_>) -> Vec<WebSeedUrl> {
    let files = strings(root.get(b"url-list")).into_iter().filter_map(WebSeedUrl::files);
    let pieces = strings(root.get(b"httpseeds")).into_iter().filter_map(WebSeedUrl::pieces);
    let mut urls: Vec<WebSeedUrl> = Vec::new();
    for url in files.chain(pieces) {
        if !urls.contains(&url) && urls.len() < WEB_SEEDS_MAX {
            urls.push(url);
        }
    }
    urls
}

fn strings(value: Option<Value<'_>>) -> Vec<&[u8]> {
    let Some(value) = value else { return Vec::new() };
    match value.list() {
        Some(items) => items.filter_map(Value::bytes).take(WEB_SEEDS_MAX).collect(),
        None => value.bytes().into_iter().collect(),
    }
}

/// The paths of files that we store under other ones. Entries that are no files are passed over as in `parse`; if the
/// two still do not fit each other, the paths in `files` have to do.
fn paths(info: &RawInfo, files: &[FileEntry]) -> FlatMap<usize, Vec<Vec<u8>>> {
    let is_link = |raw: &&RawFile| {
        let has_attr = |attr| raw.attr.as_ref().is_some_and(|attrs| attrs.contains(&attr));
        has_attr(b'l') && !has_attr(b'p')
    };
    let raw_files: Vec<&RawFile> = info.files.iter().flatten().filter(|raw| !is_link(raw)).collect();
    if raw_files.len() != files.len() {
        return FlatMap::new();
    }
    let differs = |(at, (raw, file)): (usize, (&&RawFile, &FileEntry))| {
        let path = raw.path_utf8.as_ref().or(raw.path.as_ref())?;
        let is_same = path.iter().map(|part| part.as_slice()).eq(file.path.iter().map(String::as_bytes));
        (!is_same && !file.is_padding).then(|| (at, path.iter().map(|part| part.to_vec()).collect()))
    };
    raw_files.iter().zip(files).enumerate().filter_map(differs).collect()
}

impl Metainfo {
    /// Where the content can be had over http, in the order of the file; none stands twice.
    #[must_use]
    pub fn web_seeds(&self) -> &[WebSeedUrl] {
        &self.web.urls
    }

    /// The same torrent with these web seeds (BEP 19) beside its own: for one that is being made, or that came from a
    /// magnet link with `ws`. Addresses that cannot be asked are left out.
    ///
    /// # Errors
    /// Those of [`Metainfo::parse`]: the file may have become too long.
    pub fn with_web_seeds(&self, urls: &[String]) -> Result<Self, MetainfoError> {
        let mut known: Vec<String> = self
            .web_seeds()
            .iter()
            .filter(|seed| seed.kind == WebSeedKind::Files)
            .map(|seed| seed.url.clone())
            .collect();
        let before = known.len();
        for url in urls.iter().filter_map(|url| WebSeedUrl::files(url.as_bytes())) {
            if !known.contains(&url.url) {
                known.push(url.url);
            }
        }
        if known.len() == before {
            return Ok(self.clone());
        }
        let list: Vec<ByteBuf> = known.into_iter().map(|url| ByteBuf::from(url.into_bytes())).collect();
        let list = serde_bencode::to_bytes(&list).map_err(|_| MetainfoError::NotATorrent)?;
        Self::parse(&with_key(self.as_bytes(), b"url-list", &list)?)
    }

    /// The torrent's name as its maker wrote it.
    pub(crate) fn web_name(&self) -> &[u8] {
        self.web.name.as_deref().unwrap_or_else(|| self.name().as_bytes())
    }

    /// A file's path below that name, as its maker wrote it.
    pub(crate) fn web_path(&self, file: usize) -> Vec<&[u8]> {
        match self.web.paths.get(&file) {
            Some(path) => path.iter().map(Vec::as_slice).collect(),
            None => self.files()[file].path.iter().map(String::as_bytes).collect(),
        }
    }
}

/// The dictionary with this key set to an encoded value, all else as it stands.
fn with_key(bytes: &[u8], key: &[u8], value: &[u8]) -> Result<Vec<u8>, MetainfoError> {
    let document = scan(bytes, &LIMITS).map_err(MetainfoError::Damaged)?;
    let pairs = document.root().dict().ok_or(MetainfoError::NotATorrent)?;
    let mut all: Vec<(&[u8], &[u8])> = pairs.map(|(key, value)| (key, value.raw())).collect();
    all.retain(|(other, _)| *other != key);
    let at = all.iter().position(|(other, _)| *other > key).unwrap_or(all.len());
    all.insert(at, (key, value));
    let mut out = vec![b'd'];
    for (key, value) in all {
        out.extend(format!("{}:", key.len()).bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out.push(b'e');
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const INFO: &str = "4:infod6:lengthi1e4:name1:n12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";

    /// The addresses in a torrent with these top level entries, `before` sorting before `info`.
    fn read(before: &str, after: &str) -> Vec<(String, WebSeedKind)> {
        let metainfo = Metainfo::parse(format!("d{before}{INFO}{after}e").as_bytes()).unwrap();
        metainfo.web_seeds().iter().map(|seed| (seed.url.clone(), seed.kind)).collect()
    }

    fn bencoded(items: &[&str]) -> String {
        let items: String = items.iter().map(|item| format!("{}:{item}", item.len())).collect();
        format!("l{items}e")
    }

    fn files(items: &[&str]) -> Vec<String> {
        read("", &format!("8:url-list{}", bencoded(items))).into_iter().map(|(url, _)| url).collect()
    }

    #[test]
    fn the_list_may_be_a_string_or_a_list_and_may_stand_anywhere() {
        let one = vec![("http://a/b".to_owned(), WebSeedKind::Files)];
        assert_eq!(read("", "8:url-list10:http://a/b"), one);
        assert_eq!(read("8:url-list10:http://a/b", ""), one, "BEP 19's own example has it out of order");
        assert_eq!(read("", "8:url-listl10:http://a/be"), one);
        assert_eq!(read("", "8:url-list0:"), []);
        assert_eq!(read("", "8:url-listi1e"), []);
        assert_eq!(read("", "8:url-listli1e10:http://a/be"), one, "junk in it is passed over");
        let script = vec![("http://s/x.php".to_owned(), WebSeedKind::Pieces)];
        assert_eq!(read("9:httpseedsl14:http://s/x.phpe", ""), script);
    }

    #[test]
    fn what_stands_there_twice_is_one_web_seed() {
        let urls = ["http://a/1", "http://a/2", "http://a/1", "http://a/3", " http://a/2 "];
        assert_eq!(files(&urls), ["http://a/1", "http://a/2", "http://a/3"]);
    }

    #[test]
    fn white_space_goes_around_and_is_encoded_within() {
        assert_eq!(files(&[" \n http://a/b  c \t"]), ["http://a/b%20%20c"]);
    }

    #[test]
    fn only_so_many_are_kept() {
        let urls: Vec<String> = (0..WEB_SEEDS_MAX + 9).map(|nth| format!("http://a/{nth}")).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        assert_eq!(files(&urls).len(), WEB_SEEDS_MAX);
    }

    #[test]
    fn web_seeds_that_are_added_stand_in_the_file_and_change_no_info_hash() {
        let bytes = format!("d{INFO}3:zzzi7ee");
        let before = Metainfo::parse(bytes.as_bytes()).unwrap();
        let urls = ["http://a/b c", "nonsense", "http://a/b c"].map(str::to_owned);
        let after = before.with_web_seeds(&urls).unwrap();
        assert_eq!(after.info_hash(), before.info_hash());
        assert_eq!(after.as_bytes(), format!("d{INFO}8:url-listl14:http://a/b%20ce3:zzzi7ee").as_bytes());
        let more = after.with_web_seeds(&["http://d/".to_owned()]).unwrap();
        let urls: Vec<_> = more.web_seeds().iter().map(|seed| seed.url.as_str()).collect();
        assert_eq!(urls, ["http://a/b%20c", "http://d/"]);
        assert_eq!(more.with_web_seeds(&[]).unwrap(), more);
    }
}
