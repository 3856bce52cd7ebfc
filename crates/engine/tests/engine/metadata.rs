//! Fetching the info dictionary of a magnet link (BEP 9), from peers that are of every kind.

use std::net::SocketAddr;

use engine::{
    AnnounceAnswer, AnnounceEvent, CloseReason, Config, Event, Input, METAINFO_LEN_MAX, Magnet, Message,
    MetadataFetch, Metainfo, Output, PeerId, PeerKey, PeerSource, Reserved, TrackerKey,
};

use crate::util::{Fetcher, METADATA_PIECE_LEN, data, torrent};

fn fetcher(torrent: &Metainfo) -> Fetcher {
    Fetcher::new(Config::default(), torrent)
}

/// Of the same length as the right one, and wrong everywhere.
fn wrong(torrent: &Metainfo) -> Vec<u8> {
    torrent.info_bytes().iter().map(|byte| byte ^ 0x55).collect()
}

#[test]
fn the_pieces_are_spread_over_the_peers_and_put_together_in_whatever_order() {
    let torrent = torrent(9);
    let info = torrent.info_bytes();
    let mut fetcher = fetcher(&torrent);
    let keys = [1, 2, 3].map(|last| fetcher.join(last, info.len()));
    let asked = keys.map(|key| fetcher.take_requests(key));
    assert_eq!(asked, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 0, 1, 2]]);
    for (key, pieces) in keys.iter().zip(&asked).rev() {
        pieces.iter().rev().for_each(|&piece| fetcher.sends(*key, info, piece));
    }
    assert_eq!(&*fetcher.fetched().unwrap(), info);
    assert_eq!(keys.map(|key| fetcher.close_reason(key)), [const { Some(CloseReason::MetadataDone) }; 3]);
    let summary = fetcher.fetch.summary();
    assert!(summary.is_done && !summary.is_running);
    fetcher.outputs.clear();
    fetcher.wait(10_000);
    assert_eq!(fetcher.outputs, [], "what is done wants nothing more");
}

#[test]
fn the_torrent_comes_out_with_its_trackers_and_the_addresses_are_handed_over() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let known: Vec<SocketAddr> = (1..=3).map(|last| SocketAddr::from(([10, 0, 0, last], 6881))).collect();
    let answer = AnnounceAnswer { peers: known.clone(), ..AnnounceAnswer::default() };
    fetcher.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    let key = fetcher.join(9, torrent.info_bytes().len());
    fetcher.answers_all(key, torrent.info_bytes());
    let info = fetcher.fetched().unwrap();
    let again = fetcher.fetch.magnet().metainfo(&info).unwrap();
    assert_eq!((again.info_hash(), again.trackers()), (torrent.info_hash(), torrent.trackers()));
    let expected: Vec<_> = known.into_iter().map(|addr| (addr, PeerSource::Tracker)).collect();
    assert_eq!(fetcher.fetch.into_known_peers(), expected);
}

#[test]
fn what_is_fetched_is_handed_out_when_peers_have_had_time_to_notice_that_we_left() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, torrent.info_bytes().len());
    fetcher.answers_all(key, torrent.info_bytes());
    assert_eq!(fetcher.close_reason(key), Some(CloseReason::MetadataDone));
    let is_out =
        |fetcher: &Fetcher| fetcher.events().any(|event| matches!(event, Event::MetadataFetched { .. }));
    assert!(!is_out(&fetcher));
    fetcher.wait(1);
    assert!(is_out(&fetcher));
}

#[test]
fn who_sends_everything_wrong_alone_is_banned_and_another_one_is_asked() {
    let torrent = torrent(3);
    let mut fetcher = fetcher(&torrent);
    let liar = fetcher.join(1, torrent.info_bytes().len());
    fetcher.answers_all(liar, &wrong(&torrent));
    assert_eq!(fetcher.banned(), [liar]);
    assert_eq!(fetcher.close_reason(liar), Some(CloseReason::BadMetadata));
    let again = fetcher.join(1, torrent.info_bytes().len());
    assert_eq!(fetcher.close_reason(again), Some(CloseReason::Banned));
    let honest = fetcher.join(2, torrent.info_bytes().len());
    fetcher.answers_all(honest, torrent.info_bytes());
    assert!(fetcher.fetched().is_some());
}

#[test]
fn of_several_suspects_one_after_the_other_gives_the_whole_until_the_culprit_is_proved() {
    let torrent = torrent(9);
    let (right, wrong) = (torrent.info_bytes(), wrong(&torrent));
    let mut fetcher = fetcher(&torrent);
    let keys = [1, 2].map(|last| fetcher.join(last, right.len()));
    let liar = keys[0];
    for _ in 0..3 {
        for key in keys {
            let info = if key == liar { &wrong } else { right };
            fetcher.take_requests(key).into_iter().for_each(|piece| fetcher.sends(key, info, piece));
        }
    }
    let failed = Event::MetadataFailed { suspects: keys.to_vec() };
    assert_eq!(fetcher.events().filter(|event| **event == failed).count(), 1);
    assert!(fetcher.banned().is_empty(), "nobody is proved guilty yet");
    assert_eq!(fetcher.take_requests(keys[1]), [0_usize; 0], "one at a time");
    fetcher.answers_all(liar, &wrong);
    assert_eq!(fetcher.banned(), [liar]);
    fetcher.answers_all(keys[1], right);
    assert_eq!(&*fetcher.fetched().unwrap(), right);
}

#[test]
fn the_right_bytes_show_who_of_the_suspects_lied() {
    let torrent = torrent(9);
    let (right, wrong) = (torrent.info_bytes(), wrong(&torrent));
    let mut fetcher = fetcher(&torrent);
    let keys = [1, 2].map(|last| fetcher.join(last, right.len()));
    for _ in 0..3 {
        for key in keys {
            let info = if key == keys[1] { &wrong } else { right };
            fetcher.take_requests(key).into_iter().for_each(|piece| fetcher.sends(key, info, piece));
        }
    }
    fetcher.answers_all(keys[0], right);
    assert!(fetcher.fetched().is_some());
    assert_eq!(fetcher.banned(), [keys[1]]);
}

#[test]
fn a_suspect_that_leaves_during_its_turn_lets_the_next_one_begin() {
    let torrent = torrent(9);
    let (right, wrong) = (torrent.info_bytes(), wrong(&torrent));
    let mut fetcher = fetcher(&torrent);
    let keys = [1, 2].map(|last| fetcher.join(last, right.len()));
    for _ in 0..3 {
        for key in keys {
            let info = if key == keys[0] { &wrong } else { right };
            fetcher.take_requests(key).into_iter().for_each(|piece| fetcher.sends(key, info, piece));
        }
    }
    fetcher.input(Input::Closed { peer: keys[0] });
    fetcher.answers_all(keys[1], right);
    assert_eq!(&*fetcher.fetched().unwrap(), right);
    assert_eq!(fetcher.banned(), [keys[0]], "also after it left");
}

#[test]
fn one_who_lies_about_the_length_holds_nobody_up() {
    let torrent = torrent(3);
    let mut fetcher = fetcher(&torrent);
    let liar = fetcher.join(1, 1_000_000);
    assert_eq!(fetcher.take_requests(liar), [0, 1, 2, 3]);
    let honest = fetcher.join(2, torrent.info_bytes().len());
    fetcher.answers_all(honest, torrent.info_bytes());
    assert!(fetcher.fetched().is_some());
}

#[test]
fn many_lies_about_the_length_give_way_to_what_more_peers_say() {
    let torrent = torrent(3);
    let len = torrent.info_bytes().len();
    let mut fetcher = fetcher(&torrent);
    let liars: Vec<PeerKey> = (1..=9).map(|last| fetcher.join(last, len + usize::from(last))).collect();
    let asked: Vec<usize> = liars.iter().map(|&liar| fetcher.take_requests(liar).len()).collect();
    assert_eq!(asked.iter().filter(|&&asked| asked > 0).count(), 4, "so many lengths are tried at a time");
    let honest = [21, 22].map(|last| fetcher.join(last, len));
    for key in honest {
        fetcher.answers_all(key, torrent.info_bytes());
    }
    assert!(fetcher.fetched().is_some());
}

#[test]
fn metadata_longer_than_any_torrent_file_is_not_asked_for() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, METAINFO_LEN_MAX + 1);
    let (len, max) = (METAINFO_LEN_MAX as u32 + 1, METAINFO_LEN_MAX as u32);
    assert_eq!(fetcher.close_reason(key), Some(CloseReason::MetadataTooLong { len, max }));
    assert_eq!(fetcher.fetch.summary().refused_len, Some(len));
    let key = fetcher.join(2, METAINFO_LEN_MAX);
    assert_eq!(fetcher.take_requests(key).len(), 4);
}

#[test]
fn a_peer_that_says_nothing_is_not_counted_on_and_then_makes_room() {
    let torrent = torrent(2);
    let mut fetcher = fetcher(&torrent);
    let [silent, other] = [1, 2].map(|last| fetcher.join(last, torrent.info_bytes().len()));
    assert_eq!(fetcher.take_requests(silent), [0, 1]);
    assert_eq!(fetcher.take_requests(other), [0, 1], "the same, since nothing else is left");
    let third = fetcher.join(3, torrent.info_bytes().len());
    assert_eq!(fetcher.take_requests(third), [0_usize; 0], "two are enough");
    fetcher.wait(11);
    assert_eq!(fetcher.take_requests(third), [0, 1]);
    fetcher.wait(50);
    assert_eq!(fetcher.close_reason(silent), Some(CloseReason::NoMetadata));
    assert_eq!(fetcher.close_reason(third), None);
}

#[test]
fn an_answer_that_comes_late_still_counts() {
    let torrent = torrent(2);
    let mut fetcher = fetcher(&torrent);
    let slow = fetcher.join(1, torrent.info_bytes().len());
    fetcher.wait(30);
    fetcher.answers_all(slow, torrent.info_bytes());
    assert!(fetcher.fetched().is_some());
}

#[test]
fn a_no_sends_the_request_to_somebody_else() {
    let torrent = torrent(2);
    let mut fetcher = fetcher(&torrent);
    let refusing = fetcher.join(1, torrent.info_bytes().len());
    for piece in fetcher.take_requests(refusing) {
        fetcher.rejects(refusing, piece);
    }
    assert_eq!(fetcher.take_requests(refusing), [0_usize; 0], "it has said no");
    let other = fetcher.join(2, torrent.info_bytes().len());
    fetcher.answers_all(other, torrent.info_bytes());
    assert!(fetcher.fetched().is_some());
}

#[test]
fn who_has_no_metadata_makes_room_and_stays_known() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let plain = fetcher.join_plain(1, Reserved::default());
    assert_eq!(fetcher.close_reason(plain), Some(CloseReason::NoMetadata));
    let other_extensions = fetcher.join_plain(2, Reserved::EXTENDED);
    fetcher.says(other_extensions, &Message::Extended { id: 0, payload: b"d1:md6:ut_pexi1eee".to_vec() });
    assert_eq!(fetcher.close_reason(other_extensions), Some(CloseReason::NoMetadata));
    let downloader = fetcher.join_plain(3, Reserved::EXTENDED);
    fetcher.introduces(downloader, None);
    fetcher.wait(59);
    assert_eq!(fetcher.close_reason(downloader), None, "it may get it");
    fetcher.wait(2);
    assert_eq!(fetcher.close_reason(downloader), Some(CloseReason::NoMetadata));
}

#[test]
fn a_downloader_that_gets_the_metadata_says_so_and_is_asked() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join_plain(3, Reserved::EXTENDED);
    fetcher.introduces(key, None);
    fetcher.wait(30);
    fetcher.introduces(key, Some(torrent.info_bytes().len() as u32));
    fetcher.answers_all(key, torrent.info_bytes());
    assert!(fetcher.fetched().is_some());
}

#[test]
fn what_does_not_fit_the_length_that_the_peer_named_closes_it() {
    let torrent = torrent(2);
    let info = torrent.info_bytes();
    let cases: [(usize, usize, &[u8]); 5] = [
        (0, info.len(), &info[..100]),
        (0, info.len(), &info[..METADATA_PIECE_LEN + 1]),
        (1, info.len(), &info[..METADATA_PIECE_LEN]),
        (0, info.len(), &[]),
        (0, info.len() + 1, &info[..METADATA_PIECE_LEN]),
    ];
    for (piece, total, bytes) in cases {
        let mut fetcher = fetcher(&torrent);
        let key = fetcher.join(1, info.len());
        fetcher.says_metadata(key, data(piece, total, bytes));
        let reason = fetcher.close_reason(key);
        assert!(matches!(reason, Some(CloseReason::MetadataPiece { .. })), "{reason:?}");
    }
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, info.len());
    fetcher.introduces(key, Some(info.len() as u32 + 1));
    assert_eq!(fetcher.close_reason(key), Some(CloseReason::NoMetadata), "it names two lengths");
}

#[test]
fn who_floods_us_with_what_nobody_asked_for_is_closed() {
    let torrent = torrent(1);
    let config = Config { unrequested_bytes_max: 50_000, ..Config::default() };
    let mut fetcher = Fetcher::new(config, &torrent);
    let key = fetcher.join(1, torrent.info_bytes().len());
    for _ in 0..3 {
        fetcher.says_metadata(key, data(7, torrent.info_bytes().len(), &[0; METADATA_PIECE_LEN]));
        assert_eq!(fetcher.close_reason(key), None);
    }
    fetcher.says_metadata(key, data(7, torrent.info_bytes().len(), &[0; METADATA_PIECE_LEN]));
    assert!(matches!(fetcher.close_reason(key), Some(CloseReason::UnrequestedBlocks { .. })));
}

#[test]
fn who_asks_us_hears_no() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, torrent.info_bytes().len());
    fetcher.take_payloads(key);
    fetcher.says_metadata(key, b"d8:msg_typei0e5:piecei3ee".to_vec());
    assert_eq!(fetcher.take_payloads(key), [b"d8:msg_typei2e5:piecei3ee".to_vec()]);
}

#[test]
fn everything_else_that_a_peer_says_is_passed_over() {
    let torrent = torrent(2);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, torrent.info_bytes().len());
    // A bitfield of a length that nobody can check, a `have`, a fast extension, a block, and something unheard of.
    fetcher.bytes(key, &[&[0, 0, 4, 1, 5][..], &[0xff; 1024]].concat());
    fetcher.bytes(
        key,
        b"\0\0\0\x05\x04\0\0\xff\xff\0\0\0\x01\x0e\0\0\0\x0b\x07aaaabbbbXX\0\0\0\x03\xf0ab\0\0\0\0",
    );
    fetcher.says(key, &Message::Extended { id: 77, payload: b"junk".to_vec() });
    fetcher.says_metadata(key, b"d8:msg_typei9ee".to_vec());
    assert_eq!(fetcher.close_reason(key), None);
    fetcher.answers_all(key, torrent.info_bytes());
    assert!(fetcher.fetched().is_some());
}

#[test]
fn nonsense_closes() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, torrent.info_bytes().len());
    fetcher.says_metadata(key, b"junk".to_vec());
    let reason = fetcher.close_reason(key);
    assert_eq!(reason, Some(CloseReason::BadExtended { extension: "ut_metadata", len: 4 }));
}

#[test]
fn a_link_whose_hashes_disagree_is_given_up() {
    let torrent = torrent(1);
    let link = format!("magnet:?xt=urn:btih:{}&xt=urn:btmh:1220{}", torrent.info_hash(), "ab".repeat(32));
    let mut fetcher = fetcher(&torrent);
    fetcher.fetch = MetadataFetch::new(Config::default(), Magnet::parse(&link).unwrap(), PeerId([1; 20]), 1);
    fetcher.input(Input::Start);
    let key = fetcher.join(1, torrent.info_bytes().len());
    fetcher.answers_all(key, torrent.info_bytes());
    assert!(fetcher.events().any(|event| matches!(event, Event::Failed { .. })));
    assert!(!fetcher.fetch.summary().is_running && fetcher.banned().is_empty());
}

#[test]
fn trackers_hear_that_something_is_missing_and_that_it_stops() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let announces = |fetcher: &mut Fetcher| {
        let mut announces = Vec::new();
        fetcher.outputs.retain(|output| match output {
            Output::Announce(request) => {
                announces.push((request.event, request.left > 0));
                false
            }
            _ => true,
        });
        announces
    };
    assert_eq!(announces(&mut fetcher), [(AnnounceEvent::Started, true)]);
    let addr = SocketAddr::from(([10, 0, 0, 1], 6881));
    let answer = AnnounceAnswer { peers: vec![addr], ..AnnounceAnswer::default() };
    fetcher.input(Input::Announced { tracker: TrackerKey(0), result: Ok(answer) });
    assert!(
        fetcher
            .outputs
            .iter()
            .any(|output| matches!(output, Output::Connect { addr: to, .. } if *to == addr))
    );
    fetcher.input(Input::Pause);
    assert_eq!(announces(&mut fetcher), [(AnnounceEvent::Stopped, true)]);
    fetcher.input(Input::Start);
    fetcher.input(Input::Announced { tracker: TrackerKey(0), result: Ok(AnnounceAnswer::default()) });
    assert!(fetcher.fetch.summary().is_running);
}

#[test]
fn peers_that_the_link_names_are_tried_at_once() {
    let torrent = torrent(1);
    let link = format!("{}&x.pe=10.1.2.3:4", torrent.magnet());
    let mut fetcher = fetcher(&torrent);
    fetcher.fetch = MetadataFetch::new(Config::default(), Magnet::parse(&link).unwrap(), PeerId([1; 20]), 1);
    fetcher.input(Input::Start);
    let addr = "10.1.2.3:4".parse().unwrap();
    assert!(
        fetcher
            .outputs
            .iter()
            .any(|output| matches!(output, Output::Connect { addr: to, .. } if *to == addr))
    );
}

#[test]
fn a_link_with_two_hashes_is_announced_in_both_swarms_and_both_are_listened_to() {
    let torrent = torrent(1);
    let link = format!("{}&xt=urn:btmh:1220{}", torrent.magnet(), "ab".repeat(32));
    let magnet = Magnet::parse(&link).unwrap();
    let mut fetcher = fetcher(&torrent);
    fetcher.fetch = MetadataFetch::new(Config::default(), magnet.clone(), PeerId([1; 20]), 1);
    fetcher.outputs.clear();
    fetcher.input(Input::Start);
    let announce = |output: Output| match output {
        Output::Announce(request) => Some((request.tracker, request.info_hash)),
        _ => None,
    };
    let announced: Vec<_> = std::mem::take(&mut fetcher.outputs).into_iter().filter_map(announce).collect();
    let swarms = magnet.info_hashes();
    assert_eq!(announced, [(TrackerKey(0), swarms[0]), (TrackerKey(1), swarms[1])]);
    for last in 1..=2_u8 {
        let addr = SocketAddr::from(([10, 1, 2, last], 4));
        let answer = AnnounceAnswer { peers: vec![addr], ..AnnounceAnswer::default() };
        fetcher.input(Input::Announced { tracker: TrackerKey(u32::from(last) - 1), result: Ok(answer) });
        let connects = |output: &Output| matches!(output, Output::Connect { addr: to, .. } if *to == addr);
        assert!(fetcher.outputs.iter().any(connects), "{addr}");
    }
    fetcher.input(Input::Pause);
    let stopped: Vec<_> = std::mem::take(&mut fetcher.outputs).into_iter().filter_map(announce).collect();
    assert_eq!(stopped, announced, "both hear of the end");
}

#[test]
fn peers_that_say_anything_break_nothing_and_an_honest_one_is_enough() {
    let torrent = torrent(5);
    let (right, wrong) = (torrent.info_bytes(), wrong(&torrent));
    for seed in 1..=30_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut roll = move |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % sides as u64) as usize
        };
        let mut fetcher = fetcher(&torrent);
        let mut peers: Vec<PeerKey> = Vec::new();
        for _ in 0..300 {
            if fetcher.fetched().is_some() {
                break;
            }
            peers.retain(|key| fetcher.close_reason(*key).is_none());
            if peers.len() < 6 && roll(3) == 0 {
                let len = if roll(4) == 0 { right.len() + roll(3) } else { right.len() };
                peers.push(fetcher.join(1 + roll(100) as u8, len));
                continue;
            }
            if peers.is_empty() {
                continue;
            }
            let key = peers[roll(peers.len())];
            match roll(12) {
                0 => fetcher.rejects(key, roll(6)),
                1 => fetcher.wait(roll(20) as u64),
                2 => {
                    fetcher.input(Input::Closed { peer: key });
                    peers.retain(|other| *other != key);
                }
                3 => fetcher.introduces(key, Some((right.len() + roll(2)) as u32)),
                4 => fetcher.says_metadata(key, data(roll(6), right.len(), &right[..roll(20_000)])),
                5 => fetcher.bytes(key, &[roll(3) as u8, 0, 0, roll(9) as u8, 20]),
                _ => {
                    let info = if key.0 % 4 == 1 { &wrong } else { right };
                    for piece in fetcher.take_requests(key) {
                        if piece < 5 {
                            fetcher.sends(key, info, piece);
                        }
                    }
                }
            }
        }
        let mut last = 200;
        while fetcher.fetched().is_none() {
            assert!(last < 250, "an honest peer is enough (seed {seed})");
            let key = fetcher.join(last, right.len());
            fetcher.answers_all(key, right);
            fetcher.wait(70);
            last += 1;
        }
        assert_eq!(&*fetcher.fetched().unwrap(), right, "seed {seed}");
    }
}

#[test]
fn who_asks_on_and_on_is_closed_since_we_have_nothing_to_give() {
    let torrent = torrent(1);
    let mut fetcher = fetcher(&torrent);
    let key = fetcher.join(1, torrent.info_bytes().len());
    (0..5000).for_each(|_| fetcher.says_metadata(key, b"d8:msg_typei0e5:piecei0ee".to_vec()));
    assert!(matches!(fetcher.close_reason(key), Some(CloseReason::TooManyRequests { .. })));
}
