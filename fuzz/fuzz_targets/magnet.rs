//! Whatever a link says, taking it apart ends within bounds, and the link written from what was found says the same.

#![no_main]

use engine::Magnet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    check(&text);
    // The same text behind a hash, so that less has to be guessed.
    check(&format!("magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&{text}"));
});

fn check(link: &str) {
    let magnet = match Magnet::parse(link) {
        Ok(magnet) => magnet,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error says something"),
    };
    let written = magnet.to_string();
    assert_eq!(Magnet::parse(&written).as_ref(), Ok(&magnet), "{written}");
    assert_eq!(
        Magnet::parse(&format!(" {link}\n")).as_ref(),
        Ok(&magnet),
        "white space around a link means nothing"
    );
    assert_eq!(magnet.info_hashes().first(), Some(&magnet.info_hash()), "it names a torrent");
    assert!(magnet.peers().len() <= 100 && magnet.web_seeds().len() <= 100, "its lists are bounded");
    let selection = magnet.selection();
    assert!(
        selection.iter().take(20).all(|file| selection.contains(file as usize)),
        "chosen files are chosen"
    );
}
