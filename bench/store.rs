//! What the store costs on a real directory.
//!
//! `cargo bench --bench store [-- PART ..]`, where a part is any piece of a benchmark's name
//!
//! - `writer`: one synced writer, against bare writes and syncs of a file of the same kind
//! - `writers`: eight synced writers, against one
//! - `puts`: a million random puts with `Durability::Os`, one thread
//! - `reads`: random gets, of keys that are missing too, seeks and scans of a million entries
//! - `memory`: the peak of a load
//! - `amplification`: bytes written and kept when two million keys are overwritten twice
//! - `open`: open after `kill -9`, with 64 MiB of log
//!
//! Whatever is compared takes turns within one run, so that what else the machine does befalls both
//! alike. The directory is made in cargo's target directory, on its disk; `SEAWALL_BENCH_DIR` names
//! another place.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "measures the machine; not simulated"
)]

mod amplification;
mod loaded;
mod memory;
mod reads;
mod reopen;
mod synced;
mod workload;

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The name of a benchmark, and what runs it in a directory of its own.
type Benchmark = (&'static str, fn(&Path) -> Result<()>);

const BENCHMARKS: [Benchmark; 7] = [
    ("writer", synced::one_against_bare),
    ("writers", synced::eight_against_one),
    ("puts", loaded::puts),
    ("reads", reads::of_a_million),
    ("memory", memory::of_a_load),
    ("open", reopen::after_a_kill),
    ("amplification", amplification::of_overwrites),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, directory] = &arguments[..] {
        match child.as_str() {
            reopen::CHILD => return reopen::fill_until_killed(Path::new(directory)),
            memory::CHILD => return memory::load_and_tell(Path::new(directory)),
            _ => {}
        }
    }
    // `cargo bench` says so; `cargo test --benches` does not, and has no minute to spare.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let parts: Vec<_> = arguments.iter().filter(|part| !part.starts_with("--")).collect();
    let wanted = |name: &str| match &parts[..] {
        [] => true,
        parts => parts.iter().any(|part| name.contains(part.as_str())),
    };
    let parent = std::env::var_os("SEAWALL_BENCH_DIR")
        .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), std::path::PathBuf::from);
    for (name, run) in BENCHMARKS.iter().filter(|(name, _)| wanted(name)) {
        let directory = tempfile::tempdir_in(&parent)?;
        print!("{name:<8} ");
        // A benchmark may print through another process.
        std::io::stdout().flush()?;
        run(directory.path())?;
    }
    Ok(())
}

/// How long a core has worked for the calling thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The one in the middle.
fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn microseconds(time: Duration) -> String {
    format!("{:.0} us", time.as_secs_f64() * 1e6)
}

/// So many of something in a second, in thousands.
fn thousands(count: u64, time: Duration) -> String {
    format!("{:.0} k/s", count as f64 / time.as_secs_f64() / 1e3)
}
