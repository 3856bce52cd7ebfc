//! The one module of the page: the view where there is a window, the engine in a worker.
//!
//! One module is a quarter smaller than two, is compiled once, and its two ends are always of one build.

fn main() {
    if web_sys::window().is_some() {
        swarmscope::app::run();
    } else {
        swarmscope::worker::start();
    }
}
