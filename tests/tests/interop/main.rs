//! Ordinary clients and our own, through a real tracker.

mod harness;
