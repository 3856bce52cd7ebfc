//! Which files of a torrent a magnet link wants (BEP 53).

use std::fmt;
use std::ops::RangeInclusive;

use crate::{FilePriority, order};

/// Number of a file at most, so that a link cannot make anybody count for ever: a .torrent of 16 MiB has fewer files.
const FILE_MAX: u32 = 1_000_000;
/// Runs of files kept at most.
const RUNS_MAX: usize = 4096;

/// Files that are wanted, by their place in the torrent, from zero. One that names no file wants all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSelection {
    /// In order; none touches the next.
    runs: Vec<RangeInclusive<u32>>,
}

impl FileSelection {
    /// Nothing was selected, so that all files are wanted.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether this file is wanted.
    #[must_use]
    pub fn contains(&self, file: usize) -> bool {
        let is_in = |run: &RangeInclusive<u32>| (*run.start() as usize..=*run.end() as usize).contains(&file);
        self.is_everything() || self.runs.iter().any(is_in)
    }

    /// How much each of a torrent's files is wanted. A selection of files that are not there is none.
    #[must_use]
    pub fn priorities(&self, files_total: usize) -> Vec<FilePriority> {
        let is_any_there = (0..files_total).any(|file| self.contains(file));
        let is_wanted = |file| !is_any_there || self.contains(file);
        let priority = |file| if is_wanted(file) { FilePriority::Normal } else { FilePriority::Skip };
        (0..files_total).map(priority).collect()
    }

    /// The files that were selected, in order. None if all are wanted.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().cloned().flatten()
    }

    /// Adds what a value of `so` names, such as `0,2,4,6-8`. What is no number or run in it is left out.
    pub(super) fn add(&mut self, value: &str) {
        let room = RUNS_MAX.saturating_sub(self.runs.len());
        self.runs.extend(value.split(',').filter_map(run).take(room));
        order::sort_by_key(&mut self.runs, |run| *run.start());
        let mut merged: Vec<RangeInclusive<u32>> = Vec::with_capacity(self.runs.len());
        for run in self.runs.drain(..) {
            match merged.last_mut() {
                Some(last) if *run.start() <= *last.end() + 1 => {
                    *last = *last.start()..=(*last.end()).max(*run.end());
                }
                _ => merged.push(run),
            }
        }
        self.runs = merged;
    }
}

/// One number, or two with a dash between them.
fn run(text: &str) -> Option<RangeInclusive<u32>> {
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok()).flatten().filter(|&number| number < FILE_MAX)
    };
    match text.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(first..=last)
        }
        None => number(text).map(|number| number..=number),
    }
}

impl fmt::Display for FileSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, run) in self.runs.iter().enumerate() {
            let comma = if nth > 0 { "," } else { "" };
            match (run.start(), run.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}
