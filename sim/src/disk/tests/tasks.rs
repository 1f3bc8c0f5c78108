//! Several tasks on one disk.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::sync::spawn;
use seawall_os::vfs::Vfs;

use super::{disk, durable_file, open};
use crate::choice::{Choices, WorldId};
use crate::disk::{CrashRates, Disk, FaultRates, SimFs};
use crate::sched::{RunEnd, SchedOptions, Scheduler};
use crate::trace::{Keep, Trace};

/// Runs `root` as a task on a file system of its own.
fn run(seed: u64, crashes: CrashRates, root: impl FnOnce(Arc<SimFs>) + 'static) -> Arc<SimFs> {
    let choices = Choices::from_seed(seed);
    let trace = Trace::new(choices.names(), Keep::Last(64));
    let world = WorldId::generation(0);
    let sched = Scheduler::new(&choices, world, &trace, SchedOptions::default());
    let faults = FaultRates::default();
    let fs = SimFs::new(disk(), choices, Some(sched.clone()), world, faults, crashes, trace);
    let inside = Arc::clone(&fs);
    let end = sched.run(move || root(inside));
    assert!(matches!(end, RunEnd::Finished), "{end:?}");
    fs
}

#[test]
fn what_is_written_while_a_sync_runs_stays_pending() {
    let mut pending_after_the_sync = 0;
    for seed in 0..200 {
        // What the disk held when the sync returned, and what was written by then.
        let seen: Rc<RefCell<Option<Disk>>> = Rc::default();
        let out = Rc::clone(&seen);
        run(seed, CrashRates::default(), move |fs| {
            let file = durable_file(&fs, "f", &[b'a'; 1024]);
            file.write_at(&[b'b'; 512], 0).expect("write");
            let other = Arc::clone(&fs);
            let writer = spawn("writer", move || {
                open(&other, "f").write_at(&[b'c'; 512], 512).expect("write");
            });
            file.sync_data().expect("sync");
            *out.borrow_mut() = Some(fs.disk());
            writer.join().expect("the writer does not panic");
        });
        let disk = seen.borrow_mut().take().expect("the task has run");
        let (live, durable) = (disk.read("f"), disk.read_durable("f"));
        let (live, durable) = (live.expect("it is there"), durable.expect("it is there"));
        assert_eq!(durable[0], b'b', "the sync covers what came before it was issued");
        assert!(durable[512] == b'a' || live[512] == b'c');
        pending_after_the_sync += u32::from(live[512] == b'c' && durable[512] == b'a');
    }
    assert!(pending_after_the_sync > 10, "{pending_after_the_sync} of 200");
}

#[test]
fn a_long_write_is_seen_half_done() {
    let mut halves = 0;
    for seed in 0..200 {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let out = Rc::clone(&seen);
        run(seed, CrashRates::default(), move |fs| {
            let file = durable_file(&fs, "f", &[b'a'; 2048]);
            let other = Arc::clone(&fs);
            let writer = spawn("writer", move || {
                open(&other, "f").write_at(&[b'b'; 2048], 0).expect("write");
            });
            let mut buffer = [0; 2048];
            file.read_at(&mut buffer, 0).expect("read");
            out.borrow_mut().extend([buffer[0], buffer[2047]]);
            writer.join().expect("the writer does not panic");
        });
        halves += u32::from(*seen.borrow() == *b"ba");
    }
    assert!(halves > 5, "{halves} of 200");
}

#[test]
fn all_tasks_learn_of_the_end() {
    let crashes = CrashRates { end_one_in: 8, ..CrashRates::default() };
    for seed in 0..100 {
        let fs = run(seed, crashes, |fs| {
            let tasks = ["one", "two", "three"].map(|name| {
                let fs = Arc::clone(&fs);
                spawn(name, move || -> std::io::Result<()> {
                    let path = Path::new(name);
                    let file = fs.open(path, seawall_os::vfs::OpenMode::CreateNew)?;
                    loop {
                        file.write_at(b"more", file.len()?)?;
                        file.sync_data()?;
                    }
                })
            });
            for task in tasks {
                let error = task.join().expect("no panic").expect_err("the disk dies");
                assert_eq!(error.raw_os_error(), Some(5));
            }
        });
        assert!(fs.ended().is_some());
    }
}
