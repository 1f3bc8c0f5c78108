//! A simulated world for one store: a disk on which nothing goes wrong by itself, and a scheduler
//! under which tasks take turns in the same order every time.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::sync::sleep;
use seawall::os::vfs::Vfs;
use seawall_sim::choice::{Choices, Tape, WorldId};
use seawall_sim::disk::{CrashRates, Disk, FaultRates, SimFs};
use seawall_sim::sched::{RunEnd, SchedOptions, Scheduler, Strategy};
use seawall_sim::trace::{Keep, Trace};

/// Where the stores of these tests are.
pub const DIR: &str = "/data/db";

/// The room on the disks of these tests, in bytes: plenty.
const CAPACITY: u64 = 64 << 20;

/// How contents are counted: a page with one byte takes as much room as a full one.
const PAGE: u64 = 4096;

/// A disk with plenty of room, and nothing on it.
pub fn empty_disk() -> Disk {
    Disk::new(CAPACITY)
}

/// Leaves room for so many more pages, of 4 KiB each.
pub fn leave_pages(fs: &SimFs, pages: u64) {
    // What is free cannot be less than nothing, so there is plenty of room while it is asked.
    fs.set_capacity(CAPACITY);
    let used = CAPACITY - fs.disk().free_bytes();
    fs.set_capacity(used + pages * PAGE);
}

/// What the worlds' generator hands out first: the ids of databases made in them.
const ENTROPY: &str = "\
seawall tape 1
answer workload g0/main create/-/entropy 0 = 1234605616436508552
answer workload g0/main create/-/entropy 1 = 9838263505978427528
";

/// Runs `body` on a disk, and whatever it spawns, to their end. Returns what it returned, and the
/// disk as programs would see it then, with everything that is pending.
///
/// # Panics
/// When a task does, or when they can never end.
pub fn live<T: 'static>(disk: Disk, body: impl FnOnce(Arc<SimFs>) -> T + 'static) -> (T, Disk) {
    let tape: Tape = ENTROPY.parse().expect("a tape");
    scheduled(&Choices::from_tape(&tape), SchedOptions::default(), disk, body)
}

/// As [`live`], with the schedule of a seed: tasks stand still for long now and then.
///
/// # Panics
/// As [`live`].
pub fn live_seeded<T: 'static>(
    seed: u64,
    disk: Disk,
    body: impl FnOnce(Arc<SimFs>) -> T + 'static,
) -> (T, Disk) {
    let strategy = Strategy::Pauses { one_in: 4, pause_in: 32, points: 2_000 };
    let options = SchedOptions { strategy, ..SchedOptions::default() };
    scheduled(&Choices::from_seed(seed), options, disk, body)
}

fn scheduled<T: 'static>(
    choices: &Choices,
    options: SchedOptions,
    disk: Disk,
    body: impl FnOnce(Arc<SimFs>) -> T + 'static,
) -> (T, Disk) {
    let choices = choices.clone();
    let trace = Trace::new(choices.names(), Keep::Last(64));
    let world = WorldId::generation(0);
    let scheduler = Scheduler::new(&choices, world, &trace, options);
    let (faults, crashes) = (FaultRates::default(), CrashRates::default());
    let sched = Some(scheduler.clone());
    let fs = SimFs::new(disk, choices, sched, world, faults, crashes, trace.clone());
    let (inside, result) = (Arc::clone(&fs), Rc::new(RefCell::new(None)));
    let slot = Rc::clone(&result);
    let end = scheduler.run(move || *slot.borrow_mut() = Some(body(inside)));
    assert_eq!(end, RunEnd::Finished, "{end}\n{}", trace.lines().join("\n"));
    let result = result.borrow_mut().take().expect("the body has returned");
    (result, fs.disk())
}

/// Lets the background tasks do whatever they have to do, but for what waits for idleness.
pub fn settle() {
    sleep(Duration::from_millis(10));
}

/// The disk after every process on it was killed.
pub fn killed(disk: Disk) -> Disk {
    SimFs::calm(disk).kill()
}

/// What a power loss leaves: everything or nothing of what was not durable, with exceptions.
#[derive(Clone, Debug)]
pub struct PowerLoss {
    mode: &'static str,
    answers: Vec<String>,
}

impl PowerLoss {
    /// Everything survives.
    pub fn keeping_all() -> PowerLoss {
        PowerLoss { mode: "all-kept", answers: Vec::new() }
    }

    /// Nothing survives but what was durable.
    pub fn losing_all() -> PowerLoss {
        PowerLoss { mode: "all-lost", answers: Vec::new() }
    }

    /// But this unit, such as `000002.wal[0..512)` or `CURRENT/name`, becomes `fate`, such as `new`,
    /// `durable` or `torn-front`.
    #[must_use]
    pub fn but(mut self, unit: &str, fate: &str) -> PowerLoss {
        self.answers.push(format!("answer survival g0/crash {unit} 0 = {fate}\n"));
        self
    }

    /// The disk that it leaves.
    ///
    /// # Panics
    /// When an exception is about something that was not undecided, or cannot come out so.
    pub fn of(&self, disk: Disk) -> Disk {
        let tape = format!(
            "seawall tape 1\nbase seed 0\nanswer crash g0/run -/dir/list 0 = end-power-before\n\
             answer survival g0/crash mode 0 = {}\n{}",
            self.mode,
            self.answers.concat()
        );
        let tape: Tape = tape.parse().expect("a tape");
        let choices = Choices::from_tape(&tape);
        let trace = Trace::new(choices.names(), Keep::Last(0));
        let crashes = CrashRates { end_one_in: 1, quiet_factor: 1, ..CrashRates::default() };
        let (world, faults) = (WorldId::generation(0), FaultRates::default());
        let fs = SimFs::new(disk, choices.clone(), None, world, faults, crashes, trace);
        fs.list(Path::new("/")).expect_err("the power goes here");
        let unused = choices.unused();
        assert!(unused.is_empty(), "{unused:?}");
        fs.ended().expect("the power went").disk
    }
}
