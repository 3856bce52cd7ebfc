//! The frame codec: what goes in comes out, and nothing that comes in makes it panic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, SocketAddr};

use codec::{InfoHash, PeerId};
use proptest::prelude::*;
use relay_proto::*;

fn addr() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<[u8; 4]>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::from((ip, port))),
        (any::<[u8; 16]>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::from((ip, port))),
    ]
}

fn hash() -> impl Strategy<Value = InfoHash> {
    any::<[u8; 20]>().prop_map(InfoHash)
}

fn stream() -> impl Strategy<Value = u32> {
    1..=u32::MAX
}

fn key() -> impl Strategy<Value = SessionKey> {
    (".*", ".*").prop_map(|(id, secret)| SessionKey { id, secret: Secret(secret) })
}

fn event() -> impl Strategy<Value = AnnounceEvent> {
    prop::sample::select(vec![
        AnnounceEvent::Started,
        AnnounceEvent::Completed,
        AnnounceEvent::Stopped,
        AnnounceEvent::Regular,
    ])
}

fn outcome<T: std::fmt::Debug + Clone>(ok: impl Strategy<Value = T>) -> impl Strategy<Value = Outcome<T>> {
    (ok, any::<bool>(), ".*")
        .prop_map(|(ok, is_ok, text)| if is_ok { Outcome::Ok(ok) } else { Outcome::Error(text) })
}

fn announce_ok() -> impl Strategy<Value = AnnounceOk> {
    (any::<u32>(), any::<Option<u32>>(), any::<Option<u32>>(), prop::collection::vec(addr(), 0..9), ".*")
        .prop_map(|(interval_s, complete, min_interval_s, peers, warning)| AnnounceOk {
            interval_s,
            min_interval_s,
            complete,
            incomplete: complete,
            peers,
            warning: Some(warning),
            tracker_id: complete.map(|count| count.to_be_bytes().to_vec()),
            external_ip: complete.map(|count| IpAddr::from(count.to_be_bytes())),
        })
}

fn frame() -> impl Strategy<Value = Frame<&'static [u8]>> {
    prop_oneof![
        (any::<u32>(), ".*", prop::option::of(key()), any::<[u64; 3]>()).prop_map(
            |(version, token, session, [received, limit, stream_credit])| Frame::Hello(Hello {
                version,
                token: Secret(token),
                session,
                received,
                limit,
                stream_credit
            })
        ),
        (key(), any::<bool>(), any::<[u64; 3]>(), any::<u16>(), any::<Option<u32>>()).prop_map(
            |(session, resumed, [received, limit, stream_credit], incoming_port, extra)| Frame::Welcome(
                Welcome {
                    session,
                    resumed,
                    received,
                    limit,
                    stream_credit,
                    incoming_port,
                    limits: Limits { streams: 1, dials_per_s: 2, info_hashes: 3, bytes_per_s: limit },
                    suggestion: extra.map(|n| n.to_string()),
                }
            )
        ),
        (any::<u16>(), ".*").prop_map(|(code, text)| Frame::Refused(Refused { code, text })),
        any::<[u64; 2]>().prop_map(|[acked, limit]| Frame::Window { acked, limit }),
        any::<u64>().prop_map(|number| Frame::Ping { number }),
        any::<u64>().prop_map(|number| Frame::Pong { number }),
        (".*", any::<u64>()).prop_map(|(carrier, offset)| Frame::Switch(Switch { carrier, offset })),
        (stream(), addr(), hash())
            .prop_map(|(stream, addr, info_hash)| Frame::Open { stream, open: Open { addr, info_hash } }),
        stream().prop_map(|stream| Frame::Opened { stream }),
        (stream(), 1..MAX_DATA_LEN)
            .prop_map(|(stream, len)| Frame::Data { stream, payload: &PAYLOAD[..len] }),
        (stream(), any::<u64>()).prop_map(|(stream, limit)| Frame::Credit { stream, limit }),
        (stream(), any::<u16>(), ".*").prop_map(|(stream, code, text)| Frame::Close {
            stream,
            close: Close { code, text, answer: None }
        }),
        (stream(), any::<(u16, Option<u32>, u64, u64)>()).prop_map(
            |(stream, (status, retry_after_s, start, len))| {
                let answer =
                    WebAnswer { status: Some(status), retry_after_s, start: Some(start), len: Some(len) };
                let close = Close { answer: Some(answer), ..Close::new(CloseCode::WebSeedStatus) };
                Frame::Close { stream, close }
            }
        ),
        (stream(), ".*", hash(), any::<(Option<u64>, u64)>()).prop_map(
            |(stream, url, info_hash, (offset, len))| Frame::FetchRange {
                stream,
                range: FetchRange { url, info_hash, offset, len }
            }
        ),
        (stream(), addr(), hash()).prop_map(|(stream, addr, info_hash)| Frame::Accept {
            stream,
            accept: Accept { addr, info_hash }
        }),
        (any::<u32>(), prop::collection::vec(hash(), 0..4), any::<bool>()).prop_map(
            |(torrent, info_hashes, private)| Frame::Register(Register { torrent, info_hashes, private })
        ),
        any::<u32>().prop_map(|torrent| Frame::Unregister(Unregister { torrent })),
        (any::<u32>(), ".*", hash(), any::<[u8; 20]>(), event(), any::<[u64; 3]>()).prop_map(
            |(request, url, info_hash, peer_id, event, [uploaded, downloaded, left])| Frame::Announce(
                Announce {
                    request,
                    url,
                    info_hash,
                    peer_id: PeerId(peer_id),
                    key: request,
                    event,
                    uploaded,
                    downloaded,
                    left,
                    num_want: request,
                    tracker_id: (request % 2 == 0).then(|| peer_id.to_vec())
                }
            )
        ),
        (any::<u32>(), outcome(announce_ok()))
            .prop_map(|(request, outcome)| Frame::Announced(Announced { request, outcome })),
        (any::<u32>(), ".*", prop::collection::vec(hash(), 0..4))
            .prop_map(|(request, url, info_hashes)| Frame::Scrape(Scrape { request, url, info_hashes })),
        (any::<u32>(), outcome(prop::collection::vec((hash(), any::<u32>()), 0..4))).prop_map(
            |(request, outcome)| {
                let entry =
                    |(info_hash, n)| ScrapeEntry { info_hash, complete: n, downloaded: n, incomplete: n };
                let outcome = match outcome {
                    Outcome::Ok(list) => Outcome::Ok(list.into_iter().map(entry).collect()),
                    Outcome::Error(text) => Outcome::Error(text),
                };
                Frame::Scraped(Scraped { request, outcome })
            }
        ),
        (any::<u32>(), ".*").prop_map(|(request, url)| Frame::Fetch(Fetch { request, url })),
        (any::<u32>(), 1..MAX_DATA_LEN)
            .prop_map(|(request, len)| Frame::FetchData { request, payload: &PAYLOAD[..len] }),
        (any::<u32>(), outcome(any::<u64>().prop_map(|len| FetchOk { len })))
            .prop_map(|(request, outcome)| Frame::Fetched(Fetched { request, outcome })),
    ]
}

static PAYLOAD: [u8; MAX_DATA_LEN] = [7; MAX_DATA_LEN];

/// The decoded frame with its payload looked up in the message, as it was before it was encoded.
fn resolve(frame: Frame, message: &[u8]) -> Frame<Vec<u8>> {
    match frame {
        Frame::Data { stream, payload } => Frame::Data { stream, payload: message[payload].to_vec() },
        Frame::FetchData { request, payload } => {
            Frame::FetchData { request, payload: message[payload].to_vec() }
        }
        Frame::Hello(body) => Frame::Hello(body),
        Frame::Welcome(body) => Frame::Welcome(body),
        Frame::Refused(body) => Frame::Refused(body),
        Frame::Window { acked, limit } => Frame::Window { acked, limit },
        Frame::Ping { number } => Frame::Ping { number },
        Frame::Pong { number } => Frame::Pong { number },
        Frame::Switch(body) => Frame::Switch(body),
        Frame::Open { stream, open } => Frame::Open { stream, open },
        Frame::FetchRange { stream, range } => Frame::FetchRange { stream, range },
        Frame::Opened { stream } => Frame::Opened { stream },
        Frame::Credit { stream, limit } => Frame::Credit { stream, limit },
        Frame::Close { stream, close } => Frame::Close { stream, close },
        Frame::Accept { stream, accept } => Frame::Accept { stream, accept },
        Frame::Register(body) => Frame::Register(body),
        Frame::Unregister(body) => Frame::Unregister(body),
        Frame::Announce(body) => Frame::Announce(body),
        Frame::Announced(body) => Frame::Announced(body),
        Frame::Scrape(body) => Frame::Scrape(body),
        Frame::Scraped(body) => Frame::Scraped(body),
        Frame::Fetch(body) => Frame::Fetch(body),
        Frame::Fetched(body) => Frame::Fetched(body),
    }
}

fn encoded(frames: &[Frame<&[u8]>]) -> Vec<u8> {
    let mut message = Vec::new();
    for frame in frames {
        encode(frame, &mut message).unwrap();
    }
    message
}

proptest! {
    #[test]
    fn every_frame_comes_out_as_it_went_in(frame in frame()) {
        let message = encoded(std::slice::from_ref(&frame));
        let decoded: Vec<_> = Frames::parse(&message).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(decoded.len(), 1);
        let again = resolve(decoded.into_iter().next().unwrap(), &message);
        prop_assert_eq!(format!("{again:?}"), format!("{:?}", owned(frame)));
    }

    #[test]
    fn a_tab_reads_what_a_relay_may_send_and_nothing_else(frame in frame()) {
        let only_tabs_send = matches!(
            frame,
            Frame::Hello(_)
                | Frame::Open { .. }
                | Frame::FetchRange { .. }
                | Frame::Register(_)
                | Frame::Unregister(_)
                | Frame::Announce(_)
                | Frame::Scrape(_)
                | Frame::Fetch(_)
        );
        let message = encoded(std::slice::from_ref(&frame));
        let frames = Frames::parse(&message).unwrap();
        let read: Vec<_> = frames.clone().from_relay().collect();
        if only_tabs_send {
            prop_assert!(matches!(read[..], [Err(ProtocolError::Unexpected { .. })]), "{read:?}");
        } else {
            prop_assert_eq!(read, frames.collect::<Vec<_>>());
        }
    }

    #[test]
    fn several_frames_in_a_message_keep_their_order_and_session_bytes(
        credits in prop::collection::vec((1..=u32::MAX, any::<u64>(), any::<bool>()), 0..50)
    ) {
        let frames: Vec<Frame<&[u8]>> = credits.iter().map(|&(stream, limit, is_session)| {
            if is_session { Frame::Credit { stream, limit } } else { Frame::Window { acked: limit, limit } }
        }).collect();
        let message = encoded(&frames);
        let parsed = Frames::parse(&message).unwrap();
        let session_frames = credits.iter().filter(|(_, _, is_session)| *is_session).count() as u64;
        prop_assert_eq!(parsed.session_len(), session_frames * 17);
        let decoded: Vec<_> = parsed.map(|frame| format!("{:?}", frame.unwrap())).collect();
        let expected: Vec<_> = frames.iter().map(|frame| format!("{frame:?}")).collect();
        prop_assert_eq!(decoded, expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(message in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(frames) = Frames::parse(&message) {
            frames.for_each(drop);
        }
    }

    #[test]
    fn a_damaged_frame_never_panics(frame in frame(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut message = encoded(&[frame]);
        let index = at.index(message.len());
        message[index] = byte;
        message.truncate(cut.index(message.len() + 1));
        if let Ok(frames) = Frames::parse(&message) {
            frames.for_each(drop);
        }
    }
}

fn owned(frame: Frame<&[u8]>) -> Frame<Vec<u8>> {
    match frame {
        Frame::Data { stream, payload } => Frame::Data { stream, payload: payload.to_vec() },
        Frame::FetchData { request, payload } => Frame::FetchData { request, payload: payload.to_vec() },
        other => {
            let message = encoded(&[other]);
            resolve(Frames::parse(&message).unwrap().next().unwrap().unwrap(), &message)
        }
    }
}

#[test]
fn an_unknown_type_is_refused_by_its_number() {
    let message = [0x77, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(Frames::parse(&message).unwrap_err(), ProtocolError::UnknownType { number: 0x77, at: 0 });
}

#[test]
fn a_payload_longer_than_the_message_is_refused_with_the_missing_bytes() {
    let message = [0x12, 0, 0, 0, 1, 0, 0, 0, 10, 1, 2, 3];
    assert_eq!(Frames::parse(&message).unwrap_err(), ProtocolError::Truncated { at: 0, missing: 7 });
}

#[test]
fn an_overlong_payload_is_refused_before_it_is_looked_for() {
    let message = [0x12, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff];
    assert!(matches!(Frames::parse(&message), Err(ProtocolError::PayloadLength { len: 0x7fff_ffff, .. })));
}

#[test]
fn data_on_stream_zero_and_hello_on_a_stream_are_refused() {
    let data = [0x12, 0, 0, 0, 0, 0, 0, 0, 1, 9];
    assert_eq!(Frames::parse(&data).unwrap_err(), ProtocolError::StreamNumber { name: "data", stream: 0 });
    let hello = [0x01, 0, 0, 0, 3, 0, 0, 0, 2, b'{', b'}'];
    assert_eq!(Frames::parse(&hello).unwrap_err(), ProtocolError::StreamNumber { name: "hello", stream: 3 });
}

#[test]
fn a_frame_too_long_for_its_type_is_not_encoded() {
    let mut out = Vec::new();
    let url = "x".repeat(MAX_CONTROL_LEN);
    assert!(encode(&Frame::Fetch(Fetch { request: 1, url }), &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    let json = br#"{"torrent":3,"colour":"blue"}"#;
    let mut message = vec![0x21, 0, 0, 0, 0, 0, 0, 0, json.len() as u8];
    message.extend_from_slice(json);
    let frame = Frames::parse(&message).unwrap().next().unwrap().unwrap();
    assert_eq!(frame, Frame::Unregister(Unregister { torrent: 3 }));
}

#[test]
fn debug_output_hides_tokens() {
    assert!(!format!("{:?}", Secret("swordfish".into())).contains("swordfish"));
}

#[test]
fn code_numbers_are_unique_and_come_back() {
    for code in CloseCode::ALL {
        assert_eq!(CloseCode::from_number(code.number()), Some(*code));
    }
    for code in RefusedCode::ALL {
        assert_eq!(RefusedCode::from_number(code.number()), Some(*code));
    }
    assert_eq!(CloseCode::from_number(9999), None);
}
