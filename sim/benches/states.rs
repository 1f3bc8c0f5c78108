//! Recovered states checked in a second of CPU time, on one core.
//!
//! `cargo bench -p seawall-sim --bench states [-- tiny | large | default] [KNOB=VALUE ..]`
//!
//! A state is one executed recovery of one crash image with all its checks, as in a sweep: every key
//! by forward scan, by reverse scan and by point get, `verify`, the report against the files; one state
//! in eight is looked at closely. The time is that of the process, so it holds everything: the work
//! between crashes, the images, the checks. Each seed runs once: of a seed that a sweep runs twice, one
//! run counts.
//!
//! - `tiny`: 64 keys, a memtable of 4 KiB, log, manifest and tables; short runs that are crashed often.
//! - `large`: 128 keys with values of up to 16 KiB, which make about 50 files and 1 MiB in several levels.
//! - `default`: what `sim run` does. Its runs are long, and most of a run is not recovery.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock"
)]

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use seawall_sim::explore::{Summary, Sweep, sweep};
use seawall_sim::system_seawall::Seawall;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A benchmark goes on for so much CPU time, or for so long if others have the cores.
const CPU_TIME: Duration = Duration::from_secs(10);
const TIME_MAX: Duration = Duration::from_secs(25);
/// Seeds between two looks at the clock.
const SLICE: u64 = 16;
/// The first seeds warm caches and pools up and are not counted.
const WARM_UP: std::ops::Range<u64> = 0..SLICE;

/// What is set, whatever the seed draws; all other knobs are drawn.
const TINY: &[(&str, u64)] = &[
    ("keys", 64),
    ("memtable_bytes", 4 << 10),
    ("memtable_entries", 1 << 20),
    ("big_weight", 0),
    ("operations", 60),
    ("generations", 1),
    ("fork_one_in", 2),
    ("images_max", 400),
];

/// As [`TINY`], for `large`.
const LARGE: &[(&str, u64)] = &[
    ("keys", 128),
    ("big_weight", 40),
    ("block_bytes", 4_096),
    ("segment_bytes", 16_384),
    ("memtable_bytes", 64 << 10),
    ("memtable_entries", 1 << 20),
    ("level0_tables", 4),
    ("level1_bytes", 256 << 10),
    ("level_multiplier", 4),
    ("levels", 4),
    ("table_bytes", 20 << 10),
    ("block_cache_bytes", 1 << 20),
    ("full_kib", 0),
    ("operations", 1_000),
    ("generations", 1),
    ("fork_one_in", 40),
    ("images_max", 400),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so; `cargo test --benches` does not, and has no minute to spare.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let words = arguments.iter().filter(|word| !word.starts_with("--"));
    let (knobs, names): (Vec<&String>, Vec<&String>) = words.partition(|word| word.contains('='));
    let knobs: Vec<_> = knobs.into_iter().map(|knob| parsed(knob)).collect();
    for (name, fixed) in [("tiny", TINY), ("large", LARGE), ("default", &[][..])] {
        if names.is_empty() || names.iter().any(|part| name.contains(part.as_str())) {
            let other = |(name, _): &&(&str, u64)| !knobs.iter().any(|(set, _)| set == name);
            let fixed = fixed.iter().filter(other);
            let fixed = fixed.map(|(name, value)| ((*name).to_owned(), *value));
            measure(name, fixed.chain(knobs.iter().cloned()).collect());
        }
    }
}

/// A knob from the command line; the sweep says if there is none of the name.
fn parsed(knob: &str) -> (String, u64) {
    let parts = knob.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?)));
    let (name, value) = parts.unwrap_or_else(|| panic!("{knob} is not like keys=64"));
    (name.to_owned(), value)
}

fn measure(name: &str, knobs: Vec<(String, u64)>) {
    let slice = |seeds| Sweep { twice: false, knobs: knobs.clone(), ..Sweep::of(seeds) };
    let _ = sweep::<Seawall>(&slice(WARM_UP), &());
    let (started, cpu) = (Instant::now(), cpu_time());
    let mut done = Summary::default();
    let mut next = WARM_UP.end;
    while cpu_time() - cpu < CPU_TIME && started.elapsed() < TIME_MAX {
        let swept = sweep::<Seawall>(&slice(next..next + SLICE), &());
        if let Some(bad) = swept.bad.first() {
            panic!("seed {:#x} fails: {:?}", bad.seed, bad.what);
        }
        done.merge(&swept.summary);
        next += SLICE;
    }
    print(name, &knobs, &done, cpu_time() - cpu);
}

fn print(name: &str, knobs: &[(String, u64)], done: &Summary, cpu: Duration) {
    let per_second = |count: u64| count as f64 / cpu.as_secs_f64();
    let Summary { seeds, counts, .. } = done;
    println!("{name:<8} {:>9.0} states a CPU second and core", per_second(counts.states));
    println!(
        "         {} states ({} looked at closely), {seeds} seeds, {} operations, {} system calls, \
         {} tables written, in {:.1} CPU seconds",
        counts.states,
        counts.states_close,
        counts.operations,
        counts.disk.calls,
        counts.events.iter().find(|(name, _)| *name == "flushes").map_or(0, |(_, count)| *count),
        cpu.as_secs_f64(),
    );
    let images = (counts.power + counts.kill).max(1);
    println!(
        "         an image has {} files and {} KiB on average",
        counts.image_files / images,
        counts.image_bytes / images / 1024,
    );
    let knobs: Vec<_> = knobs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let knobs = if knobs.is_empty() { "all drawn".to_owned() } else { knobs.join(" ") };
    println!("         knobs: {knobs}");
}

/// How long cores have worked for this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
