//! The engine as its hosts see it: inputs and outputs only, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anything;
mod closing;
mod downloading;
mod extensions;
mod fast;
mod limits;
mod magnet;
mod metadata;
mod peers;
mod pex;
mod places;
mod private;
mod resuming;
mod super_seeding;
mod suspects;
mod swarm;
mod uploading;
mod util;
mod v2;
mod wanting;
mod web_seeds;
