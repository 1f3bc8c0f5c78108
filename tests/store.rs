//! The store on a real directory: what a user does first.

use std::collections::BTreeMap;
use std::sync::Arc;

use seawall::os::vfs::{MemFs, Vfs};
use seawall::{Db, Durability, ErrorKind};

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
    let options = seawall::Options {
        memtable_entries_max: 8,
        segment_bytes: 1024,
        manifest_roll_edits: 3,
        ..seawall::Options::default()
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
