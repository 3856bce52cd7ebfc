//! What a native program needs to reach a swarm: connections out and in, trackers, `.torrent` files by their
//! address, parts of files from web seeds, and the policy that says which destinations may be reached at all.
//!
//! It knows nothing that comes after the handshake: no piece, no torrent state, no clock of its own beyond time
//! limits. Every function that reaches out takes a [`policy::DestinationPolicy`], so that no caller can forget it.

pub mod accept;
pub mod dial;
pub mod fetch;
mod http;
pub mod policy;
mod reach;
pub mod tracker;
pub mod webseed;

pub use reach::ReachError;
