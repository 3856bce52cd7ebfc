//! A whole relay in this process, real sockets on loopback, and a tab made of the same protocol crate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod incoming;
mod ranges;
mod resume;
mod streams;
mod support;
mod trackers;
mod web;
