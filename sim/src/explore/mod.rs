//! Sweeps: many seeds over several cores, every seed twice.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "sweeps run simulated worlds on real threads, against a real clock"
)]

mod admit;
mod floors;
pub mod reach;
mod summary;
mod twin;
pub mod watch;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::choice::Tape;
use crate::driver::{Failure, Input, Ran, run};
use crate::system::System;

pub use admit::admitting;
pub use floors::{DEFAULT_SEEDS, FLOORS, Floors, TooFew};
pub use summary::Summary;

use twin::Twin;

/// What to sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The seeds, half-open.
    pub seeds: Range<u64>,
    /// How many at a time.
    pub jobs: usize,
    /// Whether each seed runs a second time, from its tape, on another thread.
    pub twice: bool,
    /// Whether to go on after a failure.
    pub keep_going: bool,
    /// When to stop, if not at the last seed.
    pub time: Option<Duration>,
    /// No seed is begun once this is true, as after Ctrl-C.
    pub stop: Option<&'static AtomicBool>,
    /// Knobs that are set after all of them were drawn, such as `operations`.
    pub knobs: Vec<(String, u64)>,
}

impl Sweep {
    /// Every seed of `seeds`, twice, one at a time, up to the first failure.
    pub fn of(seeds: Range<u64>) -> Sweep {
        Sweep {
            seeds,
            jobs: 1,
            twice: true,
            keep_going: false,
            time: None,
            stop: None,
            knobs: Vec::new(),
        }
    }
}

/// A seed that did not end well.
#[derive(Clone, Debug)]
pub struct Bad {
    /// The seed.
    pub seed: u64,
    /// What was wrong.
    pub what: Wrong,
    /// The tape of its run.
    pub tape: Tape,
}

/// What was wrong with a seed.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// A property does not hold.
    Violated(Box<Failure>),
    /// The second run was not the first one again.
    Differs {
        /// The fingerprint of the first run.
        first: u64,
        /// That of the second, or why there is none.
        second: Result<u64, String>,
    },
}

/// A sweep that has ended, or is under way.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// What happened.
    pub summary: Summary,
    /// What went wrong, by seed.
    pub bad: Vec<Bad>,
    /// Whether every seed of the range was run.
    pub complete: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// How long cores worked at first runs.
    pub busy: Duration,
    /// How long cores worked for this process meanwhile, second runs included. Known at the end.
    pub cpu: Duration,
}

impl Swept {
    /// Recovered states checked for each second that a core spent on first runs.
    pub fn states_per_second(&self) -> f64 {
        self.summary.counts.states as f64 / self.busy.as_secs_f64().max(1e-9)
    }

    /// Adds a sweep of other seeds that ran after this one. Whether the two are complete depends on
    /// what was wanted: `complete` stays as it is.
    pub fn then(&mut self, other: &Swept) {
        self.summary.merge(&other.summary);
        self.bad.extend_from_slice(&other.bad);
        self.elapsed += other.elapsed;
        self.busy += other.busy;
        self.cpu += other.cpu;
    }
}

/// Is told how a sweep goes, from any thread.
pub trait Watch: Sync {
    /// A seed is about to be run.
    fn begins(&self, _seed: u64) {}

    /// A seed has ended. `so_far` is the sweep with it and with all that ended before; of those
    /// calls there is one at a time.
    fn ended(&self, _seed: u64, _so_far: &Swept) {}
}

/// Nobody looks.
impl Watch for () {}

/// Shared by the workers of one sweep.
struct Board<'a> {
    sweep: &'a Sweep,
    next: AtomicU64,
    /// No seed from here on is begun.
    end: AtomicU64,
    started: Instant,
    so_far: Mutex<Swept>,
    watch: &'a dyn Watch,
}

/// Sweeps.
///
/// # Panics
/// When `knobs` names one that there is not: the caller's mistake.
pub fn sweep<S: System>(sweep: &Sweep, watch: &dyn Watch) -> Swept {
    let board = Board {
        sweep,
        next: AtomicU64::new(sweep.seeds.start),
        end: AtomicU64::new(sweep.seeds.end),
        started: Instant::now(),
        so_far: Mutex::default(),
        watch,
    };
    let worked_before = cpu_time(ClockId::ProcessCPUTime);
    std::thread::scope(|scope| {
        for _ in 0..sweep.jobs.max(1) {
            scope.spawn(|| board.work::<S>());
        }
    });
    let worked = cpu_time(ClockId::ProcessCPUTime).saturating_sub(worked_before);
    let mut swept = board.so_far.into_inner().expect("no worker panics holding it");
    swept.elapsed = board.started.elapsed();
    swept.cpu = worked;
    swept.bad.sort_by_key(|bad| bad.seed);
    let seeds = sweep.seeds.end.saturating_sub(sweep.seeds.start);
    swept.complete = swept.summary.seeds == seeds;
    swept
}

impl Board<'_> {
    fn work<S: System>(&self) {
        std::thread::scope(|scope| {
            let twin = self.sweep.twice.then(|| Twin::start::<S>(scope));
            while let Some(seed) = self.take() {
                self.one::<S>(seed, twin.as_ref());
            }
        });
    }

    /// The next seed, unless the sweep is over.
    fn take(&self) -> Option<u64> {
        let stopped = self.sweep.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        if stopped || self.sweep.time.is_some_and(|time| self.started.elapsed() >= time) {
            return None;
        }
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        (seed < self.end.load(Ordering::Relaxed)).then_some(seed)
    }

    fn one<S: System>(&self, seed: u64, twin: Option<&Twin>) {
        self.watch.begins(seed);
        let started = cpu_time(ClockId::ThreadCPUTime);
        let input = Input::Tuned(seed, self.sweep.knobs.clone());
        let ran = run::<S>(&input).unwrap_or_else(|why| panic!("{why}"));
        let busy = cpu_time(ClockId::ThreadCPUTime).saturating_sub(started);
        let again = twin.map(|twin| twin.run(seed, ran.tape.clone()));
        let what = judge(&ran, again);
        if what.is_some() && !self.sweep.keep_going {
            // Smaller seeds still end, so that the first bad one is the same whatever the jobs.
            self.end.fetch_min(seed, Ordering::Relaxed);
        }
        let mut so_far = self.so_far.lock().expect("no worker panics holding it");
        so_far.summary.add(seed, &ran);
        so_far.busy += busy;
        so_far.elapsed = self.started.elapsed();
        so_far.bad.extend(what.map(|what| Bad { seed, what, tape: ran.tape }));
        self.watch.ended(seed, &so_far);
    }
}

/// How long cores have worked for the calling thread, or for the process.
fn cpu_time(of: ClockId) -> Duration {
    let time = clock_gettime(of);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What was wrong with a seed's two runs, if anything.
fn judge(ran: &Ran, again: Option<Result<Ran, String>>) -> Option<Wrong> {
    let second = again.map(|again| again.map(|again| again.fingerprint));
    match second {
        Some(second) if second != Ok(ran.fingerprint) => {
            Some(Wrong::Differs { first: ran.fingerprint, second })
        }
        _ => ran.failure.clone().map(|failure| Wrong::Violated(Box::new(failure))),
    }
}
