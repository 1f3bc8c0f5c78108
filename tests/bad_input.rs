//! Whatever is asked of a store, and whatever the file system refuses: a clear error, nothing half
//! done, and a store that works again once the reason is gone.
#![allow(clippy::disallowed_methods, reason = "sets permissions on the machine's file system")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use seawall::os::vfs::{MemFs, Vfs};
use seawall::{
    BATCH_BYTES_MAX, Db, Durability, Error, ErrorKind, KEY_BYTES_MAX, Options, VALUE_BYTES_MAX,
    WriteBatch,
};
use seawall_sim::disk::Disk;
use support::script::{EACCES, EIO, ENOSPC, EROFS, Script, What};
use support::world::{DIR, empty_disk, killed, leave_pages, live, settle};

fn small() -> Options {
    Options { segment_bytes: 512, spare_segment: false, ..Options::default() }
}

fn in_memory() -> Db {
    Db::builder(DIR).vfs(Arc::new(MemFs::new())).open().expect("created")
}

fn open(vfs: &Arc<dyn Vfs>, options: Options) -> Result<Db, Error> {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options).open()
}

fn pairs(db: &Db) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries = db.iter().map(|entry| entry.expect("readable"));
    entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// The kinds of an error and of what caused it, the outermost first.
fn kinds(error: &Error) -> Vec<ErrorKind> {
    let mut kinds = vec![error.kind()];
    let mut at: &dyn std::error::Error = error;
    while let Some(cause) = at.source() {
        kinds.extend(cause.downcast_ref::<Error>().map(Error::kind));
        at = cause;
    }
    kinds
}

#[test]
fn a_key_may_be_as_long_as_the_limit_and_no_longer() {
    let db = in_memory();
    let longest = vec![7; KEY_BYTES_MAX];
    db.put(&longest, "value").expect("at the limit");
    let error = db.put(vec![7; KEY_BYTES_MAX + 1], "value").expect_err("one over");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains(&KEY_BYTES_MAX.to_string()), "{error}");
    let error = db.delete(vec![7; KEY_BYTES_MAX + 1]).expect_err("one over");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(db.get(vec![7; KEY_BYTES_MAX + 1]).expect("no such key"), None);
    db.flush().expect("flushed");
    assert_eq!(db.get(&longest).expect("read").expect("there"), b"value");
    assert_eq!(db.last_seqno(), 1, "what was refused took no seqno");
}

#[test]
fn a_value_may_be_as_long_as_the_limit_and_no_longer() {
    let db = in_memory();
    let longest = vec![7; VALUE_BYTES_MAX];
    db.put("key", &longest).expect("at the limit");
    let error = db.put("key", vec![7; VALUE_BYTES_MAX + 1]).expect_err("one over");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains(&VALUE_BYTES_MAX.to_string()), "{error}");
    assert!(db.get("key").expect("read").expect("there") == *longest, "another value");
}

/// A batch that is one byte below what the limit still admits, or one over.
fn batch_at_the_limit(over: usize) -> WriteBatch {
    let mut batch = WriteBatch::new();
    let value = vec![7; VALUE_BYTES_MAX];
    for key in ["a", "b", "c"] {
        batch.put(key, &value);
    }
    // The most that an operation can take beside its key and its value.
    const OVERHEAD: usize = 13;
    let rest = BATCH_BYTES_MAX - batch.byte_len() - OVERHEAD - 1;
    batch.put("d", &value[..rest + over]);
    batch
}

#[test]
fn a_batch_over_the_limit_is_refused_as_a_whole() {
    let db = in_memory();
    let error = db.commit(batch_at_the_limit(1)).expect_err("one over");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains(&BATCH_BYTES_MAX.to_string()), "{error}");
    assert_eq!((db.last_seqno(), db.iter().count()), (0, 0));
    db.put("a", "still works").expect("put");
}

#[test]
fn a_batch_at_the_limit_is_committed() {
    let db = in_memory();
    let batch = batch_at_the_limit(0);
    assert_eq!(db.commit_with(batch, Durability::Os).expect("at the limit"), 4);
    assert_eq!(db.get("d").expect("read").expect("there").first(), Some(&7));
}

#[test]
fn one_operation_over_a_limit_refuses_its_whole_batch() {
    let db = in_memory();
    let mut batch = db.batch();
    batch.put("before", "1");
    batch.put(vec![7; KEY_BYTES_MAX + 1], "2");
    batch.put("after", "3");
    let error = db.commit(batch).expect_err("a key is too long");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!((db.last_seqno(), db.iter().count()), (0, 0));
}

#[test]
fn an_empty_batch_changes_nothing() {
    let db = in_memory();
    assert_eq!(db.commit(WriteBatch::new()).expect("nothing to do"), 0);
    db.put("a", "1").expect("put");
    assert_eq!(db.commit(WriteBatch::new()).expect("nothing to do"), 1);
}

#[test]
fn the_empty_key_is_a_key_like_any_other() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let db = open(&vfs, small()).expect("created");
    for round in ["memtable", "table", "replayed"] {
        db.put("", "").expect("put");
        db.put("a", round).expect("put");
        if round != "memtable" {
            db.flush().expect("flushed");
        }
        assert_eq!(db.get("").expect("read").expect("there"), b"");
        let keys = |range: seawall::Range| -> Vec<Vec<u8>> {
            range.map(|entry| entry.expect("readable").0.to_vec()).collect()
        };
        assert_eq!(keys(db.iter()), [b"".to_vec(), b"a".to_vec()]);
        assert_eq!(keys(db.range("".."a")), [b""]);
        assert_eq!(keys(db.range(""..="")), [b""]);
        assert_eq!(keys(db.range("".."")), [[0; 0]; 0]);
        assert_eq!(keys(db.prefix("")), [b"".to_vec(), b"a".to_vec()]);
        assert_eq!(db.iter().next_back().expect("two").expect("readable").0, b"a");
        db.delete("").expect("deleted");
        assert_eq!(db.get("").expect("read"), None);
        assert_eq!(keys(db.iter()), [b"a"]);
    }
    db.put("", "kept").expect("put");
    db.close().expect("closed");
    let db = open(&vfs, small()).expect("opened");
    assert_eq!(db.get("").expect("read").expect("there"), b"kept");
    db.verify().expect("sound");
}

#[test]
fn a_range_that_ends_before_it_begins_is_empty() {
    let db = in_memory();
    db.put("b", "1").expect("put");
    assert_eq!(db.range("c".."a").count(), 0);
    assert_eq!(db.range("b".."b").count(), 0);
    assert_eq!(db.range("c".."a").rev().count(), 0);
}

#[test]
fn a_missing_database_is_not_created_unless_wanted() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    for there in [false, true] {
        if there {
            vfs.create_dir(Path::new("/data")).expect("made");
            vfs.create_dir(Path::new(DIR)).expect("made");
        }
        let options = Options { create_if_missing: false, ..small() };
        let error = open(&vfs, options).expect_err("there is none");
        assert_eq!((error.kind(), error.file()), (ErrorKind::NotFound, Some(Path::new(DIR))));
    }
    assert_eq!(vfs.list(Path::new(DIR)).expect("listed"), [""; 0]);
}

#[test]
fn a_file_in_place_of_the_directory_is_an_error_that_names_it() {
    for file in ["/data", DIR] {
        let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
        if file == DIR {
            vfs.create_dir(Path::new("/data")).expect("made");
        }
        vfs.open(Path::new(file), seawall::os::vfs::OpenMode::CreateNew).expect("made");
        let error = open(&vfs, small()).expect_err("a file is in the way");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.file().is_some_and(|path| path.starts_with(file)), "{error}");
    }
}

#[test]
fn an_open_database_is_locked_until_it_is_closed_or_dropped() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let db = open(&vfs, small()).expect("created");
    let clone = db.clone();
    for _ in 0..2 {
        let error = open(&vfs, small()).expect_err("it is open");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Locked, true));
    }
    drop(db);
    assert_eq!(open(&vfs, small()).expect_err("a clone is left").kind(), ErrorKind::Locked);
    clone.put("a", "1").expect("who holds the lock works on");
    drop(clone);
    let db = open(&vfs, small()).expect("free");
    let clone = db.clone();
    db.close().expect("closed");
    open(&vfs, small()).expect("a clone of a closed handle holds no lock");
    drop(clone);
}

#[test]
fn a_closed_handle_refuses_everything() {
    let db = in_memory();
    db.put("a", "1").expect("put");
    let clone = db.clone();
    let mut before = clone.iter();
    db.close().expect("closed");
    let errors = [
        clone.put("a", "2").expect_err("put"),
        clone.delete("a").expect_err("delete"),
        clone.commit(WriteBatch::new()).expect_err("commit"),
        clone.get("a").expect_err("get"),
        clone.contains_key("a").expect_err("contains_key"),
        clone.flush().expect_err("flush"),
        clone.verify().expect_err("verify"),
        clone.iter().next().expect("an error, not an end").expect_err("iter"),
        clone.range("a".."b").next_back().expect("an error, not an end").expect_err("range"),
        clone.clone().close().expect_err("close"),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    // What was pinned before is read to its end.
    assert_eq!(before.next().expect("there").expect("readable").1, b"1");
    assert_eq!(clone.last_seqno(), 1);
}

/// What a store does from nothing to a clean close; counts the puts that were acknowledged.
fn a_whole_life(vfs: &Arc<dyn Vfs>, acknowledged: &mut usize) -> Result<(), Error> {
    let db = open(vfs, Options { manifest_roll_edits: 2, ..small() })?;
    for number in 0..6u8 {
        db.put([number], [number; 90])?;
        *acknowledged += 1;
        if number % 3 == 2 {
            db.flush()?;
        }
    }
    db.close()
}

/// What a refused system call is to be called.
const REFUSALS: [(i32, ErrorKind); 4] = [
    (EACCES, ErrorKind::PermissionDenied),
    (EROFS, ErrorKind::ReadOnly),
    (ENOSPC, ErrorKind::DiskFull),
    (EIO, ErrorKind::Io),
];

#[test]
fn whichever_call_is_refused_is_named_and_the_next_open_finds_a_whole_prefix() {
    let mut disk = empty_disk();
    disk.make_durable_dir(DIR).expect("made");
    refuse_each_call(&disk, &REFUSALS);
}

#[test]
fn whichever_call_is_refused_while_the_directory_is_made_is_named() {
    // A directory that may not be listed can be there all the same: that refusal is no answer.
    let telling = REFUSALS.iter().filter(|(code, _)| *code != EACCES).copied();
    refuse_each_call(&empty_disk(), &telling.collect::<Vec<_>>());
}

/// Refuses each call in turn, in each of these ways.
fn refuse_each_call(disk: &Disk, refusals: &[(i32, ErrorKind)]) {
    let mut wrong = Vec::new();
    for &(code, kind) in refusals {
        let mut tolerated = 0;
        for nth in 0.. {
            let ((outcome, acknowledged, struck), disk) = live(disk.clone(), move |fs| {
                let script = Script::new().at("*/*/*", nth, What::Fails(code));
                let vfs: Arc<dyn Vfs> = script.around(fs);
                let mut acknowledged = 0;
                let outcome = a_whole_life(&vfs, &mut acknowledged);
                (outcome, acknowledged, script.struck())
            });
            if struck == 0 {
                break;
            }
            match outcome {
                Ok(()) => tolerated += 1,
                Err(error) => {
                    if !kinds(&error).contains(&kind) || !names_a_file(&error) {
                        wrong.push(format!("call {nth}: {kind:?} became {error:?}"));
                    }
                }
            }
            let (state, _) = live(killed(disk), |fs| {
                let vfs: Arc<dyn Vfs> = fs;
                let db = open(&vfs, small()).expect("the reason is gone");
                let report = db.verify().expect("sound");
                assert!(report.orphans.is_empty(), "{report:?}");
                db.put("more", "works").expect("put");
                db.flush().expect("flushed");
                let mut state = pairs(&db);
                state.remove(&b"more"[..]);
                state
            });
            assert!(state.len() >= acknowledged, "call {nth}: {} of {acknowledged}", state.len());
            for (index, (key, value)) in state.iter().enumerate() {
                let number = index as u8;
                assert_eq!((&key[..], &value[..]), (&[number][..], &[number; 90][..]), "{nth}");
            }
        }
        assert!(tolerated < 40, "{tolerated} refused calls went unnoticed");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an error or what caused it names a file.
fn names_a_file(error: &Error) -> bool {
    let mut at: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = at {
        if cause.downcast_ref::<Error>().is_some_and(|error| error.file().is_some()) {
            return true;
        }
        at = cause.source();
    }
    false
}

/// A disk with a small closed database, which holds `a`.
fn small_database() -> Disk {
    let (_, disk) = live(empty_disk(), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let db = open(&vfs, small()).expect("created");
        db.put("a", "1").expect("put");
        db.close().expect("closed");
    });
    killed(disk)
}

/// Every call that would change the disk, or opens a file to change it.
const CHANGES: [&str; 9] = [
    "*/*/create_dir",
    "*/*/rename",
    "*/*/remove",
    "*/*/lock",
    "*/*/write_at",
    "*/*/set_len",
    "*/*/allocate",
    "*/manifest/open",
    "*/tmp/open",
];

#[test]
fn a_database_on_a_read_only_file_system_is_refused_and_left_as_it_was() {
    let disk = small_database();
    let before = disk.content_hash();
    let (error, after) = live(disk, |fs| {
        let read_only = |script: Script, site| script.always(site, What::Fails(EROFS));
        let script = CHANGES.into_iter().fold(Script::new(), read_only);
        let vfs: Arc<dyn Vfs> = script.around(fs);
        open(&vfs, small()).expect_err("nothing can be written")
    });
    assert_eq!((error.kind(), error.file().is_some()), (ErrorKind::ReadOnly, true), "{error}");
    assert_eq!(after.content_hash(), before);
    let (state, _) = live(killed(after), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        pairs(&open(&vfs, small()).expect("writable again"))
    });
    assert_eq!(state.len(), 1);
}

#[test]
fn a_directory_that_may_not_be_read_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let closed = directory.path().join("closed");
    deny(&closed);
    if std::fs::read_dir(&closed).is_ok() {
        println!("NOT TESTED on the machine's file system: this user may read everything");
    } else {
        let error = Db::open(closed.join("db")).expect_err("not permitted");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.file().is_some_and(|file| file.starts_with(&closed)), "{error}");
    }
    let (error, _) = live(small_database(), |fs| {
        let vfs: Arc<dyn Vfs> = Script::new().always("*/dir/list", What::Fails(EACCES)).around(fs);
        open(&vfs, small()).expect_err("not permitted")
    });
    assert_eq!(
        (error.kind(), error.file()),
        (ErrorKind::PermissionDenied, Some(Path::new(DIR))),
        "{error}"
    );
}

/// Makes a directory that nobody may read.
fn deny(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(path).expect("made");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).expect("denied");
}

/// A disk is full: the error says so, at the top or as the cause.
#[track_caller]
fn assert_full(error: &Error) {
    assert!(kinds(error).contains(&ErrorKind::DiskFull), "{error:?}");
    assert!(names_a_file(error), "no file in {error:?}");
}

#[test]
fn a_disk_too_full_to_create_a_database_is_one_where_it_can_be_created_later() {
    for pages in 0.. {
        let (failed, _) = live(empty_disk(), move |fs| {
            let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
            leave_pages(&fs, pages);
            let first = open(&vfs, small()).err();
            first.iter().for_each(assert_full);
            leave_pages(&fs, 100);
            if first.is_some() {
                let db = open(&vfs, small()).expect("there is room");
                assert!(db.recovery_report().created);
                db.put("a", "1").expect("put");
                assert!(db.verify().expect("sound").orphans.is_empty());
            }
            first.is_some()
        });
        if !failed {
            assert!(pages > 0, "a database takes room");
            return;
        }
    }
}

#[test]
fn a_disk_too_full_to_open_a_database_loses_nothing() {
    for pages in 0.. {
        let (failed, _) = live(small_database(), move |fs| {
            let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
            leave_pages(&fs, pages);
            let first = open(&vfs, small()).err();
            first.iter().for_each(assert_full);
            leave_pages(&fs, 100);
            if first.is_some() {
                let db = open(&vfs, small()).expect("there is room");
                assert_eq!(pairs(&db), BTreeMap::from([(b"a".to_vec(), b"1".to_vec())]));
                assert!(db.verify().expect("sound").orphans.is_empty());
            }
            first.is_some()
        });
        if !failed {
            assert!(pages > 0, "an open takes room");
            return;
        }
    }
}

#[test]
fn no_room_for_the_next_segment_fails_the_commit_and_nothing_else() {
    for spare_segment in [false, true] {
        live(empty_disk(), move |fs| {
            let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
            let options = Options { spare_segment, ..small() };
            leave_pages(&fs, 4);
            let db = open(&vfs, options.clone()).expect("created");
            settle();
            leave_pages(&fs, 0);
            let mut acknowledged = 0;
            let error = loop {
                let mut batch = db.batch();
                batch.put([acknowledged, 0], [b'v'; 60]);
                batch.put([acknowledged, 1], [b'w'; 60]);
                match db.commit(batch) {
                    Ok(_) => acknowledged += 1,
                    Err(error) => break error,
                }
                settle();
            };
            assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
            let whole = usize::from(acknowledged) * 2;
            assert!(acknowledged > 0);
            assert_eq!(pairs(&db).len(), whole, "nothing half-applied");
            // Nothing is in doubt, so the same handle works on once there is room.
            leave_pages(&fs, 100);
            db.put("more", "works").expect("there is room");
            assert_eq!(db.stats().stopped, None);
            assert!(db.verify().expect("sound").orphans.is_empty());
            drop(db);
            let db = open(&vfs, options).expect("opened");
            assert_eq!(pairs(&db).len(), whole + 1);
        });
    }
}

#[test]
fn no_room_for_a_table_stops_writes_until_there_is_room_and_a_reopen() {
    live(empty_disk(), |fs| {
        let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
        let db = open(&vfs, small()).expect("created");
        db.put("a", "1").expect("put");
        let before = pairs(&db);
        leave_pages(&fs, 0);
        assert_full(&db.flush().expect_err("no room for a table"));
        let error = db.put("b", "2").expect_err("writes have stopped");
        assert_eq!(kinds(&error), [ErrorKind::Stopped, ErrorKind::DiskFull], "{error}");
        assert!(db.stats().stopped.is_some());
        assert_eq!(pairs(&db), before, "reads go on");
        assert_full(&db.close().expect_err("nothing is written after a stop"));
        leave_pages(&fs, 100);
        let db = open(&vfs, small()).expect("there is room");
        assert_eq!(pairs(&db), before);
        db.put("b", "2").expect("put");
        db.flush().expect("flushed");
        assert!(db.verify().expect("sound").orphans.is_empty());
    });
}

#[test]
fn no_room_in_the_head_itself_stops_writes_and_shows_nothing() {
    // Copying file systems can run out of room in a place that was reserved.
    live(empty_disk(), |fs| {
        let script = Script::new();
        let vfs: Arc<dyn Vfs> = script.around(Arc::clone(&fs) as Arc<dyn Vfs>);
        let db = open(&vfs, small()).expect("created");
        db.put("a", "1").expect("put");
        let before = pairs(&db);
        script.add("commit/wal/write_at", Some(0), What::Fails(ENOSPC));
        let mut batch = db.batch();
        batch.put("b", "2");
        batch.delete("a");
        let error = db.commit(batch).expect_err("no room");
        assert_eq!(error.kind(), ErrorKind::DiskFull, "{error:?}");
        let error = db.put("b", "2").expect_err("the log is in doubt");
        assert_eq!(kinds(&error), [ErrorKind::Stopped, ErrorKind::DiskFull], "{error}");
        assert_eq!(pairs(&db), before);
        drop(db);
        let db = open(&vfs, small()).expect("opened");
        assert_eq!(pairs(&db), before);
        db.put("b", "2").expect("put");
    });
}
