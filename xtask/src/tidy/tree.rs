//! The files that the rules are about.

use std::path::Path;

use crate::run::Outcome;

/// Kinds of text in the tree.
const EXTENSIONS: [&str; 11] = ["css", "html", "js", "json", "lock", "md", "py", "rs", "sh", "svg", "toml"];

/// Folders that hold nothing written by hand.
const SKIPPED: [&str; 6] = [".git", "target", "dist", "node_modules", "corpus", "artifacts"];

/// A text of the tree.
pub(super) struct File {
    /// Relative to the root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// All texts below `root`, in order of their paths.
pub(super) fn read(root: &Path) -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<File>) -> Outcome {
    let explain = |error: std::io::Error| format!("{}: {error}", dir.display());
    for entry in std::fs::read_dir(dir).map_err(explain)? {
        let entry = entry.map_err(explain)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(explain)?;
        if kind.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file()
            && Path::new(&name).extension().is_some_and(|ext| EXTENSIONS.iter().any(|known| ext == *known))
        {
            let text = std::fs::read_to_string(entry.path()).map_err(|error| format!("{path}: {error}"))?;
            files.push(File { path, text });
        }
    }
    Ok(())
}
