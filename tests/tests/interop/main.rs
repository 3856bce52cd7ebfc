//! Ordinary clients and our node, both ways, through a real tracker.

mod harness;
mod introductions;
mod magnets;
mod node_gets;
mod node_seeds;
mod version_2;
mod web_seeds;
