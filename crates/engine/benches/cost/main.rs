//! What a picked block and a received `have` cost, for torrents of few and of many pieces, and what an engine weighs.
//!
//! `cargo bench -p engine --bench cost`. It asks whether a cost grows with the number of pieces, so small and large
//! torrents take turns within one run, batch by batch: whatever else the machine does then hits them alike. Neither
//! criterion nor divan measures two cases in turns, so this is a program of its own; it prints medians and their ratios.

#![allow(clippy::disallowed_methods, reason = "a benchmark's clock")]

mod stage;

use std::alloc::System;
use std::time::Instant;

use cap::Cap;
use stage::Stage;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const PIECES: [u32; 3] = [100, 10_000, 200_000];
const PEERS: [u32; 3] = [5, 50, 500];
/// Batches of each case; medians over these.
const ROUNDS: usize = 41;
/// Blocks of a batch, all peers together; a batch of the smallest torrent must leave it most of its blocks.
const BLOCKS: usize = 400;
/// `have`s of a batch.
const HAVES: usize = 100;

fn main() {
    println!("ns for a block (received, stored, the next one picked and requested): pieces of 1 MiB");
    table(Stage::for_blocks, |stage| stage.blocks(BLOCKS), BLOCKS);
    println!("ns for a `have`");
    table(Stage::for_haves, |stage| stage.haves(HAVES), HAVES);
    weigh();
}

fn table(make: fn(u32, u32) -> Stage, run: fn(&mut Stage), of_batch: usize) {
    println!("{:>8} {:>12} {:>12} {:>12}  most / fewest pieces", "peers", PIECES[0], PIECES[1], PIECES[2]);
    for peers in PEERS {
        let mut stages = PIECES.map(|pieces| make(pieces, peers));
        let mut samples = PIECES.map(|_| Vec::new());
        for round in 0..ROUNDS {
            for turn in 0..PIECES.len() {
                let case = (round + turn) % PIECES.len();
                if !stages[case].is_good_for(of_batch) {
                    stages[case] = make(PIECES[case], peers);
                }
                // One batch to warm up what the others have driven out of the caches.
                run(&mut stages[case]);
                let start = Instant::now();
                run(&mut stages[case]);
                samples[case].push(start.elapsed().as_nanos() as f64 / of_batch as f64);
            }
        }
        let medians = samples.map(|mut samples| {
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 2]
        });
        let [few, some, many] = medians;
        println!("{peers:>8} {few:>12.0} {some:>12.0} {many:>12.0}  {:.2}", many / few);
    }
}

fn weigh() {
    println!("bytes of memory");
    println!("{:>8} {:>14} {:>14} {:>14}", "pieces", "of the engine", "for a piece", "for a peer");
    for pieces in PIECES {
        let torrent = stage::torrent(pieces);
        let before = MEMORY.allocated();
        let mut stage = Stage::empty(&torrent);
        let engine = MEMORY.allocated() - before;
        for number in 0..50 {
            stage.join(number, 50);
        }
        stage.forget_plans();
        let peer = (MEMORY.allocated() - before - engine) / 50;
        println!("{pieces:>8} {engine:>14} {:>14.1} {peer:>14}", engine as f64 / f64::from(pieces));
    }
}
