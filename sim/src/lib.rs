//! The simulator: a storage engine run, unchanged, in a world where every decision is a choice.
//!
//! - [`system`]: what a store says of itself to be simulated; [`simple`]: less, for common shapes.
//! - [`driver`]: the loop that runs it, crashes it and goes on; [`mod@check`]: what is legal.
//! - [`explore`]: sweeps over many seeds; [`shrink`]: failures made small; [`mod@blame`]: why they
//!   are; [`report`]: what is read of them; [`testing`]: all of that in a `#[test]`.
//! - [`fuzz`]: runs that a fuzzer decides, as bytes.
//! - [`choice`]: the stream of choices a run is a pure function of; seeds and tapes that answer it.
//! - [`disk`]: a disk that tears, loses, fails and fills up, and the images its crashes leave.
//! - [`sched`]: the engine's threads as coroutines on one OS thread, switched by choice.
//! - [`trace`]: what happened, as a fingerprint and as lines to read; [`numbers`], as people read them.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod blame;
pub mod check;
pub mod choice;
pub mod config;
pub mod disk;
pub mod driver;
pub mod explore;
pub mod fuzz;
pub mod numbers;
pub mod report;
pub mod sched;
pub mod shrink;
pub mod simple;
pub mod system;
pub mod system_seawall;
pub mod testing;
pub mod trace;
pub mod workload;

/// Sweeps seeds over a store, in a test: `seawall_sim::check::<MyStore>().seeds(0..200).run()`.
///
/// `SEAWALL_SEED=N` and `SEAWALL_SEEDS=A..B` in the environment name other seeds.
pub fn check<S: system::System>() -> testing::Check<S> {
    testing::Check::default()
}
