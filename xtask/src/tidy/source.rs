//! Rust source with everything blanked that is not code, so that simple searches cannot be fooled by a comment or a
//! string.

/// `text` with comments and the insides of literals replaced by spaces; lines and columns stay where they are.
pub(super) fn mask(text: &str) -> String {
    let mut scanner = Scanner { rest: text, before: ' ', out: String::with_capacity(text.len()) };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.out
}

/// Lines with code on them, in masked source.
pub(super) fn code_lines(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Masked source without its `#[cfg(test)]` modules.
pub(super) fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..start]);
        rest = &rest[start + "#[cfg(test)]".len()..];
        // `mod tests;` has its body elsewhere, `mod tests { … }` here.
        let item_end = match rest.find(['{', ';']) {
            Some(at) if rest[at..].starts_with('{') => at + block_len(&rest[at..]),
            Some(at) => at + 1,
            None => rest.len(),
        };
        rest = &rest[item_end..];
    }
    out.push_str(rest);
    out
}

/// Length in bytes of the block that `code` begins with, braces included.
pub(super) fn block_len(code: &str) -> usize {
    let mut depth = 0_u32;
    for (at, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + character.len_utf8();
        }
    }
    code.len()
}

struct Scanner<'a> {
    rest: &'a str,
    /// Last character that was kept.
    before: char,
    out: String,
}

impl Scanner<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.blank(end);
        } else if self.rest.starts_with("/*") {
            let end = block_comment_len(self.rest);
            self.blank(end);
        } else if let Some(hashes) = self.raw_string_hashes() {
            let opening = self.rest.find('"').map_or(0, |at| at + 1);
            let closing = format!("\"{}", "#".repeat(hashes));
            let body = self.rest[opening..].find(&closing).unwrap_or(self.rest.len() - opening);
            self.keep(opening);
            self.blank(body);
            self.keep(closing.len().min(self.rest.len()));
        } else if self.rest.starts_with('"') {
            let len = quoted_len(self.rest, '"');
            self.keep(1);
            self.blank(len.saturating_sub(2));
            self.keep(1.min(self.rest.len()));
        } else if let Some(len) = char_literal_len(self.rest) {
            self.keep(1);
            self.blank(len - 2);
            self.keep(1);
        } else {
            let len = self.rest.chars().next().map_or(0, char::len_utf8);
            self.keep(len);
        }
    }

    /// Number of `#` of the raw string that begins here, if one does.
    fn raw_string_hashes(&self) -> Option<usize> {
        if self.before.is_alphanumeric() || self.before == '_' {
            return None;
        }
        let after_prefix = ["r", "br", "cr"].iter().find_map(|prefix| self.rest.strip_prefix(prefix))?;
        let after_hashes = after_prefix.trim_start_matches('#');
        after_hashes.starts_with('"').then(|| after_prefix.len() - after_hashes.len())
    }

    fn keep(&mut self, len: usize) {
        let (kept, rest) = self.rest.split_at(len);
        self.before = kept.chars().next_back().unwrap_or(self.before);
        self.out.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, len: usize) {
        let (blanked, rest) = self.rest.split_at(len);
        self.out.extend(blanked.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        self.before = ' ';
        self.rest = rest;
    }
}

fn block_comment_len(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Length of the literal that begins with `quote`, both quotes included.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Length of the character literal that begins here; `None` for a lifetime.
fn char_literal_len(text: &str) -> Option<usize> {
    let mut characters = text.strip_prefix('\'')?.chars();
    let first = characters.next()?;
    if first == '\\' {
        return Some(quoted_len(text, '\''));
    }
    (characters.next() == Some('\'')).then(|| 2 + first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::{code_lines, mask, without_tests};

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let check = |text: &str, masked: &str| assert_eq!(mask(text), masked, "{text}");
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check(r#"f("todo!()", 1)"#, r#"f("       ", 1)"#);
        check(r##"r#"a "b" c"# x"##, r##"r#"       "# x"##);
        check(r#""a\"b" x"#, r#""    " x"#);
        check("'{' '\\'' &'a str", "' ' '  ' &'a str");
        check("for\"\"", "for\"\"");
    }

    #[test]
    fn tests_at_the_end_do_not_count_as_code() {
        let code = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        assert_eq!(code_lines(&without_tests(code)), 3);
        assert_eq!(code_lines(&without_tests("#[cfg(test)]\nmod tests;\nfn a() {}\n")), 1);
    }
}
