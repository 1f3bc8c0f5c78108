//! What `compact_range` leaves: everything that somebody may read, and not an entry more.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::vfs::{MemFs, Vfs};
use seawall::{Db, Options, inspect};
use support::world::{empty_disk, live, settle};

const DIR: &str = "/db";

/// Tables come and go only when a test says so.
fn quiet() -> Options {
    Options {
        level0_tables: 100,
        level0_slow_tables: 101,
        level0_stall_tables: 102,
        idle_merge: Duration::MAX,
        ..Options::default()
    }
}

fn memory() -> Arc<dyn Vfs> {
    Arc::new(MemFs::new())
}

fn open(vfs: &Arc<dyn Vfs>, options: Options) -> Db {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options).open().expect("it opens")
}

fn put(db: &Db, pairs: &[(&str, &str)]) {
    for (key, value) in pairs {
        db.put(key, value).expect("put");
    }
}

fn compact(db: &Db) {
    db.compact_range::<&str>(..).expect("compacted");
}

/// How many entries all tables have, and in which levels there are tables.
#[track_caller]
fn entries(db: &Db) -> (u64, Vec<usize>) {
    let report = db.verify().expect("sound");
    let levels = db.stats().levels;
    let used = (0..levels.len()).filter(|level| levels[*level].tables > 0).collect();
    (report.entries, used)
}

fn text(db: &Db) -> String {
    let entry = |entry: seawall::Result<(seawall::Slice, seawall::Slice)>| {
        let (key, value) = entry.expect("readable");
        format!("{}={} ", String::from_utf8_lossy(&key), String::from_utf8_lossy(&value))
    };
    db.iter().map(entry).collect()
}

#[test]
fn nothing_deleted_or_overwritten_stays_in_the_only_table() {
    let db = open(&memory(), quiet());
    put(&db, &[("a", "1"), ("b", "1"), ("a", "2")]);
    db.delete("b").expect("deleted");
    db.delete("never there").expect("deleted");
    compact(&db);
    assert_eq!(entries(&db), (1, vec![1]));
    assert_eq!(text(&db), "a=2 ");
}

#[test]
fn nothing_deleted_or_overwritten_stays_in_several_levels() {
    let vfs = memory();
    let db = open(&vfs, quiet());
    put(&db, &[("a", "1"), ("b", "1"), ("c", "1"), ("x", "1")]);
    compact(&db);
    assert_eq!(entries(&db), (4, vec![1]));
    put(&db, &[("a", "2"), ("d", "2")]);
    db.flush().expect("flushed");
    db.delete("b").expect("deleted");
    put(&db, &[("d", "3")]);
    db.delete("x").expect("deleted");
    compact(&db);
    assert_eq!(entries(&db), (3, vec![1]));
    assert_eq!(text(&db), "a=2 c=1 d=3 ");
}

#[test]
fn everything_deleted_leaves_no_table() {
    let db = open(&memory(), quiet());
    put(&db, &[("a", "1"), ("b", "1")]);
    compact(&db);
    db.delete("a").expect("deleted");
    db.delete("b").expect("deleted");
    compact(&db);
    assert_eq!(entries(&db), (0, vec![]));
    put(&db, &[("a", "2")]);
    compact(&db);
    assert_eq!((entries(&db), text(&db)), ((1, vec![1]), "a=2 ".to_owned()));
}

#[test]
fn what_a_snapshot_needs_stays_until_it_is_gone() {
    let db = open(&memory(), quiet());
    put(&db, &[("a", "1"), ("b", "1"), ("a", "2")]);
    let snapshot = db.snapshot();
    put(&db, &[("a", "3"), ("a", "4")]);
    db.delete("b").expect("deleted");
    compact(&db);
    // The snapshot's `a` and `b`, the newest `a`, and the tombstone over `b`.
    assert_eq!(entries(&db), (4, vec![1]));
    let then = |key| snapshot.get(key).expect("readable").map(|value| value.to_vec());
    assert_eq!((then("a"), then("b")), (Some(b"2".to_vec()), Some(b"1".to_vec())));
    assert_eq!(text(&db), "a=4 ");
    drop(snapshot);
    compact(&db);
    assert_eq!(entries(&db), (1, vec![1]));
    assert_eq!(text(&db), "a=4 ");
}

#[test]
fn only_tables_with_keys_in_the_range_are_merged() {
    let vfs = memory();
    let db = open(&vfs, Options { table_bytes: 1, block_bytes: 64, ..quiet() });
    let long = "v".repeat(100);
    put(&db, &[("a", &long), ("m", &long), ("z", &long)]);
    let snapshot = db.snapshot();
    for key in ["a", "m", "z"] {
        db.delete(key).expect("deleted");
    }
    compact(&db);
    assert_eq!(entries(&db).0, 6);
    drop(snapshot);
    db.compact_range("b".."n").expect("compacted");
    assert_eq!(entries(&db).0, 4);
    db.compact_range("z".."z").expect("an empty range");
    db.compact_range("zz"..).expect("no table there");
    assert_eq!(entries(&db).0, 4);
    db.compact_range(.."zz").expect("compacted");
    assert_eq!(entries(&db).0, 0);
}

#[test]
fn what_is_compact_already_is_not_written_again() {
    let vfs = memory();
    let db = open(&vfs, quiet());
    put(&db, &[("a", "1"), ("b", "1"), ("a", "2")]);
    compact(&db);
    let tables = || inspect::manifest(&*vfs, Path::new(DIR)).expect("sound").state.tables;
    let before = tables();
    compact(&db);
    assert_eq!(tables(), before);
}

#[test]
fn fewer_levels_than_before_do_not_hide_the_lowest_from_a_compaction() {
    live(empty_disk(), |_| {
        let vfs = memory();
        let (level0_tables, level1_bytes) = (1, 1);
        let db = open(&vfs, Options { levels: 5, level0_tables, level1_bytes, ..quiet() });
        put(&db, &[("a", "1"), ("b", "1")]);
        db.flush().expect("flushed");
        // Each level is over its limit with any table, so it goes down to the last one.
        settle();
        assert_eq!(entries(&db), (2, vec![4]));
        db.close().expect("closed");
        let db = open(&vfs, Options { levels: 2, ..quiet() });
        db.delete("a").expect("deleted");
        compact(&db);
        assert_eq!((entries(&db).0, text(&db)), (1, "b=1 ".to_owned()));
    });
}
