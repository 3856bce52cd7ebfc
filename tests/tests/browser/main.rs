//! The page in a real browser, from adding a torrent to the saved file.

mod harness;
