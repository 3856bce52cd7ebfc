//! A native host of the engine: the command line client, the demo swarm, and nodes for tests to start in-process.
//!
//! [`host::Node`] takes part in one torrent's swarm over TCP. The commands of the program `swarmscope-node` stand on
//! it: [`get`], [`seed`], [`create`] and [`demo`].

pub mod check;
pub mod cli;
pub mod content;
pub mod create;
pub mod demo;
pub mod get;
pub mod hashing;
pub mod host;
mod interrupt;
mod kept;
mod magnet;
mod parts;
mod report;
pub mod seed;
pub mod selection;
mod session;
