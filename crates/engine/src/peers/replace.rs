//! Who makes room when all places for peers are taken and others wait: the policy, as functions of pictures.
//!
//! A peer that has been of no use for minutes is closed for one that may be of use. Somebody who comes to us when nobody
//! is useless may still take the place of a peer with which nothing is traded, if its canonical priority is higher
//! (BEP 40): so the swarm's connections become a random graph, and not a clique of those who came first.

use std::time::Duration;

use crate::{Config, PeerKey, UselessReason};

/// What decides whether a peer is of use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// We have everything.
    pub(crate) is_seeding: bool,
    pub(crate) am_interested: bool,
    pub(crate) peer_interested: bool,
    pub(crate) am_choking: bool,
    pub(crate) is_snubbed: bool,
    /// Payload went over it of late, in either direction.
    pub(crate) is_trading: bool,
}

/// Why a peer is of no use just now; `None` if it is, or may soon be.
///
/// Who keeps us waiting for an unchoke is no loss: it may unchoke us at its next round. Whom we choke is none either.
pub(crate) fn useless(look: &Look) -> Option<UselessReason> {
    if look.is_trading {
        None
    } else if look.is_seeding {
        match (look.peer_interested, look.am_choking) {
            (false, _) => Some(UselessReason::WantsNothing),
            (true, false) => Some(UselessReason::TakesNothing),
            (true, true) => None,
        }
    } else if !look.am_interested && !look.peer_interested {
        Some(UselessReason::NothingToTrade)
    } else if look.is_snubbed {
        Some(UselessReason::DeliversNothing)
    } else {
        None
    }
}

/// A connection, as the choice of who goes sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    pub(crate) peer: PeerKey,
    /// Why it is useless and for how long it has been, without a break.
    pub(crate) useless: Option<(UselessReason, Duration)>,
    pub(crate) is_trading: bool,
    pub(crate) connected_for: Duration,
    /// Its canonical priority, if our own address is known.
    pub(crate) priority: Option<u32>,
}

/// The peer that has been useless longest, if that is long enough.
pub(crate) fn longest_useless(
    config: &Config,
    pictures: &[Picture],
) -> Option<(PeerKey, UselessReason, Duration)> {
    let useless = pictures.iter().filter_map(|it| it.useless.map(|(why, span)| (it.peer, why, span)));
    let long = useless.filter(|(_, _, span)| *span >= config.useless_after);
    // Of several, the one with the lowest key.
    long.reduce(|longest, other| if other.2 > longest.2 { other } else { longest })
}

/// The peer that a newcomer of this priority replaces: the one of the lowest, if that is lower, among those with which
/// nothing is traded and which have had their chance.
pub(crate) fn outranked(config: &Config, newcomer: u32, pictures: &[Picture]) -> Option<PeerKey> {
    let idle = pictures.iter().filter(|it| !it.is_trading && it.connected_for >= config.useless_after);
    let ranked = idle.filter_map(|it| it.priority.map(|priority| (priority, it.peer)));
    ranked.min().filter(|(priority, _)| *priority < newcomer).map(|(_, peer)| peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use UselessReason::{DeliversNothing, NothingToTrade, TakesNothing, WantsNothing};

    /// A peer as a word: `I` we are interested, `i` it is, `c` we choke it, `s` it is snubbed, `t` payload goes.
    fn look(is_seeding: bool, word: &str) -> Option<UselessReason> {
        let has = |letter| word.contains(letter);
        useless(&Look {
            is_seeding,
            am_interested: has('I'),
            peer_interested: has('i'),
            am_choking: has('c'),
            is_snubbed: has('s'),
            is_trading: has('t'),
        })
    }

    #[test]
    fn a_downloader_has_no_use_for_who_wants_nothing_and_has_nothing_and_for_who_delivers_nothing() {
        for (word, expected) in [
            ("c", Some(NothingToTrade)),
            ("ct", None),
            ("ci", None),
            ("cI", None),
            ("cIs", Some(DeliversNothing)),
            ("cIst", None),
            ("iIs", Some(DeliversNothing)),
        ] {
            assert_eq!(look(false, word), expected, "{word}");
        }
    }

    #[test]
    fn a_seed_has_no_use_for_who_wants_nothing_and_for_who_takes_nothing() {
        for (word, expected) in [
            ("c", Some(WantsNothing)),
            ("", Some(WantsNothing)),
            ("ic", None),
            ("i", Some(TakesNothing)),
            ("it", None),
        ] {
            assert_eq!(look(true, word), expected, "{word}");
        }
    }

    /// Peers in a row: minutes of uselessness (`-`: useful, `t`: trading), then `/` and a canonical priority.
    fn pictures(row: &str) -> Vec<Picture> {
        let picture = |(key, word): (u32, &str)| {
            let (useless, priority) = word.split_once('/').unwrap_or((word, ""));
            let span = |minutes: u64| (NothingToTrade, Duration::from_secs(60 * minutes));
            Picture {
                peer: PeerKey(key),
                useless: useless.parse().ok().map(span),
                is_trading: useless == "t",
                connected_for: Duration::from_secs(3600),
                priority: priority.parse().ok(),
            }
        };
        (0..).zip(row.split_whitespace()).map(picture).collect()
    }

    fn check_longest(row: &str, expected: Option<u32>) {
        let chosen = longest_useless(&Config::default(), &pictures(row));
        assert_eq!(chosen.map(|(peer, ..)| peer.0), expected, "{row}");
    }

    #[test]
    fn who_has_been_useless_longest_goes_but_only_after_minutes() {
        check_longest("- t 1 1", None);
        check_longest("- 2 9 t", Some(2));
        check_longest("3 - 3", Some(0));
        check_longest("", None);
    }

    fn check_outranked(newcomer: u32, row: &str, expected: Option<u32>) {
        let chosen = outranked(&Config::default(), newcomer, &pictures(row));
        assert_eq!(chosen.map(|peer| peer.0), expected, "{row}");
    }

    #[test]
    fn a_newcomer_outranks_the_idle_peer_of_the_lowest_priority() {
        check_outranked(50, "-/40 -/30 t/10", Some(1));
        check_outranked(30, "-/40 -/30 t/10", None);
        check_outranked(50, "- - -", None);
        check_outranked(50, "", None);
    }

    #[test]
    fn nobody_is_outranked_who_has_just_come() {
        let mut row = pictures("-/40");
        row[0].connected_for = Duration::from_secs(10);
        assert_eq!(outranked(&Config::default(), 50, &row), None);
    }
}
