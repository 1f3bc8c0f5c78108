//! The exact system calls of each thing a store does, in order.
//!
//! The snapshots are for reading: each sync must stand where the protocol needs it, and nowhere else.
//! A change that adds, moves or drops a call shows here first.
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use seawall::os::sync::sleep;
use seawall::os::vfs::Vfs;
use seawall::{Db, Durability, Options};
use seawall_sim::disk::Disk;
use support::record::Record;
use support::world::{DIR, PowerLoss, empty_disk, killed, live, settle};

/// Small limits, no background work but what a test asks for.
fn options() -> Options {
    Options { segment_bytes: 512, spare_segment: false, ..Options::default() }
}

fn open(vfs: &Arc<dyn Vfs>, options: Options) -> Db {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options).open().expect("it opens")
}

/// The calls that `body` makes on a disk, from when it says so.
fn calls(disk: Disk, body: impl FnOnce(Arc<dyn Vfs>, &Record) + 'static) -> String {
    traced(disk, body).0
}

fn traced(disk: Disk, body: impl FnOnce(Arc<dyn Vfs>, &Record) + 'static) -> (String, Disk) {
    live(disk, move |fs| {
        let record = Record::default();
        body(record.around(fs), &record);
        record.take()
    })
}

/// A store that was just created, with nothing of that recorded.
fn created(
    options: Options,
    body: impl FnOnce(&Db, &Record) + 'static,
) -> impl FnOnce(Arc<dyn Vfs>, &Record) + 'static {
    move |vfs, record| {
        let db = open(&vfs, options);
        settle();
        record.take();
        body(&db, record);
    }
}

/// The disk of a store that did this and was then killed.
fn left_by(options: Options, body: impl FnOnce(&Db) + 'static) -> Disk {
    let (_, disk) = traced(empty_disk(), created(options, |db, _| body(db)));
    killed(disk)
}

#[test]
fn a_trace_is_the_same_every_time() {
    let once = || {
        calls(empty_disk(), |vfs, _| {
            let db = open(&vfs, Options { spare_segment: true, ..options() });
            for _ in 0..8 {
                db.put("key", [b'v'; 64]).expect("put");
            }
            db.flush().expect("flushed");
            db.close().expect("closed");
        })
    };
    assert_eq!(once(), once());
}

#[test]
fn creating_makes_every_name_durable_before_current_is() {
    let calls = calls(empty_disk(), |vfs, _| {
        open(&vfs, options());
    });
    insta::assert_snapshot!(calls);
}

#[test]
fn a_synced_put_is_one_write_and_one_sync() {
    let calls = calls(
        empty_disk(),
        created(options(), |db, _| {
            db.put("key", "value").expect("put");
            db.put("key", "value").expect("put");
        }),
    );
    insta::assert_snapshot!(calls, @"
    commit/wal/write_at 000002.wal [96..144) -> ok
    commit/wal/sync_data 000002.wal -> ok
    commit/wal/write_at 000002.wal [144..192) -> ok
    commit/wal/sync_data 000002.wal -> ok
    ");
}

#[test]
fn an_os_put_is_one_write() {
    let calls = calls(
        empty_disk(),
        created(options(), |db, _| {
            db.put_with("key", "value", Durability::Os).expect("put");
        }),
    );
    insta::assert_snapshot!(calls, @"commit/wal/write_at 000002.wal [96..144) -> ok");
}

/// Fills the head and then puts once more.
fn rotate(db: &Db, record: &Record) {
    for _ in 0..3 {
        db.put_with("key", [b'v'; 64], Durability::Os).expect("put");
    }
    settle();
    record.take();
    db.put("key", [b'v'; 64]).expect("put");
}

#[test]
fn a_rotation_without_a_spare_makes_the_segment_first() {
    let calls = calls(empty_disk(), created(options(), rotate));
    insta::assert_snapshot!(calls, @"
    rotate/wal/open 000003.wal new -> ok
    rotate/wal/allocate 000003.wal 512 -> ok
    rotate/wal/sync_all 000003.wal -> ok
    rotate/dir/sync_dir db -> ok
    rotate/wal/sync_data 000002.wal -> ok
    rotate/wal/write_at 000003.wal [0..96) -> ok
    commit/wal/write_at 000003.wal [96..208) -> ok
    commit/wal/sync_data 000003.wal -> ok
    ");
}

#[test]
fn a_rotation_with_a_spare_finds_it_durable() {
    let options = Options { spare_segment: true, ..options() };
    let made = calls(empty_disk(), {
        let options = options.clone();
        move |vfs, record| {
            let _db = open(&vfs, options);
            record.take();
            settle();
        }
    });
    insta::assert_snapshot!(made, @"
    spare/wal/open 000003.wal new -> ok
    spare/wal/allocate 000003.wal 512 -> ok
    spare/wal/sync_all 000003.wal -> ok
    spare/dir/sync_dir db -> ok
    ");
    let used = calls(
        empty_disk(),
        created(options, |db, record| {
            rotate(db, record);
            settle();
        }),
    );
    insta::assert_snapshot!(used, @"
    rotate/wal/sync_data 000002.wal -> ok
    rotate/wal/write_at 000003.wal [0..96) -> ok
    commit/wal/write_at 000003.wal [96..208) -> ok
    commit/wal/sync_data 000003.wal -> ok
    spare/wal/open 000004.wal new -> ok
    spare/wal/allocate 000004.wal 512 -> ok
    spare/wal/sync_all 000004.wal -> ok
    spare/dir/sync_dir db -> ok
    ");
}

#[test]
fn a_flush_makes_the_table_durable_then_the_log_then_the_edit() {
    let calls = calls(
        empty_disk(),
        created(options(), |db, record| {
            rotate(db, record);
            record.take();
            db.flush().expect("flushed");
            settle();
        }),
    );
    insta::assert_snapshot!(calls);
}

#[test]
fn a_roll_switches_current_and_only_then_removes_the_old_manifest() {
    let options = Options { manifest_roll_edits: 1, ..options() };
    let calls = calls(
        empty_disk(),
        created(options, |db, record| {
            db.put("key", "value").expect("put");
            record.take();
            db.flush().expect("flushed");
            settle();
        }),
    );
    insta::assert_snapshot!(calls);
}

/// Two tables, `a` to `c` and `b`, both in level 0.
fn two_tables(db: &Db, record: &Record) {
    for keys in [&["a", "b", "c"][..], &["b"]] {
        for key in keys {
            db.put(key, "value").expect("put");
        }
        db.flush().expect("flushed");
    }
    settle();
    record.take();
}

#[test]
fn a_merge_makes_its_tables_durable_then_the_edit_and_only_then_removes_what_it_read() {
    let calls = calls(
        empty_disk(),
        created(options(), |db, record| {
            two_tables(db, record);
            db.compact_range("".."b").expect("compacted");
            settle();
            let levels: Vec<usize> = db.stats().levels.iter().map(|level| level.tables).collect();
            assert_eq!(levels[..2], [0, 1]);
        }),
    );
    insta::assert_snapshot!(calls);
}

#[test]
fn a_table_with_nothing_in_its_way_moves_down_by_an_edit_alone() {
    let options = Options { level0_tables: 1, ..options() };
    let calls = calls(
        empty_disk(),
        created(options, |db, record| {
            db.put("key", "value").expect("put");
            record.take();
            db.flush().expect("flushed");
            settle();
            assert_eq!(db.stats().levels[1].tables, 1);
        }),
    );
    insta::assert_snapshot!(calls);
}

#[test]
fn a_table_that_was_merged_away_is_removed_when_its_last_reader_lets_go() {
    let calls = calls(
        empty_disk(),
        created(options(), |db, record| {
            two_tables(db, record);
            let readers = [db.iter(), db.iter()];
            db.compact_range::<&str>(..).expect("compacted");
            settle();
            record.take();
            for reader in readers {
                assert_eq!(reader.count(), 3);
                settle();
            }
        }),
    );
    insta::assert_snapshot!(calls);
}

#[test]
fn idleness_after_a_sync_is_marked_once() {
    let calls = calls(
        empty_disk(),
        created(options(), |db, record| {
            db.put("key", "value").expect("put");
            record.take();
            sleep(Duration::from_secs(1));
        }),
    );
    insta::assert_snapshot!(calls, @"
    mark/wal/write_at 000002.wal [144..184) -> ok
    mark/wal/sync_data 000002.wal -> ok
    ");
}

#[test]
fn a_clean_close_ends_the_log_and_vouches_for_it() {
    let calls = calls(empty_disk(), |vfs, record| {
        let db = open(&vfs, options());
        db.put_with("key", "value", Durability::Os).expect("put");
        record.take();
        db.close().expect("closed");
    });
    insta::assert_snapshot!(calls, @"
    close/wal/write_at 000002.wal [144..184) -> ok
    close/wal/sync_data 000002.wal -> ok
    close/manifest/write_at MANIFEST-000001 [120..208) -> ok
    close/manifest/sync_data MANIFEST-000001 -> ok
    ");
}

#[test]
fn dropping_the_last_handle_calls_nothing() {
    let calls = calls(empty_disk(), |vfs, record| {
        let db = open(&vfs, options());
        db.put_with("key", "value", Durability::Os).expect("put");
        record.take();
        drop(db);
    });
    assert_eq!(calls, "");
}

fn calls_of_open(disk: Disk) -> String {
    calls(disk, |vfs, _| {
        open(&vfs, options());
    })
}

#[test]
fn an_open_after_a_clean_close_logs_nothing_again() {
    let (_, disk) = traced(empty_disk(), |vfs, _| {
        let db = open(&vfs, options());
        db.put("key", "value").expect("put");
        db.flush().expect("flushed");
        db.put("key", "value").expect("put");
        db.close().expect("closed");
    });
    insta::assert_snapshot!(calls_of_open(killed(disk)));
}

#[test]
fn an_open_after_a_kill_logs_the_tail_again_and_syncs_it_before_its_link() {
    let disk = left_by(options(), |db| {
        db.put("a", "synced").expect("put");
        db.put_with("b", "not synced", Durability::Os).expect("put");
    });
    insta::assert_snapshot!(calls_of_open(disk));
}

#[test]
fn an_open_after_a_power_loss_reads_past_the_torn_tail_and_goes_on_in_a_new_segment() {
    let disk = left_by(options(), |db| {
        db.put("a", "synced").expect("put");
        db.put_with("b", "not synced", Durability::Os).expect("put");
    });
    let torn = PowerLoss::losing_all()
        .but("000002.wal[0..512)", "torn-front")
        .but("000002.wal[0..512)/cut", "150");
    insta::assert_snapshot!(calls_of_open(torn.of(disk)));
}
