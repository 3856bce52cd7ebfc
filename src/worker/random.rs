//! Entropy for what must not be guessed or must not collide: peer ids, tracker keys, the engines' seeds.

use engine::PeerId;
use wasm_bindgen::JsCast as _;
use web_sys::DedicatedWorkerGlobalScope;

/// Azureus style (BEP 20): client and version.
const PEER_ID_PREFIX: &[u8; 8] = b"-SW0001-";

/// So many random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let filled = scope.crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    if filled.is_err() {
        // Every secure context has a generator; a weak one is still better than none.
        bytes.fill_with(|| (js_sys::Math::random() * 256.0) as u8);
    }
    bytes
}

/// 32 random bits.
pub(crate) fn u32() -> u32 {
    u32::from_le_bytes(bytes())
}

/// 64 random bits.
pub(crate) fn u64() -> u64 {
    u64::from_le_bytes(bytes())
}

/// A peer id for one torrent in one session.
pub(crate) fn peer_id() -> PeerId {
    let mut id = [0; 20];
    id[..8].copy_from_slice(PEER_ID_PREFIX);
    id[8..].copy_from_slice(&bytes::<12>());
    PeerId(id)
}
