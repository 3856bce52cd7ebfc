//! Writes what each fuzzer begins with, below the folder that is named: sound things of every kind, made by the code
//! that writes them, so that no time goes into guessing what a handshake looks like.

#[path = "../fuzz_targets/torrents.rs"]
mod torrents;

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use codec::{InfoHash, PeerId};
use engine::{
    Bitfield, BlockRef, ExtendedHandshake, Extension, Handshake, HashRange, Message, MetadataMessage,
    PexFlags, PexMessage, PieceIndex, ResumeLog,
};
use relay_proto::{Close, CloseCode, Fetch, Frame, Hello, Open, Secret, encode};

fn main() -> io::Result<()> {
    let Some(corpus) = std::env::args().nth(1) else {
        return Err(io::Error::other("name the folder to write to"));
    };
    let seeds: [(&str, Vec<Vec<u8>>); 9] = [
        ("bencode", [torrents(), extensions(), answers()].concat()),
        ("engine", noise(64, 2000)),
        ("extensions", extensions()),
        ("magnet", links()),
        ("metainfo", torrents()),
        ("relay", frames()),
        ("resume", [noise(32, 500), vec![ResumeLog::new(InfoHash([5; 20]), 12).header()]].concat()),
        ("trackers", trackers()),
        ("wire", conversations()),
    ];
    for (target, seeds) in seeds {
        let folder = Path::new(&corpus).join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}

fn torrents() -> Vec<Vec<u8>> {
    let files = (0..4).map(torrents::pick);
    files.flat_map(|file| [file.as_bytes().to_vec(), file.info_bytes().to_vec()]).collect()
}

fn links() -> Vec<Vec<u8>> {
    let mut links: Vec<_> =
        (0..4).map(|number| torrents::pick(number).magnet().to_string().into_bytes()).collect();
    // What follows the hash.
    let rests = [
        "dn=a%20name&tr=http%3A%2F%2Ft.example%2Fannounce&tr.1=udp://t.example:1",
        "x.pe=10.0.0.1:6881&x.pe=[::5]:1&ws=http://w.example/&so=0,2-4",
    ];
    links.extend(rests.map(|rest| rest.as_bytes().to_vec()));
    links
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn extensions() -> Vec<Vec<u8>> {
    let handshake = ExtendedHandshake {
        client: Some("Swarmscope".into()),
        port: Some(6881),
        requests_max: Some(500),
        your_ip: Some(addr("80.4.4.200:1").ip()),
        metadata_len: Some(31_235),
        is_upload_only: Some(true),
        ..ExtendedHandshake::default()
    };
    let peers = PexMessage {
        added: vec![(addr("1.2.3.4:6881"), PexFlags::SEED), (addr("[2001:db8::1]:6882"), PexFlags::UTP)],
        dropped: vec![addr("5.6.7.8:1"), addr("[2001:db8::2]:2")],
    };
    vec![
        handshake.with(Extension::Pex, 1).with(Extension::Metadata, 2).encode(),
        peers.encode(),
        MetadataMessage::Request { piece: 0 }.encode(),
        MetadataMessage::Data { piece: 1, total_len: Some(34_256), bytes: b"xxxx" }.encode(),
        MetadataMessage::Reject { piece: 2 }.encode(),
    ]
}

/// Answers over http.
fn answers() -> Vec<Vec<u8>> {
    let answers: [&[u8]; 5] = [
        b"d8:completei5e11:external ip4:\x01\x02\x03\x0410:incompletei7e8:intervali60e12:min intervali30e\
          5:peers12:\x01\x02\x03\x04\x1a\xe1\x05\x06\x07\x08\x1a\xe2e",
        b"d5:peersld2:ip7:1.2.3.44:porti6881eed2:ip3:::54:porti1eee10:tracker id2:ab\
          15:warning message4:slowe",
        b"d14:failure reason11:not welcomee",
        b"d5:peers0:6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1e",
        b"d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3eeee",
    ];
    answers.map(<[u8]>::to_vec).to_vec()
}

/// Behind the number of who reads it.
fn trackers() -> Vec<Vec<u8>> {
    let http = answers().into_iter().flat_map(|answer| [0, 1].map(|kind| [&[kind][..], &answer].concat()));
    let udp: [&[u8]; 5] = [
        b"\x03\0\0\0\x3c\0\0\0\x01\0\0\0\x02\x01\x02\x03\x04\x1a\xe1\x05\x06\x07\x08\x1a\xe2",
        b"\x04\0\0\0\x3c\0\0\0\x01\0\0\0\x02\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1",
        b"\x05\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x01\0\0\0\x02\0\0\0\x03",
        b"\x06not welcome",
        b"\x07\x01\x02\x03\x04\x05\x06\x07\x08",
    ];
    http.chain(udp.map(<[u8]>::to_vec)).collect()
}

/// What the decoder reads, behind how its fuzzer is set: twelve pieces, a handshake in front, cuts.
fn conversations() -> Vec<Vec<u8>> {
    const PIECES: u8 = 12;
    let block = BlockRef { piece: PieceIndex(3), begin: 16_384, len: 40 };
    let range = HashRange { pieces_root: [9; 32], base_layer: 2, index: 0, len: 2, proof_layers: 1 };
    let extended = extensions().into_iter().map(|payload| Message::Extended { id: 0, payload });
    let messages: Vec<Message> = [
        Message::Bitfield(Bitfield::all(PIECES.into())),
        Message::KeepAlive,
        Message::Unchoke,
        Message::Interested,
        Message::Have(PieceIndex(1)),
        Message::Request(block),
        Message::Cancel(block),
        Message::Suggest(PieceIndex(2)),
        Message::HaveAll,
        Message::Reject(block),
        Message::AllowedFast(PieceIndex(0)),
        Message::HashRequest(range),
        Message::Hashes { range, hashes: vec![1; 96] },
        Message::HashReject(range),
    ]
    .into_iter()
    .chain(extended)
    .collect();
    let mut all = Vec::new();
    messages.iter().for_each(|message| message.encode(&mut all));
    all.extend(engine::piece_header(&block));
    all.extend([5; 40]);
    let setting = |has_handshake| [PIECES, 0, has_handshake, 0, 3, 16, 200];
    let opening = Handshake { reserved: [0; 8], info_hash: InfoHash([7; 20]), peer_id: PeerId([8; 20]) };
    let single = messages.iter().map(|message| {
        let mut seed = setting(1).to_vec();
        message.encode(&mut seed);
        seed
    });
    let whole = [[&setting(1)[..], &all].concat(), [&setting(0)[..], &opening.encode(), &all].concat()];
    single.chain(whole).collect()
}

fn frames() -> Vec<Vec<u8>> {
    let hello = Hello {
        version: 1,
        token: Secret("token".into()),
        session: None,
        received: 0,
        limit: 8 << 20,
        stream_credit: 2 << 20,
    };
    let frames: [Frame<&[u8]>; 9] = [
        Frame::Hello(hello),
        Frame::Window { acked: 1, limit: 2 },
        Frame::Ping { number: 7 },
        Frame::Open { stream: 1, open: Open { addr: addr("10.0.0.1:6881"), info_hash: InfoHash([7; 20]) } },
        Frame::Opened { stream: 1 },
        Frame::Data { stream: 1, payload: b"payload" },
        Frame::Credit { stream: 1, limit: 1 << 20 },
        Frame::Close { stream: 1, close: Close::new(CloseCode::TabDone) },
        Frame::Fetch(Fetch { request: 3, url: "http://w.example/a.torrent".into() }),
    ];
    let mut all = vec![0b0101];
    let mut seeds = Vec::new();
    for frame in &frames {
        let mut seed = vec![0];
        encode(frame, &mut seed).expect("a sound frame");
        all.extend(&seed[1..]);
        seeds.push(seed);
    }
    seeds.push(all);
    seeds
}

/// Stories for targets whose input is not bytes of a format.
fn noise(count: u64, len: usize) -> Vec<Vec<u8>> {
    let story = |number: u64| {
        let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        std::iter::repeat_with(byte).take(len).collect()
    };
    (1..=count).map(story).collect()
}
