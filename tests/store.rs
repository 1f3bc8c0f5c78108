//! The store on a real directory: what a user does first.
#![allow(clippy::disallowed_methods, reason = "threads of the machine; not simulated")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::vfs::{MemFs, Vfs};
use seawall::{Db, Durability, ErrorKind, Options};

fn pairs(range: seawall::Range) -> BTreeMap<Vec<u8>, Vec<u8>> {
    range.map(|entry| entry.expect("readable")).map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
}

#[test]
fn what_was_put_is_there_after_a_close_and_after_a_drop() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a/b/db");
    let db = Db::open(&path).expect("created");
    assert!(db.recovery_report().created);
    for number in 0..1000u32 {
        db.put_with(number.to_be_bytes(), format!("value {number}"), Durability::Os).expect("put");
    }
    db.delete(5u32.to_be_bytes()).expect("deleted");
    let before = pairs(db.iter());
    assert_eq!(before.len(), 999);
    db.close().expect("closed");

    let db = Db::open(&path).expect("opened");
    assert_eq!(db.recovery_report().replayed_operations, 1001);
    assert_eq!(pairs(db.iter()), before);
    db.flush().expect("flushed");
    assert_eq!(db.get(7u32.to_be_bytes()).expect("read").expect("there"), b"value 7");
    assert_eq!(db.get(5u32.to_be_bytes()).expect("read"), None);
    let report = db.verify().expect("sound");
    assert_eq!((report.tables, report.entries), (1, 1001));
    assert!(report.orphans.is_empty(), "{report:?}");
    drop(db);

    let db = Db::open(&path).expect("opened");
    assert_eq!(db.recovery_report().replayed_operations, 0);
    assert_eq!(pairs(db.iter()), before);
    let backwards: Vec<_> = db.range(3u32.to_be_bytes()..9u32.to_be_bytes()).rev().collect();
    assert_eq!(backwards.len(), 5);
}

#[test]
fn small_limits_rotate_flush_and_roll_and_lose_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options {
        memtable_entries_max: 8,
        segment_bytes: 1024,
        manifest_roll_edits: 3,
        ..Options::default()
    };
    let mut model = BTreeMap::new();
    for round in 0..10u32 {
        let db = Db::builder(dir.path()).options(options.clone()).open().expect("opened");
        assert_eq!(pairs(db.iter()), model);
        for number in 0..50u32 {
            let key = (number * 7 % 23).to_be_bytes();
            let value = format!("{round} {number}");
            let durability = if number % 5 == 0 { Durability::Sync } else { Durability::Os };
            db.put_with(key, &value, durability).expect("put");
            model.insert(key.to_vec(), value.into_bytes());
        }
        let report = db.verify().expect("sound");
        assert!(report.orphans.is_empty(), "{report:?}");
        if round % 2 == 0 {
            db.close().expect("closed");
        }
    }
}

#[test]
fn a_missing_key_touches_almost_no_block() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(dir.path()).expect("created");
    for round in 0..3 {
        for number in (0..6_000u32).filter(|number| number % 2 == 0 && number % 3 == round) {
            db.put_with(number.to_be_bytes(), "value", Durability::Os).expect("put");
        }
        db.flush().expect("flushed");
    }
    assert_eq!(db.stats().tables, 3, "each covers nearly all keys");
    for number in (0..6_000u32).filter(|number| number % 2 == 1) {
        assert_eq!(db.get(number.to_be_bytes()).expect("read"), None);
    }
    let stats = db.stats();
    assert_eq!(stats.blocks_searched, stats.filter_false_positives);
    assert!(stats.blocks_searched < 9_000 * 3 / 100, "{stats:?}");
    assert!(stats.tables_filtered > 9_000 * 96 / 100, "{stats:?}");
}

#[test]
fn the_block_cache_serves_what_was_read_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let hits_and_misses = |bytes: u64| {
        let db = Db::builder(dir.path()).block_cache_bytes(bytes).open().expect("opened");
        for number in 0..1_000u32 {
            db.put_with(number.to_be_bytes(), [7; 100], Durability::Os).expect("put");
        }
        db.compact_range::<&[u8]>(..).expect("compacted");
        db.verify().expect("sound");
        let stats = db.stats();
        assert_eq!((stats.block_cache_hits, stats.block_cache_misses), (0, 0), "nobody read");
        for _ in 0..2 {
            assert_eq!(db.iter().count(), 1_000);
            for number in 0..1_000u32 {
                assert!(db.get(number.to_be_bytes()).expect("read").is_some());
            }
        }
        let stats = db.stats();
        assert_eq!((stats.blocks_searched, stats.tables_filtered), (2_000, 0));
        (stats.block_cache_hits, stats.block_cache_misses)
    };
    assert_eq!(hits_and_misses(0), (0, 0));
    let (hits, misses) = hits_and_misses(1 << 20);
    assert!(hits > 2_000 && (1..50).contains(&misses), "{hits} hits, {misses} misses");
    let (_, misses) = hits_and_misses(5_000);
    assert!(misses > 50, "{misses} misses in a cache of one block");
}

/// Small tables, many of them.
fn with_few_open_tables() -> Options {
    Options {
        memtable_entries_max: 8,
        table_bytes: 1,
        level0_tables: 1_000,
        level0_slow_tables: 2_000,
        level0_stall_tables: 2_000,
        idle_merge: std::time::Duration::MAX,
        open_tables_max: 32,
        ..Options::default()
    }
}

#[test]
fn no_more_tables_are_open_than_may_be() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::builder(dir.path()).options(with_few_open_tables()).open().expect("created");
    let mut refused = 0;
    for number in 0..4_000u32 {
        while let Err(error) = db.put_with(number.to_be_bytes(), "value", Durability::Os) {
            assert_eq!(error.kind(), ErrorKind::TooManyTables);
            assert!(error.to_string().contains("open_tables_max is 32"), "{error}");
            assert!(error.is_retryable());
            refused += 1;
            std::thread::yield_now();
        }
        let stats = db.stats();
        assert!(stats.open_tables <= 32 && stats.tables <= 32, "{stats:?}");
    }
    assert!(refused > 0, "the limit was never reached");
    assert_eq!(db.iter().count(), 4_000);
    db.verify().expect("sound");
    drop(db);
    let db = Db::builder(dir.path()).options(with_few_open_tables()).open().expect("opened");
    assert_eq!(db.iter().count(), 4_000);
}

#[test]
fn tables_that_an_iterator_reads_stay_open_and_commits_fail_until_it_is_dropped() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::builder(dir.path()).options(with_few_open_tables()).open().expect("created");
    let mut number = 0u32;
    let mut put_until_refused = |db: &Db| {
        let mut held = Vec::new();
        loop {
            if number.is_multiple_of(8) {
                let mut range = db.iter();
                range.next();
                held.push(range);
            }
            number += 1;
            if let Err(error) = db.put_with(number.to_be_bytes(), "value", Durability::Os) {
                // Compactions may yet let tables go, but none that are held.
                assert_eq!(error.kind(), ErrorKind::TooManyTables);
                let error = db.flush().and_then(|()| db.compact_range::<&[u8]>(..));
                if error.is_err_and(|error| error.kind() == ErrorKind::TooManyTables) {
                    return held;
                }
            }
        }
    };
    let held = put_until_refused(&db);
    assert!(db.stats().open_tables > db.stats().tables, "{:?}", db.stats());
    drop(held);
    // A compactor may still hold the tables that it began with, and on a busy machine not come to its turn.
    let room = || db.compact_range::<&[u8]>(..).inspect_err(|error| assert!(error.is_retryable()));
    let tries = (0..60_000).map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        room()
    });
    tries.flatten().next().expect("there is room again");
    db.put("key", "value").expect("put");
    db.flush().expect("flushed");
    db.verify().expect("sound");
}

#[test]
fn a_database_of_more_tables_than_may_be_open_is_not_opened() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options { open_tables_max: 200, ..with_few_open_tables() };
    let db = Db::builder(dir.path()).options(options).open().expect("created");
    for number in 0..400u32 {
        db.put_with(number.to_be_bytes(), "value", Durability::Os).expect("put");
    }
    db.flush().expect("flushed");
    assert!(db.stats().tables > 32);
    drop(db);
    let opened = Db::builder(dir.path()).options(with_few_open_tables()).open();
    let error = opened.expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::TooManyTables);
    assert!(error.to_string().contains("open_tables_max is 32"), "{error}");
    assert_eq!(Db::open(dir.path()).expect("opened").iter().count(), 400);
}

#[test]
fn a_database_is_open_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = Db::open(dir.path()).expect("created");
    let error = Db::open(dir.path()).expect_err("it is open");
    assert_eq!(error.kind(), ErrorKind::Locked);
    drop(db);
    Db::open(dir.path()).expect("free again");
}

#[test]
fn opening_for_a_few_commits_at_a_time_does_not_keep_every_segment() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let open = || Db::builder("/db").vfs(Arc::clone(&vfs)).segment_bytes(4096).open();
    for round in 0..40u32 {
        let db = open().expect("memory");
        // Every other open only reads.
        if round % 2 == 0 {
            db.put(round.to_be_bytes(), "value").expect("memory");
        }
        db.close().expect("memory");
    }
    let db = open().expect("memory");
    assert!(db.stats().log_segments <= 10, "{} segments", db.stats().log_segments);
    assert_eq!(db.iter().count(), 20);
    assert!(db.verify().expect("whole").orphans.is_empty());
}

#[test]
fn a_snapshot_that_is_left_does_not_keep_the_database_open() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let open = || Db::builder("/db").vfs(Arc::clone(&vfs)).open();
    let db = open().expect("created");
    db.put("key", "value").expect("put");
    let snapshot = db.snapshot();
    drop(db);
    let db = open().expect("it is free");
    assert_eq!(snapshot.get("key").expect_err("its store is closed").kind(), ErrorKind::Closed);
    drop(snapshot);
    assert_eq!(open().expect_err("it is open").kind(), ErrorKind::Locked);
    drop(db);
}
