//! How long files and functions may be. A file answers one question; a function of the engine fits on a screen.

use super::Finding;
use super::source::{block_len, code_lines, without_tests};

/// Lines of code in a file, without its tests, from which on it wants to be split.
const FILE_LINES_SOFT: usize = 400;

/// Lines of code that no file may exceed.
const FILE_LINES_MAX: usize = 600;

/// Lines of code in a function of the deterministic crates.
const FUNCTION_LINES_MAX: usize = 70;

/// Packages whose functions are held short.
const SHORT_FUNCTIONS: [&str; 2] = ["crates/engine/src/", "crates/sim/src/"];

/// Files and functions over the limit, in masked source.
pub(super) fn check(path: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = code_lines(&without_tests(code));
    if lines > FILE_LINES_MAX {
        findings.push(format!("{path}: {lines} lines of code; {FILE_LINES_MAX} is the limit, split it"));
    }
    if SHORT_FUNCTIONS.iter().any(|prefix| path.starts_with(prefix)) {
        for (line, name, lines) in functions(code) {
            if lines > FUNCTION_LINES_MAX {
                findings.push(format!(
                    "{path}:{line}: fn {name} has {lines} lines of code; {FUNCTION_LINES_MAX} is the limit"
                ));
            }
        }
    }
    findings
}

/// Files that should be split soon.
pub(super) fn note(path: &str, code: &str) -> Option<Finding> {
    let lines = code_lines(&without_tests(code));
    (FILE_LINES_SOFT < lines && lines <= FILE_LINES_MAX).then(|| format!("{path}: {lines} lines of code"))
}

/// Line, name and length of each function with a body.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_word = !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let after = &code[at + "fn ".len()..];
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !is_word || name.is_empty() {
            continue;
        }
        // A `;` may stand inside brackets before the body, as in `[u8; 4]`.
        let mut depth = 0_i32;
        let body = after.char_indices().find_map(|(at, character)| {
            match character {
                '(' | '[' => depth += 1,
                ')' | ']' => depth -= 1,
                '{' if depth == 0 => return Some(Some(at)),
                ';' if depth == 0 => return Some(None),
                _ => {}
            }
            None
        });
        if let Some(Some(body)) = body {
            let end = body + block_len(&after[body..]);
            let line = code[..at].matches('\n').count() + 1;
            found.push((line, name, code_lines(&after[..end])));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{check, functions};

    #[test]
    fn functions_are_measured_with_their_signature() {
        let code = "trait T { fn a(&self) -> [u8; 4]; }\nfn b(x: [u8; 2])\n{\n\n  if x { y }\n}\n";
        assert_eq!(functions(code), [(2, "b".to_owned(), 4)]);
    }

    #[test]
    fn long_functions_are_found_in_the_engine_only() {
        let code = format!("fn a() {{\n{}}}\n", "x();\n".repeat(69));
        assert_eq!(check("crates/engine/src/a.rs", &code).len(), 1);
        assert_eq!(check("crates/relay/src/a.rs", &code).len(), 0);
        assert_eq!(check("crates/relay/src/a.rs", &"x();\n".repeat(601)).len(), 1);
    }
}
