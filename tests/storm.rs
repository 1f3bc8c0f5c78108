//! The storm: the store through crashes at arbitrary system calls, held against a plain map.
//!
//! A fixed set of seeds, every one run twice. `SEAWALL_SEED=N` runs that one instead,
//! `SEAWALL_SEEDS=A..B` that range. A failure's message is the whole failure block.

use seawall_sim::system_seawall::Seawall;

#[test]
fn the_storm_passes() {
    seawall_sim::check::<Seawall>().seeds(0..40).jobs(2).run();
}
