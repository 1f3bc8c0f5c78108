//! The whole store against a sorted map, with snapshots and iterators that are held while the tables
//! below them are merged away.
//!
//! The limits are so small that a few puts make a table and a few tables a level. Every run happens
//! in a simulated world in which nothing goes wrong, so that it is the same every time.
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

mod support;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use seawall::os::vfs::{MemFs, Vfs};
use seawall::{Db, Durability, ErrorKind, Options, Range, Snapshot, WriteBatch, inspect};
use support::world::{DIR, empty_disk, live, settle};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keys that are prefixes of one another, stand at the ends of the order, and one that is long.
const KEYS: [&[u8]; 18] = [
    b"",
    b"\0",
    b"\0\0",
    b"a",
    b"a\0",
    b"a\xff",
    b"aa",
    b"ab",
    b"b",
    b"b, and so much more that it is longer than all others",
    b"ba",
    b"c",
    b"d",
    b"d\xff\xff",
    b"e",
    b"f",
    b"\xff",
    b"\xff\xff",
];

/// Which keys: by their places in [`KEYS`].
#[derive(Clone, Debug)]
enum Keys {
    Between(Bound<usize>, Bound<usize>),
    WithPrefix(usize),
}

impl Keys {
    fn contains(&self, key: &[u8]) -> bool {
        match self {
            Keys::Between(start, end) => {
                let after = match start.map(|at| KEYS[at]) {
                    Bound::Included(start) => start <= key,
                    Bound::Excluded(start) => start < key,
                    Bound::Unbounded => true,
                };
                let before = match end.map(|at| KEYS[at]) {
                    Bound::Included(end) => key <= end,
                    Bound::Excluded(end) => key < end,
                    Bound::Unbounded => true,
                };
                after && before
            }
            Keys::WithPrefix(at) => key.starts_with(KEYS[*at]),
        }
    }

    fn of(&self, state: &State) -> VecDeque<(Vec<u8>, Vec<u8>)> {
        let inside = state.iter().filter(|(key, _)| self.contains(key));
        inside.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The ends from which entries are taken: `true` for the front.
type Ends = Vec<bool>;

#[derive(Clone, Debug)]
enum Step {
    /// One operation is a put or a delete, any other number a batch. With a length it is a put.
    Write(Vec<(usize, Option<usize>)>, bool),
    Flush,
    Compact(Keys),
    TakeSnapshot,
    DropSnapshot(usize),
    /// Reads through the store and every snapshot.
    Read(Keys, Ends),
    /// Begins to read through one of them, to go on later.
    Hold(usize, Keys),
    GoOn(usize, Ends),
    /// Lets the background tasks catch up.
    Wait,
    Reopen {
        close: bool,
        options: Options,
    },
}

fn any_options() -> impl Strategy<Value = Options> {
    let tables = (1..5usize, 2..5usize, 150..600u64, 200..800u64, 64..200usize);
    (tables, 1..4u64, 1..3usize, any::<bool>()).prop_map(|(tables, rolls, threads, spare)| {
        let (level0_tables, levels, table_bytes, level1_bytes, block_bytes) = tables;
        Options {
            durability: Durability::Os,
            memtable_entries_max: 4,
            segment_bytes: 1024,
            spare_segment: spare,
            manifest_roll_edits: rolls * 3,
            block_bytes,
            levels,
            level0_tables,
            level0_slow_tables: level0_tables + 1,
            level0_stall_tables: level0_tables + 2,
            level1_bytes,
            level_multiplier: 2,
            table_bytes,
            compaction_threads: threads,
            ..Options::default()
        }
    })
}

fn any_keys() -> impl Strategy<Value = Keys> {
    let bound = || {
        (0..3, 0..KEYS.len()).prop_map(|(kind, at)| match kind {
            0 => Bound::Included(at),
            1 => Bound::Excluded(at),
            _ => Bound::Unbounded,
        })
    };
    prop_oneof![
        4 => (bound(), bound()).prop_map(|(start, end)| Keys::Between(start, end)),
        1 => (0..KEYS.len()).prop_map(Keys::WithPrefix),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let operation = || (0..KEYS.len(), prop::option::weighted(0.7, 0..90usize));
    let ends = || prop::collection::vec(any::<bool>(), 1..8);
    let batch = (prop::collection::vec(operation(), 0..7), any::<bool>());
    prop_oneof![
        30 => (operation(), any::<bool>()).prop_map(|(one, sync)| Step::Write(vec![one], sync)),
        4 => batch.prop_map(|(operations, sync)| Step::Write(operations, sync)),
        2 => Just(Step::Flush),
        2 => any_keys().prop_map(Step::Compact),
        3 => Just(Step::TakeSnapshot),
        2 => any::<usize>().prop_map(Step::DropSnapshot),
        6 => (any_keys(), ends()).prop_map(|(keys, ends)| Step::Read(keys, ends)),
        3 => (any::<usize>(), any_keys()).prop_map(|(from, keys)| Step::Hold(from, keys)),
        4 => (any::<usize>(), ends()).prop_map(|(which, ends)| Step::GoOn(which, ends)),
        1 => Just(Step::Wait),
        1 => (any::<bool>(), any_options())
            .prop_map(|(close, options)| Step::Reopen { close, options }),
    ]
}

/// What can be read: the store as it is, or as it was.
trait Reader {
    fn get(&self, key: &[u8]) -> seawall::Result<Option<seawall::Slice>>;
    fn read(&self, keys: &Keys) -> Range;
}

macro_rules! is_reader {
    ($type:ty) => {
        impl Reader for $type {
            fn get(&self, key: &[u8]) -> seawall::Result<Option<seawall::Slice>> {
                <$type>::get(self, key)
            }

            fn read(&self, keys: &Keys) -> Range {
                match keys {
                    Keys::Between(Bound::Unbounded, Bound::Unbounded) => self.iter(),
                    Keys::Between(start, end) => {
                        self.range::<&[u8]>((start.map(|at| KEYS[at]), end.map(|at| KEYS[at])))
                    }
                    Keys::WithPrefix(at) => self.prefix(KEYS[*at]),
                }
            }
        }
    };
}

is_reader!(Db);
is_reader!(Snapshot);

/// A read that was begun and what it has yet to return.
struct Held {
    range: Range,
    rest: VecDeque<(Vec<u8>, Vec<u8>)>,
}

impl Held {
    fn begin(reader: &dyn Reader, keys: &Keys, state: &State) -> Held {
        Held { range: reader.read(keys), rest: keys.of(state) }
    }

    /// Takes an entry from each of these ends.
    fn take(&mut self, ends: &[bool]) {
        for front in ends {
            let (got, wanted) = match front {
                true => (self.range.next(), self.rest.pop_front()),
                false => (self.range.next_back(), self.rest.pop_back()),
            };
            let got = got.map(|entry| entry.expect("readable"));
            assert_eq!(got.map(|(key, value)| (key.to_vec(), value.to_vec())), wanted);
        }
    }

    /// Takes what is left, from these ends in turn.
    fn take_all(mut self, ends: &[bool]) {
        while !self.rest.is_empty() {
            self.take(ends);
        }
        self.take(&[true, false, true]);
    }
}

/// A store, and what it must hold.
struct Run {
    vfs: Arc<dyn Vfs>,
    /// `None` while it is closed.
    db: Option<Db>,
    options: Options,
    state: State,
    snapshots: Vec<(Snapshot, State)>,
    held: Vec<Held>,
    /// Makes every value another one.
    writes: usize,
}

impl Run {
    fn new(options: Options) -> Run {
        let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
        let db = Some(open(&vfs, &options));
        let (snapshots, held) = (Vec::new(), Vec::new());
        Run { vfs, db, options, state: State::new(), snapshots, held, writes: 0 }
    }

    fn db(&self) -> &Db {
        self.db.as_ref().expect("it is open")
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write(operations, sync) => self.write(&operations, sync),
            Step::Flush => self.db().flush().expect("flushed"),
            Step::Compact(keys) => self.compact(&keys),
            Step::TakeSnapshot => self.snapshots.push((self.db().snapshot(), self.state.clone())),
            Step::DropSnapshot(which) => {
                if let Some(at) = which.checked_rem(self.snapshots.len()) {
                    self.snapshots.remove(at);
                }
            }
            Step::Read(keys, ends) => {
                for (reader, state) in self.readers() {
                    Held::begin(reader, &keys, state).take_all(&ends);
                    check_gets(reader, state);
                }
            }
            Step::Hold(from, keys) => {
                let readers = self.readers();
                let (reader, state) = readers[from % readers.len()];
                let held = Held::begin(reader, &keys, state);
                self.held.push(held);
            }
            Step::GoOn(which, ends) => {
                if let Some(at) = which.checked_rem(self.held.len()) {
                    self.held[at].take(&ends);
                }
            }
            Step::Wait => settle(),
            Step::Reopen { close, options } => self.reopen(close, options),
        }
    }

    fn readers(&self) -> Vec<(&dyn Reader, &State)> {
        let now: (&dyn Reader, &State) = (self.db(), &self.state);
        let then = self.snapshots.iter().map(|(snapshot, state)| (snapshot as &dyn Reader, state));
        std::iter::once(now).chain(then).collect()
    }

    fn write(&mut self, operations: &[(usize, Option<usize>)], sync: bool) {
        let mut batch = WriteBatch::new();
        for (at, len) in operations {
            self.writes += 1;
            let value = len.map(|len| value(self.writes, len));
            match value {
                Some(value) => {
                    batch.put(KEYS[*at], &value);
                    self.state.insert(KEYS[*at].to_vec(), value);
                }
                None => {
                    batch.delete(KEYS[*at]);
                    self.state.remove(KEYS[*at]);
                }
            }
        }
        let durability = if sync { Durability::Sync } else { Durability::Os };
        self.db().commit_with(batch, durability).expect("committed");
    }

    fn compact(&self, keys: &Keys) {
        match keys {
            Keys::Between(start, end) => {
                self.db().compact_range::<&[u8]>((start.map(|at| KEYS[at]), end.map(|at| KEYS[at])))
            }
            Keys::WithPrefix(at) => self.db().compact_range(KEYS[*at]..),
        }
        .expect("compacted");
    }

    /// Ends the store and opens it again; what was begun to be read before goes on.
    fn reopen(&mut self, close: bool, options: Options) {
        let db = self.db.take().expect("it is open");
        if close {
            db.close().expect("closed");
        } else {
            drop(db);
        }
        self.options = options;
        self.db = Some(open(&self.vfs, &self.options));
        for (snapshot, _) in self.snapshots.drain(..) {
            let error = snapshot.get(KEYS[0]).expect_err("its store is closed");
            assert_eq!(error.kind(), ErrorKind::Closed);
        }
    }

    /// Reads all that there is, and looks at the files.
    fn end(mut self) {
        let all = Keys::Between(Bound::Unbounded, Bound::Unbounded);
        for (reader, state) in self.readers() {
            Held::begin(reader, &all, state).take_all(&[true]);
            Held::begin(reader, &all, state).take_all(&[false]);
            check_gets(reader, state);
        }
        self.held.drain(..).for_each(|held| held.take_all(&[true, false]));
        self.db().verify().expect("sound");
        self.snapshots.clear();
        check_files(&*self.vfs, self.db());
        self.reopen(true, self.options.clone());
        check_files(&*self.vfs, self.db());
        Held::begin(self.db(), &all, &self.state).take_all(&[true, false]);
    }
}

fn open(vfs: &Arc<dyn Vfs>, options: &Options) -> Db {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options.clone()).open().expect("it opens")
}

/// A value that compresses badly, so that tables have about the sizes that are asked for.
fn value(write: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (write * 131 + at * at * 29 + at * 7) as u8).collect()
}

fn check_gets(reader: &dyn Reader, state: &State) {
    for key in KEYS.iter().copied().chain([&b"no such key"[..]]) {
        let got = reader.get(key).expect("readable").map(|value| value.to_vec());
        assert_eq!(got.as_ref(), state.get(key), "of {key:?}");
    }
}

/// Exactly the files that are named are there. Nobody reads.
fn check_files(vfs: &dyn Vfs, db: &Db) {
    settle();
    let report = db.verify().expect("sound");
    assert_eq!((&report.orphans, &report.set_aside), (&vec![], &vec![]), "{report:?}");
    let dump = inspect::manifest(vfs, Path::new(DIR)).expect("sound");
    let tables = dump.state.tables.iter().map(|table| format!("{:06}.sst", table.number));
    let named: BTreeSet<String> = tables.chain([dump.file.clone()]).collect();
    let names = vfs.list(Path::new(DIR)).expect("listed");
    let is_structure = |name: &String| name.ends_with(".sst") || name.starts_with("MANIFEST");
    let there: BTreeSet<String> = names.into_iter().filter(is_structure).collect();
    assert_eq!(there, named);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn the_store_reads_like_a_sorted_map(
        options in any_options(),
        steps in prop::collection::vec(any_step(), 1..150),
    ) {
        live(empty_disk(), move |_| {
            let mut run = Run::new(options);
            steps.into_iter().for_each(|step| run.step(step));
            run.end();
        });
    }
}
