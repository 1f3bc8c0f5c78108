//! What is merged when nothing is due and nobody writes.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use seawall::Db;
use seawall::os::sync::sleep;
use seawall::os::vfs::Vfs;
use support::world::{empty_disk, live};

/// Three tables in level 0, each with both keys: one fewer than would be due.
fn overwritten_twice(vfs: Arc<dyn Vfs>) -> Db {
    let db = Db::builder(Path::new("/db")).vfs(vfs).open().expect("it opens");
    for value in ["1", "2", "3"] {
        db.put("a", value).expect("put");
        db.put("b", value).expect("put");
        db.flush().expect("flushed");
    }
    db
}

/// How many tables level 0 and level 1 have.
fn tables(db: &Db) -> (usize, usize) {
    let levels = db.stats().levels;
    (levels[0].tables, levels[1].tables)
}

#[test]
fn what_was_overwritten_goes_when_nobody_writes() {
    live(empty_disk(), |fs| {
        let db = overwritten_twice(fs);
        sleep(Duration::from_millis(400));
        assert_eq!(tables(&db), (3, 0), "that is no rest yet");
        sleep(Duration::from_secs(2));
        assert_eq!(tables(&db), (0, 1));
        assert_eq!(db.verify().expect("sound").entries, 2);
        let written = db.stats().compacted_bytes;
        sleep(Duration::from_secs(60));
        assert_eq!(db.stats().compacted_bytes, written, "once is enough");
        db.close().expect("closed");
    });
}

#[test]
fn as_long_as_somebody_writes_only_what_is_due_is_merged() {
    live(empty_disk(), |fs| {
        let db = overwritten_twice(fs);
        for _ in 0..20 {
            db.put("a", "4").expect("put");
            sleep(Duration::from_millis(300));
        }
        assert_eq!(tables(&db), (3, 0));
        db.close().expect("closed");
    });
}
