//! White space, and links between documents.

use std::path::Path;

use super::Finding;
use super::tree::File;

/// Stray white space.
pub(super) fn check(file: &File) -> Vec<Finding> {
    // Cargo writes it.
    if file.path.ends_with(".lock") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in file.text.split('\n').enumerate() {
        let place = format!("{}:{}", file.path, number + 1);
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(format!("{place}: white space at the end of the line"));
        }
        if line.contains('\t') {
            findings.push(format!("{place}: a tab"));
        }
    }
    if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
        findings.push(format!("{}: it should end with one line break", file.path));
    }
    findings
}

/// Links of a document to files that are not there.
pub(super) fn check_links(file: &File, root: &Path) -> Vec<Finding> {
    if !file.path.ends_with(".md") {
        return Vec::new();
    }
    let folder = root.join(&file.path).parent().map_or_else(|| root.to_owned(), Path::to_owned);
    let mut findings = Vec::new();
    for (number, line) in prose(&file.text) {
        for target in links(line) {
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            let path = target.split('#').next().unwrap_or_default();
            if !is_elsewhere && !path.is_empty() && !folder.join(path).exists() {
                findings.push(format!("{}:{}: a link to {path}, which is not there", file.path, number + 1));
            }
        }
    }
    findings
}

/// Numbered lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

#[cfg(test)]
mod tests {
    use super::super::tree::File;
    use super::{check, check_links};
    use std::path::Path;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn stray_white_space_is_found() {
        let count = |text: &str| check(&file("a.rs", text)).len();
        assert_eq!(count("a\nb\n"), 0);
        assert_eq!(count("a \nb\n"), 1);
        assert_eq!(count("a\tb\n"), 1);
        assert_eq!(count("a\r\n"), 1);
        assert_eq!(count("a"), 1);
        assert_eq!(count("a\n\n"), 1);
    }

    #[test]
    fn links_into_nowhere_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let count = |text: &str| check_links(&file("src/a.md", text), root).len();
        assert_eq!(count("[a](main.rs#top) and [b](https://example.org/x) and [c](#here)"), 0);
        assert_eq!(count("[a](gone.rs)"), 1);
        assert_eq!(count("```\n[a](gone.rs)\n```\n"), 0);
    }
}
