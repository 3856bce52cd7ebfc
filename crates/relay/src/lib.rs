//! The relay between a browser tab and the swarm: one WebSocket of frames on one side, TCP connections to peers and
//! questions to trackers on the other, and a policy in between. It never knows what a piece is.
//!
//! [`start`] runs one inside this process, as the program `swarmscope-relay` does.

mod carrier;
mod config;
mod guard;
mod http;
mod rate;
mod refusals;
mod server;
mod session;
mod sessions;
mod web;

pub use config::{Config, PortRange};
pub use server::{RunningRelay, StartError, start};
