//! What the part of the page's address behind `#` asks for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Characters of a link that need no escape behind `#`.
const KEPT_IN_FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A place in the page.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) enum Route {
    /// The list of torrents.
    #[default]
    List,
    /// A torrent in detail.
    Torrent {
        /// 40 hexadecimal digits, lower case.
        info_hash: String,
    },
    /// The form for adding, filled in.
    Add {
        /// The link, decoded.
        link: String,
    },
}

impl Route {
    /// Reads `#torrent=…` and `#add=…`; everything else is the list.
    #[must_use]
    pub(super) fn parse(fragment: &str) -> Self {
        let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
        if let Some(info_hash) = fragment.strip_prefix("torrent=") {
            let is_hash = info_hash.len() == 40 && info_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_hash {
                return Self::Torrent { info_hash: info_hash.to_ascii_lowercase() };
            }
        } else if let Some(encoded) = fragment.strip_prefix("add=") {
            let link = percent_decode_str(encoded).decode_utf8_lossy().trim().to_owned();
            return Self::Add { link };
        }
        Self::List
    }

    /// The fragment that leads here, with its `#`.
    #[must_use]
    pub(super) fn fragment(&self) -> String {
        match self {
            Self::List => "#".to_owned(),
            Self::Torrent { info_hash } => format!("#torrent={info_hash}"),
            Self::Add { link } => format!("#add={}", utf8_percent_encode(link, KEPT_IN_FRAGMENT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_survives_its_own_fragment() {
        for route in [
            Route::List,
            Route::Torrent { info_hash: "0123456789abcdef0123456789abcdef01234567".to_owned() },
            Route::Add { link: "http://127.0.0.1:8000/a b#ü.torrent?x=1&y=%41".to_owned() },
        ] {
            assert_eq!(Route::parse(&route.fragment()), route);
        }
    }

    #[test]
    fn a_link_may_come_unescaped() {
        let link = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567".to_owned();
        assert_eq!(Route::parse(&format!("#add={link}")), Route::Add { link });
    }

    #[test]
    fn nonsense_leads_to_the_list() {
        for fragment in ["", "#", "#torrent=", "#torrent=xyz", "#torrent=../../etc", "#other=1", "#é"] {
            assert_eq!(Route::parse(fragment), Route::List, "{fragment}");
        }
    }
}
