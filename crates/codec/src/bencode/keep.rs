//! Writing the known part of a document anew.

use super::value::{Kind, Value};

/// What a parser understands. A value of another kind counts as absent.
#[derive(Clone, Copy, Debug)]
pub enum Schema {
    /// A number.
    Number,
    /// A string.
    Bytes,
    /// Items of one kind.
    List(&'static Self, WrongItem),
    /// These keys; others are left out.
    Dict(&'static [(&'static str, Self)]),
}

/// What an item of the wrong kind does to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongItem {
    /// It is left out.
    Skip,
    /// The whole list counts as absent.
    DropList,
}

/// A known key stands twice in a dictionary, so that two readers may understand different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: the key '{key}' stands there twice")]
pub struct DuplicateKey {
    /// The key.
    pub key: &'static str,
    /// Where the second value begins, in bytes from the start.
    pub offset: usize,
}

impl Value<'_> {
    /// The value with the known keys only, or `None` if it is of another kind. Nested no deeper than `schema`.
    ///
    /// # Errors
    /// If a known key stands twice in one dictionary.
    pub fn keep(self, schema: &Schema) -> Result<Option<Vec<u8>>, DuplicateKey> {
        let mut out = Vec::new();
        Ok(self.keep_into(schema, &mut out)?.then_some(out))
    }

    /// Appends the value; appends nothing and says `false` if it is of another kind.
    fn keep_into(self, schema: &Schema, out: &mut Vec<u8>) -> Result<bool, DuplicateKey> {
        let start = out.len();
        match (schema, self.kind()) {
            (Schema::Number, Kind::Number) | (Schema::Bytes, Kind::Bytes) => {
                out.extend_from_slice(self.raw());
            }
            (Schema::List(item_schema, wrong_item), Kind::List) => {
                out.push(b'l');
                for item in self.list().into_iter().flatten() {
                    if !item.keep_into(item_schema, out)? && *wrong_item == WrongItem::DropList {
                        out.truncate(start);
                        return Ok(false);
                    }
                }
                out.push(b'e');
            }
            (Schema::Dict(known), Kind::Dict) => {
                out.push(b'd');
                self.keep_keys(known, out)?;
                out.push(b'e');
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn keep_keys(
        self,
        known: &'static [(&'static str, Schema)],
        out: &mut Vec<u8>,
    ) -> Result<(), DuplicateKey> {
        // One bit a known key; no schema has more than 64.
        let mut seen = 0_u64;
        for (key, value) in self.dict().into_iter().flatten() {
            let Some(nth) = known.iter().position(|(name, _)| name.as_bytes() == key) else {
                continue;
            };
            let (key, schema) = &known[nth];
            let bit = 1_u64.checked_shl(nth as u32).unwrap_or(0);
            if seen & bit != 0 {
                return Err(DuplicateKey { key, offset: value.offset() });
            }
            seen |= bit;
            let start = out.len();
            out.extend_from_slice(format!("{}:{key}", key.len()).as_bytes());
            if !value.keep_into(schema, out)? {
                out.truncate(start);
            }
        }
        Ok(())
    }
}
