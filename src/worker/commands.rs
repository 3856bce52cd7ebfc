//! What the tabs ask for.

use engine::InfoHash;
use relay_proto::{Fetch, Frame};
use web_sys::Url;

use super::host::State;
use super::requests::Fetching;
use super::tabs::tell;
use super::torrents;
use crate::envelope::{Ask, TabNumber, ToWorker};
use crate::messages::{Command, Update};

impl State {
    /// A tab asks.
    pub(super) fn on_ask(&mut self, message: ToWorker) {
        let ToWorker { tab, ask } = message;
        match ask {
            Ask::Join => {
                self.tabs.join(tab);
                self.view.forget_last();
            }
            Ask::Leave => {
                self.tabs.leave(tab);
                self.save_totals();
            }
            Ask::Command(command) => {
                self.on_command(tab, command);
                self.view.hurry(&self.host);
            }
        }
    }

    fn on_command(&mut self, tab: TabNumber, command: Command) {
        match command {
            Command::Init { relay_url, token, spare_token, persisted: _ } => {
                self.init(relay_url, token, spare_token);
            }
            Command::Token { token } => self.wires.relay.set_token(token),
            Command::AddMetainfo { request, name, bytes } => {
                torrents::add(&self.host, tab, request, name, bytes);
            }
            Command::AddLink { request, link } => self.add_link(tab, request, link.trim()),
            Command::Resume { info_hash } => with_hash(&info_hash, |hash| self.resume(hash)),
            Command::Pause { info_hash } => with_hash(&info_hash, |hash| self.pause(hash)),
            Command::Recheck { info_hash } => with_hash(&info_hash, |hash| self.recheck(hash)),
            Command::Remove { info_hash, with_data } => {
                with_hash(&info_hash, |hash| self.remove(hash, with_data));
            }
            Command::DeleteKept { info_hash } => with_hash(&info_hash, |hash| self.delete_kept(hash)),
            Command::SetFilePriorities { info_hash, files } => {
                with_hash(&info_hash, |hash| self.set_file_priorities(hash, &files));
            }
            Command::Save { info_hash } => with_hash(&info_hash, |hash| self.save(tab, hash)),
            Command::SetGlobalLimits { limits } => self.set_global_limits(limits),
            Command::SetTorrent { info_hash, settings } => {
                with_hash(&info_hash, |hash| self.set_torrent(hash, settings));
            }
            Command::LiftBan { info_hash, ip } => {
                if let Ok(ip) = ip.parse() {
                    with_hash(&info_hash, |hash| self.lift_ban(hash, ip));
                }
            }
            Command::Watch { info_hash } => {
                self.tabs.watch(tab, info_hash.and_then(|text| text.parse().ok()));
                self.view.forget_last();
            }
        }
    }

    /// The first tab starts everything; later ones may bring a new token.
    fn init(&mut self, relay_url: String, token: String, spare_token: Option<String>) {
        if self.is_initialised {
            if !token.is_empty() {
                self.wires.relay.set_token(token);
            }
            return;
        }
        self.is_initialised = true;
        self.wires.relay.init(relay_url, token, spare_token);
        torrents::load(&self.host);
    }

    fn add_link(&mut self, tab: TabNumber, request: u32, link: &str) {
        let url = match Url::new(link) {
            Ok(url) if matches!(url.protocol().as_str(), "http:" | "https:") => url.href(),
            Ok(url) if url.protocol() == "magnet:" => {
                return torrents::add_magnet(&self.host, tab, request, link.to_owned());
            }
            _ => {
                return fail(
                    tab,
                    request,
                    format!(
                        "“{link}” is neither a magnet link nor the address of a .torrent file: those begin with magnet:, http:// or https://."
                    ),
                );
            }
        };
        if !self.wires.relay.is_up() {
            return fail(
                tab,
                request,
                "The relay fetches addresses for this page, and it is not connected. Try again when it is, or add \
                 the .torrent file itself."
                    .to_owned(),
            );
        }
        let fetching = Fetching { tab, request, link: url.clone(), bytes: Vec::new() };
        let request = self.wires.requests.fetch(fetching);
        self.wires.relay.send(&Frame::Fetch(Fetch { request, url }));
    }
}

fn fail(tab: TabNumber, request: u32, message: String) {
    tell(Some(tab), Update::AddFailed { request, message });
}

/// The view only names torrents that it was shown; anything else is none of ours.
fn with_hash(text: &str, f: impl FnOnce(InfoHash)) {
    if let Ok(info_hash) = text.parse() {
        f(info_hash);
    }
}
