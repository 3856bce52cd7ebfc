//! Hashing as the browser does it.

use engine::merkle::LeafHasher;
use engine::{PieceHashes, Sha1Check, TreeCheck, Verdict};
use sha1::{Digest as _, Sha1};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use super::verify::judge_buffer;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
async fn the_browsers_hash_is_the_hash() {
    let piece: Vec<u8> = (0..262_144_u32).map(|at| (at % 251) as u8).collect();
    let mut leaves = LeafHasher::default();
    leaves.update(&piece);
    let v1 = Some(Sha1Check { hash: Sha1::digest(&piece).into(), padding: 0 });
    let padded = [&piece[..], &[0; 5000]].concat();
    let v1_padded = Some(Sha1Check { hash: Sha1::digest(padded).into(), padding: 5000 });
    let v2 = leaves.root(16).map(|root| TreeCheck { root, width: 16 });
    for (v1, v2) in [(v1, None), (None, v2), (v1, v2), (v1_padded, None), (v1_padded, v2)] {
        let hashes = PieceHashes { v1, v2 };
        assert_eq!(judge_buffer(&piece, hashes).await, Verdict::Right, "{hashes:?}");
        assert_eq!(judge_buffer(&piece[1..], hashes).await, Verdict::Wrong, "{hashes:?}");
    }
}
