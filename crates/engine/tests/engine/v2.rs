//! Torrents of version 2 and hybrids (BEP 52), among engines and with peers that lie about hashes.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Bitfield, CloseReason, Config, Event, Handshake, HashRange, Input, Message, Metainfo, Output, PeerKey,
    PieceIndex, PieceState, Reserved, VerifyOutcome,
};

use crate::util::{Content, Net, REMOTE_ID, Remote, Swarm, Versions};

const KIB: u64 = 1024;
const PIECE_LEN: u32 = 32 * 1024;

/// Short pieces at the ends of files, files of one piece, an empty one, and one of 600 pieces: more than one request for
/// hashes names.
fn content(versions: Versions) -> Content {
    let lens = [3 * PIECE_LEN as u64 + 5, 700, 0, 600 * PIECE_LEN as u64 - 1, 20 * KIB];
    Content::v2(&lens, PIECE_LEN, versions)
}

/// A seed and a downloader; the downloader has this .torrent file.
fn pair(content: Content, of_downloader: Arc<Metainfo>) -> (Swarm, usize) {
    let net = Net { up_rate: None, is_checked: false, ..Net::default() };
    let mut swarm = Swarm::new(net, content);
    let seed = swarm.add(Config::default(), swarm.content.all());
    let none = swarm.content.none();
    let downloader = swarm.add_with(Config::default(), none, of_downloader);
    swarm.introduce(downloader, &[seed]);
    (swarm, downloader)
}

fn assert_downloads(mut swarm: Swarm, downloader: usize) -> Swarm {
    swarm.run_for(Duration::from_secs(60));
    let node = &swarm.nodes[downloader];
    assert!(node.engine.summary().is_complete, "{:?}", node.engine.summary());
    assert_eq!(node.disk.len(), swarm.content.bytes.len());
    for piece in (0..swarm.content.pieces()).map(PieceIndex) {
        let start = swarm.content.offset(piece);
        assert!(node.disk[start..].starts_with(swarm.content.piece(piece)), "{piece:?}");
    }
    node.engine.check_invariants();
    swarm
}

#[test]
fn version_2_alone_is_downloaded() {
    let content = content(Versions::V2);
    let metainfo = content.metainfo.clone();
    let (swarm, downloader) = pair(content, metainfo);
    let swarm = assert_downloads(swarm, downloader);
    let summary = swarm.nodes[downloader].engine.summary();
    assert_eq!(summary.down_bytes, summary.wanted_bytes, "no gap between files travels");
}

#[test]
fn a_hybrid_is_downloaded_without_its_padding() {
    let content = content(Versions::Hybrid);
    let metainfo = content.metainfo.clone();
    let (swarm, downloader) = pair(content, metainfo);
    let swarm = assert_downloads(swarm, downloader);
    let summary = swarm.nodes[downloader].engine.summary();
    assert_eq!(summary.down_bytes, swarm.content.metainfo.total_len());
}

#[test]
fn without_piece_layers_the_hashes_come_from_peers() {
    let content = content(Versions::V2);
    let bare = content.without_layers();
    assert!(!bare.piece_hashes(PieceIndex(0)).is_known());
    let (swarm, downloader) = pair(content, bare);
    let swarm = assert_downloads(swarm, downloader);
    assert_eq!(swarm.events(downloader).filter(|event| **event == Event::HashesComplete).count(), 1);
    let learned = swarm.nodes[downloader].engine.metainfo();
    let original = &swarm.content.metainfo;
    for piece in (0..original.pieces_total()).map(PieceIndex) {
        assert_eq!(learned.piece_hashes(piece), original.piece_hashes(piece), "{piece:?}");
    }
    assert_eq!(learned.info_hashes(), original.info_hashes());
}

#[test]
fn a_hybrid_is_announced_in_both_of_its_swarms() {
    let content = content(Versions::Hybrid);
    let hashes = content.metainfo.info_hashes();
    let mut swarm = Swarm::new(Net::default(), content);
    let node = swarm.add(Config::default(), swarm.content.none());
    swarm.run_for(Duration::from_secs(1));
    let announced: Vec<_> = swarm.nodes[node].announces.iter().map(|request| request.info_hash).collect();
    assert_eq!(announced, hashes.swarms().collect::<Vec<_>>());
    let keys: Vec<u32> = swarm.nodes[node].announces.iter().map(|request| request.tracker.0).collect();
    assert_eq!(keys, [0, 1], "answers are told apart");
}

/// An engine that has only the info dictionary, and what it asks of a peer that has everything.
fn asking(last: u8) -> (Remote, PeerKey) {
    let mut content = content(Versions::V2);
    content.metainfo = content.without_layers();
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let key = join(&mut remote, last);
    (remote, key)
}

fn join(remote: &mut Remote, last: u8) -> PeerKey {
    let key = remote.join(last);
    let all = remote.content.all();
    remote.says(key, &Message::Bitfield(all));
    key
}

fn take_hash_requests(remote: &mut Remote, key: PeerKey) -> Vec<HashRange> {
    let messages = remote.take_messages(key).into_iter();
    let ranges = messages.filter_map(|message| match message {
        Message::HashRequest(range) => Some(range),
        _ => None,
    });
    ranges.collect()
}

/// What a seed with the whole .torrent file answers.
fn right_answer(range: &HashRange) -> Message {
    let content = content(Versions::V2);
    let mut seed = Remote::new(Config::default(), &content, content.all());
    let key = seed.join(200);
    seed.take_messages(key);
    seed.says(key, &Message::HashRequest(*range));
    seed.take_messages(key).pop().unwrap()
}

#[test]
fn hashes_are_asked_for_in_the_order_of_the_content_with_their_proof() {
    let (mut remote, key) = asking(1);
    let ranges = take_hash_requests(&mut remote, key);
    // Four pieces, and 600 of them, which are 1024 with padding.
    let shape = |range: &HashRange| (range.base_layer, range.index, range.len, range.proof_layers);
    assert_eq!(
        ranges.iter().map(shape).collect::<Vec<_>>(),
        [(1, 0, 4, 1), (1, 0, 512, 9), (1, 512, 512, 9)]
    );
}

#[test]
fn who_sends_hashes_that_prove_nothing_is_banned_and_another_is_asked() {
    let (mut remote, liar) = asking(1);
    let range = take_hash_requests(&mut remote, liar)[0];
    let Message::Hashes { hashes, .. } = right_answer(&range) else { panic!("a seed answers") };
    for spoiled in
        [[&hashes[1..], &[0]].concat(), hashes[32..].to_vec(), [&hashes[..], &[0; 32]].concat(), vec![]]
    {
        let (mut remote, liar) = asking(1);
        let range = take_hash_requests(&mut remote, liar)[0];
        remote.says(liar, &Message::Hashes { range, hashes: spoiled });
        assert_eq!(remote.close_reason(liar), Some(CloseReason::WrongHashes));
        assert!(remote.events().iter().any(|event| matches!(event, Event::Banned { .. })));
        let other = join(&mut remote, 2);
        assert!(take_hash_requests(&mut remote, other).contains(&range), "another peer is asked");
    }
}

#[test]
fn hashes_that_nobody_asked_for_change_nothing() {
    let (mut remote, key) = asking(1);
    let range = take_hash_requests(&mut remote, key)[0];
    let other = HashRange { index: 7, ..range };
    remote.says(key, &Message::Hashes { range: other, hashes: vec![1; 64] });
    assert_eq!(remote.close_reason(key), None);
    remote.says(key, &Message::HashReject(other));
    assert_eq!(take_hash_requests(&mut remote, key), []);
}

#[test]
fn who_rejects_is_left_alone_for_a_while_and_others_are_asked_at_once() {
    let (mut remote, key) = asking(1);
    let ranges = take_hash_requests(&mut remote, key);
    for range in &ranges {
        remote.says(key, &Message::HashReject(*range));
    }
    let other = join(&mut remote, 2);
    assert_eq!(take_hash_requests(&mut remote, other), ranges);
    remote.says(other, &right_answer(&ranges[0]));
    assert!(remote.engine.metainfo().piece_hashes(PieceIndex(0)).v2.is_none(), "not all are there yet");
    ranges[1..].iter().for_each(|range| remote.says(other, &right_answer(range)));
    assert!(remote.engine.metainfo().piece_hashes(PieceIndex(0)).v2.is_some());
}

#[test]
fn who_does_not_answer_is_no_longer_waited_for() {
    let (mut remote, silent) = asking(1);
    let ranges = take_hash_requests(&mut remote, silent);
    let other = join(&mut remote, 2);
    assert_eq!(take_hash_requests(&mut remote, other), [], "one peer is enough");
    remote.wait(12);
    let again = [take_hash_requests(&mut remote, silent), take_hash_requests(&mut remote, other)].concat();
    assert!(ranges.iter().all(|range| again.contains(range)), "{again:?}");
    // What comes late is still of use.
    remote.says(silent, &right_answer(&ranges[0]));
    assert_eq!(remote.close_reason(silent), None);
}

#[test]
fn a_piece_waits_for_its_hash_and_too_many_stop_the_requests() {
    let (mut remote, key) = asking(1);
    let ranges = take_hash_requests(&mut remote, key);
    remote.says(key, &Message::Unchoke);
    // Everything is delivered, and no hash.
    for _ in 0..200 {
        for block in remote.take_requests(key) {
            let bytes = remote.content.block(&block).to_vec();
            remote.sends_bytes(key, &block, &bytes);
        }
    }
    let verified = |remote: &Remote| {
        remote.outputs.iter().filter(|output| matches!(output, Output::Verify { .. })).count()
    };
    // The two small files have their hash in the info dictionary.
    let known = verified(&remote);
    assert!(known <= 2, "{known} pieces were to be hashed against nothing");
    assert_eq!(remote.take_requests(key), [], "nothing more is asked for");
    let waiting = remote.engine.summary().pieces_total as usize;
    assert!(waiting > 16);
    ranges.iter().for_each(|range| remote.says(key, &right_answer(range)));
    assert!(verified(&remote) >= known + 16, "what waited is hashed now");
    assert_ne!(remote.take_requests(key), [], "and more is asked for");
}

/// How many answers are among what this peer was sent, and how many rejects.
fn take_answers(remote: &mut Remote, key: PeerKey) -> (u64, u64) {
    let messages = remote.take_messages(key);
    let count = |is_it: fn(&Message) -> bool| messages.iter().filter(|message| is_it(message)).count() as u64;
    (
        count(|message| matches!(message, Message::Hashes { .. })),
        count(|message| matches!(message, Message::HashReject(_))),
    )
}

#[test]
fn hashes_that_are_sent_count_towards_the_upload_limit() {
    const RATE: u64 = 20_000;
    let content = content(Versions::V2);
    let long = content.metainfo.files().iter().max_by_key(|file| file.len).unwrap();
    let root = long.pieces_root.unwrap();
    let range = HashRange { pieces_root: root, base_layer: 1, index: 0, len: 512, proof_layers: 9 };
    let answer_len = 512 * 32 + 32;
    let mut free = Remote::new(Config::default(), &content, content.all());
    let key = free.join(1);
    (0..50).for_each(|_| free.says(key, &Message::HashRequest(range)));
    assert_eq!(take_answers(&mut free, key), (50, 0), "without a limit nobody waits");

    let config = Config { upload_rate_max: Some(RATE), ..Config::default() };
    let mut remote = Remote::new(config, &content, content.all());
    let key = remote.join(1);
    (0..100).for_each(|_| remote.says(key, &Message::HashRequest(range)));
    let (at_once, rejected) = take_answers(&mut remote, key);
    assert!(at_once <= 2, "{at_once} answers at once");
    assert_eq!(at_once + rejected, 100 - 64, "as many as that wait");
    remote.wait(20);
    let (sent, rejected) = take_answers(&mut remote, key);
    assert_eq!(rejected, 0);
    // The test's clock ticks once a second, and the bucket holds a fifth of one: a little less than the limit allows.
    assert!(sent >= 15 && sent * answer_len <= 20 * RATE + answer_len, "{sent} answers in 20 seconds");
    let used = remote.engine.demands().upload;
    assert!(used.used_rate > 0 && used.is_held_back, "who divides a common limit sees it: {used:?}");
}

#[test]
fn a_request_for_hashes_is_answered_or_rejected() {
    let content = content(Versions::V2);
    let mut remote = Remote::new(Config::default(), &content, content.all());
    let key = remote.join(1);
    remote.take_messages(key);
    let root = content.metainfo.files()[0].pieces_root.unwrap();
    let range = HashRange { pieces_root: root, base_layer: 1, index: 0, len: 4, proof_layers: 1 };
    for (wrong, is_answered) in [
        (range, true),
        (HashRange { len: 2, proof_layers: 1, ..range }, true),
        (HashRange { pieces_root: [7; 32], ..range }, false),
        (HashRange { base_layer: 0, len: 2, ..range }, false),
        (HashRange { len: 1024, ..range }, false),
        (HashRange { len: 0, ..range }, false),
        (HashRange { index: u32::MAX, len: 512, base_layer: 31, proof_layers: u32::MAX, ..range }, false),
    ] {
        remote.says(key, &Message::HashRequest(wrong));
        let answer = remote.take_messages(key).pop().unwrap();
        assert_eq!(matches!(answer, Message::Hashes { .. }), is_answered, "{wrong:?}");
        assert!(is_answered || answer == Message::HashReject(wrong));
    }
}

#[test]
fn who_asks_for_hashes_on_and_on_without_reading_is_closed() {
    let content = content(Versions::V2);
    let config = Config { send_queue_bytes_max: 40_000, ..Config::default() };
    let mut remote = Remote::new(config, &content, content.all());
    let key = remote.join(1);
    let range = HashRange { pieces_root: [7; 32], base_layer: 1, index: 0, len: 4, proof_layers: 1 };
    let mut asks = Vec::new();
    Message::HashRequest(range).encode(&mut asks);
    let asks = asks.repeat(1000);
    (0..50).for_each(|_| remote.bytes(key, &asks));
    assert!(matches!(remote.close_reason(key), Some(CloseReason::TooManyRequests { .. })));
}

#[test]
fn a_web_seed_is_not_asked_for_more_while_many_pieces_wait_for_their_hash() {
    let mut content = content(Versions::V2);
    content.metainfo = content.without_layers();
    let mut remote = Remote::new(Config::default(), &content, content.none());
    remote.input(Input::WebSeedsFound { urls: &["http://mirror.example/".to_owned()] });
    for _ in 0..50 {
        for output in std::mem::take(&mut remote.outputs) {
            if let Output::Fetch(request) = output {
                let data = vec![0; request.len as usize];
                remote.input(Input::Fetched { fetch: request.fetch, data: &data });
            }
        }
        remote.wait(1);
    }
    let mut states = Vec::new();
    remote.engine.piece_states(&mut states);
    let waiting = states.iter().filter(|state| **state == PieceState::Checking as u8).count();
    assert!((16..100).contains(&waiting), "{waiting} pieces");
}

#[test]
fn a_hybrid_takes_peers_of_both_swarms_and_goes_over_to_version_2() {
    let content = content(Versions::Hybrid);
    let (v1, v2) = (content.metainfo.info_hash(), content.metainfo.info_hashes().v2().unwrap().truncated());
    let upgrade = Reserved::V2.0;
    for (theirs, reserved, ours) in [(v1, [0; 8], v1), (v1, upgrade, v2), (v2, [0; 8], v2), (v2, upgrade, v2)]
    {
        let mut remote = Remote::new(Config::default(), &content, content.none());
        let key = remote.accept(([10, 9, 0, 1], 50_000).into());
        remote.bytes(key, &Handshake { reserved, info_hash: theirs, peer_id: REMOTE_ID }.encode());
        let answer = remote.outputs.iter().find_map(|output| match output {
            Output::Send { bytes, .. } => Handshake::parse(bytes.first_chunk()?).ok(),
            _ => None,
        });
        let answer = answer.unwrap();
        assert_eq!(answer.info_hash, ours);
        assert!(Reserved(answer.reserved).has(Reserved::V2), "it says that it could");
    }
}

#[test]
fn a_torrent_of_version_1_does_not_offer_version_2() {
    let content = Content::new(100_000, PIECE_LEN);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let key = remote.join_offering(1, Reserved::V2);
    let Some(Output::Send { bytes, .. }) =
        remote.outputs.iter().find(|out| matches!(out, Output::Send { .. }))
    else {
        panic!("no answer")
    };
    let ours = Handshake::parse(bytes.first_chunk().unwrap()).unwrap();
    assert!(!Reserved(ours.reserved).has(Reserved::V2));
    remote.says(key, &Message::Bitfield(Bitfield::all(content.pieces())));
    assert_eq!(take_hash_requests(&mut remote, key), []);
}

#[test]
fn a_torrent_that_contradicts_itself_stops_and_nobody_is_blamed() {
    let content = content(Versions::Hybrid);
    let mut remote = Remote::new(Config::default(), &content, content.none());
    let key = remote.join_with(1, &content.all());
    remote.answers_all(key, VerifyOutcome::Inconsistent);
    let events = remote.events();
    let message = events.iter().find_map(|event| match event {
        Event::Failed { message } => Some(message),
        _ => None,
    });
    assert!(message.unwrap().contains("contradicts itself"));
    assert!(!events.iter().any(|event| matches!(event, Event::Banned { .. } | Event::PieceFailed { .. })));
    assert!(!remote.engine.summary().is_running);
    remote.input(Input::Start);
}
