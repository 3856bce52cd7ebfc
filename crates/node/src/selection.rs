//! Which files of a torrent the user wants, as the command line names them.

use std::ops::RangeInclusive;
use std::str::FromStr;

use engine::{FilePriority, Metainfo};

/// A set of file numbers such as `0,2-4` (as in BEP 53's `so=`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSet(Vec<RangeInclusive<usize>>);

/// Text that names no files. For the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name files by their numbers, for instance 0,2-4")]
pub struct FileSetError;

/// A number that no file has. For the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no file {file}: the files of this torrent have the numbers 0 to {last}")]
pub struct NoSuchFile {
    /// The number.
    file: usize,
    /// The last one that there is.
    last: usize,
}

impl FromStr for FileSet {
    type Err = FileSetError;

    fn from_str(text: &str) -> Result<Self, FileSetError> {
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| FileSetError);
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = number(first)?..=number(last)?;
            if range.is_empty() { Err(FileSetError) } else { Ok(range) }
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(Self)
    }
}

impl FileSet {
    fn contains(&self, file: usize) -> bool {
        self.0.iter().any(|range| range.contains(&file))
    }

    fn check(&self, files: usize) -> Result<(), NoSuchFile> {
        let greatest = self.0.iter().map(|range| *range.end()).max().unwrap_or(0);
        let last = files.saturating_sub(1);
        if greatest > last { Err(NoSuchFile { file: greatest, last }) } else { Ok(()) }
    }
}

/// What is wanted of a torrent: `only` these files, or all but those in `skip`.
///
/// # Errors
/// If a number is no file's.
pub fn priorities(
    metainfo: &Metainfo,
    only: Option<&FileSet>,
    skip: Option<&FileSet>,
) -> Result<Vec<FilePriority>, NoSuchFile> {
    let files = metainfo.files().len();
    only.into_iter().chain(skip).try_for_each(|set| set.check(files))?;
    let is_wanted =
        |file| only.is_none_or(|only| only.contains(file)) && !skip.is_some_and(|skip| skip.contains(file));
    let priority = |file| if is_wanted(file) { FilePriority::Normal } else { FilePriority::Skip };
    Ok((0..files).map(priority).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Result<Vec<usize>, FileSetError> {
        text.parse().map(|set: FileSet| (0..20).filter(|&file| set.contains(file)).collect())
    }

    #[test]
    fn numbers_and_ranges_name_files() {
        assert_eq!(numbers("0,2,4,6-8"), Ok(vec![0, 2, 4, 6, 7, 8]));
        assert_eq!(numbers("0, 2-4, 3-5"), Ok(vec![0, 2, 3, 4, 5]));
        for bad in ["", ",", "a", "-4", "3-", "7-4", "1,", "\"1,2\""] {
            assert_eq!(numbers(bad), Err(FileSetError), "{bad}");
        }
    }

    #[test]
    fn a_number_that_no_file_has_is_an_error() {
        let set: Result<FileSet, _> = "0,7".parse();
        assert_eq!(set.map(|set| set.check(7)), Ok(Err(NoSuchFile { file: 7, last: 6 })));
    }
}
