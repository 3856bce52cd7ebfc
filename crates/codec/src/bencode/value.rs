//! A scanned document, and views of the values in it.

/// Bencoded bytes that were found sound, with the place of every value in them.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    /// In the order of the bytes: a list's or dictionary's parts follow it.
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Bytes,
    List,
    Dict,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Index of the first item behind this one and all that is in it.
    pub(super) next: u32,
    pub(super) kind: Kind,
    /// Bytes between `start` and the content of a number or string: at most 11, a length of ten digits and a colon.
    pub(super) head_len: u8,
}

impl<'a> Document<'a> {
    /// `items` is not empty: a scan that succeeds has found a value.
    pub(super) fn new(bytes: &'a [u8], items: Vec<Item>) -> Self {
        Self { bytes, items }
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value { document: self, at: 0 }
    }
}

/// One value of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: &'a Document<'a>,
    at: usize,
}

impl<'a> Value<'a> {
    /// The value as it was written, byte for byte.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        let item = self.item();
        &self.document.bytes[item.start as usize..item.end as usize]
    }

    /// Where the value begins, in bytes from the start of the document.
    #[must_use]
    pub fn offset(self) -> usize {
        self.item().start as usize
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        if self.kind() != Kind::Number {
            return None;
        }
        let text = self.content().strip_suffix(b"e")?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// The string's bytes, if it is one.
    #[must_use]
    pub fn bytes(self) -> Option<&'a [u8]> {
        (self.kind() == Kind::Bytes).then(|| self.content())
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn list(self) -> Option<impl Iterator<Item = Value<'a>>> {
        (self.kind() == Kind::List).then(|| self.parts())
    }

    /// Keys and values in the order of the bytes, if it is a dictionary.
    #[must_use]
    pub fn dict(self) -> Option<impl Iterator<Item = (&'a [u8], Value<'a>)>> {
        let mut parts = (self.kind() == Kind::Dict).then(|| self.parts())?;
        Some(std::iter::from_fn(move || Some((parts.next()?.content(), parts.next()?))))
    }

    /// The first value with this key, if it is a dictionary that has one.
    #[must_use]
    pub fn get(self, key: &[u8]) -> Option<Self> {
        self.dict()?.find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    /// Where a key stands, in this value or anything within it, that does not come behind the key before it, in bytes
    /// from the start of the document. `None`: all dictionaries are as canonical bencode wants them.
    #[must_use]
    pub fn unsorted_key(self) -> Option<usize> {
        let within = (self.at..self.item().next as usize).map(|at| Self { document: self.document, at });
        within.filter(|value| value.kind() == Kind::Dict).find_map(|dict| {
            let mut before: Option<&[u8]> = None;
            dict.parts().step_by(2).find_map(|key| {
                let is_sorted = before.is_none_or(|before| before < key.content());
                before = Some(key.content());
                (!is_sorted).then(|| key.offset())
            })
        })
    }

    pub(super) fn kind(self) -> Kind {
        self.item().kind
    }

    fn item(self) -> Item {
        self.document.items[self.at]
    }

    fn content(self) -> &'a [u8] {
        let item = self.item();
        &self.document.bytes[item.start as usize + usize::from(item.head_len)..item.end as usize]
    }

    fn parts(self) -> impl Iterator<Item = Value<'a>> {
        let (mut at, end) = (self.at + 1, self.item().next as usize);
        std::iter::from_fn(move || {
            let part = (at < end).then_some(Self { document: self.document, at })?;
            at = part.item().next as usize;
            Some(part)
        })
    }
}
