//! Is this one bencoded value, and where do its parts lie? Without recursion, within bounds.

use std::fmt;

use super::value::{Document, Item, Kind};

/// What is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all.
    pub len_max: usize,
    /// Lists and dictionaries within each other.
    pub depth_max: usize,
    /// Numbers, strings, lists and dictionaries in all; each costs 16 bytes while the scan is kept.
    pub items_max: usize,
}

/// These bytes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// Why.
    pub fault: ScanFault,
}

/// What is wrong with bencoded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanFault {
    /// They end within a value.
    Truncated,
    /// No value begins with this byte.
    UnexpectedByte(u8),
    /// More follows after the value.
    TrailingBytes,
    /// A number with a plus sign, leading zeros, a negative zero, no digits, or something between its digits.
    NotCanonical,
    /// A number beyond 64 bits.
    NumberTooLarge,
    /// A key that is no string.
    KeyNotString,
    /// A key without a value.
    KeyWithoutValue,
    /// More bytes than allowed.
    TooLong {
        /// How many.
        len: usize,
        /// How many are allowed.
        max: usize,
    },
    /// Nested deeper than allowed.
    TooDeep {
        /// The bound.
        max: usize,
    },
    /// More parts than allowed.
    TooManyItems {
        /// The bound.
        max: usize,
    },
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.fault {
            ScanFault::Truncated => write!(f, "the data ends after {offset} bytes, in the middle of a value"),
            ScanFault::UnexpectedByte(byte) => {
                write!(f, "at byte {offset}: no bencoded value begins with '{}'", byte.escape_ascii())
            }
            ScanFault::TrailingBytes => write!(f, "at byte {offset}: something follows after the end"),
            ScanFault::NotCanonical => {
                write!(f, "at byte {offset}: a number is not written the one allowed way")
            }
            ScanFault::NumberTooLarge => write!(f, "at byte {offset}: a number does not fit in 64 bits"),
            ScanFault::KeyNotString => write!(f, "at byte {offset}: a dictionary's key is not a string"),
            ScanFault::KeyWithoutValue => write!(f, "at byte {offset}: a dictionary's last key has no value"),
            ScanFault::TooLong { len, max } => write!(f, "it has {len} bytes, at most {max} are read"),
            ScanFault::TooDeep { max } => write!(f, "at byte {offset}: nested deeper than {max} levels"),
            ScanFault::TooManyItems { max } => write!(f, "at byte {offset}: more than {max} values"),
        }
    }
}

impl std::error::Error for ScanError {}

/// Reads exactly one value that fills `bytes`. Keys may be in any order, since old metainfo has them so.
///
/// # Errors
/// At the first byte that is wrong, or at the first bound that is passed.
pub fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Document<'a>, ScanError> {
    // Places are kept in 32 bits.
    let len_max = limits.len_max.min(u32::MAX as usize - 1);
    if bytes.len() > len_max {
        let fault = ScanFault::TooLong { len: bytes.len(), max: len_max };
        return Err(ScanError { offset: len_max, fault });
    }
    let mut scanner = Scanner { bytes, limits, at: 0, items: Vec::new(), open: Vec::new() };
    scanner.run()?;
    if scanner.at < bytes.len() {
        return Err(scanner.error(ScanFault::TrailingBytes));
    }
    Ok(Document::new(bytes, scanner.items))
}

/// Reads the one value that `bytes` begins with, whatever follows it, as in messages that carry raw bytes behind a
/// dictionary (BEP 9). Returns what follows, too. `len_max` bounds the value alone.
///
/// # Errors
/// As [`scan`].
pub fn scan_first<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Document<'a>, &'a [u8]), ScanError> {
    let head = &bytes[..bytes.len().min(limits.len_max).min(u32::MAX as usize - 1)];
    let mut scanner = Scanner { bytes: head, limits, at: 0, items: Vec::new(), open: Vec::new() };
    scanner.run()?;
    let rest = &bytes[scanner.at..];
    Ok((Document::new(head, scanner.items), rest))
}

struct Scanner<'a> {
    bytes: &'a [u8],
    limits: &'a Limits,
    at: usize,
    items: Vec<Item>,
    /// Lists and dictionaries that have begun and not ended, outermost first.
    open: Vec<Open>,
}

/// What the innermost list or dictionary waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Item,
    Key,
    ValueOfKey,
}

struct Open {
    item: usize,
    expect: Expect,
}

impl Scanner<'_> {
    fn run(&mut self) -> Result<(), ScanError> {
        loop {
            self.step()?;
            if self.open.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Reads one number, one string, or one end or beginning of a list or dictionary.
    fn step(&mut self) -> Result<(), ScanError> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.truncated())?;
        let expect = self.open.last().map_or(Expect::Item, |open| open.expect);
        if byte == b'e' && !self.open.is_empty() {
            return self.end(expect);
        }
        if expect == Expect::Key && !byte.is_ascii_digit() {
            return Err(self.error(ScanFault::KeyNotString));
        }
        if self.items.len() >= self.limits.items_max {
            return Err(self.error(ScanFault::TooManyItems { max: self.limits.items_max }));
        }
        // A key makes the dictionary wait for its value, a value for the next key.
        if let Some(open) = self.open.last_mut() {
            open.expect = match expect {
                Expect::Item => Expect::Item,
                Expect::Key => Expect::ValueOfKey,
                Expect::ValueOfKey => Expect::Key,
            };
        }
        match byte {
            b'i' => self.number(),
            b'0'..=b'9' => self.string(),
            b'l' => self.begin(Kind::List, Expect::Item),
            b'd' => self.begin(Kind::Dict, Expect::Key),
            other => Err(self.error(ScanFault::UnexpectedByte(other))),
        }
    }

    fn begin(&mut self, kind: Kind, expect: Expect) -> Result<(), ScanError> {
        if self.open.len() >= self.limits.depth_max {
            return Err(self.error(ScanFault::TooDeep { max: self.limits.depth_max }));
        }
        self.open.push(Open { item: self.items.len(), expect });
        self.push(kind, self.at, self.at, self.at + 1);
        Ok(())
    }

    fn end(&mut self, expect: Expect) -> Result<(), ScanError> {
        if expect == Expect::ValueOfKey {
            return Err(self.error(ScanFault::KeyWithoutValue));
        }
        self.at += 1;
        if let Some(open) = self.open.pop() {
            let next = self.items.len() as u32;
            let item = &mut self.items[open.item];
            item.end = self.at as u32;
            item.next = next;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        let minus = usize::from(self.bytes.get(start + 1) == Some(&b'-'));
        let digits = self.digits(start + 1 + minus, b'e')?;
        let text = &self.bytes[start + 1..digits];
        let is_negative_zero = text == b"-0";
        let fits = std::str::from_utf8(text).is_ok_and(|text| text.parse::<i64>().is_ok());
        if is_negative_zero {
            return Err(self.error(ScanFault::NotCanonical));
        }
        if !fits {
            return Err(self.error(ScanFault::NumberTooLarge));
        }
        self.push(Kind::Number, start, start + 1, digits + 1);
        Ok(())
    }

    fn string(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        let colon = self.digits(start, b':')?;
        let len =
            std::str::from_utf8(&self.bytes[start..colon]).ok().and_then(|text| text.parse::<u64>().ok());
        let len = len.ok_or_else(|| self.error(ScanFault::NumberTooLarge))?;
        let end = usize::try_from(len).ok().and_then(|len| len.checked_add(colon + 1));
        let end = end.filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.truncated())?;
        self.push(Kind::Bytes, start, colon + 1, end);
        Ok(())
    }

    /// The place of `terminator` behind a run of canonical digits that begins at `from`.
    fn digits(&self, from: usize, terminator: u8) -> Result<usize, ScanError> {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match rest.get(len) {
            None => Err(self.truncated()),
            Some(byte) if *byte == terminator && len > 0 && (len == 1 || rest[0] != b'0') => Ok(from + len),
            Some(_) => Err(self.error(ScanFault::NotCanonical)),
        }
    }

    fn push(&mut self, kind: Kind, start: usize, content: usize, end: usize) {
        let next = self.items.len() as u32 + 1;
        let head_len = (content - start) as u8;
        self.items.push(Item { start: start as u32, end: end as u32, next, kind, head_len });
        self.at = end;
    }

    fn error(&self, fault: ScanFault) -> ScanError {
        ScanError { offset: self.at, fault }
    }

    fn truncated(&self) -> ScanError {
        ScanError { offset: self.bytes.len(), fault: ScanFault::Truncated }
    }
}
