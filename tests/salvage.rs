//! Salvage reads what is left of a damaged database: never a value that was not written, everything when
//! nothing is lost, and a word about each loss.
//!
//! A tiny database is damaged in every way one can count: each bit of each file turned over, each file
//! cut to each length and removed.
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use seawall::os::vfs::{MemFs, OpenMode, Vfs};
use seawall::{Db, Durability, ErrorKind, Options, Salvage, SalvageReport};

const DIR: &str = "/db";

type Files = BTreeMap<String, Vec<u8>>;
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

fn files_of(vfs: &dyn Vfs) -> Files {
    let names = vfs.list(Path::new(DIR)).expect("there");
    let read = |name: String| {
        let path = Path::new(DIR).join(&name);
        let file = vfs.open(&path, OpenMode::ReadOnly).expect("there");
        let mut bytes = vec![0; file.len().expect("readable") as usize];
        file.read_at(&mut bytes, 0).expect("readable");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

fn with_files(files: &Files) -> Arc<MemFs> {
    let fs = MemFs::new();
    fs.create_dir(Path::new(DIR)).expect("free");
    for (name, bytes) in files {
        let file = fs.open(&Path::new(DIR).join(name), OpenMode::CreateNew).expect("free");
        file.write_at(bytes, 0).expect("room");
    }
    Arc::new(fs)
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
        if report.is_complete() && !self.lost_without_a_trace(files) {
            assert_eq!(found, self.state, "{damage}: {report:#?}");
        }
        assert!(files_of(&*vfs) == *files, "{damage}: salvage changed a file");
        Some((found, report))
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
    let sound = Sound::build(true);
    let tables: Vec<&String> = sound.files.keys().filter(|name| name.ends_with(".sst")).collect();
    // The newest table overwrites banana and deletes cherry.
    let newest = tables.last().expect("it was flushed");
    let (found, report) = sound.salvaged(&sound.without(newest), "without the newest table");
    let lost: Vec<_> = report.damage.iter().filter(|damage| damage.lost).collect();
    assert_eq!((lost.len(), &lost[0].file), (1, *newest), "{report:#?}");
    assert!(lost[0].keys.is_some() && lost[0].seqnos.is_some(), "{report:#?}");
    if found != sound.state {
        assert!(lost[0].older_keys > 0, "{report:#?}");
    }
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
enum Harm {
    Flip(prop::sample::Index),
    Cut(prop::sample::Index),
    Overwrite(prop::sample::Index, Vec<u8>),
    Remove,
    /// By the content of another file.
    Replace(prop::sample::Index),
}

fn any_harm() -> impl Strategy<Value = Harm> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        3 => at().prop_map(Harm::Flip),
        1 => at().prop_map(Harm::Cut),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..80))
            .prop_map(|(at, bytes)| Harm::Overwrite(at, bytes)),
        1 => Just(Harm::Remove),
        1 => at().prop_map(Harm::Replace),
    ]
}

fn apply(files: &mut Files, file: &prop::sample::Index, harm: &Harm) {
    let names: Vec<String> = files.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = &names[file.index(names.len())];
    let other = |index: &prop::sample::Index| files[&names[index.index(names.len())]].clone();
    let mut bytes = files[name].clone();
    match harm {
        Harm::Flip(at) if !bytes.is_empty() => {
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        Harm::Flip(_) => {}
        Harm::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
        Harm::Overwrite(at, with) => {
            let at = at.index(bytes.len() + 1);
            bytes.iter_mut().skip(at).zip(with).for_each(|(byte, with)| *byte = *with);
        }
        Harm::Remove => {
            files.remove(name);
            return;
        }
        Harm::Replace(by) => bytes = other(by),
    }
    files.insert(name.clone(), bytes);
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
