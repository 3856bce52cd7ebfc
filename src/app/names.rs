//! What peers are called in the log: by their client, even after they left.

use std::collections::BTreeMap;

use super::format;
use super::log_book::Entry;
use crate::messages::PeerRow;

/// Names kept. Keys of connections count up, so that the lowest belongs to the oldest.
const NAMES_MAX: usize = 500;

/// Names by the key of the connection.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Names(BTreeMap<u32, Name>);

#[derive(Clone, Debug, PartialEq)]
struct Name {
    addr: String,
    client: String,
}

impl Names {
    /// Whether these peers bring something new: a connection, or the client behind one.
    pub(super) fn would_learn(&self, peers: &[PeerRow]) -> bool {
        peers.iter().any(|peer| self.0.get(&peer.key).is_none_or(|name| name.client != peer.client))
    }

    /// Takes over what is new.
    pub(super) fn learn(&mut self, peers: &[PeerRow]) {
        for peer in peers {
            self.0.insert(peer.key, Name { addr: peer.addr.clone(), client: peer.client.clone() });
        }
        while self.0.len() > NAMES_MAX {
            self.0.pop_first();
        }
    }

    /// A line of the log in words. Picks in short, since they come by the thousand and their reason stands beside
    /// them.
    pub(super) fn words(&self, entry: &Entry) -> String {
        let line = &entry.line;
        let Some(name) = line.peer.and_then(|peer| self.0.get(&peer)) else {
            return line.text.clone();
        };
        match (line.kind.as_str(), line.piece) {
            ("pick", Some(piece)) => {
                let blocks = format::plural(entry.times.into(), "block", "blocks");
                format!("{blocks} of piece {piece} from {}", name.in_words())
            }
            _ => line.text.replace(&name.addr, &name.in_words()),
        }
    }
}

impl Name {
    /// Client and host; the address where the client is unknown; of a web seed its host.
    fn in_words(&self) -> String {
        if self.addr.contains("://") {
            return format!("{} (web seed)", self.client);
        }
        let host = self.addr.rsplit_once(':').map_or(self.addr.as_str(), |(host, _port)| host);
        if self.client.is_empty() { self.addr.clone() } else { format!("{} ({host})", self.client) }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::app::samples::{log_line, peer};
    use crate::messages::LogLine;

    fn known() -> Names {
        let mut names = Names::default();
        names.learn(&[PeerRow { client: "Transmission 3.00".to_owned(), ..peer(2) }, peer(4)]);
        names
    }

    fn words(line: LogLine, times: u32) -> String {
        known().words(&Entry { line: Rc::new(line), times }).replace('\u{a0}', " ")
    }

    #[test]
    fn peers_are_called_by_their_client_and_host() {
        let pick = LogLine { peer: Some(2), piece: Some(7), ..log_line(1, "pick") };
        assert_eq!(words(pick, 16), "16 blocks of piece 7 from Transmission 3.00 (127.77.0.2)");
        let choke =
            LogLine { peer: Some(2), text: "127.77.0.2:6881: Choked.".to_owned(), ..log_line(1, "choke") };
        assert_eq!(words(choke, 1), "Transmission 3.00 (127.77.0.2): Choked.");
    }

    #[test]
    fn an_unknown_client_is_called_by_its_address_and_an_unknown_peer_as_the_engine_does() {
        let unknown = LogLine { peer: Some(4), piece: Some(7), ..log_line(1, "pick") };
        assert_eq!(words(unknown, 1), "1 block of piece 7 from 127.77.0.4:6881");
        let gone =
            LogLine { peer: Some(6), text: "127.77.0.6:6881 is gone.".to_owned(), ..log_line(1, "left") };
        assert_eq!(words(gone, 1), "127.77.0.6:6881 is gone.");
    }

    #[test]
    fn only_a_new_connection_or_client_is_news() {
        let mut names = known();
        assert!(!names.would_learn(&[peer(4)]));
        assert!(names.would_learn(&[peer(5)]));
        let named = [PeerRow { client: "aria2".to_owned(), ..peer(4) }];
        assert!(names.would_learn(&named));
        names.learn(&named);
        assert!(!names.would_learn(&named));
    }

    #[test]
    fn the_oldest_names_are_forgotten() {
        let mut names = known();
        let many: Vec<PeerRow> = (10..10 + NAMES_MAX as u32).map(peer).collect();
        names.learn(&many);
        assert_eq!(names.0.len(), NAMES_MAX);
        assert!(names.would_learn(&[peer(4)]));
    }
}
