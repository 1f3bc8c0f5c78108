//! Every option is held to its bounds, and the store works at both of them.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::vfs::{MemFs, Vfs};
use seawall::{Db, Durability, ErrorKind, Options};
use support::world::{empty_disk, live, settle};

const MAX: u64 = u64::MAX;

/// An option, how it is set, and what it may be, in numbers and in words.
struct Bounds {
    name: &'static str,
    set: fn(&mut Options, u64),
    least: u64,
    most: u64,
    words: &'static str,
}

/// The defaults of the tables in level 0 are 4, 12 and 20: each is held to the one before it.
#[rustfmt::skip]
const BOUNDS: [Bounds; 18] = [
    Bounds { name: "memtable_bytes", set: |o, v| o.memtable_bytes = v as usize, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "memtable_entries_max", set: |o, v| o.memtable_entries_max = v as usize, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "frozen_memtables_max", set: |o, v| o.frozen_memtables_max = v as usize, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "segment_bytes", set: |o, v| o.segment_bytes = v, least: 512, most: 1 << 30, words: "512 to 1 GiB" },
    Bounds { name: "log_segments_max", set: |o, v| o.log_segments_max = v as usize, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "file_number_block", set: |o, v| o.file_number_block = v, least: 1, most: 1 << 16, words: "1 to 65,536" },
    Bounds { name: "manifest_roll_edits", set: |o, v| o.manifest_roll_edits = v, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "block_bytes", set: |o, v| o.block_bytes = v as usize, least: 64, most: 1 << 20, words: "64 to 1 MiB" },
    Bounds { name: "levels", set: |o, v| o.levels = v as usize, least: 2, most: 7, words: "2 to 7" },
    // At most, because commits slow down beyond.
    Bounds { name: "level0_tables", set: |o, v| o.level0_tables = v as usize, least: 1, most: 11, words: "at least 1" },
    Bounds { name: "level0_slow_tables", set: |o, v| o.level0_slow_tables = v as usize, least: 5, most: 20, words: "more than level0_tables" },
    Bounds { name: "level0_stall_tables", set: |o, v| o.level0_stall_tables = v as usize, least: 12, most: MAX, words: "at least level0_slow_tables" },
    Bounds { name: "level1_bytes", set: |o, v| o.level1_bytes = v, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "level_multiplier", set: |o, v| o.level_multiplier = v, least: 2, most: MAX, words: "at least 2" },
    Bounds { name: "table_bytes", set: |o, v| o.table_bytes = v, least: 1, most: MAX, words: "at least 1" },
    Bounds { name: "block_cache_bytes", set: |o, v| o.block_cache_bytes = v, least: 0, most: 1 << 60, words: "0 to 2^60" },
    Bounds { name: "open_tables_max", set: |o, v| o.open_tables_max = v as usize, least: 8, most: MAX, words: "at least 8, and twice compaction_threads" },
    Bounds { name: "compaction_threads", set: |o, v| o.compaction_threads = v as usize, least: 1, most: 16, words: "1 to 16" },
];

/// What may be anything.
const UNBOUNDED: [&str; 5] =
    ["create_if_missing", "durability", "spare_segment", "idle_mark", "idle_merge"];

fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

/// The error that a set of options is refused with.
#[track_caller]
fn refused(options: &Options) -> String {
    let error = options.check().expect_err("out of range");
    assert_eq!((error.kind(), error.file()), (ErrorKind::InvalidArgument, None));
    error.to_string()
}

#[test]
fn every_option_is_held_to_its_bounds() {
    for Bounds { name, set, least, most, words } in BOUNDS {
        for right in [least, most] {
            let checked = with(|options| set(options, right)).check();
            checked.unwrap_or_else(|error| panic!("{name} may be {right}: {error}"));
        }
        let wanted = format!("the option {name} is out of range: it must be {words}");
        if least > 0 {
            assert_eq!(refused(&with(|options| set(options, least - 1))), wanted);
        }
        if !["level0_tables", "level0_slow_tables"].contains(&name) && most < MAX {
            assert_eq!(refused(&with(|options| set(options, most + 1))), wanted);
        }
    }
}

#[test]
fn options_that_contradict_each_other_name_both() {
    let levels = |tables, slow, stall| {
        with(|options| {
            options.level0_tables = tables;
            options.level0_slow_tables = slow;
            options.level0_stall_tables = stall;
        })
    };
    for (contradictory, first, other) in [
        (levels(12, 12, 20), "level0_slow_tables", "level0_tables"),
        (levels(usize::MAX, 12, 20), "level0_slow_tables", "level0_tables"),
        (levels(4, 21, 20), "level0_stall_tables", "level0_slow_tables"),
        (levels(4, 12, 0), "level0_stall_tables", "level0_slow_tables"),
    ] {
        let text = refused(&contradictory);
        assert!(text.contains(&format!("the option {first} ")), "{text}");
        assert!(text.ends_with(other), "{text}");
    }
    levels(1, 2, 2).check().expect("slow and stall may be one");
}

#[test]
fn every_option_is_in_the_table() {
    // As `Options { create_if_missing: true, durability: Sync, .. }`.
    let text = format!("{:?}", Options::default());
    let fields = text.split([' ', ',', '{']).filter_map(|word| word.strip_suffix(':'));
    let known = |field| BOUNDS.iter().any(|case| case.name == field) || UNBOUNDED.contains(&field);
    let missing: Vec<_> = fields.clone().filter(|field| !known(field)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(fields.count(), BOUNDS.len() + UNBOUNDED.len());
}

#[test]
fn a_store_is_not_opened_with_options_out_of_range() {
    for Bounds { name, set, least, .. } in BOUNDS.iter().filter(|case| case.least > 0) {
        let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
        let options = with(|options| set(options, least - 1));
        let opened = Db::builder("/db").vfs(Arc::clone(&vfs)).options(options).open();
        let error = opened.expect_err("out of range");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error}");
        assert_eq!(vfs.list(Path::new("/")).expect("listed"), [""; 0], "nothing was made");
    }
}

/// Writes, merges, reads and reopens with these options.
fn works(options: Options) {
    live(empty_disk(), move |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let open = || Db::builder("/data/db").vfs(Arc::clone(&vfs)).options(options.clone()).open();
        let db = open().expect("created");
        for number in 0..20u8 {
            db.put([number % 13], [number; 100]).expect("put");
            settle();
        }
        db.compact_range::<&[u8]>(..).expect("compacted");
        for number in 7..20u8 {
            assert_eq!(db.get([number % 13]).expect("read").expect("there"), [number; 100][..]);
        }
        db.verify().expect("sound");
        db.close().expect("closed");
        let db = open().expect("opened");
        assert_eq!(db.iter().count(), 13);
        db.verify().expect("sound");
    });
}

#[test]
fn the_smallest_options_work() {
    works(Options {
        memtable_bytes: 1,
        memtable_entries_max: 1,
        frozen_memtables_max: 1,
        segment_bytes: 512,
        log_segments_max: 1,
        file_number_block: 1,
        manifest_roll_edits: 1,
        block_bytes: 64,
        levels: 2,
        level0_tables: 1,
        level0_slow_tables: 2,
        level0_stall_tables: 2,
        level1_bytes: 1,
        level_multiplier: 2,
        table_bytes: 1,
        compaction_threads: 1,
        idle_mark: Duration::ZERO,
        idle_merge: Duration::ZERO,
        ..Options::default()
    });
}

#[test]
fn the_smallest_of_many_levels_work() {
    works(Options {
        memtable_entries_max: 1,
        level0_tables: 1,
        level1_bytes: 1,
        level_multiplier: 2,
        table_bytes: 1,
        compaction_threads: 16,
        durability: Durability::Os,
        ..Options::default()
    });
}

#[test]
fn the_largest_options_work() {
    works(Options {
        memtable_bytes: usize::MAX,
        memtable_entries_max: 5,
        frozen_memtables_max: usize::MAX,
        segment_bytes: 1 << 20,
        log_segments_max: usize::MAX,
        file_number_block: 1 << 16,
        manifest_roll_edits: u64::MAX,
        block_bytes: 1 << 20,
        levels: 7,
        level0_tables: usize::MAX - 1,
        level0_slow_tables: usize::MAX,
        level0_stall_tables: usize::MAX,
        level1_bytes: u64::MAX,
        level_multiplier: u64::MAX,
        table_bytes: u64::MAX,
        compaction_threads: 16,
        idle_mark: Duration::MAX,
        idle_merge: Duration::MAX,
        ..Options::default()
    });
}
