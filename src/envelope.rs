//! How commands and updates travel between the tabs of one browser profile and the one worker that serves them all.
//!
//! Each tab draws a number for itself. The worker's answers to one tab's request carry that number back, so that
//! the request numbers of two tabs never collide and only the tab that asked to save gets the file.

use serde::{Deserialize, Serialize};

use crate::messages::{Command, Update};

/// A tab of this profile: drawn at random when the page loads.
pub type TabNumber = u32;

/// From a tab to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToWorker {
    /// Who speaks.
    pub tab: TabNumber,
    /// What it wants.
    pub ask: Ask,
}

/// What a tab wants of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The tab has just begun to listen: send it the whole state.
    Join,
    /// The tab closes: nobody watches for it any more.
    Leave,
    /// What the view wants.
    Command(Command),
}

/// From the worker to the tabs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromWorker {
    /// The tab that is meant; `None`: all of them.
    pub to: Option<TabNumber>,
    /// What is told.
    pub update: Update,
}

/// On the channel between the tabs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetweenTabs {
    /// For the worker, by way of the tab that holds it.
    ToWorker(ToWorker),
    /// From the worker, passed on by the tab that holds it; a piece map may travel beside it.
    FromWorker(FromWorker),
    /// Another tab holds the worker from now on: join again.
    EngineMoved,
}
