//! The state of the view and the one place where it changes. Protocol state is not kept here: what the engine told
//! last replaces what it told before.

use std::rc::Rc;

use yew::Reducible;

use super::log_book::LogBook;
use super::names::Names;
use super::route::Route;
use crate::messages::{Detail, GlobalLimits, KeptRow, RelayState, Snapshot, TorrentRow, Update};

/// At full speed the log changes with every report; it is shown anew no oftener than this: nobody reads sixty lines
/// faster, and laying them out is most of what the page costs during a download.
const LOG_SHOWN_INTERVAL_MS: f64 = 1000.0;

/// So few new lines are shown at once.
const LOG_SHOWN_AT_ONCE: usize = 8;

/// Messages that stay on the page at a time; the oldest gives way.
const MESSAGES_MAX: usize = 6;

/// All that the components show.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct View {
    /// The engine has told its state at least once.
    pub(super) is_loaded: bool,
    /// The link to the relay.
    pub(super) relay: Rc<RelayState>,
    /// The torrents, in the order in which they were added.
    pub(super) torrents: Vec<Rc<TorrentRow>>,
    /// Content that stayed when its torrent was removed.
    pub(super) kept: Vec<KeptRow>,
    /// Free bytes in the browser's storage.
    pub(super) free_bytes: Option<u64>,
    /// Limits of all torrents together.
    pub(super) limits: GlobalLimits,
    /// A torrent's address that the relay suggests.
    pub(super) suggestion: Option<String>,
    /// Info hash of the torrent shown in detail.
    pub(super) open: Option<String>,
    /// What the engine told of it.
    pub(super) watched: Option<Watched>,
    /// Text of the field for a link.
    pub(super) link: String,
    /// Counts up whenever the page's address brings a link to add, so that the field takes the focus.
    pub(super) links_brought: u32,
    /// What was asked to be added and is not yet answered.
    pub(super) adding: Vec<Adding>,
    /// What a person should know, until it is closed.
    pub(super) messages: Vec<Message>,
    /// The torrent whose removal waits for a yes.
    pub(super) removing: Option<Rc<TorrentRow>>,
    next_message_id: u32,
}

/// The torrent shown in detail.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Watched {
    /// What the engine told last.
    pub(super) detail: Rc<Detail>,
    /// State of each piece, as `engine::PieceState` numbers them.
    pub(super) pieces: Rc<[u8]>,
    /// The log as it is shown.
    pub(super) log_shown: Rc<LogBook>,
    /// What its peers are called.
    pub(super) names: Rc<Names>,
    log: Rc<LogBook>,
    log_shown_at_ms: f64,
}

/// A request to add a torrent that is not yet answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Adding {
    /// The request's number.
    pub(super) request: u32,
    /// File name or link.
    pub(super) what: String,
}

/// A message for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// To close it by.
    pub(super) id: u32,
    /// What it is about, such as a file's name.
    pub(super) about: Option<String>,
    /// In plain words.
    pub(super) text: String,
    /// Something failed, rather than that it should be known.
    pub(super) is_failure: bool,
}

/// Everything that changes the view.
#[derive(Debug)]
pub(super) enum Action {
    /// The engine tells something.
    Told {
        /// What.
        update: Update,
        /// State of each piece, beside [`Update::Detail`].
        pieces: Option<Vec<u8>>,
        /// The page's clock.
        now_ms: f64,
    },
    /// The address of the page leads to another place.
    Went(Route),
    /// The text of the field for a link changed.
    Linked(String),
    /// A torrent was handed to the engine.
    Asked(Adding),
    /// A message of the page itself.
    Said {
        /// What it is about.
        about: Option<String>,
        /// In plain words.
        text: String,
        /// Something failed.
        is_failure: bool,
    },
    /// A message was read.
    Closed(u32),
    /// Removal of this torrent is to be confirmed; `None`: it was decided.
    Removing(Option<Rc<TorrentRow>>),
}

impl Reducible for View {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut view = Rc::unwrap_or_clone(self);
        match action {
            Action::Told { update, pieces, now_ms } => view.told(update, pieces, now_ms),
            Action::Went(route) => view.went(route),
            Action::Linked(link) => view.link = link,
            Action::Asked(adding) => view.adding.push(adding),
            Action::Said { about, text, is_failure } => view.say(about, text, is_failure),
            Action::Closed(id) => view.messages.retain(|message| message.id != id),
            Action::Removing(row) => view.removing = row,
        }
        Rc::new(view)
    }
}

impl View {
    /// The row of the torrent shown in detail.
    #[must_use]
    pub(super) fn open_row(&self) -> Option<&Rc<TorrentRow>> {
        let open = self.open.as_ref()?;
        self.torrents.iter().find(|row| row.info_hash == *open)
    }

    /// What the engine told of the torrent shown in detail.
    #[must_use]
    pub(super) fn open_watched(&self) -> Option<&Watched> {
        let open = self.open.as_ref()?;
        self.watched.as_ref().filter(|watched| watched.detail.info_hash == *open)
    }

    fn told(&mut self, update: Update, pieces: Option<Vec<u8>>, now_ms: f64) {
        match update {
            Update::List(snapshot) => self.show_list(snapshot),
            Update::Detail(detail) => self.show_detail(*detail, pieces.unwrap_or_default(), now_ms),
            Update::Added { request, .. } => {
                self.answered(request);
            }
            Update::AddFailed { request, message } => {
                // Named once: some messages name the link themselves.
                let about = self.answered(request).filter(|what| !message.contains(what.as_str()));
                self.say(about, message, true);
            }
            // What keeps the engine from running is said where the relay's state stands, too: once is enough.
            Update::Notice { message } if message == self.relay.text => {}
            Update::Notice { message } => self.say(None, message, false),
            // The client's business, and that of the settings.
            Update::Ready | Update::SaveReady { .. } | Update::TokenAccepted { .. } => {}
        }
    }

    fn show_list(&mut self, snapshot: Snapshot) {
        let Snapshot { relay, torrents, kept, free_bytes, limits, suggestion } = snapshot;
        self.is_loaded = true;
        if *self.relay != relay {
            self.relay = Rc::new(relay);
        }
        // An unchanged row keeps its place in memory, so that its component sees that nothing changed.
        self.torrents = torrents
            .into_iter()
            .map(|row| match self.torrents.iter().find(|shown| ***shown == row) {
                Some(shown) => Rc::clone(shown),
                None => Rc::new(row),
            })
            .collect();
        self.kept = kept;
        self.free_bytes = free_bytes;
        self.limits = limits;
        self.suggestion = suggestion;
        if let Some(removing) = &self.removing
            && !self.torrents.iter().any(|row| row.info_hash == removing.info_hash)
        {
            self.removing = None;
        }
    }

    fn show_detail(&mut self, detail: Detail, pieces: Vec<u8>, now_ms: f64) {
        // An answer about a torrent that was closed meanwhile.
        if self.open.as_ref() != Some(&detail.info_hash) {
            return;
        }
        let before = self.watched.take().filter(|watched| watched.detail.info_hash == detail.info_hash);
        let (mut log, log_shown, shown_at_ms, pieces_before, mut names) = match before {
            Some(before) => {
                (before.log, before.log_shown, before.log_shown_at_ms, before.pieces, before.names)
            }
            None => (Rc::default(), Rc::default(), f64::NEG_INFINITY, Rc::default(), Rc::default()),
        };
        if names.would_learn(&detail.peers) {
            Rc::make_mut(&mut names).learn(&detail.peers);
        }
        let fresh = Rc::make_mut(&mut log).extend(&detail.log);
        let is_due = fresh <= LOG_SHOWN_AT_ONCE || now_ms - shown_at_ms >= LOG_SHOWN_INTERVAL_MS;
        let pieces = if *pieces_before == *pieces { pieces_before } else { pieces.into() };
        self.watched = Some(Watched {
            detail: Rc::new(detail),
            pieces,
            log_shown: if is_due { Rc::clone(&log) } else { log_shown },
            names,
            log,
            log_shown_at_ms: if is_due { now_ms } else { shown_at_ms },
        });
    }

    fn went(&mut self, route: Route) {
        match route {
            Route::List => self.open = None,
            Route::Torrent { info_hash } => self.open = Some(info_hash),
            // Whatever is open stays open.
            Route::Add { link } => {
                self.link = link;
                self.links_brought += 1;
            }
        }
        if self.open.is_none() {
            self.watched = None;
        }
    }

    fn answered(&mut self, request: u32) -> Option<String> {
        let place = self.adding.iter().position(|adding| adding.request == request)?;
        Some(self.adding.remove(place).what)
    }

    fn say(&mut self, about: Option<String>, text: String, is_failure: bool) {
        let is_repeated = self.messages.iter().any(|message| message.text == text && message.about == about);
        if is_repeated {
            return;
        }
        if self.messages.len() == MESSAGES_MAX {
            self.messages.remove(0);
        }
        self.messages.push(Message { id: self.next_message_id, about, text, is_failure });
        self.next_message_id += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::samples::{log_line, torrent};
    use crate::messages::{LogLine, RelayKind, TorrentSettings};

    const HASH: &str = "00000000000000000000000000000000000000aa";

    fn after(actions: impl IntoIterator<Item = Action>) -> Rc<View> {
        actions.into_iter().fold(Rc::default(), Reducible::reduce)
    }

    fn told(update: Update) -> Action {
        told_at(update, 0.0)
    }

    fn told_at(update: Update, now_ms: f64) -> Action {
        Action::Told { update, pieces: Some(vec![1, 4]), now_ms }
    }

    fn list(rows: &[TorrentRow]) -> Action {
        told(Update::List(Snapshot { torrents: rows.to_vec(), ..Snapshot::default() }))
    }

    fn detail(info_hash: &str, log: Vec<LogLine>) -> Update {
        Update::Detail(Box::new(Detail {
            info_hash: info_hash.to_owned(),
            files: Vec::new(),
            files_total: 0,
            peers: Vec::new(),
            bans: Vec::new(),
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            log,
            reason_counts: Vec::new(),
            wasted_bytes: 0,
            is_endgame: false,
            magnet: String::new(),
            comment: None,
            created_by: None,
            is_private: false,
            settings: TorrentSettings::default(),
            seeding_s: 0,
        }))
    }

    fn opened() -> Action {
        Action::Went(Route::Torrent { info_hash: HASH.to_owned() })
    }

    #[test]
    fn an_unchanged_row_is_not_rendered_again() {
        let before = after([list(&[torrent("a"), torrent("b")])]);
        let changed = TorrentRow { peers: 3, ..torrent("b") };
        let now = Rc::clone(&before).reduce(list(&[torrent("a"), changed]));
        assert!(Rc::ptr_eq(&before.torrents[0], &now.torrents[0]));
        assert_eq!(now.torrents[1].peers, 3);
    }

    #[test]
    fn a_failure_names_what_failed_and_stays_until_it_is_closed() {
        let asked = Action::Asked(Adding { request: 7, what: "x.torrent".to_owned() });
        let failed = told(Update::AddFailed { request: 7, message: "No torrent.".to_owned() });
        let view = after([asked, failed]);
        assert!(view.adding.is_empty());
        let [message] = view.messages.as_slice() else { panic!("one message, not {:?}", view.messages) };
        assert_eq!((message.about.as_deref(), message.text.as_str()), (Some("x.torrent"), "No torrent."));
        let id = message.id;
        assert!(view.reduce(Action::Closed(id)).messages.is_empty());
    }

    #[test]
    fn a_failure_that_names_its_link_is_not_headed_by_it() {
        let asked = Action::Asked(Adding { request: 7, what: "http://x/".to_owned() });
        let message = "http://x/ does not answer.".to_owned();
        let view = after([asked, told(Update::AddFailed { request: 7, message })]);
        assert_eq!(view.messages[0].about, None);
    }

    #[test]
    fn messages_are_bounded_and_said_once() {
        let notice = |text: &str| told(Update::Notice { message: text.to_owned() });
        assert_eq!(after([notice("full"), notice("full")]).messages.len(), 1);
        let many = after((0..20).map(|n| notice(&n.to_string())));
        assert_eq!(many.messages.len(), MESSAGES_MAX);
        assert_eq!(many.messages.last().map(|message| message.text.as_str()), Some("19"));
    }

    #[test]
    fn what_the_relay_state_says_is_not_said_twice() {
        let relay =
            RelayState { kind: RelayKind::Refused, text: "no storage".to_owned(), ..RelayState::default() };
        let list = told(Update::List(Snapshot { relay, ..Snapshot::default() }));
        let notice = told(Update::Notice { message: "no storage".to_owned() });
        assert!(after([list, notice]).messages.is_empty());
    }

    #[test]
    fn detail_of_a_torrent_that_is_not_open_is_dropped() {
        let view = after([opened(), told(detail("bb", Vec::new()))]);
        assert!(view.watched.is_none());
        let view = after([opened(), told(detail(HASH, Vec::new())), Action::Went(Route::List)]);
        assert!(view.watched.is_none());
    }

    #[test]
    fn a_flood_of_lines_is_shown_at_intervals_and_a_single_line_at_once() {
        let flood =
            |from: u64| (from..from + 50).map(|number| log_line(number, "verified")).collect::<Vec<_>>();
        let newest = |view: &View| {
            let watched = view.open_watched().expect("it is open");
            watched.log_shown.newest(None, 1)[0].line.number
        };
        let view = after([opened(), told_at(detail(HASH, flood(0)), 0.0)]);
        assert_eq!(newest(&view), 49);
        let view = view.reduce(told_at(detail(HASH, flood(50)), 100.0));
        assert_eq!(newest(&view), 49, "too soon");
        let view = view.reduce(told_at(detail(HASH, flood(100)), LOG_SHOWN_INTERVAL_MS));
        assert_eq!(newest(&view), 149);
        let view =
            view.reduce(told_at(detail(HASH, vec![log_line(150, "joined")]), LOG_SHOWN_INTERVAL_MS + 1.0));
        assert_eq!(newest(&view), 150);
    }

    #[test]
    fn a_link_in_the_address_fills_the_field_and_leaves_the_open_torrent_open() {
        let view = after([opened(), Action::Went(Route::Add { link: "http://x/y.torrent".to_owned() })]);
        assert_eq!((view.link.as_str(), view.links_brought), ("http://x/y.torrent", 1));
        assert_eq!(view.open.as_deref(), Some(HASH));
    }

    #[test]
    fn asking_about_a_torrent_that_is_gone_ends_by_itself() {
        let row = Rc::new(torrent("a"));
        let view = after([list(&[torrent("a")]), Action::Removing(Some(row)), list(&[])]);
        assert!(view.removing.is_none());
    }
}
