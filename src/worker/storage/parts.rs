//! Of which files only the ends are kept, apart from the content.

use engine::{FilePriority, FlatSet, Metainfo};

/// What there is of a torrent's content files, by their numbers. For each file one place holds its ends at any time:
/// the file of parts as long as there is one, or else the content file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Files whose ends lie in a file of parts, or would.
    pub(super) apart: FlatSet<usize>,
    /// Files that there are already.
    pub(super) begun: FlatSet<usize>,
}

impl Places {
    /// Which files' ends are to be kept apart if the files are wanted as much as this: those of skipped files, unless
    /// the file has been begun, since then the ends may be in it.
    pub(super) fn apart_for(&self, metainfo: &Metainfo, wanted: &[FilePriority]) -> FlatSet<usize> {
        let is_apart = |file: usize| {
            let is_stored =
                metainfo.files().get(file).is_some_and(|entry| entry.len > 0 && !entry.is_padding);
            is_stored && (self.apart.contains(&file) || !self.begun.contains(&file))
        };
        let skipped = wanted.iter().enumerate().filter(|(_, priority)| **priority == FilePriority::Skip);
        skipped.map(|(file, _)| file).filter(|&file| is_apart(file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use FilePriority::{High, Low, Normal, Skip};

    use super::*;

    fn apart_for(lens: &[u64], places: [&[usize]; 2], wanted: &[FilePriority]) -> Vec<usize> {
        let files = lens.iter().enumerate();
        let files: String = files.map(|(at, len)| format!("d6:lengthi{len}e4:pathl1:{at}ee")).collect();
        let hash = "h".repeat(20);
        let info = format!("d5:filesl{files}e4:name7:content12:piece lengthi16384e6:pieces20:{hash}e");
        let metainfo = Metainfo::parse(format!("d4:info{info}e").as_bytes()).expect("a torrent");
        let [apart, begun] = places.map(|files| files.iter().copied().collect());
        Places { apart, begun }.apart_for(&metainfo, wanted).into_iter().collect()
    }

    #[test]
    fn ends_of_skipped_files_are_kept_apart_and_of_no_others() {
        assert_eq!(apart_for(&[9, 9, 9, 9], [&[], &[]], &[Skip, Low, High, Skip]), [0, 3]);
        assert_eq!(apart_for(&[9, 9], [&[0, 1], &[]], &[Normal, Skip]), [1]);
    }

    #[test]
    fn a_file_that_has_been_begun_keeps_its_ends_when_it_is_skipped() {
        assert_eq!(apart_for(&[9, 9], [&[], &[0]], &[Skip, Skip]), [1]);
    }

    #[test]
    fn ends_that_are_apart_stay_so_even_if_the_file_is_there() {
        assert_eq!(apart_for(&[9], [&[0], &[0]], &[Skip]), [0]);
    }

    #[test]
    fn an_empty_file_and_one_that_there_is_not_have_no_ends() {
        assert_eq!(apart_for(&[9, 0], [&[], &[]], &[Normal, Skip, Skip]), [] as [usize; 0]);
    }
}
