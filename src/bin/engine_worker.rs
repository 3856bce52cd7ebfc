//! The engine's worker, as Trunk builds it.

fn main() {
    swarmscope::worker::start();
}
