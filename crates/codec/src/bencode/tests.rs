#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { len_max: 1 << 20, depth_max: 20, items_max: 10_000 };

/// `Ok` if the scan accepts, else where and why it does not.
fn check(bytes: &[u8]) -> Result<(), (usize, ScanFault)> {
    scan(bytes, &LIMITS).map(|_| ()).map_err(|error| (error.offset, error.fault))
}

#[test]
fn one_whole_value_is_accepted() {
    for good in [
        "i0e",
        "i-1e",
        "i9223372036854775807e",
        "i-9223372036854775808e",
        "0:",
        "3:abc",
        "le",
        "de",
        "lli1eee",
    ] {
        assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
    }
    assert_eq!(check(b"d1:bi1e1:ai2ee"), Ok(()), "keys in any order");
    assert_eq!(check(b"d2:\xff\xfe2:\xfd\xfce"), Ok(()), "keys need not be text");
}

#[test]
fn each_fault_is_named_with_its_place() {
    use ScanFault::*;
    let table: &[(&[u8], usize, ScanFault)] = &[
        (b"", 0, Truncated),
        (b"x", 0, UnexpectedByte(b'x')),
        (b"e", 0, UnexpectedByte(b'e')),
        (b"li1ex", 4, UnexpectedByte(b'x')),
        (b"i1ei2e", 3, TrailingBytes),
        (b"de\n", 2, TrailingBytes),
        (b"i03e", 0, NotCanonical),
        (b"i-0e", 0, NotCanonical),
        (b"i+5e", 0, NotCanonical),
        (b"i-e", 0, NotCanonical),
        (b"ie", 0, NotCanonical),
        (b"i1 e", 0, NotCanonical),
        (b"li00ee", 1, NotCanonical),
        (b"03:abc", 0, NotCanonical),
        (b"3;abc", 0, NotCanonical),
        (b"i9223372036854775808e", 0, NumberTooLarge),
        (b"99999999999999999999:a", 0, NumberTooLarge),
        (b"18446744073709551615:a", 22, Truncated),
        (b"4:abc", 5, Truncated),
        (b"i12", 3, Truncated),
        (b"12", 2, Truncated),
        (b"l", 1, Truncated),
        (b"d1:a", 4, Truncated),
        (b"di1ei2ee", 1, KeyNotString),
        (b"dlei2ee", 1, KeyNotString),
        (b"d1:ae", 4, KeyWithoutValue),
    ];
    for (bytes, offset, fault) in table {
        assert_eq!(check(bytes), Err((*offset, *fault)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn bounds_hold() {
    let nested = |levels: usize| ["l".repeat(levels), "e".repeat(levels)].concat().into_bytes();
    assert_eq!(check(&nested(20)), Ok(()));
    assert_eq!(check(&nested(21)), Err((20, ScanFault::TooDeep { max: 20 })));
    assert_eq!(check(&b"l".repeat(1_000_000)), Err((20, ScanFault::TooDeep { max: 20 })));
    assert_eq!(check(&b"d1:a".repeat(200_000)), Err((80, ScanFault::TooDeep { max: 20 })));
    let wide = [b"l".to_vec(), b"le".repeat(10_000), b"e".to_vec()].concat();
    assert_eq!(check(&wide), Err((19_999, ScanFault::TooManyItems { max: 10_000 })));
    let long = vec![b'l'; LIMITS.len_max + 1];
    let fault = ScanFault::TooLong { len: LIMITS.len_max + 1, max: LIMITS.len_max };
    assert_eq!(check(&long), Err((LIMITS.len_max, fault)));
}

#[test]
fn the_bytes_of_a_value_are_found_as_they_were_written() {
    let bytes = b"d8:announce3:url4:infod6:lengthi5e4:name1:xe4:listli1e2:abdeee";
    let document = scan(bytes, &LIMITS).unwrap();
    let root = document.root();
    assert_eq!(root.get(b"info").unwrap().raw(), b"d6:lengthi5e4:name1:xe");
    assert_eq!(root.get(b"info").unwrap().offset(), 22);
    assert_eq!(root.get(b"info").unwrap().get(b"length").unwrap().number(), Some(5));
    assert_eq!(root.get(b"announce").unwrap().bytes(), Some(&b"url"[..]));
    let items: Vec<_> = root.get(b"list").unwrap().list().unwrap().map(Value::raw).collect();
    assert_eq!(items, [&b"i1e"[..], b"2:ab", b"de"]);
    assert!(root.get(b"nothing").is_none() && root.number().is_none() && root.list().is_none());
}

#[test]
fn only_known_keys_of_the_right_kind_are_kept() {
    const TIERS: Schema = Schema::List(&Schema::List(&Schema::Bytes, WrongItem::Skip), WrongItem::Skip);
    const PATH: Schema = Schema::List(&Schema::Bytes, WrongItem::DropList);
    const KNOWN: Schema =
        Schema::Dict(&[("len", Schema::Number), ("name", Schema::Bytes), ("path", PATH), ("tiers", TIERS)]);
    let check = |bytes: &[u8]| {
        let kept = scan(bytes, &LIMITS).unwrap().root().keep(&KNOWN).unwrap();
        kept.map(|bytes| String::from_utf8(bytes).unwrap())
    };
    assert_eq!(check(b"d2:\xff\xfei1e3:leni7e4:name1:ne").unwrap(), "d3:leni7e4:name1:ne");
    assert_eq!(check(b"d3:len1:x4:namei1ee").unwrap(), "de");
    assert_eq!(check(b"d4:pathl1:ai1eee").unwrap(), "de");
    assert_eq!(check(b"d5:tiersl1:al1:bi1eeee").unwrap(), "d5:tiersll1:beee");
    assert_eq!(check(b"le"), None);
    let twice = scan(b"d3:leni1e3:leni2ee", &LIMITS).unwrap().root().keep(&KNOWN);
    assert_eq!(twice, Err(DuplicateKey { key: "len", offset: 14 }));
}

#[test]
fn the_first_value_ends_where_it_ends_and_the_rest_is_handed_back() {
    let (document, rest) = scan_first(b"d1:ai1ee and more", &LIMITS).unwrap();
    assert_eq!((document.root().raw(), rest), (&b"d1:ai1ee"[..], &b" and more"[..]));
    assert_eq!(scan_first(b"i1ei", &LIMITS).unwrap().1, b"i");
    assert_eq!(scan_first(b"d1:ai1e", &LIMITS).unwrap_err().fault, ScanFault::Truncated);
    let limits = Limits { len_max: 4, ..LIMITS };
    assert_eq!(scan_first(b"i12eeeee", &limits).unwrap().1, b"eeee");
    assert_eq!(scan_first(b"i123ee", &limits).unwrap_err().fault, ScanFault::Truncated);
}

#[test]
fn an_error_is_a_sentence_with_its_place() {
    let error = scan(b"d4:name", &LIMITS).unwrap_err().to_string();
    assert_eq!(error, "the data ends after 7 bytes, in the middle of a value");
    let error = scan(b"<html>", &LIMITS).unwrap_err().to_string();
    assert_eq!(error, "at byte 0: no bencoded value begins with '<'");
}

#[test]
fn the_first_key_out_of_order_is_found_wherever_it_is() {
    let unsorted = |text: &str| scan(text.as_bytes(), &LIMITS).unwrap().root().unsorted_key();
    for sorted in
        ["i1e", "de", "d1:ai1e1:bi2ee", "ld1:bi1eed1:ai1eee", "d1:ad1:zi1ee1:bi2ee", "d0:de1:\u{7f}dee"]
    {
        assert_eq!(unsorted(sorted), None, "{sorted}");
    }
    assert_eq!(unsorted("d1:bi1e1:ai2ee"), Some(7));
    assert_eq!(unsorted("d1:ai1e1:ai2ee"), Some(7), "a key that stands twice is not sorted");
    assert_eq!(unsorted("d1:ald1:ai1e0:i2eeee"), Some(12), "the empty key comes first");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = check(&bytes);
    }

    #[test]
    fn what_looks_like_bencode_never_panics_and_its_parts_fill_it(text in "[ilde0-9:\\-a]{0,60}") {
        if let Ok(document) = scan(text.as_bytes(), &LIMITS) {
            let root = document.root();
            prop_assert_eq!(root.raw(), text.as_bytes());
            if let Some(items) = root.list() {
                let inner: Vec<u8> = items.flat_map(|item| item.raw().to_vec()).collect();
                prop_assert_eq!(&inner[..], &text.as_bytes()[1..text.len() - 1]);
            }
        }
    }
}
