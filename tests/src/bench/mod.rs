//! What the benchmark of the tab is made of.

pub mod runs;
pub mod sampler;
pub mod source;
