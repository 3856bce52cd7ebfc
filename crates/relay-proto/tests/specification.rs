//! `docs/relay-protocol.md` says what the code does: its examples are frames, its tables are the enums.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use relay_proto::{CloseCode, FrameType, Frames, RefusedCode};

const SPECIFICATION: &str = include_str!("../../../docs/relay-protocol.md");

/// The examples: the frame's name, and its bytes.
fn examples() -> Vec<(String, Vec<u8>)> {
    let blocks = SPECIFICATION.split("```frame ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap();
            let (body, _) = rest.split_once("```").unwrap();
            let mut bytes = Vec::new();
            for line in body.lines() {
                if line.starts_with('{') {
                    bytes.extend_from_slice(line.as_bytes());
                } else {
                    bytes.extend(
                        line.split_whitespace().map(|digits| u8::from_str_radix(digits, 16).unwrap()),
                    );
                }
            }
            (name.to_owned(), bytes)
        })
        .collect()
}

#[test]
fn every_example_is_a_whole_frame_of_the_type_that_it_shows() {
    for (name, bytes) in examples() {
        let frames: Vec<_> = Frames::parse(&bytes).unwrap().collect();
        assert_eq!(frames.len(), 1, "{name}");
        frames.into_iter().for_each(|frame| drop(frame.unwrap()));
        assert_eq!(FrameType::from_number(bytes[0]).unwrap().name(), name);
    }
}

#[test]
fn every_type_has_an_example_and_a_row() {
    let shown: BTreeSet<_> = examples().into_iter().map(|(name, _)| name).collect();
    for kind in (0..=u8::MAX).filter_map(FrameType::from_number) {
        assert!(shown.contains(kind.name()), "{} has no example", kind.name());
        let layer = if kind.is_carrier() { "carrier" } else { "session" };
        let row = format!("| {:#04x} | `{}` |", kind as u8, kind.name());
        let found = SPECIFICATION.lines().find(|line| line.starts_with(&row));
        assert!(found.is_some_and(|line| line.ends_with(&format!("| {layer} |"))), "{row}");
    }
}

#[test]
fn every_numbered_reason_has_its_row() {
    for code in CloseCode::ALL {
        let by = if code.number() < 100 { "relay" } else { "tab" };
        let row = format!("| {} | `{}` | {} | {by} |", code.number(), code.code(), code.text());
        assert!(SPECIFICATION.contains(&row), "{row}");
    }
    for code in RefusedCode::ALL {
        let row = format!("| {} | `{}` | {} |\n", code.number(), code.code(), code.text());
        assert!(SPECIFICATION.contains(&row), "{row}");
    }
}
