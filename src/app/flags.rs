//! The letters for a peer's state, as Transmission writes them.

use crate::messages::PeerRow;

/// One letter and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag {
    /// The letter.
    pub(super) letter: char,
    /// One sentence for a person.
    pub(super) meaning: &'static str,
}

/// All letters, in the order in which they are shown.
pub(super) const FLAGS: [Flag; 8] = [
    Flag { letter: 'O', meaning: "It holds the optimistic slot: unchoked whatever it gives." },
    Flag { letter: 'D', meaning: "We download: it has what we want and lets us have it." },
    Flag { letter: 'd', meaning: "It has what we want, but chokes us." },
    Flag { letter: 'U', meaning: "We upload: it wants what we have, and we let it." },
    Flag { letter: 'u', meaning: "It wants what we have, but we choke it." },
    Flag { letter: 'K', meaning: "It lets us download, but has nothing that we want." },
    Flag { letter: '?', meaning: "We let it download, but it wants nothing of ours." },
    Flag { letter: 'I', meaning: "It connected to us." },
];

/// The letters that hold for this peer.
pub(super) fn of(peer: &PeerRow) -> impl Iterator<Item = Flag> {
    let holds = [
        peer.is_optimistic,
        peer.am_interested && !peer.peer_choking,
        peer.am_interested && peer.peer_choking,
        peer.peer_interested && !peer.am_choking,
        peer.peer_interested && peer.am_choking,
        !peer.am_interested && !peer.peer_choking,
        !peer.peer_interested && !peer.am_choking,
        peer.is_incoming,
    ];
    FLAGS.into_iter().zip(holds).filter_map(|(flag, holds)| holds.then_some(flag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::samples;

    fn letters(set: impl FnOnce(&mut PeerRow)) -> String {
        let mut peer = samples::peer(1);
        peer.am_choking = true;
        peer.peer_choking = true;
        set(&mut peer);
        of(&peer).map(|flag| flag.letter).collect()
    }

    #[test]
    fn a_new_connection_has_no_letter() {
        assert_eq!(letters(|_| {}), "");
    }

    #[test]
    fn interest_and_choke_together_choose_the_letter() {
        assert_eq!(letters(|peer| peer.am_interested = true), "d");
        assert_eq!(letters(|peer| (peer.am_interested, peer.peer_choking) = (true, false)), "D");
        assert_eq!(letters(|peer| peer.peer_choking = false), "K");
        assert_eq!(letters(|peer| peer.peer_interested = true), "u");
        assert_eq!(letters(|peer| (peer.peer_interested, peer.am_choking) = (true, false)), "U");
        assert_eq!(letters(|peer| peer.am_choking = false), "?");
    }

    #[test]
    fn letters_stand_in_the_order_of_the_legend() {
        let all = letters(|peer| {
            peer.is_optimistic = true;
            peer.am_interested = true;
            peer.peer_choking = false;
            peer.peer_interested = true;
            peer.am_choking = false;
            peer.is_incoming = true;
        });
        assert_eq!(all, "ODUI");
    }
}
