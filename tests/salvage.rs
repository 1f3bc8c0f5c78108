//! Salvage reads what is left of a damaged database: never a value that was not written, everything when
//! nothing is lost, and a word about each loss.
//!
//! A tiny database is damaged in every way one can count: each bit of each file turned over, each file
//! cut to each length and removed.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use seawall::os::vfs::MemFs;
use seawall::{Damage, Db, Durability, ErrorKind, Options, Salvage, SalvageReport};
use support::harm::{DIR, Files, any_harm, apply, files_of, with_files};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A database at rest, and all that was ever put into it.
struct Sound {
    files: Files,
    state: Entries,
    put: BTreeSet<(Vec<u8>, Vec<u8>)>,
}

struct Writer {
    db: Db,
    state: Entries,
    put: BTreeSet<(Vec<u8>, Vec<u8>)>,
}

impl Writer {
    fn put(&mut self, key: &str, value: &str) {
        self.db.put(key, value).expect("put");
        self.state.insert(key.into(), value.into());
        self.put.insert((key.into(), value.into()));
    }

    fn delete(&mut self, key: &str) {
        self.db.delete_with(key, Durability::Os).expect("deleted");
        self.state.remove(key.as_bytes());
    }
}

impl Sound {
    /// Tables on two levels, of which the upper one overwrites and deletes; the log overwrites both.
    fn build(close: bool) -> Sound {
        let vfs = Arc::new(MemFs::new());
        let open = || open(&vfs);
        let mut writer = Writer { db: open(), state: Entries::new(), put: BTreeSet::new() };
        for key in ["apple", "banana", "cherry", "date", "elder", "fig"] {
            writer.put(key, &key.repeat(3));
        }
        writer.delete("fig");
        writer.db.compact_range::<&[u8]>(..).expect("merged");
        writer.put("banana", "yellow");
        writer.delete("cherry");
        writer.db.flush().expect("flushed");
        writer.put("date", "brown");
        writer.put("grape", &"blue ".repeat(60));
        writer.put("grape", &"green ".repeat(60));
        writer.delete("elder");
        writer.put("honey", "sweet");
        let Writer { db, state, put } = writer;
        if close {
            db.close().expect("closed");
            let db = open();
            assert_eq!(db.iter().count(), state.len());
            db.close().expect("closed");
        } else {
            drop(db);
        }
        Sound { files: files_of(&*vfs), state, put }
    }

    /// Salvages `files` and checks what holds whatever the damage is.
    fn check(&self, files: &Files, damage: &str) -> Option<(Entries, SalvageReport)> {
        let vfs = with_files(files);
        let mut salvage = match Salvage::open(Arc::clone(&vfs) as _, DIR) {
            Ok(salvage) => salvage,
            Err(error) => {
                let kinds = [ErrorKind::Corruption, ErrorKind::NotFound, ErrorKind::FormatTooNew];
                assert!(kinds.contains(&error.kind()), "{damage}: {error}");
                return None;
            }
        };
        let mut found = Entries::new();
        for (key, value) in salvage.by_ref() {
            let (key, value) = (key.to_vec(), value.to_vec());
            assert!(
                self.put.contains(&(key.clone(), value.clone())),
                "{damage}: {} = {} was never put",
                key.escape_ascii(),
                value.escape_ascii()
            );
            assert!(found.last_key_value().is_none_or(|(last, _)| *last < key), "{damage}: order");
            found.insert(key, value);
        }
        let report = salvage.report().clone();
        assert_eq!(report.keys, found.len() as u64, "{damage}");
        if !self.lost_without_a_trace(files) {
            self.check_losses(&found, &report, damage);
        }
        assert!(files_of(&*vfs) == *files, "{damage}: salvage changed a file");
        Some((found, report))
    }

    /// Every key that is missing, older or back is within what some loss tells.
    fn check_losses(&self, found: &Entries, report: &SalvageReport, damage: &str) {
        let within = |key: &Vec<u8>, loss: &&Damage| match &loss.keys {
            None => true,
            Some((from, upto)) => from <= key && upto.as_ref().is_none_or(|upto| key <= upto),
        };
        for key in self.state.keys().chain(found.keys()) {
            let right = found.get(key) == self.state.get(key);
            let told = report.damage.iter().filter(|damage| damage.lost).any(|d| within(key, &d));
            assert!(right || told, "{damage}: {}: {report:#?}", key.escape_ascii());
        }
    }

    /// Whether a whole segment of the log is gone, or all that was in it: nothing need vouch for the
    /// newest one, and a crash leaves such that are empty.
    fn lost_without_a_trace(&self, files: &Files) -> bool {
        let mut segments = self.files.keys().filter(|name| name.ends_with(".wal"));
        segments.any(|name| files.get(name).is_none_or(|bytes| bytes.iter().all(|b| *b == 0)))
    }

    /// As [`Sound::check`], and the salvage must go through.
    fn salvaged(&self, files: &Files, damage: &str) -> (Entries, SalvageReport) {
        self.check(files, damage).unwrap_or_else(|| panic!("{damage}: nothing was salvaged"))
    }

    fn without(&self, name: &str) -> Files {
        let mut files = self.files.clone();
        files.remove(name).expect("it is there");
        files
    }

    /// Checks what holds when only the file `name` is damaged.
    fn check_one(&self, files: &Files, name: &str, damage: &str) {
        let (found, report) = self.salvaged(files, damage);
        if !name.ends_with(".sst") && !name.ends_with(".wal") {
            assert_eq!(found, self.state, "{damage}: the file holds no data: {report:#?}");
        }
        if !name.starts_with("MANIFEST") && !name.ends_with(".sst") && !name.ends_with(".wal") {
            assert!(report.is_complete(), "{damage}: {report:#?}");
        }
        let harmed = report.damage.iter().filter(|damage| damage.lost);
        for of in harmed {
            let named = of.file == name || of.file == "MANIFEST" || name.ends_with(".wal");
            assert!(named, "{damage}: {} is blamed: {report:#?}", of.file);
        }
    }
}

fn open(vfs: &Arc<MemFs>) -> Db {
    let options = Options {
        segment_bytes: 512,
        block_bytes: 64,
        spare_segment: false,
        idle_merge: Duration::from_secs(3600),
        ..Options::default()
    };
    Db::builder(DIR).vfs(Arc::clone(vfs) as _).options(options).open().expect("it opens")
}

#[test]
fn all_of_a_sound_database_is_salvaged() {
    let sound = Sound::build(true);
    let (found, report) = sound.salvaged(&sound.files, "sound");
    assert_eq!(found, sound.state);
    assert!(report.is_complete() && report.damage.is_empty(), "{report:#?}");
    assert!(report.manifest.is_some() && report.tables > 1, "{report:#?}");
}

#[test]
fn any_bit_may_turn_over() {
    for sound in [Sound::build(true), Sound::build(false)] {
        for (name, bytes) in &sound.files {
            for bit in 0..bytes.len() * 8 {
                let mut files = sound.files.clone();
                files.get_mut(name).expect("there")[bit / 8] ^= 1 << (bit % 8);
                sound.check_one(&files, name, &format!("bit {bit} of {name}"));
            }
        }
    }
}

#[test]
fn any_file_may_be_cut_or_missing() {
    for sound in [Sound::build(true), Sound::build(false)] {
        for (name, bytes) in &sound.files {
            sound.check_one(&sound.without(name), name, &format!("{name} is missing"));
            for len in 0..bytes.len() {
                let mut files = sound.files.clone();
                files.get_mut(name).expect("there").truncate(len);
                sound.check_one(&files, name, &format!("{name} is cut to {len}"));
            }
        }
    }
}

#[test]
fn what_was_appended_to_a_file_is_passed_over() {
    let sound = Sound::build(true);
    for name in sound.files.keys() {
        let mut files = sound.files.clone();
        files.get_mut(name).expect("there").extend([0xa5; 100]);
        sound.check_one(&files, name, &format!("{name} is longer"));
    }
}

#[test]
fn garbage_in_current_and_the_current_of_another_database_cost_nothing() {
    let (sound, other) = (Sound::build(true), Sound::build(true));
    for current in [&b""[..], b"\xff\xfe", b"seawall 1\n", &other.files["CURRENT"]] {
        let mut files = sound.files.clone();
        files.insert("CURRENT".to_owned(), current.to_vec());
        sound.check_one(&files, "CURRENT", &format!("CURRENT is {}", current.escape_ascii()));
    }
}

#[test]
fn a_lost_table_is_told_with_its_keys_and_what_came_back() {
    let ops = [
        [Op::Put(0, 1), Op::Put(1, 1), Op::Compact],
        [Op::Put(0, 2), Op::Flush, Op::Reopen(true)],
        // By then the log has forgotten what the second table holds.
        [Op::Put(2, 1), Op::Flush, Op::Reopen(true)],
    ];
    let sound = lived(ops.as_flattened(), true);
    let tables: Vec<&String> = sound.files.keys().filter(|name| name.ends_with(".sst")).collect();
    let (found, report) = sound.salvaged(&sound.without(tables[1]), "without the second table");
    let [lost] = &report.damage[..] else { panic!("{report:#?}") };
    assert!(lost.lost && lost.file == *tables[1], "{report:#?}");
    let k0 = b"k0".to_vec();
    assert_eq!(
        (&lost.keys, lost.seqnos),
        (&Some((k0.clone(), Some(k0.clone()))), Some((3, Some(3))))
    );
    assert_eq!((lost.older_keys, &found[&k0]), (1, &b"1".repeat(20)), "{report:#?}");
}

/// The edit that named a table may be what is damaged. The log no longer has what the table holds.
#[test]
fn a_damaged_edit_does_not_cost_the_table_that_it_names() {
    let vfs = Arc::new(MemFs::new());
    let mut writer = Writer { db: open(&vfs), state: Entries::new(), put: BTreeSet::new() };
    for key in 0..40 {
        writer.put(&format!("k{key:02}"), &"v".repeat(40));
    }
    writer.db.flush().expect("flushed");
    writer.put("tail", "1");
    let Writer { db, state, put } = writer;
    drop(db);
    let sound = Sound { files: files_of(&*vfs), state, put };
    let name = sound.files.keys().find(|name| name.starts_with("MANIFEST")).expect("it is there");
    let mut disbelieved = 0;
    for at in 0..sound.files[name].len() {
        let mut files = sound.files.clone();
        files.get_mut(name).expect("it is there")[at] ^= 0x40;
        let damage = format!("byte {at} of {name}");
        sound.check_one(&files, name, &damage);
        let (_, report) = sound.salvaged(&files, &damage);
        let behind = |of: &Damage| of.what.contains("the log begins after seqno");
        disbelieved += u32::from(report.damage.iter().any(behind));
    }
    assert!(disbelieved > 0, "the log still has everything");
}

#[test]
fn what_the_log_still_holds_is_not_lost_with_a_table() {
    let sound = Sound::build(true);
    let newest = sound.files.keys().rfind(|name| name.ends_with(".sst")).expect("it was flushed");
    let (found, report) = sound.salvaged(&sound.without(newest), "without the newest table");
    assert_eq!(found, sound.state);
    let [damage] = &report.damage[..] else { panic!("{report:#?}") };
    assert!(report.is_complete() && damage.file == *newest, "{report:#?}");
    assert!(damage.what.ends_with("; all it held was found elsewhere"), "{report:#?}");
}

/// Some tables, an old log and no manifest.
fn without_manifest(ops: &[Op]) -> (Sound, Files) {
    let sound = lived(ops, true);
    let mut files = sound.files.clone();
    files.retain(|name, _| !name.starts_with("MANIFEST"));
    (sound, files)
}

#[test]
fn without_a_manifest_all_is_there_if_all_operations_are() {
    let round = |key| [Op::Put(key, 1), Op::Flush, Op::Reopen(true)];
    let ops = [round(0), round(1), [Op::Put(2, 1), Op::Delete(0), Op::Reopen(true)], round(3)];
    let (sound, mut files) = without_manifest(ops.as_flattened());
    let (found, report) = sound.salvaged(&files, "no manifest");
    assert_eq!((found, report.is_complete()), (sound.state.clone(), true), "{report:#?}");
    assert_eq!(report.manifest, None);
    let what = "all operations up to seqno 5 were found without it";
    assert!(report.damage[0].what.ends_with(what), "{report:#?}");
    // Nothing else tells that a table is gone.
    let oldest = files.keys().find(|name| name.ends_with(".sst")).expect("flushed").clone();
    files.remove(&oldest);
    let (_, report) = sound.salvaged(&files, "no manifest and a table less");
    assert!(!report.is_complete(), "{report:#?}");
    let what = "of the operations up to seqno 5, 1 were not found: merges have dropped";
    assert!(report.damage[0].what.contains(what), "{report:#?}");
}

#[test]
fn without_a_manifest_what_merges_have_dropped_may_be_lost() {
    let ops = [
        [Op::Put(0, 1), Op::Delete(0), Op::Compact],
        [Op::Put(0, 2), Op::Compact, Op::Reopen(true)],
        [Op::Put(1, 1), Op::Flush, Op::Reopen(true)],
    ];
    let (sound, files) = without_manifest(ops.as_flattened());
    let (found, report) = sound.salvaged(&files, "no manifest");
    assert_eq!((found, report.is_complete()), (sound.state, false), "{report:#?}");
}

#[test]
fn blocks_in_a_row_are_one_loss_with_its_bytes_and_its_keys() {
    let ops: Vec<Op> = (0..8).map(|key| Op::Put(key, 1)).collect();
    let old = [Op::Compact, Op::Reopen(true), Op::Put(7, 2), Op::Compact, Op::Reopen(true)];
    let sound = lived(&[&ops[..], &old].concat(), true);
    let name = sound.files.keys().find(|name| name.ends_with(".sst")).expect("merged").clone();
    let harmed = |from: usize, upto: usize| {
        let mut files = sound.files.clone();
        let bytes = files.get_mut(&name).expect("there");
        bytes[from..upto].iter_mut().for_each(|byte| *byte ^= 0xff);
        sound.salvaged(&files, &format!("{from}..{upto}")).1
    };
    let (first, both) = (harmed(0, 1), harmed(0, 150));
    let ([one], [two]) = (&first.damage[..], &both.damage[..]) else { panic!("{both:#?}") };
    assert_eq!((one.blocks, one.offset, two.offset), (1, Some(0), Some(0)), "{both:#?}");
    assert!(two.blocks > 1 && two.bytes > one.bytes && two.keys > one.keys, "{both:#?}");
    // From the first key of the table on, not from the smallest there can be.
    assert_eq!(one.keys.as_ref().map(|(from, _)| &**from), Some(&b"k0"[..]), "{first:#?}");
}

#[test]
fn blocks_are_found_in_a_table_that_is_cut() {
    let sound = Sound::build(true);
    let tables = || sound.files.iter().filter(|(name, _)| name.ends_with(".sst"));
    for (name, bytes) in tables() {
        let cut = |len: usize| {
            let mut files = sound.files.clone();
            files.get_mut(name).expect("there").truncate(len);
            sound.salvaged(&files, &format!("{name} is cut to {len}"))
        };
        // Only the footer is gone.
        let (found, report) = cut(bytes.len() - 1);
        assert_eq!(found, sound.state, "{report:#?}");
        assert!(report.is_complete() && report.damage.len() == 1, "{report:#?}");
    }
    // The lower table has more than one block: what is before the cut is there.
    let (name, bytes) = tables().next().expect("it was flushed");
    let mut files = sound.files.clone();
    files.insert(name.clone(), bytes[..bytes.len() / 4].to_vec());
    let (found, report) = sound.salvaged(&files, "a quarter of a table");
    assert_eq!(found.get(&b"apple"[..]), Some(&b"appleappleapple".to_vec()), "{report:#?}");
    let end = report.damage.iter().find(|damage| damage.lost).expect("the rest is lost");
    assert!(end.offset > Some(0) && end.keys.is_some(), "{report:#?}");
}

#[test]
fn a_directory_without_a_database_and_one_in_use_are_refused() {
    let vfs = Arc::new(MemFs::new());
    let kind = |vfs: &Arc<MemFs>| {
        Salvage::open(Arc::clone(vfs) as _, DIR).map(drop).expect_err("refused").kind()
    };
    assert_eq!(kind(&vfs), ErrorKind::NotFound);
    let db = Db::builder(DIR).vfs(Arc::clone(&vfs) as _).open().expect("created");
    assert_eq!(kind(&vfs), ErrorKind::Locked);
    db.close().expect("closed");
    assert_eq!(Salvage::open(Arc::clone(&vfs) as _, DIR).expect("free").count(), 0);
    let files: Files = [("000001.wal".to_owned(), b"nothing of ours".to_vec())].into();
    assert_eq!(kind(&with_files(&files)), ErrorKind::Corruption);
}

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u8),
    Delete(u8),
    Flush,
    Compact,
    /// By a handle that was closed, or dropped as a kill does.
    Reopen(bool),
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..8u8, any::<u8>()).prop_map(|(key, value)| Op::Put(key, value)),
        4 => (0..8u8).prop_map(Op::Delete),
        1 => Just(Op::Flush),
        1 => Just(Op::Compact),
        1 => any::<bool>().prop_map(Op::Reopen),
    ]
}

/// The database that `ops` leave, and whether its last handle was closed.
fn lived(ops: &[Op], close: bool) -> Sound {
    let vfs = Arc::new(MemFs::new());
    let mut writer = Writer { db: open(&vfs), state: Entries::new(), put: BTreeSet::new() };
    for op in ops {
        match op {
            Op::Put(key, value) => writer.put(&format!("k{key}"), &value.to_string().repeat(20)),
            Op::Delete(key) => writer.delete(&format!("k{key}")),
            Op::Flush => writer.db.flush().expect("flushed"),
            Op::Compact => writer.db.compact_range::<&[u8]>(..).expect("merged"),
            Op::Reopen(close) => {
                let Writer { db, state, put } = writer;
                if *close {
                    db.close().expect("closed")
                } else {
                    drop(db)
                }
                writer = Writer { db: open(&vfs), state, put };
            }
        }
    }
    let Writer { db, state, put } = writer;
    if close {
        db.close().expect("closed")
    } else {
        drop(db)
    }
    Sound { files: files_of(&*vfs), state, put }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn several_harms_at_once_bring_no_value_that_was_not_written(
        closed: bool,
        harms in prop::collection::vec((any::<prop::sample::Index>(), any_harm()), 1..6),
    ) {
        let sound = Sound::build(closed);
        let mut files = sound.files.clone();
        harms.iter().for_each(|(file, harm)| apply(&mut files, file, harm));
        sound.check(&files, &format!("{harms:?}"));
    }

    #[test]
    fn whatever_a_database_lived_through_all_of_it_is_salvaged(
        ops in prop::collection::vec(any_op(), 0..60), close: bool,
    ) {
        let sound = lived(&ops, close);
        let (found, report) = sound.salvaged(&sound.files, &format!("{ops:?}"));
        prop_assert_eq!(found, sound.state, "{:#?}", report);
        prop_assert!(report.is_complete(), "{:#?}", report);
    }

    #[test]
    fn whatever_a_database_lived_through_harms_bring_no_value_that_was_not_written(
        ops in prop::collection::vec(any_op(), 0..60), close: bool,
        harms in prop::collection::vec((any::<prop::sample::Index>(), any_harm()), 1..4),
    ) {
        let sound = lived(&ops, close);
        let mut files = sound.files.clone();
        harms.iter().for_each(|(file, harm)| apply(&mut files, file, harm));
        sound.check(&files, &format!("{ops:?} {harms:?}"));
    }
}
