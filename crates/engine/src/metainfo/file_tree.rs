//! The files of version 2: a tree of dictionaries, whose keys are names (BEP 52).

use codec::bencode::Value;

use super::MetainfoError;
use super::listed::{Attributes, Listed, file_len, printable};
use super::path::DEPTH_MAX;

/// The files in the order of the tree, which is that of the content; links are left out, as in version 1.
pub(super) fn version_2(tree: Value<'_>) -> Result<Vec<Listed<'_>>, MetainfoError> {
    let mut files = Vec::new();
    folder(tree, &mut Vec::new(), &mut files)?;
    if files.is_empty() { Err(MetainfoError::NoFiles) } else { Ok(files) }
}

/// Recurses as deep as the path may have parts.
fn folder<'a>(
    entries: Value<'a>,
    path: &mut Vec<&'a [u8]>,
    files: &mut Vec<Listed<'a>>,
) -> Result<(), MetainfoError> {
    if path.len() > DEPTH_MAX {
        return Err(MetainfoError::PathTooDeep { path: printable(path), max: DEPTH_MAX });
    }
    let malformed = |path: &[&[u8]]| MetainfoError::FileTreeMalformed { path: printable(path) };
    for (name, value) in entries.dict().ok_or_else(|| malformed(path))? {
        path.push(name);
        let mut parts = value.dict().filter(|_| !name.is_empty()).ok_or_else(|| malformed(path))?;
        match (parts.next(), parts.next()) {
            (Some((b"", properties)), None) => files.extend(file(properties, path)?),
            // A file among the files of a folder of its own name; the empty key comes first.
            (Some((b"", _)), Some(_)) => return Err(malformed(path)),
            _ => folder(value, path, files)?,
        }
        path.pop();
    }
    Ok(())
}

fn file<'a>(properties: Value<'a>, path: &[&'a [u8]]) -> Result<Option<Listed<'a>>, MetainfoError> {
    if properties.dict().is_none() {
        return Err(MetainfoError::FileTreeMalformed { path: printable(path) });
    }
    let attributes = Attributes::of(properties.get(b"attr").and_then(Value::bytes));
    if attributes.is_padding {
        return Err(MetainfoError::PaddingInTree { path: printable(path) });
    }
    if attributes.is_link {
        let target = properties.get(b"symlink path").and_then(Value::list);
        let mut target = target.into_iter().flatten().peekable();
        let is_sound = target.peek().is_some() && target.all(|part| part.bytes().is_some());
        return if is_sound {
            Ok(None)
        } else {
            Err(MetainfoError::LinkWithoutTarget { path: printable(path) })
        };
    }
    let len = file_len(properties.get(b"length").and_then(Value::number), path)?;
    let root = properties.get(b"pieces root").and_then(Value::bytes);
    let pieces_root = root.and_then(|root| root.try_into().ok()).filter(|root| *root != [0; 32]);
    if len > 0 && pieces_root.is_none() {
        return Err(MetainfoError::PiecesRootMissing { file: printable(path) });
    }
    Ok(Some(Listed { path: path.to_vec(), len, attributes, pieces_root: pieces_root.filter(|_| len > 0) }))
}
