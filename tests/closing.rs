//! Closing in one task while another still works on the same database.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads what a test made")]

mod support;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::sync::{AtomicUsize, Ordering, sleep, spawn};
use seawall::os::vfs::{MemFs, Vfs};
use seawall::{Db, Error, ErrorKind, Options, inspect};
use support::watched::{Call, Watched, Watcher};
use support::world::{DIR, empty_disk, killed, live, live_seeded};

/// Each edit begins a new manifest, and all that is merged is one small table after the other.
fn options() -> Options {
    Options {
        segment_bytes: 2048,
        spare_segment: false,
        table_bytes: 1,
        manifest_roll_edits: 1,
        ..Options::default()
    }
}

fn open(vfs: &Arc<dyn Vfs>) -> Db {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options()).open().expect("it opens")
}

fn check(db: &Db) {
    assert_eq!(db.iter().filter(Result::is_ok).count(), 8);
    assert_eq!(db.verify().expect("sound").entries, 8);
}

#[test]
fn a_merge_beside_a_close_writes_nothing_once_another_may_open() {
    let mut cut_short = 0;
    for seed in 0..300 {
        let (done, disk) = live_seeded(seed, empty_disk(), |fs| {
            let vfs: Arc<dyn Vfs> = fs;
            let db = open(&vfs);
            for round in 0..2 {
                for key in 0..8u8 {
                    db.put([key], [round]).expect("put");
                }
                db.flush().expect("flushed");
            }
            let other = db.clone();
            let merging = spawn("merging", move || other.compact_range::<&[u8]>(..).is_ok());
            db.close().expect("closed");
            // The merge may be anywhere by now.
            let again = open(&vfs);
            let done = merging.join().expect("it does not panic");
            again.compact_range::<&[u8]>(..).expect("merged");
            check(&again);
            done
        });
        cut_short += u32::from(!done);
        live(killed(disk), |fs| check(&open(&(fs as Arc<dyn Vfs>))));
    }
    assert!(cut_short > 20, "only {cut_short} merges were still going on");
}

/// Counts calls, and lets one of those of a job take long.
#[derive(Debug)]
struct Slow {
    /// The scope whose calls are meant.
    scope: &'static str,
    /// Which of them takes long.
    nth: usize,
    seen: AtomicUsize,
    calls: AtomicUsize,
}

impl Watcher for Slow {
    fn before(&self, call: &Call<'_>) -> io::Result<()> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        if call.site.scope.name() == self.scope
            && self.seen.fetch_add(1, Ordering::AcqRel) == self.nth
        {
            sleep(Duration::from_secs(10));
        }
        Ok(())
    }

    fn after(&self, _: &Call<'_>, _: Result<u64, &io::Error>) -> io::Result<()> {
        Ok(())
    }
}

type Job = fn(&Db) -> Result<(), Error>;

/// Closes while the nth call of a job takes long. Returns whether the job made so many, and what became
/// of it.
fn close_beside(scope: &'static str, nth: usize, job: Job) -> (bool, Result<(), Error>) {
    live(empty_disk(), move |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let db = open(&vfs);
        for round in 0..2 {
            for key in 0..8u8 {
                db.put([key], [round]).expect("put");
            }
            db.flush().expect("flushed");
        }
        db.close().expect("closed");
        let [seen, calls] = [0, 0].map(AtomicUsize::new);
        let slow = Arc::new(Slow { scope, nth, seen, calls });
        let watched: Arc<dyn Vfs> =
            Watched::new(Arc::clone(&vfs), Arc::clone(&slow) as Arc<dyn Watcher>);
        let db = open(&watched);
        db.put([0], [2]).expect("put");
        let other = db.clone();
        let working = spawn("working", move || job(&other));
        // By now the job is in its slow call, or at its end.
        sleep(Duration::from_secs(1));
        db.close().expect("closed");
        let calls = slow.calls.load(Ordering::Acquire);
        let again = open(&vfs);
        let done = working.join().expect("it does not panic");
        assert_eq!(slow.calls.load(Ordering::Acquire), calls, "call {nth} of {scope}");
        assert_eq!(again.iter().filter(Result::is_ok).count(), 8);
        again.verify().expect("sound");
        (slow.seen.load(Ordering::Acquire) > nth, done)
    })
    .0
}

fn no_job_outlives_a_close(scope: &'static str, job: Job) {
    let mut cut_short = 0;
    for nth in 0.. {
        let (was_slow, done) = close_beside(scope, nth, job);
        match done {
            Ok(()) if !was_slow => break,
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Closed, "call {nth} of {scope}: {error}");
                cut_short += 1;
            }
        }
    }
    assert!(cut_short > 2, "only {cut_short} of {scope} were cut short");
}

#[test]
fn a_merge_of_another_thread_makes_no_call_after_a_close() {
    no_job_outlives_a_close("compact", |db| db.compact_range::<&[u8]>(..));
}

#[test]
fn a_verify_of_another_thread_makes_no_call_after_a_close() {
    no_job_outlives_a_close("verify", |db| db.verify().map(drop));
}

/// A segment that is made for one large batch has room for the record that ends it.
#[test]
fn a_segment_made_to_measure_gets_its_end() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let options = Options { segment_bytes: 512, ..Options::default() };
    let db = Db::builder(DIR).vfs(Arc::clone(&vfs)).options(options).open().expect("opened");
    db.put("key", [7; 5_000]).expect("put");
    db.close().expect("closed");
    let log = inspect::wal(&*vfs, Path::new(DIR), None).expect("readable");
    let text = format!("{log:?}").to_lowercase();
    assert!(text.contains("close"), "{text}");
}
