//! Swarmscope's page: the view on the main thread, the engine in a worker, and what goes between them.

pub mod app;
pub mod client;
pub mod envelope;
pub mod messages;
pub mod worker;
