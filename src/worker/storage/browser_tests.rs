//! What only a browser can answer, asked in one: that its storage does what the worker relies on.

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use super::opfs::{self, Access};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Beyond what 32 bits can name: 5 GiB.
const FAR: u64 = 5 << 30;

#[wasm_bindgen_test]
async fn bytes_beyond_4_gib_are_read_back_and_what_lies_before_them_is_zero() {
    let root = opfs::root().await.expect("a private file system");
    let folder = opfs::folder(&root, "far").await.expect("a folder");
    let file = opfs::open(&folder, "sparse", Access::ReadWrite).await.expect("a file");
    file.write_at(b"far away", FAR).expect("room");
    assert_eq!(file.len().expect("its length"), FAR + 8);
    let mut found = [1; 16];
    assert_eq!(file.read_at(&mut found, FAR - 8).expect("its bytes"), 16);
    assert_eq!(&found, b"\0\0\0\0\0\0\0\0far away");
    drop(file);
    opfs::remove(&root, "far").await.expect("removed");
    assert!(!opfs::names(&root).await.expect("a listing").contains(&"far".to_owned()));
}

#[wasm_bindgen_test]
async fn a_finished_file_is_read_by_two_at_once() {
    let root = opfs::root().await.expect("a private file system");
    let folder = opfs::folder(&root, "shared").await.expect("a folder");
    let file = opfs::open(&folder, "finished", Access::ReadWrite).await.expect("a file");
    file.write_at(b"content", 0).expect("room");
    drop(file);
    let one = opfs::open(&folder, "finished", Access::ReadOnly).await.expect("a first reader");
    let two = opfs::open(&folder, "finished", Access::ReadOnly).await.expect("a second reader");
    assert_eq!(one.read_all().expect("its bytes"), b"content");
    assert_eq!(two.read_all().expect("its bytes"), b"content");
    drop((one, two));
    opfs::remove(&root, "shared").await.expect("removed");
}
