//! Whatever a message of an extension says, reading it ends within bounds, and what was read, written and read again, is
//! the same.

#![no_main]

use codec::bencode::{Limits, scan};
use engine::{ExtendedHandshake, MetadataMessage, PeerId, PexMessage, client_name};
use libfuzzer_sys::fuzz_target;

const ENTRIES_MAX: usize = 50;
const LIMITS: Limits = Limits { len_max: 1 << 20, depth_max: 20, items_max: 100_000 };

fuzz_target!(|data: &[u8]| {
    if let Ok(handshake) = ExtendedHandshake::parse(data) {
        let written = handshake.encode();
        check_canonical(&written);
        assert_eq!(ExtendedHandshake::parse(&written), Ok(handshake));
    }
    if let Ok(message) = PexMessage::parse(data, ENTRIES_MAX) {
        assert!(message.added.len() <= ENTRIES_MAX && message.dropped.len() <= ENTRIES_MAX);
        let written = message.encode();
        check_canonical(&written);
        assert_eq!(PexMessage::parse(&written, ENTRIES_MAX), Ok(message));
    }
    if let Ok(Some(message)) = MetadataMessage::parse(data) {
        assert_eq!(MetadataMessage::parse(&message.encode()), Ok(Some(message)));
    }
    if let Some(id) = data.first_chunk() {
        let _ = client_name(&PeerId(*id));
    }
});

fn check_canonical(payload: &[u8]) {
    let document = scan(payload, &LIMITS).expect("what is written is bencoded");
    assert_eq!(document.root().unsorted_key(), None, "{}", payload.escape_ascii());
}
