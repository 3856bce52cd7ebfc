//! How what can happen to an engine is done.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{
    AnnounceAnswer, Bitfield, BlockRef, BlockRun, ExtendedHandshake, Extension, FetchFault, FilePriority,
    Goals, HashRange, History, Input, Limits, Message, MetadataMessage, PartialPieces, PeerKey, PeerSource,
    PexFlags, PexMessage, PickOrder, PieceIndex, ScrapeAnswer, Share, Strategy, VerifyOutcome,
};

use super::story::{Block, Offers, Range, Say, Step};
use super::{World, addr};

impl World {
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Start => self.input(Input::Start),
            Step::Pause => self.input(Input::Pause),
            Step::Join { last, offers } => self.join(last, offers.bits()),
            Step::Dialed { answers, last, offers } => self.dialed(answers, last, &offers),
            Step::Says { peer, what } => {
                if let Some(key) = self.peer(peer) {
                    self.say(key, what);
                }
            }
            Step::Answers { peer, count, from_the_end } => self.answers(peer, count, from_the_end),
            Step::SendsBlock { peer, block } => {
                if let Some(key) = self.peer(peer) {
                    let block = self.block(block);
                    self.sends(key, block);
                }
            }
            Step::SendsBytes { peer, bytes } => {
                if let Some(key) = self.peer(peer) {
                    self.bytes(key, &bytes);
                }
            }
            Step::Leaves { peer } => {
                if let Some(key) = self.peer(peer) {
                    self.peers.retain(|known| known.key != key);
                    self.input(Input::Closed { peer: key });
                }
            }
            Step::Sent { peer, bytes } => {
                if let Some(key) = self.peer(peer) {
                    self.input(Input::Sent { peer: key, bytes: bytes.into() });
                }
            }
            Step::Verified { outcome } => self.verified(outcome),
            Step::Waits { seconds } => self.wait(Duration::from_secs(u64::from(seconds % 64) + 1)),
            Step::WaitsLong { minutes } => self.wait(Duration::from_secs(60 * (u64::from(minutes) + 1))),
            Step::Found { .. }
            | Step::Announced { .. }
            | Step::Scraped { .. }
            | Step::WebSeeds { .. }
            | Step::Fetched { .. }
            | Step::FetchFails { .. } => self.network_answers(step),
            other => self.user_does(other),
        }
    }

    fn network_answers(&mut self, step: Step) {
        match step {
            Step::Found { last, count, source } => {
                let addrs = addrs(last, count);
                let sources = [PeerSource::Tracker, PeerSource::User, PeerSource::Magnet, PeerSource::Dht];
                let source = sources[usize::from(source) % sources.len()];
                self.input(Input::PeersFound { source, addrs: &addrs });
            }
            Step::Announced { is_answer, interval_s, peers } => {
                let Some(tracker) = self.announces.pop() else { return };
                let interval = Duration::from_secs(interval_s.into());
                let answer =
                    AnnounceAnswer { interval, peers: addrs(peers, peers), ..AnnounceAnswer::default() };
                let result = if is_answer { Ok(answer) } else { Err("no".into()) };
                self.input(Input::Announced { tracker, result });
            }
            Step::Scraped { is_answer } => {
                let Some(tracker) = self.scrapes.pop() else { return };
                let answer = ScrapeAnswer { complete: 1, downloaded: 2, incomplete: u32::MAX };
                let result = if is_answer { Ok(answer) } else { Err("no".into()) };
                self.input(Input::Scraped { tracker, result });
            }
            Step::WebSeeds { first, count } => {
                let url = |at: u8| format!("http://web{}.example/", first.wrapping_add(at));
                let urls: Vec<_> = (0..count % 8).map(url).collect();
                self.input(Input::WebSeedsFound { urls: &urls });
            }
            Step::Fetched { fetch, len } => self.fetched(fetch, len),
            Step::FetchFails { fetch, fault, secs } => {
                if let Some(at) = usize::from(fetch).checked_rem(self.fetches.len()) {
                    let fetch = self.fetches.remove(at).0;
                    self.input(Input::FetchFailed { fetch, fault: self::fault(fault, secs) });
                }
            }
            _ => {}
        }
    }

    /// A web seed sends some of what it was asked for, never more.
    fn fetched(&mut self, fetch: u8, len: u16) {
        static BYTES: [u8; 1 << 16] = [0; 1 << 16];
        let Some(at) = usize::from(fetch).checked_rem(self.fetches.len()) else { return };
        let (key, left) = self.fetches[at];
        let len = left.min(u64::from(len) + 1);
        if len == left {
            self.fetches.remove(at);
        } else {
            self.fetches[at].1 -= len;
        }
        self.input(Input::Fetched { fetch: key, data: &BYTES[..len as usize] });
    }

    fn user_does(&mut self, step: Step) {
        let rate = |rate: Option<u32>| rate.map(u64::from);
        match step {
            Step::Priorities(files) => {
                use FilePriority::{High, Low, Normal, Skip};
                let files: Vec<_> =
                    files.iter().map(|n| [Skip, Low, Normal, High][usize::from(n % 4)]).collect();
                self.input(Input::FilePriorities { files: &files });
            }
            Step::Order { is_sequential } => {
                let order = if is_sequential { PickOrder::Sequential } else { PickOrder::RarestFirst };
                self.input(Input::PickOrder { order });
            }
            Step::Deadlines(pieces) => {
                let due = |&(piece, ms): &(u8, u16)| {
                    (PieceIndex(piece.into()), self.now + Duration::from_millis(ms.into()))
                };
                let pieces: Vec<_> = pieces.iter().map(due).collect();
                self.input(Input::Deadlines { pieces: &pieces });
            }
            Step::Strategy(number) => {
                let strategy = Strategy::ALL[usize::from(number) % Strategy::ALL.len()];
                self.input(Input::SetStrategy(strategy));
            }
            Step::Limits { up, down, peers_max, slots } => self.input(Input::SetLimits(Limits {
                upload_rate_max: rate(up),
                download_rate_max: rate(down),
                peers_max: usize::from(peers_max % 16),
                unchoke_slots: usize::from(slots % 8),
            })),
            Step::Share { up, down } => {
                let share = Share { upload_rate_max: rate(up), download_rate_max: rate(down) };
                self.input(Input::SetShare(share));
            }
            Step::Goals { ratio, seconds } => self.input(Input::SetGoals(Goals {
                ratio_permille: ratio.map(u32::from),
                seeding_time: seconds.map(|seconds| Duration::from_secs(seconds.into())),
            })),
            Step::Restored { runs, uploaded } => {
                let mut partial = PartialPieces::new();
                for (piece, first, count) in runs {
                    let (first, count) = (first.into(), u32::from(count % 8));
                    partial.insert(BlockRun { piece: PieceIndex(piece.into()), first, count });
                }
                let history = History { uploaded: uploaded.into(), ..History::default() };
                self.input(Input::Restored { partial: &partial, history });
            }
            Step::StorageFails => self.input(Input::StorageFailed { message: "full".into() }),
            Step::Unban { last } => self.input(Input::Unban { ip: addr(last).ip() }),
            Step::SuperSeed(is_on) => self.input(Input::SetSuperSeed(is_on)),
            Step::Listening { port } => self.input(Input::Listening { port }),
            _ => {}
        }
    }

    fn dialed(&mut self, answers: bool, last: u8, offers: &Offers) {
        let Some(key) = self.dialing.pop() else { return };
        if answers {
            self.peers.push(super::Peer { key, asked: Vec::new() });
            self.input(Input::Connected { peer: key });
            self.shake_hands(key, last, offers.bits());
        } else {
            self.input(Input::Closed { peer: key });
        }
    }

    fn answers(&mut self, peer: u8, count: u8, from_the_end: bool) {
        let Some(key) = self.peer(peer) else { return };
        for _ in 0..count % 16 {
            let Some(peer) = self.peers.iter_mut().find(|peer| peer.key == key) else { return };
            if peer.asked.is_empty() {
                return;
            }
            let at = if from_the_end { peer.asked.len() - 1 } else { 0 };
            let block = peer.asked.remove(at);
            self.sends(key, block);
        }
    }

    fn verified(&mut self, outcome: u8) {
        let Some(piece) = self.unverified.pop() else { return };
        let outcome = match outcome {
            0..=160 => VerifyOutcome::Stored,
            161..=254 => VerifyOutcome::Mismatch,
            255 => VerifyOutcome::Inconsistent,
        };
        self.input(Input::Verified { piece, outcome });
    }

    fn say(&mut self, key: PeerKey, what: Say) {
        let piece = |piece: u8| PieceIndex(u32::from(piece) % self.engine.metainfo().pieces_total());
        let extended =
            |extension: Extension, payload| Message::Extended { id: extension.local_id(), payload };
        let message = match what {
            Say::KeepAlive => Message::KeepAlive,
            Say::Choke => Message::Choke,
            Say::Unchoke => Message::Unchoke,
            Say::Interested => Message::Interested,
            Say::NotInterested => Message::NotInterested,
            Say::Have(number) => Message::Have(piece(number)),
            Say::Bitfield(bits) => {
                let mut field = Bitfield::none(self.engine.metainfo().pieces_total());
                (0..16).filter(|bit| bits >> bit & 1 == 1).for_each(|bit| {
                    field.insert(piece(bit));
                });
                Message::Bitfield(field)
            }
            Say::HaveAll => Message::HaveAll,
            Say::HaveNone => Message::HaveNone,
            Say::Request(block) => Message::Request(self.block(block)),
            Say::Cancel(block) => Message::Cancel(self.block(block)),
            Say::Reject(block) => Message::Reject(self.block(block)),
            Say::RejectsAsked => {
                let peer = self.peers.iter_mut().find(|peer| peer.key == key);
                let Some(block) = peer.and_then(|peer| peer.asked.pop()) else { return };
                Message::Reject(block)
            }
            Say::Suggest(number) => Message::Suggest(piece(number)),
            Say::AllowedFast(number) => Message::AllowedFast(piece(number)),
            Say::Introduction { ids, requests_max, metadata_len, upload_only } => {
                let payload = ExtendedHandshake {
                    ids,
                    requests_max: requests_max.map(u32::from),
                    metadata_len: metadata_len.map(u32::from),
                    is_upload_only: upload_only,
                    ..ExtendedHandshake::default()
                };
                Message::Extended { id: 0, payload: payload.encode() }
            }
            Say::Peers { added, dropped } => {
                let added = added.into_iter().map(|last| (addr(last), PexFlags(last))).collect();
                let dropped = dropped.into_iter().map(addr).collect();
                extended(Extension::Pex, PexMessage { added, dropped }.encode())
            }
            Say::DontHave(number) => extended(Extension::DontHave, piece(number).0.to_be_bytes().to_vec()),
            Say::UploadOnly(flag) => extended(Extension::UploadOnly, vec![flag]),
            Say::MetadataRequest(piece) => {
                extended(Extension::Metadata, MetadataMessage::Request { piece: piece.into() }.encode())
            }
            Say::MetadataData(piece, bytes) => {
                let data = MetadataMessage::Data { piece: piece.into(), total_len: Some(300), bytes: &bytes };
                extended(Extension::Metadata, data.encode())
            }
            Say::MetadataReject(piece) => {
                extended(Extension::Metadata, MetadataMessage::Reject { piece: piece.into() }.encode())
            }
            Say::Extended { id, payload } => Message::Extended { id, payload },
            Say::HashRequest(range) => Message::HashRequest(self.range(&range)),
            Say::Hashes(range, count) => {
                Message::Hashes { range: self.range(&range), hashes: vec![7; 32 * usize::from(count)] }
            }
            Say::HashReject(range) => Message::HashReject(self.range(&range)),
        };
        self.says(key, &message);
    }

    fn peer(&self, number: u8) -> Option<PeerKey> {
        let at = usize::from(number).checked_rem(self.peers.len())?;
        Some(self.peers[at].key)
    }

    /// Mostly a block of the torrent.
    fn block(&self, block: Block) -> BlockRef {
        let metainfo = self.engine.metainfo();
        let piece = PieceIndex(u32::from(block.piece) % metainfo.pieces_total());
        let blocks = metainfo.piece_len() / engine::BLOCK_LEN;
        let begin = u32::from(block.number) % blocks * engine::BLOCK_LEN;
        let len = metainfo.piece_size(piece).saturating_sub(begin).clamp(1, engine::BLOCK_LEN);
        BlockRef { piece, begin, len: block.odd_len.map_or(len, |len| u32::from(len).max(1)) }
    }

    /// Mostly of one of the torrent's trees.
    fn range(&self, range: &Range) -> HashRange {
        let roots: Vec<[u8; 32]> =
            self.engine.metainfo().files().iter().filter_map(|file| file.pieces_root).collect();
        HashRange {
            pieces_root: roots.get(usize::from(range.root)).copied().unwrap_or([range.root; 32]),
            base_layer: range.base_layer.into(),
            index: range.index.into(),
            len: 1_u32.checked_shl(range.len_log.into()).unwrap_or(u32::from(range.len_log)),
            proof_layers: range.proof_layers.into(),
        }
    }
}

fn addrs(first: u8, count: u8) -> Vec<SocketAddr> {
    (0..count % 32).map(|at| addr(first.wrapping_add(at))).collect()
}

fn fault(number: u8, secs: Option<u16>) -> FetchFault {
    let secs = secs.map(u32::from);
    match number % 10 {
        0 => FetchFault::Unreachable,
        1 => FetchFault::NotAllowed,
        2 => FetchFault::Busy,
        3 => FetchFault::NoRanges,
        4 => FetchFault::WrongRange { start: number.into(), len: 1 },
        5 => FetchFault::WebPage,
        6 => FetchFault::Cut { received: 0, expected: 1 },
        7 => FetchFault::Moved { redirects: 5 },
        8 => FetchFault::TimedOut { silent_s: secs.unwrap_or(30) },
        _ => FetchFault::Status {
            code: [404, 410, 429, 500, 503][usize::from(number) / 10 % 5],
            retry_after_s: secs,
        },
    }
}
