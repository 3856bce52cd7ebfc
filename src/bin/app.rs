//! The page's main thread.

fn main() {
    swarmscope::app::run();
}
