//! Which length to believe, what to ask of whom, and what comes of a whole.

use std::sync::Arc;
use std::time::Duration;

use super::MetadataFetch;
use super::peer::Asked;
use crate::ext::{Extension, MetadataMessage};
use crate::magnet::Verdict;
use crate::magnet::assembly::{Assembly, Blame};
use crate::{BanReason, CloseReason, Event, FlatMap, FlatSet, Message, PeerKey, order};

/// Lengths that are tried at the same time: one is right, and each of the others costs as much memory as it says.
const LENS_MAX: usize = 4;
/// Between closing the connections and handing out what was fetched. Who comes back sooner is taken for a second
/// connection of a peer that is there: Transmission lets go of closed ones every half second.
const REST: Duration = Duration::from_millis(750);

impl MetadataFetch {
    /// Asks all who can be asked for as much as each may owe.
    pub(super) fn ask_more(&mut self) {
        if !self.is_running {
            return;
        }
        self.choose_lens();
        self.begin_trials();
        let keys: Vec<PeerKey> = self.peers.keys().copied().collect();
        for key in keys {
            self.ask(key);
        }
    }

    fn ask(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key).filter(|peer| !peer.is_idle) else { return };
        let (Some(len), Some(id)) = (peer.offered_len(), peer.extensions.id(Extension::Metadata)) else {
            return;
        };
        let Some(assembly) = self.assemblies.get_mut(&len).filter(|assembly| assembly.may_ask(key)) else {
            return;
        };
        let mut wanted = Vec::new();
        while peer.asked.len() < self.config.metadata_requests_per_peer_max
            && let Some(piece) = assembly.choose(&peer.asked_of(len))
        {
            assembly.ask(piece);
            peer.asked.push(Asked { len, piece, at: self.now, is_active: true });
            peer.waits_since.get_or_insert(self.now);
            wanted.push(piece);
        }
        for piece in wanted {
            let payload = MetadataMessage::Request { piece }.encode();
            self.send(key, &Message::Extended { id, payload });
        }
    }

    /// Nobody waits for its answers from now on; they are used if they come.
    pub(super) fn stop_counting_on(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        for asked in peer.asked.iter_mut().filter(|asked| asked.is_active) {
            asked.is_active = false;
            if let Some(assembly) = self.assemblies.get_mut(&asked.len) {
                assembly.unask(asked.piece);
            }
        }
        self.assemblies.values_mut().for_each(|assembly| assembly.give_up_on(key));
    }

    /// The lengths that most peers claim are tried. One that is begun gives way only to one with more voices.
    fn choose_lens(&mut self) {
        let mut voices: FlatMap<u32, usize> = FlatMap::new();
        for len in self.peers.values().filter_map(|peer| peer.offered_len()) {
            *voices.get_or_insert_with(len, || 0) += 1;
        }
        let voices_of = |len: u32| voices.get(&len).copied().unwrap_or(0);
        let mut new: Vec<u32> =
            voices.keys().copied().filter(|len| !self.assemblies.contains_key(len)).collect();
        order::sort_by_key(&mut new, |&len| std::cmp::Reverse(voices_of(len)));
        for len in new {
            if self.assemblies.len() >= LENS_MAX {
                let weakest = self.assemblies.iter().min_by_key(|(len, assembly)| {
                    // Of two with as many voices, the one of which less is there.
                    (voices_of(**len), assembly.pieces_have())
                });
                let Some((&weakest, _)) =
                    weakest.filter(|(weakest, _)| voices_of(**weakest) < voices_of(len))
                else {
                    return;
                };
                self.give_up_len(weakest);
            }
            self.assemblies.insert(len, Assembly::new(len));
        }
    }

    fn give_up_len(&mut self, len: u32) {
        self.assemblies.remove(&len);
        let asked = self.peers.values_mut().flat_map(|peer| &mut peer.asked);
        asked.filter(|asked| asked.len == len).for_each(|asked| asked.is_active = false);
        self.forget_senders();
    }

    /// Where one peer at a time is to give everything, chooses the next.
    fn begin_trials(&mut self) {
        for (len, assembly) in self.assemblies.iter_mut().filter(|(_, assembly)| assembly.wants_trial()) {
            let able = self.peers.iter().filter(|(_, peer)| {
                // What it was asked before the trial would come as part of it.
                peer.offered_len() == Some(*len) && !peer.is_idle && peer.asked.is_empty()
            });
            if let Some(peer) = assembly.choose_for_trial(able.map(|(&key, _)| key)) {
                assembly.try_alone(peer);
            }
        }
    }

    /// A piece came: if it was the last, is the whole what the link names?
    pub(super) fn judge_if_whole(&mut self, len: u32) {
        let Some(info) = self.assemblies.get(&len).and_then(Assembly::whole) else { return };
        match self.magnet.judge(&info) {
            Verdict::Right => self.finish(len, info),
            Verdict::Wrong => self.handle_wrong(len),
            Verdict::HashesDisagree => {
                self.handle_pause();
                let message = "The magnet link has two info hashes that belong to different torrents. Look for \
                               another link to it.";
                self.outbox.event(Event::Failed { message: message.to_owned() });
            }
        }
    }

    fn finish(&mut self, len: u32, info: Vec<u8>) {
        let culprits = self.assemblies.get(&len).map(|assembly| assembly.culprits(&info)).unwrap_or_default();
        for culprit in culprits {
            self.ban(culprit);
        }
        self.is_running = false;
        self.is_done = true;
        self.close_all(&CloseReason::MetadataDone);
        self.assemblies.clear();
        self.senders.clear();
        self.fetched = Some((self.now + REST, Arc::from(info)));
    }

    fn handle_wrong(&mut self, len: u32) {
        let Some(assembly) = self.assemblies.get_mut(&len) else { return };
        let blame = assembly.reject();
        let suspects = match &blame {
            Blame::Proved(culprit) => vec![*culprit],
            Blame::Suspected(suspects) => suspects.clone(),
        };
        self.outbox.event(Event::MetadataFailed { suspects });
        if let Blame::Proved(culprit) = blame {
            self.ban(culprit);
        }
        self.forget_senders();
    }

    /// This peer sent what does not fit the hash: it is refused from now on.
    fn ban(&mut self, culprit: PeerKey) {
        let Some(&(addr, peer_id)) = self.senders.get(&culprit) else { return };
        let reason = BanReason::BadMetadata;
        self.bans.add(&self.config, self.now, addr, peer_id, reason);
        self.book.never(addr);
        self.outbox.event(Event::Banned { peer: culprit, addr, reason });
        let banned = |(_, peer): &(&PeerKey, &super::peer::Peer)| {
            self.bans.contains(self.now, peer.addr, peer.peer_id)
        };
        let keys: Vec<PeerKey> = self.peers.iter().filter(banned).map(|(&key, _)| key).collect();
        for key in keys {
            let reason = if key == culprit { CloseReason::BadMetadata } else { CloseReason::Banned };
            self.close(key, &reason);
        }
    }

    /// Only those are remembered that may still be to blame.
    fn forget_senders(&mut self) {
        let involved: FlatSet<PeerKey> = self.assemblies.values().flat_map(Assembly::involved).collect();
        self.senders.retain(|key, _| involved.contains(key));
    }
}
