//! The store's interface against a plain map, without crashes.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use seawall::{Db, Durability, Options};
use seawall_os::vfs::{MemFs, Vfs};

#[derive(Arbitrary, Debug)]
enum Op {
    Put(u8, Vec<u8>),
    Delete(u8),
    Batch(Vec<(u8, Option<u8>)>),
    Get(u8),
    Scan(u8, u8),
    Back(u8, u8),
    Flush,
    Compact,
    Reopen,
}

fn open(vfs: &Arc<dyn Vfs>) -> Db {
    let options = Options {
        memtable_entries_max: 8,
        level0_tables: 2,
        segment_bytes: 4_096,
        block_bytes: 64,
        table_bytes: 512,
        manifest_roll_edits: 4,
        ..Options::default()
    };
    Db::builder("/db").vfs(Arc::clone(vfs)).options(options).open().expect("nothing fails here")
}

fuzz_target!(|ops: Vec<Op>| {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let mut db = open(&vfs);
    let mut model: BTreeMap<[u8; 1], Vec<u8>> = BTreeMap::new();
    for op in ops.into_iter().take(200) {
        match op {
            Op::Put(key, value) => {
                db.put_with([key], &value, Durability::Os).expect("put");
                model.insert([key], value);
            }
            Op::Delete(key) => {
                db.delete_with([key], Durability::Os).expect("deleted");
                model.remove(&[key]);
            }
            Op::Batch(changes) => {
                let mut batch = db.batch();
                for (key, value) in changes {
                    match value {
                        Some(value) => {
                            batch.put([key], [value]);
                            model.insert([key], vec![value]);
                        }
                        None => {
                            batch.delete([key]);
                            model.remove(&[key]);
                        }
                    }
                }
                db.commit_with(batch, Durability::Os).expect("committed");
            }
            Op::Get(key) => {
                let found = db.get([key]).expect("readable");
                assert_eq!(found.as_deref(), model.get(&[key]).map(|value| &value[..]));
            }
            Op::Scan(from, to) | Op::Back(from, to) => {
                let (from, to) = ([from.min(to)], [from.max(to)]);
                let mut found: Vec<_> =
                    db.range(from..to).map(|entry| entry.expect("ok")).collect();
                let mut back: Vec<_> =
                    db.range(from..to).rev().map(|entry| entry.expect("ok")).collect();
                back.reverse();
                assert_eq!(found, back);
                let expected: Vec<_> = model.range(from..to).collect();
                assert_eq!(found.len(), expected.len());
                for ((key, value), (known, expected)) in found.drain(..).zip(expected) {
                    assert_eq!((&key[..], &value[..]), (&known[..], &expected[..]));
                }
            }
            Op::Flush => db.flush().expect("flushed"),
            Op::Compact => db.compact_range::<&[u8]>(..).expect("compacted"),
            Op::Reopen => {
                db.close().expect("closed");
                db = open(&vfs);
            }
        }
    }
    db.verify().expect("sound");
    db.close().expect("closed");
});
