//! What web seeds are asked, when, and what becomes of the answers.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    BlockRef, CloseReason, Config, Event, FetchFault, FetchKey, FetchRange, FetchRequest, Input, Metainfo,
    Output, PeerKey, PeerSource, PickReason, PieceIndex, VerifyOutcome, WebSeedConfig, WebSeedKind,
};

use crate::util::{Content, Net, Remote, Swarm, Web};

const PIECE: u32 = 65_536;
const MIRROR: &str = "http://mirror.example/pub/";

fn content(pieces: usize) -> Content {
    Content::new(pieces * PIECE as usize, PIECE).with_web_seeds(&[MIRROR])
}

fn leech(content: &Content) -> Remote {
    leech_with(Config::default(), content)
}

/// Requests are among the outputs of the start.
fn leech_with(config: Config, content: &Content) -> Remote {
    Remote::started(config, content, content.none())
}

fn small_runs(blocks: u32) -> Config {
    let web_seeds =
        WebSeedConfig { run_blocks_min: blocks, run_blocks_max: blocks, ..WebSeedConfig::default() };
    Config { web_seeds, random_first_pieces: 0, ..Config::default() }
}

fn take_fetches(remote: &mut Remote) -> Vec<FetchRequest> {
    let mut fetches = Vec::new();
    remote.outputs.retain(|output| match output {
        Output::Fetch(request) => {
            fetches.push(request.clone());
            false
        }
        _ => true,
    });
    fetches
}

fn take_fetch(remote: &mut Remote) -> FetchRequest {
    let [fetch] = <[FetchRequest; 1]>::try_from(take_fetches(remote)).unwrap();
    fetch
}

fn cancelled(remote: &Remote) -> Vec<FetchKey> {
    let key = |output: &Output| match output {
        Output::CancelFetch { fetch } => Some(*fetch),
        _ => None,
    };
    remote.outputs.iter().filter_map(key).collect()
}

/// The piece went to be hashed.
fn is_verified(remote: &Remote, piece: PieceIndex) -> bool {
    remote.outputs.iter().any(|output| matches!(output, Output::Verify { piece: one, .. } if *one == piece))
}

fn offset(request: &FetchRequest) -> u64 {
    match request.range {
        FetchRange::Bytes { offset } => offset,
        FetchRange::Body => panic!("a range was to be asked for"),
    }
}

fn send(remote: &mut Remote, fetch: FetchKey, len: u64) {
    remote.input(Input::Fetched { fetch, data: &vec![0; len as usize] });
}

fn fail(remote: &mut Remote, fetch: FetchKey, fault: FetchFault) {
    remote.input(Input::FetchFailed { fetch, fault });
}

fn status(code: u16) -> FetchFault {
    FetchFault::Status { code, retry_after_s: None }
}

fn left(remote: &Remote) -> Option<CloseReason> {
    remote.events().into_iter().find_map(|event| match event {
        Event::PeerLeft { reason, .. } => Some(reason),
        _ => None,
    })
}

/// A folder of files with these lengths; every second one is padding where `is_padded`.
fn folder(lens: &[u64], is_padded: bool) -> Content {
    let mut files = String::new();
    for (nth, len) in lens.iter().enumerate() {
        let attr = if is_padded && nth % 2 == 1 { "4:attr1:p" } else { "" };
        let name = nth.to_string();
        files += &format!("d{attr}6:lengthi{len}e4:pathl{}:{name}ee", name.len());
    }
    let total: u64 = lens.iter().sum();
    let hashes = "x".repeat(20 * total.div_ceil(u64::from(PIECE)) as usize);
    let info =
        format!("d5:filesl{files}e4:name3:a b12:piece lengthi{PIECE}e6:pieces{}:{hashes}e", hashes.len());
    let torrent = format!("d4:info{info}8:url-list{}:{MIRROR}e", MIRROR.len());
    let metainfo = Arc::new(Metainfo::parse(torrent.as_bytes()).unwrap());
    Content { metainfo, ..Content::opaque(1, PIECE) }
}

#[test]
fn one_request_brings_pieces_that_lie_in_a_row() {
    let content = content(40);
    let mut remote = leech(&content);
    let picks: Vec<_> =
        remote.events().into_iter().filter(|event| matches!(event, Event::Picked { .. })).collect();
    let fetch = take_fetch(&mut remote);
    assert_eq!(fetch.url, "http://mirror.example/pub/content");
    assert_eq!(offset(&fetch) % u64::from(PIECE), 0, "it begins with a piece");
    let to_end = content.metainfo.total_len() - offset(&fetch);
    assert_eq!(fetch.len, to_end.min(1 << 20), "1 MiB before anything is measured");
    assert_eq!(picks.len() as u64, fetch.len / 16_384);
    let Event::Picked { reason, .. } = picks[0] else { unreachable!() };
    assert_eq!(reason, PickReason::RandomFirst, "the first piece is any, then those behind it");
    assert_eq!(
        remote.engine.reason_counts().0[PickReason::WebSeedRun as usize],
        fetch.len / u64::from(PIECE) - 1
    );
}

#[test]
fn bytes_go_where_they_belong_however_they_are_cut() {
    let content = content(4);
    let mut remote = leech_with(small_runs(4), &content);
    let fetch = take_fetch(&mut remote);
    let piece = PieceIndex((offset(&fetch) / u64::from(PIECE)) as u32);
    let mut place = 0;
    let mut sent = 0;
    for len in [1, 20_000, 1, 16_384, 29_150] {
        send(&mut remote, fetch.fetch, len);
        sent += len;
        for output in std::mem::take(&mut remote.outputs) {
            if let Output::Store { block, from } = &output {
                assert_eq!((block.piece, block.begin, from.len()), (piece, place, block.len as usize));
                place += block.len;
            } else {
                remote.outputs.push(output);
            }
        }
        assert_eq!(u64::from(place), sent);
    }
    assert_eq!(sent, fetch.len);
    assert!(is_verified(&remote, piece));
    assert_eq!(take_fetches(&mut remote).len(), 1, "the next run is asked for at once");
}

#[test]
fn the_next_run_goes_on_where_the_last_one_ended() {
    let content = content(40);
    let mut remote = leech_with(small_runs(6), &content);
    let mut fetch = take_fetch(&mut remote);
    for _ in 0..3 {
        send(&mut remote, fetch.fetch, fetch.len);
        let next = take_fetch(&mut remote);
        let end = offset(&fetch) + fetch.len;
        assert!(offset(&next) == end || end == content.metainfo.total_len());
        fetch = next;
    }
}

#[test]
fn a_file_at_a_time_is_asked_for_and_padding_is_not() {
    // Blocks 0 and 3 of the only piece span two files each; the second and fourth file are padding.
    let content = folder(&[10_000, 6_384, 40_000, 9_152], true);
    let mut remote = leech(&content);
    let first = take_fetch(&mut remote);
    assert_eq!(first.url, "http://mirror.example/pub/a%20b/0");
    assert_eq!((offset(&first), first.len), (0, 10_000));
    send(&mut remote, first.fetch, first.len);
    let zeros = BlockRef { piece: PieceIndex(0), begin: 10_000, len: 6_384 };
    assert!(remote.outputs.contains(&Output::StoreZeros { block: zeros }));
    let second = take_fetch(&mut remote);
    assert_eq!(
        (second.url.as_str(), offset(&second), second.len),
        ("http://mirror.example/pub/a%20b/2", 0, 40_000)
    );
    send(&mut remote, second.fetch, second.len);
    assert!(is_verified(&remote, PieceIndex(0)));
}

#[test]
fn a_block_that_was_cut_through_is_fetched_with_its_beginning() {
    let content = folder(&[10_000, 55_536], false);
    let mut remote = leech(&content);
    let first = take_fetch(&mut remote);
    send(&mut remote, first.fetch, first.len);
    let second = take_fetch(&mut remote);
    assert!(second.url.ends_with("/1"));
    fail(&mut remote, second.fetch, FetchFault::Unreachable);
    remote.wait(31);
    let again = take_fetch(&mut remote);
    assert!(again.url.ends_with("/0"), "{again:?}");
}

#[test]
fn names_are_those_that_the_torrents_maker_gave() {
    let info = "d5:filesld6:lengthi1e4:pathl4:what5:why?xeee4:name3:a:b12:piece lengthi16384e6:pieces20:xxxxxxxxxxxxxxxxxxxxe";
    let torrent = format!("d4:info{info}8:url-listl22:http://mirror.example/ee");
    let metainfo = Arc::new(Metainfo::parse(torrent.as_bytes()).unwrap());
    assert_eq!(metainfo.files()[0].path[1], "why_x");
    let mut remote = leech(&Content { metainfo, ..Content::opaque(1, PIECE) });
    assert_eq!(take_fetch(&mut remote).url, "http://mirror.example/a%3Ab/what/why%3Fx");
}

#[test]
fn a_script_is_asked_by_piece_and_range_within_it() {
    let info = "d6:lengthi100000e4:name1:n12:piece lengthi65536e6:pieces40:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxe";
    let torrent = format!("d9:httpseedsl23:http://s.example/go?x=ye4:info{info}e");
    let metainfo = Arc::new(Metainfo::parse(torrent.as_bytes()).unwrap());
    assert_eq!(metainfo.web_seeds()[0].kind, WebSeedKind::Pieces);
    let hash: String = metainfo
        .info_hash()
        .0
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut remote = leech_with(small_runs(8), &Content { metainfo, ..Content::opaque(1, PIECE) });
    for _ in 0..2 {
        let fetch = take_fetch(&mut remote);
        assert_eq!(fetch.range, FetchRange::Body);
        let (piece, len) = if fetch.len == 65_536 { (0, 65_536) } else { (1, 34_464) };
        let expected = format!("http://s.example/go?x=y&info_hash={hash}&piece={piece}&ranges=0-{}", len - 1);
        assert_eq!((fetch.url, fetch.len), (expected, len));
        send(&mut remote, fetch.fetch, len);
    }
}

#[test]
fn wrong_data_discards_the_web_seed() {
    let content = content(4);
    let mut remote = leech_with(small_runs(4), &content);
    let fetch = take_fetch(&mut remote);
    send(&mut remote, fetch.fetch, fetch.len);
    let under_way = take_fetch(&mut remote);
    let piece = (offset(&fetch) / u64::from(PIECE)) as u32;
    remote.judge(VerifyOutcome::Mismatch);
    assert_eq!(left(&remote), Some(CloseReason::CorruptData { piece }));
    assert_eq!(cancelled(&remote), [under_way.fetch]);
    remote.wait(4000);
    assert_eq!(take_fetches(&mut remote), []);
    assert_eq!(remote.engine.peers(), []);
    assert!(remote.engine.web_seeds()[0].dropped.is_some());
}

#[test]
fn a_web_seed_and_a_peer_that_share_a_bad_piece_are_tried_one_at_a_time() {
    let content = content(4);
    let mut remote = leech_with(small_runs(2), &content);
    let fetch = take_fetch(&mut remote);
    let bad = PieceIndex((offset(&fetch) / u64::from(PIECE)) as u32);
    let peer = remote.join_with(1, &content.all());
    let asked = remote.take_requests(peer);
    for block in asked.iter().filter(|block| block.piece == bad) {
        remote.sends(peer, block);
    }
    send(&mut remote, fetch.fetch, fetch.len);
    remote.judge(VerifyOutcome::Mismatch);
    assert_eq!(left(&remote), None, "nothing is proved yet");
    // Whole pieces alone from now on: the next bad one proves it.
    for _ in 0..9 {
        for fetch in take_fetches(&mut remote) {
            send(&mut remote, fetch.fetch, fetch.len);
        }
        remote.judge(VerifyOutcome::Mismatch);
    }
    assert!(matches!(left(&remote), Some(CloseReason::CorruptData { .. })));
    assert_eq!(remote.close_reason(peer), None, "the peer is not blamed for it");
}

#[test]
fn a_server_without_ranges_is_dropped_and_its_blocks_are_asked_of_others() {
    let content = content(4);
    let mut remote = leech(&content);
    let fetch = take_fetch(&mut remote);
    let peer = remote.join_with(1, &content.all());
    fail(&mut remote, fetch.fetch, FetchFault::NoRanges);
    assert_eq!(left(&remote), Some(CloseReason::WebSeed(FetchFault::NoRanges)));
    assert!(!remote.take_requests(peer).is_empty());
}

#[test]
fn a_file_that_is_not_there_is_not_asked_for_again_and_others_are() {
    let content = folder(&[65_536, 65_536, 65_536], false);
    let mut remote = leech_with(small_runs(4), &content);
    let mut asked = Vec::new();
    for _ in 0..3 {
        let fetch = take_fetch(&mut remote);
        asked.push(fetch.url.clone());
        if fetch.url.ends_with("/1") {
            fail(&mut remote, fetch.fetch, status(404));
        } else {
            send(&mut remote, fetch.fetch, fetch.len);
        }
    }
    asked.sort();
    assert!(asked.array_windows().all(|[one, two]| one != two), "{asked:?}");
    remote.wait(4000);
    assert_eq!(take_fetches(&mut remote), []);
    assert_eq!(left(&remote), None);
}

#[test]
fn a_server_that_has_nothing_is_dropped() {
    let mut remote = leech(&content(4));
    let fetch = take_fetch(&mut remote);
    fail(&mut remote, fetch.fetch, status(404));
    assert_eq!(left(&remote), Some(CloseReason::WebSeed(status(404))));
}

#[test]
fn a_busy_server_is_asked_again_when_it_said() {
    let mut remote = leech(&content(4));
    let fetch = take_fetch(&mut remote);
    fail(&mut remote, fetch.fetch, FetchFault::Status { code: 503, retry_after_s: Some(45) });
    assert_eq!(remote.engine.peers(), [], "it is not shown among those in use");
    assert_eq!(remote.engine.web_seeds()[0].wait, Some(Duration::from_secs(45)));
    remote.wait(44);
    assert_eq!(take_fetches(&mut remote), []);
    remote.wait(1);
    assert_eq!(take_fetches(&mut remote).len(), 1);
}

#[test]
fn failures_in_a_row_double_the_wait_and_one_byte_ends_the_row() {
    let mut remote = leech(&content(4));
    let mut fetch = take_fetch(&mut remote);
    for wait in [30, 60, 120] {
        fail(&mut remote, fetch.fetch, status(500));
        remote.wait(wait - 1);
        assert_eq!(take_fetches(&mut remote), [], "{wait} s");
        remote.wait(1);
        fetch = take_fetch(&mut remote);
    }
    send(&mut remote, fetch.fetch, 1);
    fail(&mut remote, fetch.fetch, FetchFault::Cut { received: 1, expected: fetch.len });
    remote.wait(30);
    assert_eq!(take_fetches(&mut remote).len(), 1);
}

#[test]
fn what_came_before_a_cut_is_kept_and_the_rest_asked_of_others() {
    let content = content(1);
    let mut remote = leech(&content);
    let fetch = take_fetch(&mut remote);
    send(&mut remote, fetch.fetch, 40_000);
    fail(&mut remote, fetch.fetch, FetchFault::Cut { received: 40_000, expected: fetch.len });
    let peer = remote.join_with(1, &content.all());
    let asked: Vec<u32> = remote.take_requests(peer).iter().map(|block| block.begin / 16_384).collect();
    assert_eq!(asked, [2, 3], "two whole blocks are there");
}

#[test]
fn what_a_lone_web_seed_has_begun_is_not_thrown_away_for_what_is_wanted_first() {
    let content = content(10);
    let mut remote = leech_with(small_runs(2), &content);
    let first = take_fetch(&mut remote);
    send(&mut remote, first.fetch, first.len);
    let rest = take_fetch(&mut remote);
    fail(&mut remote, rest.fetch, FetchFault::Busy);
    let at = remote.now + Duration::from_secs(1000);
    remote.input(Input::Deadlines { pieces: &[(PieceIndex(7), at)] });
    remote.wait(60);
    assert_eq!(offset(&take_fetch(&mut remote)), 7 * u64::from(PIECE));
    assert!(!remote.outputs.iter().any(|output| matches!(output, Output::Discard { .. })));
}

#[test]
fn a_silent_request_is_given_up() {
    let content = content(4);
    let mut remote = leech(&content);
    let fetch = take_fetch(&mut remote);
    send(&mut remote, fetch.fetch, 1);
    remote.wait(29);
    assert_eq!(cancelled(&remote), []);
    remote.wait(1);
    assert_eq!(cancelled(&remote), [fetch.fetch]);
    send(&mut remote, fetch.fetch, 1);
    assert_eq!(remote.engine.summary().down_bytes, 1, "what comes of it later is ignored");
}

#[test]
fn blocks_that_a_peer_brings_first_are_not_waited_for() {
    let content = content(1);
    let mut remote = leech(&content);
    let fetch = take_fetch(&mut remote);
    let peer = remote.join_with(1, &content.all());
    // Everything is asked for already: the peer helps.
    while let asked @ [_, ..] = &remote.take_requests(peer)[..] {
        for block in asked {
            remote.sends(peer, block);
        }
    }
    assert_eq!(cancelled(&remote), [fetch.fetch]);
    assert!(is_verified(&remote, PieceIndex(0)));
}

#[test]
fn a_request_is_cancelled_when_only_what_a_peer_has_brought_is_still_to_come() {
    let content = content(1);
    let mut remote = leech(&content);
    let fetch = take_fetch(&mut remote);
    let peer = remote.join_with(1, &content.all());
    let asked = remote.take_requests(peer);
    let last = asked.iter().max_by_key(|block| block.begin).unwrap();
    remote.sends(peer, last);
    assert_eq!(cancelled(&remote), [], "blocks before it are still wanted");
    send(&mut remote, fetch.fetch, u64::from(last.begin));
    assert_eq!(cancelled(&remote), [fetch.fetch]);
    assert!(is_verified(&remote, PieceIndex(0)));
}

#[test]
fn a_peer_is_told_when_the_web_seed_was_first() {
    let content = content(1);
    let mut remote = leech(&content);
    let fetch = take_fetch(&mut remote);
    let peer = remote.join_with(1, &content.all());
    let asked = remote.take_requests(peer);
    send(&mut remote, fetch.fetch, fetch.len);
    let cancels = remote
        .take_messages(peer)
        .into_iter()
        .filter(|message| matches!(message, engine::Message::Cancel(_)));
    assert_eq!(cancels.count(), asked.len());
}

#[test]
fn a_pause_cancels_what_is_under_way_and_a_start_asks_anew() {
    let mut remote = leech(&content(4));
    let fetch = take_fetch(&mut remote);
    remote.input(Input::Pause);
    assert_eq!(cancelled(&remote), [fetch.fetch]);
    remote.input(Input::Start);
    assert_ne!(take_fetch(&mut remote).fetch, fetch.fetch);
}

#[test]
fn runs_are_no_longer_than_the_download_limit_allows() {
    let config = Config { download_rate_max: Some(100_000), ..Config::default() };
    let mut remote = leech_with(config, &content(40));
    let first = take_fetch(&mut remote);
    assert!(first.len <= 200_000, "two seconds' worth: {}", first.len);
    let mut asked = first.len;
    let mut fetch = Some(first);
    for _ in 0..20 {
        if let Some(fetch) = fetch.take() {
            send(&mut remote, fetch.fetch, fetch.len);
        }
        remote.wait(1);
        fetch = take_fetches(&mut remote).pop();
        asked += fetch.as_ref().map_or(0, |fetch| fetch.len);
    }
    assert!((1_900_000..2_250_000).contains(&asked), "{asked}");
}

#[test]
fn each_web_seed_has_one_request_and_all_together_have_few() {
    let urls: Vec<String> = (0..6).map(|nth| format!("http://mirror-{nth}.example/content")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let content = Content::new(200 * PIECE as usize, PIECE).with_web_seeds(&urls);
    let mut remote = leech(&content);
    let fetches = take_fetches(&mut remote);
    assert_eq!(fetches.len(), WebSeedConfig::default().fetches_max);
    let mut peers: Vec<PeerKey> = fetches.iter().map(|fetch| fetch.peer).collect();
    peers.dedup();
    assert_eq!(peers.len(), fetches.len());
    fail(&mut remote, fetches[0].fetch, status(500));
    assert_eq!(take_fetches(&mut remote).len(), 1, "the place is taken by the next");
}

#[test]
fn a_web_seed_is_shown_as_a_seed_that_never_chokes() {
    let mut remote = leech(&content(4));
    let peers = remote.engine.peers();
    let [peer] = &peers[..] else { panic!("{peers:?}") };
    assert_eq!((peer.source, peer.client.as_str()), (PeerSource::WebSeed, "mirror.example"));
    assert_eq!(peer.url.as_deref(), Some(MIRROR));
    assert!(!peer.peer_choking && peer.am_choking && peer.am_interested);
    assert_eq!((peer.pieces_have, peer.requests_out), (4, 16));
    assert_eq!(remote.engine.summary().peers, 0, "nobody is connected");
    let fetch = take_fetch(&mut remote);
    send(&mut remote, fetch.fetch, 1000);
    assert_eq!(remote.engine.peers()[0].down_bytes, 1000);
}

#[test]
fn web_seeds_that_are_found_later_are_used_and_known_ones_are_not_doubled() {
    let content = content(40);
    let mut remote = leech(&content);
    take_fetch(&mut remote);
    let urls = [MIRROR, "http://other.example/content", "ftp://other.example/content", ""].map(str::to_owned);
    remote.input(Input::WebSeedsFound { urls: &urls });
    let fetch = take_fetch(&mut remote);
    assert_eq!(fetch.url, "http://other.example/content");
    assert_eq!(remote.engine.web_seeds().len(), 2);
}

#[test]
fn a_torrent_with_nothing_but_a_web_seed_downloads_at_its_rate() {
    let mut swarm = Swarm::new(Net::default(), content(64));
    swarm.web = Web { rate: 1_000_000, ..Web::default() };
    let none = swarm.content.none();
    let node = swarm.add(Config::default(), none);
    assert!(swarm.run_until(Duration::from_secs(6), Swarm::all_complete));
    assert!(swarm.nodes[node].disk == *swarm.content.bytes);
    let requests = swarm.web.requests;
    assert!(requests <= 12, "64 pieces in {requests} requests");
}

#[test]
fn a_slow_web_seed_does_not_hold_up_those_who_have_peers() {
    let mut swarm = Swarm::new(Net { up_rate: Some(1_000_000), ..Net::default() }, content(64));
    swarm.web = Web { rate: 10_000, ..Web::default() };
    let (all, none) = (swarm.content.all(), swarm.content.none());
    let seed = swarm.add(Config::default(), all);
    let leech = swarm.add(Config::default(), none);
    swarm.introduce(leech, &[seed]);
    assert!(swarm.run_until(Duration::from_secs(12), Swarm::all_complete), "the peer alone takes 5 s");
    assert!(swarm.nodes[leech].disk == *swarm.content.bytes);
}

#[test]
fn a_web_seed_that_lies_fails_and_breaks_off_does_not_keep_a_swarm_from_its_content() {
    for (fault, corrupts, cut_after) in [
        (Some(status(500)), false, None),
        (None, true, None),
        (None, false, Some(100_000)),
        (None, false, Some(0)),
    ] {
        let mut swarm = Swarm::new(Net::default(), content(16));
        swarm.web = Web { rate: 500_000, fault, corrupts, cut_after, ..Web::default() };
        let (all, none) = (swarm.content.all(), swarm.content.none());
        let seed = swarm.add(Config::default(), all);
        let leech = swarm.add(Config::default(), none);
        swarm.introduce(leech, &[seed]);
        let is_done = swarm.run_until(Duration::from_secs(60), Swarm::all_complete);
        assert!(is_done, "{fault:?} {corrupts} {cut_after:?}: {:?}", swarm.nodes[leech].engine.summary());
        assert!(swarm.nodes[leech].disk == *swarm.content.bytes);
    }
}

/// Numbers below a bound, the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn any_fault(dice: &mut Dice, expected: u64) -> FetchFault {
    match dice.roll(8) {
        0 => FetchFault::Unreachable,
        1 => FetchFault::Busy,
        2 => FetchFault::Cut { received: dice.roll(expected), expected },
        3 => FetchFault::TimedOut { silent_s: 25 },
        4 => status(404),
        5 => FetchFault::Status { code: 503, retry_after_s: Some(dice.roll(100) as u32) },
        6 if dice.roll(20) == 0 => FetchFault::NoRanges,
        _ => status(500),
    }
}

#[test]
fn whatever_web_seeds_do_among_peers_no_invariant_breaks() {
    for seed in 1..=12 {
        let mut dice = Dice(seed * 0x9E37_79B9);
        let lens: Vec<u64> = (0..12).map(|_| dice.roll(90_000)).collect();
        let content =
            folder(&lens, seed % 2 == 0).with_web_seeds(&["http://two.example/", "http://three.example/"]);
        let limit = (seed % 3 == 0).then_some(200_000);
        let config = Config { download_rate_max: limit, ..small_runs(1 + dice.roll(20) as u32) };
        let mut remote = leech_with(config, &content);
        let mut under_way: Vec<FetchRequest> = Vec::new();
        let mut peers: Vec<PeerKey> = Vec::new();
        for _ in 0..400 {
            under_way.extend(take_fetches(&mut remote));
            peers.retain(|peer| remote.close_reason(*peer).is_none());
            match dice.roll(12) {
                0 if peers.len() < 3 => {
                    let last = 1 + dice.roll(200) as u8;
                    peers.push(remote.join_with(last, &content.all()));
                }
                1 | 2 if !peers.is_empty() => {
                    let peer = peers[dice.roll(peers.len() as u64) as usize];
                    for block in remote.take_requests(peer) {
                        remote.sends(peer, &block);
                    }
                }
                3 => remote.wait(1 + dice.roll(40)),
                4 => {
                    let is_right = dice.roll(4) > 0;
                    remote.judge(if is_right { VerifyOutcome::Stored } else { VerifyOutcome::Mismatch });
                }
                5 if dice.roll(8) == 0 => {
                    remote.input(Input::Pause);
                    remote.input(Input::Start);
                    peers.clear();
                }
                6 if !under_way.is_empty() => {
                    let at = dice.roll(under_way.len() as u64) as usize;
                    let request = under_way.swap_remove(at);
                    let fault = any_fault(&mut dice, request.len);
                    fail(&mut remote, request.fetch, fault);
                }
                _ if !under_way.is_empty() => {
                    let request = &under_way[dice.roll(under_way.len() as u64) as usize];
                    let (fetch, len) = (request.fetch, 1 + dice.roll(50_000));
                    send(&mut remote, fetch, len);
                }
                _ => remote.wait(1),
            }
        }
    }
}
