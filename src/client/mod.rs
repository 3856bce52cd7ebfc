//! The main thread's side of the engine: one worker for all tabs of a browser profile.
//!
//! The tab that holds the Web Lock runs the worker and passes its updates on to the other tabs, which show them and
//! send their commands the same way back. When that tab goes, the browser gives the lock to the next one.

mod election;
mod link;
mod requirements;
mod save;
mod zip;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{BroadcastChannel, MessageEvent, Worker};

use crate::envelope::{Ask, BetweenTabs, FromWorker, TabNumber, ToWorker, Unpacked, unpack};
use crate::messages::{Command, RelayKind, RelayState, Snapshot, Update};

/// The script that makes a worker of our own module (`www/worker.js`).
const WORKER_SCRIPT: &str = "./worker.js";

/// Name of the channel between the tabs, in all versions: each message says of which it is, and a tab learns that there is
/// one of another.
const CHANNEL_NAME: &str = "swarmscope-engine";

type OnUpdate = Box<dyn Fn(Update, Option<Vec<u8>>)>;

/// A hold on the engine, wherever it runs. Cheap to clone.
#[derive(Clone)]
pub struct EngineClient(Rc<Client>);

struct Client {
    tab: TabNumber,
    on_update: OnUpdate,
    role: RefCell<Role>,
    channel: RefCell<Option<BroadcastChannel>>,
    /// The user was told that there is a tab of another version.
    knows_other_version: Cell<bool>,
    /// Said again to the worker that we start when the lock comes to us.
    memory: RefCell<Memory>,
}

/// What a new worker must be told to go on where the last one was.
#[derive(Default)]
struct Memory {
    init: Option<Command>,
    watch: Option<Command>,
}

enum Role {
    /// The browser has not yet said who holds the lock; commands wait.
    Undecided(Vec<Command>),
    /// This tab runs the worker.
    Leader {
        worker: Worker,
        /// What the worker is to be told once it has begun to listen; `None` from then on. A message to a worker
        /// whose module still loads would be lost.
        waiting: Option<Vec<ToWorker>>,
    },
    /// Another tab does.
    Follower,
    /// The browser lacks what the engine needs; the reason, for a person.
    Unable(String),
}

impl std::fmt::Debug for EngineClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineClient").field("tab", &self.0.tab).finish_non_exhaustive()
    }
}

impl PartialEq for EngineClient {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl EngineClient {
    /// Finds the engine of this profile or starts it. `on_update` is called with everything that it tells this tab;
    /// the piece map of [`Update::Detail`] comes as the second argument, a byte a piece. Never called before
    /// `start` has returned.
    #[must_use]
    pub fn start(on_update: impl Fn(Update, Option<Vec<u8>>) + 'static) -> Self {
        let client = Rc::new(Client {
            tab: link::random_u32(),
            on_update: Box::new(on_update),
            role: RefCell::new(Role::Undecided(Vec::new())),
            channel: RefCell::new(None),
            knows_other_version: Cell::new(false),
            memory: RefCell::new(Memory::default()),
        });
        wasm_bindgen_futures::spawn_local({
            let client = Rc::clone(&client);
            async move {
                match requirements::check().await {
                    Ok(locks) => client.open(&locks),
                    Err(reason) => client.refuse(reason),
                }
            }
        });
        Self(client)
    }

    /// Sends a command to the engine. The first one must be [`Command::Init`].
    pub fn send(&self, command: Command) {
        self.0.send(command);
    }
}

impl Client {
    fn open(self: &Rc<Self>, locks: &JsValue) {
        match BroadcastChannel::new(CHANNEL_NAME) {
            Ok(channel) => {
                let client = Rc::clone(self);
                let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                    client.on_channel(&event.data());
                });
                channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
                on_message.forget();
                *self.channel.borrow_mut() = Some(channel);
            }
            Err(error) => {
                self.tell(notice(format!("Other tabs cannot be reached: {}.", link::describe(&error))));
            }
        }
        link::on_page_hide({
            let client = Rc::clone(self);
            move |may_come_back| client.leave(may_come_back)
        });
        link::on_page_back(|| {
            // Its worker is gone, or went on without it: a new page joins what there is now.
            if let Some(window) = web_sys::window() {
                link::report(window.location().reload());
            }
        });
        let on_first = Rc::clone(self);
        let on_late = Rc::clone(self);
        election::stand(
            locks,
            move |won| if won { on_first.lead() } else { on_first.follow() },
            move || {
                on_late.lead();
            },
        );
    }

    /// The lock is ours: start the worker.
    fn lead(self: &Rc<Self>) {
        let worker = match link::start_worker(WORKER_SCRIPT) {
            Ok(worker) => worker,
            Err(error) => {
                return self
                    .refuse(format!("The engine's worker cannot be started: {}.", link::describe(&error)));
            }
        };
        let client = Rc::clone(self);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            client.on_worker(&event.data());
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();
        let client = Rc::clone(self);
        let on_error = Closure::<dyn Fn()>::new(move || client.on_worker_error());
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        on_error.forget();

        let before = std::mem::replace(
            &mut *self.role.borrow_mut(),
            Role::Leader { worker, waiting: Some(Vec::new()) },
        );
        let (init, watch) = {
            let memory = self.memory.borrow();
            (memory.init.clone(), memory.watch.clone())
        };
        self.pass_on(Ask::Join);
        if let Role::Undecided(waiting) = before {
            for command in waiting {
                self.pass_on(Ask::Command(command));
            }
        } else {
            for command in init.into_iter().chain(watch) {
                self.pass_on(Ask::Command(command));
            }
            self.broadcast(&BetweenTabs::EngineMoved, None);
        }
    }

    fn leave(&self, may_come_back: bool) {
        self.pass_on(Ask::Leave);
        if let (true, Role::Leader { worker, .. }) = (may_come_back, &*self.role.borrow()) {
            // Nobody sees this page now, and its downloads would go on unseen for as long as the browser keeps it. What was
            // traded since the totals were last written is not counted; pieces are safe, as at any kill.
            worker.terminate();
        }
    }

    /// Another tab holds the lock.
    fn follow(self: &Rc<Self>) {
        let before = std::mem::replace(&mut *self.role.borrow_mut(), Role::Follower);
        self.pass_on(Ask::Join);
        if let Role::Undecided(waiting) = before {
            for command in waiting {
                self.pass_on(Ask::Command(command));
            }
        }
    }

    fn refuse(&self, reason: String) {
        let before = std::mem::replace(&mut *self.role.borrow_mut(), Role::Unable(reason.clone()));
        if let Role::Leader { worker, .. } = before {
            worker.terminate();
        }
        self.tell(Update::List(Snapshot {
            relay: RelayState { kind: RelayKind::Refused, text: reason.clone(), ..RelayState::default() },
            ..Snapshot::default()
        }));
        self.tell(notice(reason));
    }

    fn send(&self, command: Command) {
        match &command {
            Command::Init { .. } => self.memory.borrow_mut().init = Some(command.clone()),
            Command::Watch { .. } => self.memory.borrow_mut().watch = Some(command.clone()),
            _ => {}
        }
        let answer = match &mut *self.role.borrow_mut() {
            Role::Undecided(waiting) => return waiting.push(command),
            Role::Unable(reason) => match command {
                Command::AddMetainfo { request, .. } | Command::AddLink { request, .. } => {
                    Some(Update::AddFailed { request, message: reason.clone() })
                }
                _ => Some(notice(reason.clone())),
            },
            Role::Leader { .. } | Role::Follower => None,
        };
        match answer {
            Some(update) => self.tell(update),
            None => self.pass_on(Ask::Command(command)),
        }
    }

    /// To the worker, directly or by way of the tab that holds it.
    fn pass_on(&self, ask: Ask) {
        self.pass_on_message(ToWorker { tab: self.tab, ask });
    }

    fn pass_on_message(&self, message: ToWorker) {
        match &mut *self.role.borrow_mut() {
            Role::Leader { waiting: Some(waiting), .. } => waiting.push(message),
            Role::Leader { worker, waiting: None } => link::post(worker, &message),
            Role::Follower => self.broadcast(&BetweenTabs::ToWorker(message), None),
            Role::Undecided(_) | Role::Unable(_) => {}
        }
    }

    fn on_worker_error(&self) {
        let has_begun = matches!(&*self.role.borrow(), Role::Leader { waiting: None, .. });
        let what = if has_begun {
            "The engine stopped because of a fault of its own"
        } else {
            "The engine could not be loaded; perhaps Swarmscope was updated meanwhile"
        };
        self.tell(notice(format!("{what}. Reload the page; nothing verified is lost.")));
    }

    /// The worker listens: tell it what waited.
    fn on_ready(&self) {
        if let Role::Leader { worker, waiting } = &mut *self.role.borrow_mut() {
            for message in waiting.take().into_iter().flatten() {
                link::post(worker, &message);
            }
        }
    }

    fn on_worker(self: &Rc<Self>, data: &JsValue) {
        let (message, map) = match unpack::<FromWorker>(data) {
            Unpacked::Message(message, map) => (message, map),
            Unpacked::OtherVersion => {
                return self.refuse(
                    "The page and its engine are of two different versions. Reload the page.".to_owned(),
                );
            }
            Unpacked::Foreign => return,
        };
        if matches!(message.update, Update::Ready) {
            self.on_ready();
        }
        if message.to != Some(self.tab) {
            self.broadcast(&BetweenTabs::FromWorker(message.clone()), map.as_ref());
        }
        self.on_message(message, map.as_ref());
    }

    fn on_channel(self: &Rc<Self>, data: &JsValue) {
        let (message, map) = match unpack(data) {
            Unpacked::Message(message, map) => (message, map),
            Unpacked::OtherVersion => return self.tell_of_other_version(),
            Unpacked::Foreign => return,
        };
        match message {
            BetweenTabs::ToWorker(message) => {
                let is_leader = matches!(&*self.role.borrow(), Role::Leader { .. });
                if is_leader {
                    self.pass_on_message(message);
                }
            }
            BetweenTabs::FromWorker(message) => self.on_message(message, map.as_ref()),
            BetweenTabs::EngineMoved => {
                self.pass_on(Ask::Join);
                if let Some(watch) = self.memory.borrow().watch.clone() {
                    self.pass_on(Ask::Command(watch));
                }
            }
        }
    }

    fn on_message(self: &Rc<Self>, message: FromWorker, map: Option<&js_sys::Uint8Array>) {
        if message.to.is_some_and(|tab| tab != self.tab) {
            return;
        }
        match &message.update {
            Update::TokenAccepted { token: accepted } => {
                if let Some(Command::Init { token, spare_token, .. }) = &mut self.memory.borrow_mut().init {
                    token.clone_from(accepted);
                    *spare_token = None;
                }
            }
            Update::SaveReady { name, is_folder, files, .. } => {
                let client = Rc::clone(self);
                save::start(name.clone(), *is_folder, files.clone(), move |message| {
                    client.tell(notice(message));
                });
            }
            _ => {}
        }
        (self.on_update)(message.update, map.map(js_sys::Uint8Array::to_vec));
    }

    fn broadcast(&self, message: &BetweenTabs, map: Option<&js_sys::Uint8Array>) {
        if let Some(channel) = &*self.channel.borrow() {
            link::broadcast(channel, message, map);
        }
    }

    /// Once: the other tab may go on talking.
    fn tell_of_other_version(&self) {
        if !self.knows_other_version.replace(true) {
            self.tell(notice(
                "Another tab has Swarmscope in another version. Close all tabs but this one, and reload it."
                    .to_owned(),
            ));
        }
    }

    fn tell(&self, update: Update) {
        (self.on_update)(update, None);
    }
}

fn notice(message: String) -> Update {
    Update::Notice { message }
}
