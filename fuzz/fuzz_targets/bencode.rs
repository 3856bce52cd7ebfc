//! Whatever the bytes are, the scan of bencode ends, and what it finds sound is what it was given, byte for byte.

#![no_main]

use codec::bencode::{Limits, Value, scan, scan_first};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { len_max: 1 << 16, depth_max: 20, items_max: 2000 };

fuzz_target!(|data: &[u8]| {
    let whole = scan(data, &LIMITS);
    let first = scan_first(data, &LIMITS);
    if let Ok((document, rest)) = &first {
        let raw = document.root().raw();
        assert_eq!([raw, rest].concat(), data, "nothing is lost between the value and the rest");
        assert_eq!(whole.is_ok(), rest.is_empty(), "a whole document is a value with nothing behind it");
        let mut written = Vec::new();
        write(document.root(), &mut written);
        assert_eq!(written, raw, "there is one way to write a value");
        for cut in [raw.len() / 3, raw.len() / 2, raw.len() - 1] {
            assert!(scan(&raw[..cut], &LIMITS).is_err(), "no value is the beginning of another");
        }
    }
    if let Ok(document) = &whole {
        assert!(first.is_ok(), "a document begins with a value");
        let root = document.root();
        if let Some(offset) = root.unsorted_key() {
            assert!(offset < data.len(), "the key lies in the document");
        }
    }
    if let Err(error) = whole {
        assert!(error.offset <= data.len() && !error.to_string().is_empty(), "a fault has its place");
    }
});

fn write(value: Value<'_>, out: &mut Vec<u8>) {
    if let Some(number) = value.number() {
        out.extend(format!("i{number}e").bytes());
    } else if let Some(bytes) = value.bytes() {
        string(bytes, out);
    } else if let Some(items) = value.list() {
        out.push(b'l');
        items.for_each(|item| write(item, out));
        out.push(b'e');
    } else if let Some(entries) = value.dict() {
        out.push(b'd');
        for (key, value) in entries {
            string(key, out);
            write(value, out);
        }
        out.push(b'e');
    }
}

fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(format!("{}:", bytes.len()).bytes());
    out.extend(bytes);
}
