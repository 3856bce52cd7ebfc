//! Where each file lies in the content, and what it is called on a disk.

use std::collections::BTreeMap;

use super::listed::Listed;
use super::path::safe_path;
use super::{FileEntry, MetainfoError};
use crate::order;

/// Files of one path that are told apart by a number; more are no accident.
const NAMESAKES_MAX: u32 = 100;

/// The files one behind the other, as version 1 has them. `single` is the name of the file that is all of the torrent.
pub(super) fn place(listed: &[Listed<'_>], single: Option<&str>) -> Result<Vec<FileEntry>, MetainfoError> {
    let mut files = Vec::with_capacity(listed.len());
    let mut offset = 0;
    for (nth, file) in listed.iter().enumerate() {
        let entry = entry(file, single, nth + 1, offset)?;
        offset = end_of(&entry)?;
        files.push(entry);
    }
    fit_together(files)
}

/// As [`place`] with each file at the beginning of a piece, as version 2 has them (BEP 52). The gaps are padding, the one
/// behind the last file, too: libtorrent 2.0 asks for whole blocks there.
pub(super) fn place_aligned(
    listed: &[Listed<'_>],
    single: Option<&str>,
    piece_len: u32,
) -> Result<Vec<FileEntry>, MetainfoError> {
    let mut files = Vec::with_capacity(2 * listed.len());
    let mut offset = 0_u64;
    for (nth, file) in listed.iter().enumerate() {
        let gap = offset.next_multiple_of(u64::from(piece_len)) - offset;
        if file.len > 0 && gap > 0 {
            let padding = padding(gap, offset);
            offset = end_of(&padding)?;
            files.push(padding);
        }
        let entry = entry(file, single, nth + 1, offset)?;
        offset = end_of(&entry)?;
        files.push(entry);
    }
    let gap = offset.next_multiple_of(u64::from(piece_len)) - offset;
    if gap > 0 {
        let padding = padding(gap, offset);
        end_of(&padding)?;
        files.push(padding);
    }
    fit_together(files)
}

fn entry(
    file: &Listed<'_>,
    single: Option<&str>,
    number: usize,
    offset: u64,
) -> Result<FileEntry, MetainfoError> {
    let Listed { len, attributes, pieces_root, .. } = *file;
    if attributes.is_padding {
        return Ok(padding(len, offset));
    }
    let path = match single {
        Some(name) => vec![name.to_owned()],
        None => safe_path(&file.path)?,
    };
    if path.is_empty() {
        return Err(MetainfoError::PathMissing { number });
    }
    Ok(FileEntry {
        path,
        len,
        offset,
        is_padding: false,
        is_executable: attributes.is_executable,
        is_hidden: attributes.is_hidden,
        pieces_root,
    })
}

fn padding(len: u64, offset: u64) -> FileEntry {
    FileEntry {
        path: vec![".pad".to_owned(), len.to_string()],
        len,
        offset,
        is_padding: true,
        is_executable: false,
        is_hidden: false,
        pieces_root: None,
    }
}

/// Where the file ends. That stays far below 2^63, so that no later addition of a piece's length overflows.
fn end_of(file: &FileEntry) -> Result<u64, MetainfoError> {
    let end = file.offset.checked_add(file.len).filter(|end| i64::try_from(*end).is_ok());
    end.ok_or(MetainfoError::TotalTooLarge)
}

/// Renames files that have the path of one before them, and refuses one that lies where another needs a folder.
fn fit_together(mut files: Vec<FileEntry>) -> Result<Vec<FileEntry>, MetainfoError> {
    // The next number to try for each path that is taken; a renamed file may meet another of that name.
    let mut taken: BTreeMap<Vec<String>, u32> = BTreeMap::new();
    for file in files.iter_mut().filter(|file| !file.is_padding) {
        let wanted = file.path.clone();
        while taken.contains_key(&file.path) {
            let number = taken.entry(wanted.clone()).or_insert(1);
            if *number > NAMESAKES_MAX {
                return Err(MetainfoError::DuplicatePath { path: wanted.join("/") });
            }
            file.path = numbered(&wanted, *number);
            *number += 1;
        }
        taken.insert(file.path.clone(), 1);
    }
    refuse_files_for_folders(&files)?;
    Ok(files)
}

/// `a/b.txt` to `a/b.1.txt`.
fn numbered(path: &[String], number: u32) -> Vec<String> {
    let mut path = path.to_vec();
    if let Some(name) = path.last_mut() {
        let at = name.rfind('.').filter(|at| *at > 0).unwrap_or(name.len());
        name.insert_str(at, &format!(".{number}"));
    }
    path
}

fn refuse_files_for_folders(files: &[FileEntry]) -> Result<(), MetainfoError> {
    let mut paths: Vec<&[String]> =
        files.iter().filter(|f| !f.is_padding).map(|f| f.path.as_slice()).collect();
    // In this order all that lies below a path follows it directly.
    order::sort(&mut paths);
    match paths.array_windows().find(|[first, second]| second.starts_with(first)) {
        Some([_, second]) => Err(MetainfoError::DuplicatePath { path: second.join("/") }),
        None => Ok(()),
    }
}
