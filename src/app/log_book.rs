//! The lines of the log that the view keeps. The engine tells the newest few hundred; at full speed those are picks
//! and nothing else, so that the rare kinds are kept apart here and a choke can still be read a minute later.

use std::collections::VecDeque;
use std::rc::Rc;

use engine::order;

use crate::messages::LogLine;

/// Lines kept of each group.
const KEPT_PER_GROUP: usize = 120;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Which block was asked of whom.
    Picks,
    /// Who may download from us.
    Chokes,
    /// Pieces verified or failed, and the end of the download.
    Pieces,
    /// Who came, went, or was banned.
    Peers,
}

impl Group {
    /// All groups, in the order of the filter's buttons.
    pub(super) const ALL: [Self; 4] = [Self::Picks, Self::Chokes, Self::Pieces, Self::Peers];

    /// Name on the filter's button.
    #[must_use]
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Picks => "Picks",
            Self::Chokes => "Chokes",
            Self::Pieces => "Pieces",
            Self::Peers => "Peers",
        }
    }

    fn of(kind: &str) -> Self {
        match kind {
            "pick" => Self::Picks,
            "choke" | "unchoke" | "reveal" => Self::Chokes,
            "verified" | "failed" | "completed" => Self::Pieces,
            _ => Self::Peers,
        }
    }
}

/// Several lines that say the same of different blocks, as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The first of them.
    pub(super) line: Rc<LogLine>,
    /// How many they are.
    pub(super) times: u32,
}

/// The kept lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LogBook {
    groups: [VecDeque<Rc<LogLine>>; Group::ALL.len()],
    last_number: Option<u64>,
}

impl LogBook {
    /// Takes over what is new in `lines`, which are in order. Returns how many were new.
    pub(super) fn extend(&mut self, lines: &[LogLine]) -> usize {
        if let (Some(newest), Some(last)) = (lines.last(), self.last_number)
            && newest.number < last
        {
            // The engine was started anew and counts from the beginning.
            *self = Self::default();
        }
        let fresh = lines.iter().filter(|line| self.last_number.is_none_or(|last| line.number > last));
        let mut added = 0;
        for line in fresh {
            let group = &mut self.groups[Group::of(&line.kind) as usize];
            if group.len() == KEPT_PER_GROUP {
                group.pop_front();
            }
            group.push_back(Rc::new(line.clone()));
            added += 1;
        }
        self.last_number = lines.last().map(|line| line.number).or(self.last_number);
        added
    }

    /// The newest `count` entries of a group, or of all, newest first.
    #[must_use]
    pub(super) fn newest(&self, group: Option<Group>, count: usize) -> Vec<Entry> {
        let mut lines: Vec<&Rc<LogLine>> = match group {
            Some(group) => self.groups[group as usize].iter().collect(),
            None => self.groups.iter().flatten().collect(),
        };
        order::sort_by_key(&mut lines, |line| std::cmp::Reverse(line.number));
        let mut entries: Vec<Entry> = Vec::new();
        for line in lines {
            let is_full = entries.len() == count;
            match entries.last_mut() {
                Some(entry) if say_the_same(&entry.line, line) => {
                    // The earliest line is kept, so that an entry keeps its place on the page while it grows.
                    entry.line = Rc::clone(line);
                    entry.times += 1;
                }
                _ if is_full => break,
                _ => entries.push(Entry { line: Rc::clone(line), times: 1 }),
            }
        }
        entries
    }
}

/// Picks of blocks of one piece, from one peer, for one reason.
fn say_the_same(a: &LogLine, b: &LogLine) -> bool {
    a.kind == "pick" && b.kind == "pick" && (a.peer, a.piece, &a.reason) == (b.peer, b.piece, &b.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::samples::log_line;

    fn numbers(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.line.number).collect()
    }

    fn pick(number: u64, piece: u32) -> LogLine {
        LogLine { piece: Some(piece), ..log_line(number, "pick") }
    }

    #[test]
    fn overlapping_reports_give_each_line_once() {
        let mut book = LogBook::default();
        assert_eq!(book.extend(&[log_line(1, "joined"), log_line(2, "choke")]), 2);
        assert_eq!(book.extend(&[log_line(2, "choke"), log_line(3, "left")]), 1);
        assert_eq!(numbers(&book.newest(None, 10)), [3, 2, 1]);
    }

    #[test]
    fn a_flood_of_picks_does_not_wash_a_choke_away() {
        let mut book = LogBook::default();
        book.extend(&[log_line(0, "unchoke")]);
        let picks: Vec<LogLine> = (1..2000).map(|number| pick(number, number as u32)).collect();
        book.extend(&picks);
        assert_eq!(numbers(&book.newest(Some(Group::Chokes), 10)), [0]);
        assert_eq!(book.newest(Some(Group::Picks), 10_000).len(), KEPT_PER_GROUP);
    }

    #[test]
    fn blocks_of_one_piece_from_one_peer_share_an_entry() {
        let mut book = LogBook::default();
        book.extend(&[pick(1, 7), pick(2, 7), pick(3, 7), pick(4, 8), log_line(5, "verified")]);
        let entries = book.newest(None, 10);
        assert_eq!(numbers(&entries), [5, 4, 1]);
        assert_eq!(entries[2].times, 3);
    }

    #[test]
    fn counting_from_the_beginning_starts_a_new_book() {
        let mut book = LogBook::default();
        book.extend(&[log_line(100, "joined")]);
        book.extend(&[log_line(1, "left")]);
        assert_eq!(numbers(&book.newest(None, 10)), [1]);
    }
}
