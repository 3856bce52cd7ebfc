//! Hashing as the browser does it.

use sha1::{Digest as _, Sha1};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use super::verify::sha1;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn the_browsers_hash_is_the_hash() {
    let piece: Vec<u8> = (0..262_144_u32).map(|at| (at % 251) as u8).collect();
    let expected: [u8; 20] = Sha1::digest(&piece).into();
    assert_eq!(sha1(&piece).await, expected);
}
