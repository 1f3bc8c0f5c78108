//! Each call that a read, a flush, a compaction and an open make fails once, and then again and again.
//!
//! The snapshots say what comes of it, a line for each call. A read returns the error. A job whose own
//! files could not be made is tried again, three times at most. A sync that failed, or a write to the
//! log or the manifest, stops writes: what is on the disk is not known any more. Whatever happens,
//! nothing that was acknowledged is lost.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::sync::{Mutex, sleep, spawn};
use seawall::os::vfs::Vfs;
use seawall::{Db, Error, ErrorKind, Options};
use seawall_sim::disk::{Disk, SimFs};
use support::script::{EIO, ENOSPC, Script, What};
use support::watched::{Call, Watched, Watcher};
use support::world::{DIR, PowerLoss, empty_disk, killed, leave_pages, live, settle};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// Several small tables to a merge, and nothing that a test does not ask for.
fn quiet() -> Options {
    Options {
        segment_bytes: 2048,
        spare_segment: false,
        block_bytes: 64,
        table_bytes: 70,
        levels: 3,
        ..Options::default()
    }
}

/// A third table in level 0 has all of it merged down.
fn eager() -> Options {
    Options { level0_tables: 3, ..quiet() }
}

/// Each edit is followed by a new manifest.
fn rolling() -> Options {
    Options { manifest_roll_edits: 1, ..quiet() }
}

fn open(vfs: &Arc<dyn Vfs>, options: Options) -> Result<Db, Error> {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options).open()
}

fn put(db: &Db, state: &mut State, key: &str, value: &str) -> Result<(), Error> {
    db.put(key, value)?;
    state.insert(key.into(), value.into());
    Ok(())
}

fn compact(db: &Db) -> Result<(), Error> {
    db.compact_range::<&str>(..)
}

fn scan(db: &Db) -> Result<State, Error> {
    db.iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// A closed database with tables in levels 0 and 1, and what it holds.
fn prepared() -> (State, Disk) {
    let (state, disk) = live(empty_disk(), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let (db, mut state) = (open(&vfs, quiet()).expect("created"), State::new());
        for number in 0..12 {
            let value = format!("value {number}, {}", number * 7919);
            put(&db, &mut state, &format!("key {number:02}"), &value).expect("put");
        }
        compact(&db).expect("compacted");
        put(&db, &mut state, "key 05", "overwritten").expect("put");
        db.flush().expect("flushed");
        db.delete("key 07").expect("deleted");
        state.remove(&b"key 07"[..]);
        db.flush().expect("flushed");
        let levels: Vec<usize> = db.stats().levels.iter().map(|level| level.tables).collect();
        assert!(levels[0] == 2 && levels[1] > 2, "{levels:?}");
        db.close().expect("closed");
        state
    });
    (state, killed(disk))
}

/// The kinds of an error and of its causes, the outermost first.
fn kinds(error: &Error) -> Vec<ErrorKind> {
    let mut kinds = vec![error.kind()];
    let mut at: &dyn std::error::Error = error;
    while let Some(cause) = at.source() {
        kinds.extend(cause.downcast_ref::<Error>().map(Error::kind));
        at = cause;
    }
    kinds
}

/// Whether the error, or the first cause that it tells of, is that of a refused call and names a file.
#[track_caller]
fn assert_told(error: &Error, kind: ErrorKind) {
    assert!(kinds(error).contains(&kind), "{error:?}");
    assert!(error.to_string().contains(DIR), "no file in {error}");
}

/// What is done while a call fails. What is acknowledged goes into the state.
type Job = fn(&Db, &mut State) -> Result<(), Error>;

/// What came of a job, and where the store stands afterwards.
fn outcome(db: &Db, done: Result<(), Error>, kind: ErrorKind) -> &'static str {
    let stopped = db.stats().stopped.is_some();
    if let Err(error) = &done {
        assert_told(error, kind);
    }
    if stopped {
        for error in [db.put("more", "no"), db.delete("more")].map(|tried| tried.expect_err("no")) {
            assert_eq!(kinds(&error)[..2], [ErrorKind::Stopped, kind], "{error:?}");
        }
        for error in [db.flush(), compact(db), db.verify().map(drop)].map(|t| t.expect_err("no")) {
            assert_eq!(error.kind(), ErrorKind::Stopped, "{error:?}");
        }
    } else {
        db.flush().expect("nothing is in doubt");
        compact(db).expect("nothing is in doubt");
        db.verify().expect("sound");
    }
    match (done.is_ok(), stopped) {
        (true, false) => "done",
        (true, true) => "done, but stopped",
        (false, false) => "an error",
        (false, true) => "stopped",
    }
}

/// Fails each call of the job once, and says what became of it.
fn each_call_once(options: &Options, code: i32, kind: ErrorKind, job: Job) -> String {
    let (state, disk) = prepared();
    let mut told = String::new();
    for nth in 0.. {
        let (at_work, mut state) = (options.clone(), state.clone());
        let ((struck, came, state), disk) = live(disk.clone(), move |fs| {
            let script = Script::new();
            let vfs: Arc<dyn Vfs> = script.around(fs);
            let db = open(&vfs, at_work).expect("it opens");
            settle();
            script.add("*/*/*", Some(nth), What::Fails(code));
            let done = job(&db, &mut state);
            settle();
            let struck = script.struck_sites();
            script.clear();
            assert_eq!(scan(&db).expect("readable"), state, "after {struck:?}");
            let came = outcome(&db, done, kind);
            (struck, came, state)
        });
        match &struck[..] {
            [] => return told,
            [site] => writeln!(told, "{site:<28} {came}").expect("a string"),
            more => panic!("one call at a time: {more:?}"),
        }
        let losses = [PowerLoss::losing_all(), PowerLoss::keeping_all()];
        for disk in losses.map(|loss| loss.of(disk.clone())).into_iter().chain([killed(disk)]) {
            let (options, state) = (options.clone(), state.clone());
            live(disk, move |fs| check_reopened(&fs, options, &state));
        }
    }
    told
}

/// After the end of a process everything that was acknowledged is there, and nothing is left over.
fn check_reopened(fs: &Arc<SimFs>, options: Options, state: &State) {
    let vfs: Arc<dyn Vfs> = Arc::clone(fs) as Arc<dyn Vfs>;
    let db = open(&vfs, options).expect("it opens");
    let mut found = scan(&db).expect("readable");
    // What was refused may or may not be there.
    found.retain(|key, _| state.contains_key(key) || !key.starts_with(b"late"));
    assert_eq!(&found, state);
    settle();
    let report = db.verify().expect("sound");
    assert_eq!((report.orphans, report.set_aside), (vec![], vec![]));
    db.put("more", "works").expect("put");
    db.flush().expect("flushed");
    compact(&db).expect("compacted");
    settle();
    assert!(db.verify().expect("sound").orphans.is_empty());
}

fn put_and_flush(db: &Db, state: &mut State) -> Result<(), Error> {
    put(db, state, "late", "but here")?;
    db.flush()
}

#[test]
fn a_call_of_a_flush_that_fails_once() {
    insta::assert_snapshot!(each_call_once(&rolling(), EIO, ErrorKind::Io, put_and_flush));
}

#[test]
fn a_call_of_a_compaction_that_fails_once() {
    let job: Job = |db, _| compact(db);
    insta::assert_snapshot!(each_call_once(&quiet(), EIO, ErrorKind::Io, job));
}

#[test]
fn a_call_of_a_compaction_in_the_background_that_fails_once() {
    let job: Job = |db, state| {
        put_and_flush(db, state)?;
        settle();
        Ok(())
    };
    insta::assert_snapshot!(each_call_once(&eager(), EIO, ErrorKind::Io, job));
}

#[test]
fn file_numbers_that_could_not_be_provided_are_not_used() {
    // More tables than one edit provides numbers for.
    let job: Job = |db, state| {
        for round in 0..3 {
            for number in 0..12 {
                put(db, state, &format!("late {round} {number:02}"), "but here")?;
            }
            compact(db)?;
        }
        Ok(())
    };
    let told = each_call_once(&Options { table_bytes: 1, ..quiet() }, EIO, ErrorKind::Io, job);
    let numbers = told.lines().filter(|line| line.starts_with("numbers/")).collect::<Vec<_>>();
    insta::assert_snapshot!(numbers.join("\n"), @"
    numbers/manifest/write_at    stopped
    numbers/manifest/sync_data   stopped
    ");
}

#[test]
fn a_call_of_a_read_that_fails_once_is_told_to_who_reads() {
    let job: Job = |db, state| {
        for (key, value) in state.iter() {
            assert_eq!(db.get(key)?.expect("there"), value[..]);
        }
        assert_eq!(db.get("key 07")?, None);
        assert_eq!(&scan(db)?, state);
        let back: Result<State, Error> =
            db.iter().rev().map(|e| e.map(|(k, v)| (k.to_vec(), v.to_vec()))).collect();
        assert_eq!(&back?, state);
        Ok(())
    };
    // Without a cache each read calls.
    let options = Options { block_cache_bytes: 0, ..quiet() };
    let told = each_call_once(&options, EIO, ErrorKind::Io, job);
    let reads = told.lines().filter(|line| line.starts_with("read/table/read_at")).count();
    assert!(reads > 20 && reads == told.lines().count(), "{told}");
    assert!(told.lines().all(|line| line.ends_with("an error")), "{told}");
}

#[test]
fn an_open_of_which_a_call_fails_is_refused_or_not_but_loses_nothing() {
    for (code, kind) in [(EIO, ErrorKind::Io), (ENOSPC, ErrorKind::DiskFull)] {
        let (state, disk) = prepared();
        let mut refused = 0;
        for nth in 0.. {
            let state = state.clone();
            let ((struck, error), _) = live(disk.clone(), move |fs| {
                let script = Script::new().at("*/*/*", nth, What::Fails(code));
                let vfs: Arc<dyn Vfs> = script.around(Arc::clone(&fs) as Arc<dyn Vfs>);
                let opened = open(&vfs, quiet());
                let struck = script.struck_sites();
                script.clear();
                let error = opened.as_ref().err().cloned();
                error.iter().for_each(|error| assert_told(error, kind));
                if let Ok(db) = opened {
                    assert_eq!(scan(&db).expect("readable"), state, "after {struck:?}");
                }
                check_reopened(&fs, quiet(), &state);
                (struck, error)
            });
            let Some(site) = struck.first() else { break };
            // Only removing what is left over need not succeed.
            assert!(error.is_some() || site.ends_with("/remove"), "{site} failed unnoticed");
            refused += u32::from(error.is_some());
        }
        assert!(refused > 30, "{refused} calls");
    }
}

/// Fails a call each time, and counts how often it was tried until writes stopped.
fn stops_after_three(options: Options, site: &'static str, kind: ErrorKind, code: i32) {
    let (mut state, disk) = prepared();
    live(disk, move |fs| {
        let script = Script::new();
        let vfs: Arc<dyn Vfs> = script.around(Arc::clone(&fs) as Arc<dyn Vfs>);
        let db = open(&vfs, options.clone()).expect("it opens");
        settle();
        put(&db, &mut state, "late", "but here").expect("put");
        script.add(site, None, What::Fails(code));
        let flushed = db.flush();
        settle();
        assert_eq!(script.struck(), 3, "{site}");
        script.clear();
        if site.starts_with("flush") {
            assert_told(&flushed.expect_err("no table was made"), kind);
        } else {
            flushed.expect("only the compaction fails");
        }
        let told = db.put("more", "no").expect_err("writes have stopped");
        assert_eq!(kinds(&told), [ErrorKind::Stopped, kind], "{told:?}");
        assert_told(&told, kind);
        assert_eq!(scan(&db).expect("reads go on"), state);
        drop(db);
        check_reopened(&fs, options, &state);
    });
}

#[test]
fn three_attempts_that_fail_stop_writes_with_the_first_cause() {
    for (code, kind) in [(EIO, ErrorKind::Io), (ENOSPC, ErrorKind::DiskFull)] {
        for site in ["flush/table/open", "flush/table/write_at", "flush/table/len"] {
            stops_after_three(quiet(), site, kind, code);
        }
        for site in ["compact/table/open", "compact/table/write_at", "compact/table/read_at"] {
            stops_after_three(eager(), site, kind, code);
        }
    }
}

/// Takes its time over each piece of a table that is merged.
#[derive(Debug)]
struct SlowMerges;

impl Watcher for SlowMerges {
    fn before(&self, call: &Call<'_>) -> io::Result<()> {
        if call.site.to_string() == "compact/table/write_at" {
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn after(&self, _: &Call<'_>, _: Result<u64, &io::Error>) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_compaction_that_is_given_up_because_writes_have_stopped_says_so() {
    let (_, disk) = prepared();
    live(disk, |fs| {
        let script = Script::new();
        let vfs: Arc<dyn Vfs> = script.around(Watched::new(fs, Arc::new(SlowMerges)));
        let db = open(&vfs, quiet()).expect("it opens");
        let theirs = db.clone();
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        let merging = spawn("merging", move || *tell.lock() = compact(&theirs).err());
        sleep(Duration::from_millis(1));
        script.add("commit/wal/write_at", Some(0), What::Fails(EIO));
        assert_told(&db.put("late", "refused").expect_err("it fails"), ErrorKind::Io);
        merging.join().expect("it does not panic");
        let error = told.lock().take().expect("it was given up");
        assert_eq!(kinds(&error), [ErrorKind::Stopped, ErrorKind::Io], "{error:?}");
    });
}

#[test]
fn a_disk_that_is_full_during_a_compaction_works_again_when_there_is_room() {
    let (state, disk) = prepared();
    let mut failed = 0;
    for pages in 0.. {
        let state = state.clone();
        let (full, _) = live(disk.clone(), move |fs| {
            let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
            let db = open(&vfs, quiet()).expect("it opens");
            settle();
            let before = db.stats();
            leave_pages(&fs, pages);
            let Err(error) = compact(&db) else { return false };
            assert_told(&error, ErrorKind::DiskFull);
            assert_eq!(scan(&db).expect("readable"), state);
            // The tables were as they were, or the edit was what had no room.
            assert!(db.stats().levels == before.levels || db.stats().stopped.is_some());
            leave_pages(&fs, 1000);
            if db.stats().stopped.is_none() {
                compact(&db).expect("there is room");
            }
            drop(db);
            check_reopened(&fs, quiet(), &state);
            true
        });
        if !full {
            break;
        }
        failed += 1;
    }
    assert!(failed >= 2, "room for {failed} pages was enough");
}

#[test]
fn a_disk_that_is_full_during_a_flush_or_a_merge_behind_it_works_again_after_a_reopen() {
    let (state, disk) = prepared();
    let mut stopped = 0;
    for pages in 0.. {
        let mut state = state.clone();
        let (full, _) = live(disk.clone(), move |fs| {
            let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
            let db = open(&vfs, eager()).expect("it opens");
            settle();
            put(&db, &mut state, "late", "but here").expect("room in the segment");
            leave_pages(&fs, pages);
            let flushed = db.flush();
            settle();
            if flushed.is_ok() && db.stats().stopped.is_none() {
                return false;
            }
            let error = db.put("more", "no").expect_err("writes have stopped");
            assert_eq!(kinds(&error), [ErrorKind::Stopped, ErrorKind::DiskFull], "{error:?}");
            assert_eq!(scan(&db).expect("reads go on"), state);
            drop(db);
            leave_pages(&fs, 1000);
            check_reopened(&fs, eager(), &state);
            true
        });
        if !full {
            break;
        }
        stopped += 1;
    }
    assert!(stopped > 2, "room for {stopped} pages was enough");
}
