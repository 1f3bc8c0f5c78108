//! Closing in one task while another still works on the same database.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads what a test made")]

mod support;

use std::sync::Arc;

use seawall::os::sync::spawn;
use seawall::os::vfs::Vfs;
use seawall::{Db, Options};
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
