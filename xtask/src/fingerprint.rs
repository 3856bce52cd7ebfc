//! Whether anything changed since the last build: one number over names and contents.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::run::Outcome;

/// Hash of names and contents of all files in `paths` (files or folders, relative to `root`; missing ones count as
/// missing) and of `also`, in hexadecimal. Contents rather than times, because git sets times anew.
pub(crate) fn fingerprint(root: &Path, paths: &[PathBuf], also: &str) -> Outcome<String> {
    let mut files = Vec::new();
    for path in paths {
        collect(&root.join(path), &mut files)?;
    }
    files.sort();
    files.dedup();
    let mut hasher = DefaultHasher::new();
    also.hash(&mut hasher);
    for file in files {
        file.strip_prefix(root).unwrap_or(&file).hash(&mut hasher);
        std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for entry in entries {
            collect(&entry.map_err(|error| format!("{}: {error}", path.display()))?.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;
    use std::path::PathBuf;

    #[test]
    fn changes_with_content_and_with_the_compiler_only() {
        let dir = std::env::temp_dir().join(format!("swarmscope-fingerprint-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("a")).expect("writable");
        std::fs::write(dir.join("a/b"), "one").expect("writable");
        let of = |also| fingerprint(&dir, &[PathBuf::from("a")], also).expect("readable");
        let first = of("rustc 1");
        std::fs::write(dir.join("a/b"), "one").expect("writable");
        assert_eq!(of("rustc 1"), first);
        assert_ne!(of("rustc 2"), first);
        std::fs::write(dir.join("a/b"), "two").expect("writable");
        assert_ne!(of("rustc 1"), first);
        std::fs::remove_dir_all(&dir).expect("ours");
    }
}
