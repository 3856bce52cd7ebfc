//! Bencode (BEP 3) from strangers, made safe before a parser sees it.
//!
//! [`scan()`] reads without recursion and within bounds, and refuses what is not canonical. [`Value::keep`] then writes
//! the known keys anew, so that a derived parser gets shallow input in which every key is expected.

mod keep;
mod scan;
mod value;

pub use keep::{DuplicateKey, Schema, WrongItem};
pub use scan::{Limits, ScanError, ScanFault, scan, scan_first};
pub use value::{Document, Value};

#[cfg(test)]
mod tests;
