#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::{FilePriority, NewContent, NewTorrent};

const HEX: &str = "d2354010a3ca4ade5b7427bb093a62a3899ff381";
const BASE_32: &str = "2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B";
const V2: &str = "1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e";

fn magnet(rest: &str) -> Magnet {
    Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}{rest}")).unwrap()
}

fn selected(rest: &str) -> Vec<u32> {
    magnet(rest).selection().iter().collect()
}

#[test]
fn an_info_hash_is_read_as_hex_and_as_base_32_in_either_case() {
    for hash in [HEX, BASE_32, &HEX.to_uppercase(), &BASE_32.to_lowercase()] {
        for start in ["magnet:?xt=urn:btih:", "MAGNET:?XT=URN:BTIH:", " magnet:?dn=x&xt.1=urn%3Abtih%3A"] {
            let magnet = Magnet::parse(&format!("{start}{hash}")).unwrap();
            assert_eq!(magnet.info_hash().to_string(), HEX, "{start}{hash}");
            assert_eq!(magnet.info_hash_v2(), None);
        }
    }
}

#[test]
fn a_version_2_hash_names_its_swarm_by_its_first_20_bytes() {
    let link = format!("magnet:?xt=urn:btmh:{V2}&dn=bittorrent-v2-test");
    let magnet = Magnet::parse(&link).unwrap();
    assert_eq!(magnet.info_hash().to_string(), V2[4..44]);
    assert_eq!(magnet.name(), Some("bittorrent-v2-test"));
    assert_eq!(magnet.to_string(), link);
}

#[test]
fn a_hybrid_has_both_hashes_and_both_swarms() {
    let magnet = magnet(&format!("&xt=urn:btmh:{V2}"));
    let swarms: Vec<_> = magnet.info_hashes().iter().map(ToString::to_string).collect();
    assert_eq!(swarms, [HEX, &V2[4..44]]);
    assert_eq!(magnet.info_hash().to_string(), HEX);
    assert!(magnet.info_hash_v2().is_some());
}

#[test]
fn everything_beside_the_hash_is_read_and_written_back() {
    let magnet = magnet(
        "&dn=Some+name%20%C3%A9&tr=http%3A%2F%2Fa%2Fannounce%3Fkey%3D1%262&tr.1=udp://b:80&tr.2=udp://b:80\
         &ws=http://w/&x.pe=10.0.0.1:6881&x.pe=[2001:db8::1]:1&x.pe=peer.example:6881&so=2,0-1&foo=bar&tr=&nothing",
    );
    assert_eq!(magnet.name(), Some("Some name é"));
    assert_eq!(magnet.trackers(), ["http://a/announce?key=1&2", "udp://b:80"]);
    assert_eq!(magnet.web_seeds(), ["http://w/"]);
    let peers: Vec<_> = magnet.peers().iter().map(ToString::to_string).collect();
    assert_eq!(peers, ["10.0.0.1:6881", "[2001:db8::1]:1"]);
    let written = magnet.to_string();
    assert_eq!(Magnet::parse(&written).unwrap(), magnet, "{written}");
    assert!(written.ends_with("&so=0-2"), "{written}");
}

#[test]
fn files_are_selected_as_in_bep_53() {
    assert_eq!(selected("&so=0,2,4,6-8"), [0, 2, 4, 6, 7, 8]);
    assert_eq!(selected("&so=0,2-4,3-5"), [0, 2, 3, 4, 5]);
    assert_eq!(selected("&so=2-4&so=1"), [1, 2, 3, 4]);
    assert_eq!(selected("&so=7-4,100000000&so=10"), [10]);
    for junk in ["-4", "3-", "a", "100000000", "+2", "2--3", "1-99999999999"] {
        assert_eq!(selected(&format!("&so={junk}&so=1")), [1], "{junk}");
    }
    for nothing in ["&so=", "&so=%221,2%22", ""] {
        let selection = magnet(nothing).selection().clone();
        assert!(selection.is_everything() && selection.contains(7), "{nothing}");
    }
    let selection = magnet("&so=2-3").selection().clone();
    assert!(selection.contains(3) && !selection.contains(1) && !selection.contains(4));
}

#[test]
fn what_is_not_selected_is_skipped_and_a_selection_of_nothing_is_none() {
    use FilePriority::{Normal, Skip};
    let priorities = |rest| magnet(rest).selection().priorities(4);
    assert_eq!(priorities("&so=1,3,9"), [Skip, Normal, Skip, Normal]);
    for everything in ["", "&so=", "&so=4-9"] {
        assert_eq!(priorities(everything), [Normal; 4], "{everything}");
    }
}

#[test]
fn a_long_list_of_files_stays_bounded() {
    let odd = (0..9000).map(|number| (2 * number).to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(selected(&format!("&so={odd}")).len(), 4096);
}

#[test]
fn what_names_no_torrent_is_refused_with_a_way_out() {
    let refused = |link: &str| Magnet::parse(link).unwrap_err();
    for link in ["", "magnet", "magnet:", "http://x/a.torrent", "mägnet:?xt=urn:btih:"] {
        assert_eq!(refused(link), MagnetError::NotAMagnet, "{link}");
    }
    for link in ["magnet:?", "magnet:?dn=x", "magnet:?xt=urn:sha1:2I2UAEFDZJFN4W3UE65QSOTCUOEZ744B"] {
        assert_eq!(refused(link), MagnetError::NoInfoHash, "{link}");
    }
    for hash in ["", &HEX[1..], &BASE_32[1..], &HEX.replace('d', "g"), &BASE_32.replace('2', "1"), "é"] {
        let error = refused(&format!("magnet:?xt=urn:btih:{hash}"));
        assert_eq!(error, MagnetError::BadInfoHash { text: hash.to_owned() });
    }
    for hash in ["", &V2[4..], &V2.replace("1220", "1114"), &V2[..66]] {
        let error = refused(&format!("magnet:?xt=urn:btmh:{hash}"));
        assert!(matches!(error, MagnetError::BadInfoHashV2 { .. }), "{hash}");
    }
    let two = format!("magnet:?xt.1=urn:btih:{HEX}&xt.2=urn:btih:{}", HEX.replace('d', "e"));
    assert_eq!(refused(&two), MagnetError::SeveralTorrents);
    let long = format!("magnet:?xt=urn:btih:{HEX}&dn={}", "x".repeat(MAGNET_LEN_MAX));
    assert!(matches!(refused(&long), MagnetError::TooLong { .. }));
}

#[test]
fn the_same_hash_in_two_spellings_is_one_torrent() {
    assert_eq!(magnet(&format!("&xt=urn:btih:{BASE_32}")).info_hash().to_string(), HEX);
}

#[test]
fn a_name_cannot_turn_text_around_or_lead_anywhere() {
    assert_eq!(magnet("&dn=a%2F..%2Fb%E2%80%AEgpj").name(), Some("a_.._b_gpj"));
    assert_eq!(magnet("&dn=+").name(), None);
}

proptest! {
    #[test]
    fn whatever_a_link_says_it_is_read_or_refused_and_what_is_read_is_written_back(
        junk in ".{0,80}",
        bytes in "[a-z0-9%+&=.,:/ -]{0,200}",
    ) {
        for rest in [&junk, &bytes] {
            let _ = Magnet::parse(rest);
            let _ = Magnet::parse(&format!("magnet:?xt=urn:btih:{rest}"));
            for key in ["dn", "tr", "ws", "x.pe", "so", "xt"] {
                if let Ok(magnet) = Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}&{key}={rest}")) {
                    prop_assert_eq!(Magnet::parse(&magnet.to_string()).unwrap(), magnet);
                }
            }
        }
    }
}

fn torrent(trackers: &[Vec<String>]) -> Metainfo {
    let new = NewTorrent {
        name: "a name & more",
        content: NewContent::File(40_000),
        piece_len: 16_384,
        piece_hashes: &[[7; 20]; 3],
        trackers,
        is_private: true,
        comment: Some("lost on the way"),
        created_by: None,
    };
    new.build().unwrap()
}

#[test]
fn a_torrent_comes_back_from_its_magnet_and_its_info_dictionary() {
    let tiers = [vec!["http://a/".to_owned(), "http://b/".to_owned()], vec!["udp://c:1".to_owned()]];
    for trackers in [&tiers[..], &tiers[1..], &[]] {
        let original = torrent(trackers);
        let magnet = Magnet::parse(&original.magnet().to_string()).unwrap();
        assert_eq!(magnet.judge(original.info_bytes()), Verdict::Right);
        let again = magnet.metainfo(original.info_bytes()).unwrap();
        assert_eq!(again.info_hash(), original.info_hash());
        assert_eq!(again.name(), "a name & more");
        assert!(again.is_private());
        let urls = |metainfo: &Metainfo| metainfo.trackers().iter().flatten().cloned().collect::<Vec<_>>();
        assert_eq!(urls(&again), urls(&original));
    }
}

#[test]
fn web_seeds_come_along_and_those_that_know_pieces_do_not() {
    let urls: Vec<String> =
        (0..90).map(|number| format!("http://mirror-{number}.example/a%20b/?x=1&y=2")).collect();
    let original = torrent(&[]).with_web_seeds(&urls).unwrap();
    let link = original.magnet().to_string();
    assert_eq!(link.matches("&ws=http%3A%2F%2F").count(), urls.len());
    let magnet = Magnet::parse(&link).unwrap();
    assert_eq!(magnet.web_seeds(), urls);
    let again = magnet.metainfo(original.info_bytes()).unwrap();
    assert_eq!(again.web_seeds(), original.web_seeds());
    let script = [b"d9:httpseedsl10:http://s/ae4:info", original.info_bytes(), b"e"].concat();
    let script = Metainfo::parse(&script).unwrap();
    assert_eq!(script.web_seeds().len(), 1);
    assert_eq!(script.magnet().web_seeds(), [] as [&str; 0]);
}

#[test]
fn a_link_that_is_written_is_never_too_long_to_be_read() {
    let long = |kind: &str, number: usize| format!("http://{kind}-{number}.example/{}", "/".repeat(1500));
    let trackers: Vec<Vec<String>> = (0..100).map(|number| vec![long("tracker", number)]).collect();
    let web_seeds: Vec<String> = (0..100).map(|number| long("mirror", number)).collect();
    let short = "http://short.example/".to_owned();
    for trackers in [&trackers[..], &trackers[..3]] {
        let original = torrent(trackers)
            .with_web_seeds(&[&web_seeds[..99], std::slice::from_ref(&short)].concat())
            .unwrap();
        let link = original.magnet().to_string();
        assert!(link.len() <= MAGNET_LEN_MAX && link.len() > MAGNET_LEN_MAX - 5000, "{}", link.len());
        let magnet = Magnet::parse(&link).unwrap();
        assert_eq!(magnet, original.magnet());
        assert!(magnet.trackers().len() >= 3 && magnet.web_seeds().contains(&short));
    }
}

#[test]
fn an_info_dictionary_must_fit_every_hash_of_the_link() {
    let original = torrent(&[]);
    let info = original.info_bytes();
    let v1 = format!("magnet:?xt=urn:btih:{}", original.info_hash());
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(info));
    let judge = |link: String, info: &[u8]| Magnet::parse(&link).unwrap().judge(info);
    assert_eq!(judge(v1.clone(), &info[1..]), Verdict::Wrong);
    assert_eq!(judge(format!("magnet:?xt=urn:btmh:1220{sha256}"), info), Verdict::Right);
    assert_eq!(judge(format!("magnet:?xt=urn:btmh:{V2}"), info), Verdict::Wrong);
    assert_eq!(judge(format!("{v1}&xt=urn:btmh:1220{sha256}"), info), Verdict::Right);
    assert_eq!(judge(format!("{v1}&xt=urn:btmh:1220{sha256}"), &info[1..]), Verdict::Wrong);
    assert_eq!(judge(format!("{v1}&xt=urn:btmh:{V2}"), info), Verdict::HashesDisagree);
}
