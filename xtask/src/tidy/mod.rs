//! `cargo xtask tidy`: rules of the project that no compiler checks. It also runs as a test of this package.

mod edges;
mod sizes;
mod source;
mod text;
mod tree;
pub(crate) mod wasm_imports;
mod words;

use crate::paths;
use crate::run::Outcome;

/// A broken rule: where, and what to do.
type Finding = String;

/// Prints what it found.
pub(crate) fn command() -> Outcome {
    let findings = findings()?;
    for finding in &findings.broken {
        println!("{finding}");
    }
    for note in &findings.notes {
        println!("note: {note}");
    }
    if findings.broken.is_empty() {
        println!("tidy: all rules hold");
        Ok(())
    } else {
        Err(format!("{} rules are broken", findings.broken.len()))
    }
}

#[derive(Default)]
struct Findings {
    broken: Vec<Finding>,
    notes: Vec<Finding>,
}

fn findings() -> Outcome<Findings> {
    let files = tree::read(paths::root())?;
    let mut findings = Findings::default();
    findings.broken.extend(edges::check(&files)?);
    for file in &files {
        findings.broken.extend(text::check(file));
        findings.broken.extend(text::check_links(file, paths::root()));
        if file.path.ends_with(".rs") {
            let code = source::mask(&file.text);
            findings.broken.extend(words::check(&file.path, &code));
            findings.broken.extend(sizes::check(&file.path, &code));
            findings.notes.extend(sizes::note(&file.path, &code));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let findings = super::findings().expect("the tree can be read");
        assert!(findings.broken.is_empty(), "\n{}\n", findings.broken.join("\n"));
    }
}
