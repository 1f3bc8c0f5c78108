//! The databases in `corpus/golden/dev/`: each opens, and holds what the dump beside it says.
//!
//! They are written by this version, in a simulated world with a fixed id and a fixed schedule, so making
//! them again gives the same bytes. `SEAWALL_GOLDEN=write cargo test --test golden made_again` does.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "reads and writes the corpus; opens copies on the machine's file system"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use seawall::os::sync::sleep;
use seawall::os::vfs::Vfs;
use seawall::{Db, Durability, Options, Result, Slice};
use seawall_sim::disk::{Disk, SimFs};
use support::world::{DIR, PowerLoss, empty_disk, killed, live, settle};

/// The most that one database takes, in bytes.
const BYTES_MAX: usize = 10 << 10;

type State = BTreeMap<Vec<u8>, Vec<u8>>;
type Files = BTreeMap<String, Vec<u8>>;

/// A database as it lies in the corpus, and what it holds.
struct Golden {
    name: &'static str,
    files: Files,
    state: State,
}

/// A store, and beside it what it should hold.
struct Writer {
    db: Db,
    state: State,
}

impl Writer {
    fn put(&mut self, key: &str, value: &str) {
        self.db.put_with(key, value, Durability::Os).expect("put");
        self.state.insert(key.into(), value.into());
    }

    fn delete(&mut self, key: &str) {
        self.db.delete_with(key, Durability::Os).expect("deleted");
        self.state.remove(key.as_bytes());
    }

    fn flush(&mut self) {
        self.db.flush().expect("flushed");
        settle();
    }

    /// In how many levels there are tables.
    fn levels(&self) -> usize {
        self.db.stats().levels.iter().filter(|level| level.tables > 0).count()
    }
}

fn options() -> Options {
    Options { segment_bytes: 512, spare_segment: false, ..Options::default() }
}

/// The disk of a store that did this and then closed or was dropped, and what it held.
fn written(
    disk: Disk,
    options: Options,
    closes: bool,
    body: impl FnOnce(&mut Writer) + 'static,
) -> (State, Disk) {
    let (state, disk) = live(disk, move |fs: Arc<SimFs>| {
        let vfs: Arc<dyn Vfs> = fs;
        let db = Db::builder(DIR).vfs(vfs).options(options).open().expect("it opens");
        let state = db.iter().map(|entry| pair(entry.expect("readable"))).collect();
        let mut writer = Writer { db, state };
        body(&mut writer);
        let Writer { db, state } = writer;
        if closes {
            db.close().expect("closed");
        }
        state
    });
    (state, killed(disk))
}

fn pair((key, value): (Slice, Slice)) -> (Vec<u8>, Vec<u8>) {
    (key.to_vec(), value.to_vec())
}

fn golden(name: &'static str, (state, disk): (State, Disk)) -> Golden {
    let read = |name: String| {
        let bytes = disk.read(format!("{DIR}/{name}")).expect("readable");
        (name, bytes)
    };
    let files = disk.names(DIR).expect("it is there").into_iter().map(read).collect();
    Golden { name, files, state }
}

/// Every database of the corpus, made anew.
fn all() -> Vec<Golden> {
    vec![
        golden("empty", written(empty_disk(), options(), true, |_| {})),
        golden("log", log_only()),
        golden("levels", several_levels()),
        golden("torn", torn()),
        golden("lz4", compressed()),
        golden("rolled", rolled()),
    ]
}

/// Killed with nothing in tables: an overwritten and a deleted key, a batch, keys and values of no bytes
/// and of bytes that are no text, several segments and a MARK.
fn log_only() -> (State, Disk) {
    written(empty_disk(), options(), false, |store| {
        store.put("apple", "red");
        store.put("banana", "yellow");
        store.put("apple", "green");
        store.delete("banana");
        let mut batch = store.db.batch();
        for key in [&b"\x00"[..], b"\xff\xfe"] {
            batch.put(key, [0, 0x80, 0xff]);
            store.state.insert(key.to_vec(), vec![0, 0x80, 0xff]);
        }
        store.db.commit(batch).expect("committed");
        sleep(Duration::from_millis(250));
        store.put("", "the empty key");
        store.put("nothing", "");
        for number in 0..6 {
            store.put(&format!("later {number}"), "in another segment");
        }
    })
}

/// Closed, with tables in three levels, tombstones above what they delete, and a snapshot's versions.
fn several_levels() -> (State, Disk) {
    let options = Options {
        level0_tables: 8,
        level0_slow_tables: 12,
        level1_bytes: 600,
        table_bytes: 256,
        block_bytes: 64,
        idle_merge: Duration::from_secs(3_600),
        ..options()
    };
    written(empty_disk(), options, true, |store| {
        for number in 0..12 {
            store.put(&format!("key{number:02}"), &format!("at the bottom {number}"));
        }
        store.db.compact_range::<&str>(..).expect("merged");
        settle();
        let snapshot = store.db.snapshot();
        store.delete("key03");
        store.put("key07", "in the middle");
        store.db.compact_range("key03".."key08").expect("merged");
        settle();
        store.delete("key10");
        store.put("key11", "on top");
        store.flush();
        store.put("key12", "newer yet");
        store.flush();
        assert_eq!(store.levels(), 3, "{:?}", store.db.stats().levels);
        drop(snapshot);
    })
}

/// The power went in the middle of a commit: its frame is torn, and there is a table.
fn torn() -> (State, Disk) {
    let (state, disk) = live(empty_disk(), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let db = Db::builder(DIR).vfs(vfs).options(options()).open().expect("it opens");
        let mut store = Writer { db, state: State::new() };
        store.put("kept", "in a table");
        store.flush();
        store.db.put("synced", "in the log").expect("put");
        store.state.insert("synced".into(), "in the log".into());
        let kept = store.state.clone();
        store.put("torn", &"t".repeat(64));
        kept
    });
    let torn = PowerLoss::losing_all()
        .but("000002.wal[0..512)", "torn-front")
        .but("000002.wal[0..512)/cut", "260");
    (state, torn.of(disk))
}

/// Closed, with a table whose blocks LZ4 makes smaller and one that it does not.
fn compressed() -> (State, Disk) {
    let options = Options { segment_bytes: 4_096, block_bytes: 512, ..options() };
    written(empty_disk(), options, true, |store| {
        for number in 0..24 {
            store.put(&format!("song {number:02}"), &"la ".repeat(60));
        }
        store.put("unlike", &(0x21..0x7e).map(char::from).collect::<String>());
        store.flush();
    })
}

/// Closed and opened again several times, with manifests that were begun anew in between.
fn rolled() -> (State, Disk) {
    let options = Options { manifest_roll_edits: 1, ..options() };
    let (_, disk) = written(empty_disk(), options.clone(), true, |store| {
        store.put("first", "life");
        store.flush();
    });
    let (_, disk) = written(disk, options.clone(), false, |store| {
        store.put("second", "life");
        store.delete("first");
    });
    written(disk, options, true, |store| store.put("third", "life"))
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/golden/dev")
}

/// One line for each entry, the bytes that are no text escaped.
fn dump(state: &State) -> String {
    let mut text = String::new();
    for (key, value) in state {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{} = {}", key.escape_ascii(), value.escape_ascii());
    }
    text
}

fn write(golden: &Golden) {
    let directory = corpus().join(golden.name);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("ours to remove");
    }
    fs::create_dir_all(&directory).expect("made");
    for (name, bytes) in &golden.files {
        fs::write(directory.join(name), bytes).expect("written");
    }
    fs::write(directory.with_extension("dump"), dump(&golden.state)).expect("written");
}

fn read(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).expect("it is there");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("readable"))
    };
    entries.map(read).collect()
}

/// The names of the databases in the corpus.
fn names() -> Vec<String> {
    let entries = fs::read_dir(corpus()).expect("the corpus is there");
    let directories = entries.map(|entry| entry.expect("readable").path()).filter(|p| p.is_dir());
    let name = |path: PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut names: Vec<_> = directories.map(name).collect();
    names.sort();
    assert!(!names.is_empty(), "the corpus holds no database");
    names
}

#[test]
fn made_again_they_are_the_same_bytes() {
    let all = all();
    if std::env::var("SEAWALL_GOLDEN").is_ok_and(|how| how == "write") {
        all.iter().for_each(write);
    }
    let mut made: Vec<_> = all.iter().map(|golden| golden.name).collect();
    made.sort_unstable();
    assert_eq!(names(), made, "the corpus holds exactly the databases that are made here");
    for Golden { name, files, state } in all {
        let directory = corpus().join(name);
        let kept = read(&directory);
        assert!(kept.values().map(Vec::len).sum::<usize>() <= BYTES_MAX, "{name} is too large");
        let all_files: BTreeSet<_> = files.keys().chain(kept.keys()).collect();
        let differ: Vec<_> =
            all_files.into_iter().filter(|file| files.get(*file) != kept.get(*file)).collect();
        assert!(
            differ.is_empty(),
            "{name}: {differ:?} would be written with other bytes now. If that is meant, run \
             `SEAWALL_GOLDEN=write cargo test --test golden made_again`, and if it is a change of a format, \
             say so in CHANGELOG.md"
        );
        let told = fs::read_to_string(directory.with_extension("dump")).expect("a dump");
        assert_eq!(told, dump(&state), "{name}: the dump is what was put");
    }
}

/// A copy of a database of the corpus, and its dump.
fn copy(name: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    for (file, bytes) in read(&corpus().join(name)) {
        fs::write(directory.path().join(file), bytes).expect("written");
    }
    let dump = fs::read_to_string(corpus().join(name).with_extension("dump")).expect("a dump");
    (directory, dump)
}

fn shown(entries: impl Iterator<Item = Result<(Slice, Slice)>>) -> String {
    dump(&entries.map(|entry| pair(entry.expect("readable"))).collect())
}

#[test]
fn each_holds_what_its_dump_says_and_reading_changes_nothing() {
    for name in names() {
        let (directory, dump) = copy(&name);
        let before = read(directory.path());
        let db = Db::open_read_only(directory.path()).expect(&name);
        assert_eq!(shown(db.iter()), dump, "{name}");
        drop(db);
        assert_eq!(read(directory.path()), before, "{name} was only read");
    }
}

#[test]
fn each_can_be_written_to() {
    for name in names() {
        let (directory, dump) = copy(&name);
        let db = Db::open(directory.path()).expect(&name);
        assert_eq!(shown(db.iter()), dump, "{name}");
        let cut = db.recovery_report().cut.len();
        assert_eq!(cut, usize::from(name == "torn"), "{name}: {}", db.recovery_report());
        assert!(db.verify().expect(&name).orphans.is_empty(), "{name}");
        db.put([0xff, 0xff], "more").expect("put");
        db.compact_range::<&str>(..).expect("merged");
        db.close().expect("closed");
        let db = Db::open(directory.path()).expect(&name);
        assert_eq!(shown(db.iter()), format!("{dump}\\xff\\xff = more\n"), "{name}");
    }
}
