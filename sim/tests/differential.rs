//! The simulated file system and the machine's answer every sequence of calls alike: results, kinds
//! of error, and the system's codes.
//!
//! What is simulated is worth no more than its likeness to what it stands for. Each case makes the
//! same random calls on `SimFs` and, in a temporary directory, on `OsFs`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, RngSeed};
use seawall_os::vfs::{File, FileLock, LockMode, OpenMode, OsFs, Vfs};
use seawall_sim::disk::{Disk, SimFs};

/// How many files, and how many locks, a sequence holds open at a time.
const SLOTS: usize = 4;

/// A call. Names are below the test's directory; files and locks are named by their slot.
#[derive(Clone, Debug)]
enum Call {
    CreateDir(&'static str),
    Open(usize, &'static str, OpenMode),
    Close(usize),
    Rename(&'static str, &'static str),
    Remove(&'static str),
    List(&'static str),
    SyncDir(&'static str),
    Lock(usize, &'static str, LockMode),
    Unlock(usize),
    Size(&'static str),
    FreeSpace(&'static str),
    Read(usize, usize, u64),
    Write(usize, Vec<u8>, u64),
    SetLen(usize, u64),
    Allocate(usize, u64),
    Len(usize),
    SyncData(usize),
    SyncAll(usize),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Write(slot, bytes, at) => write!(f, "Write({slot}, {} bytes, {at})", bytes.len()),
            call => write!(f, "{call:?}"),
        }
    }
}

/// Few names, so that calls meet: files, directories, names in both, and spellings of them.
const NAMES: &[&str] = &[
    "a", "b", "c", "d", "e", "d/a", "d/b", "d/e", "d/e/a", "e/a", "a/x", "none/a", "d/", "a/",
    "d/.", ".", "./a", "d/../a", "d/e/../a", "d//a", "",
];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES)
}

fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..20_000u64,
        4 => prop::sample::select(&[0, 511, 512, 513, 4095, 4096, 4097, 8192][..]),
        1 => Just(1 << 20),
        1 => prop::sample::select(&[u64::MAX, i64::MAX as u64 + 1][..]),
    ]
}

fn mode() -> impl Strategy<Value = OpenMode> {
    prop::sample::select(&[OpenMode::CreateNew, OpenMode::ReadWrite, OpenMode::ReadOnly][..])
}

fn lock_mode() -> impl Strategy<Value = LockMode> {
    prop::sample::select(&[LockMode::Exclusive, LockMode::Shared][..])
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), prop_oneof![Just(0), 1..600usize, 4000..9000usize])
        .prop_map(|(byte, len)| vec![byte; len])
}

fn call() -> impl Strategy<Value = Call> {
    let slot = || 0..SLOTS;
    prop_oneof![
        4 => name().prop_map(Call::CreateDir),
        12 => (slot(), name(), mode()).prop_map(|(s, n, m)| Call::Open(s, n, m)),
        3 => slot().prop_map(Call::Close),
        6 => (name(), name()).prop_map(|(from, to)| Call::Rename(from, to)),
        4 => name().prop_map(Call::Remove),
        4 => name().prop_map(Call::List),
        1 => name().prop_map(Call::SyncDir),
        4 => (slot(), name(), lock_mode()).prop_map(|(s, n, m)| Call::Lock(s, n, m)),
        3 => slot().prop_map(Call::Unlock),
        4 => name().prop_map(Call::Size),
        1 => name().prop_map(Call::FreeSpace),
        8 => (slot(), 0..9000usize, offset()).prop_map(|(s, n, at)| Call::Read(s, n, at)),
        10 => (slot(), bytes(), offset()).prop_map(|(s, b, at)| Call::Write(s, b, at)),
        4 => (slot(), offset()).prop_map(|(s, len)| Call::SetLen(s, len)),
        4 => (slot(), offset()).prop_map(|(s, len)| Call::Allocate(s, len)),
        3 => slot().prop_map(Call::Len),
        1 => slot().prop_map(Call::SyncData),
        1 => slot().prop_map(Call::SyncAll),
    ]
}

/// A file system under test, with what is open on it.
struct Machine {
    fs: Arc<dyn Vfs>,
    root: PathBuf,
    files: [Option<Arc<dyn File>>; SLOTS],
    locks: [Option<Arc<dyn FileLock>>; SLOTS],
}

impl Machine {
    fn new(fs: Arc<dyn Vfs>, root: &Path) -> Machine {
        let (files, locks) = Default::default();
        Machine { fs, root: root.to_owned(), files, locks }
    }

    /// A path as the call spells it. It is not tidied up: how it is spelled is part of the test.
    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            return PathBuf::new();
        }
        PathBuf::from(format!("{}/{name}", self.root.display()))
    }

    fn answer(&mut self, call: &Call) -> String {
        match self.call(call) {
            Ok(answer) => answer,
            Err(error) => format!("{:?} {:?}", error.kind(), error.raw_os_error()),
        }
    }

    fn call(&mut self, call: &Call) -> io::Result<String> {
        match *call {
            Call::CreateDir(name) => done(self.fs.create_dir(&self.path(name))),
            Call::Open(slot, name, mode) => {
                self.files[slot] = Some(self.fs.open(&self.path(name), mode)?);
                done(Ok(()))
            }
            Call::Close(slot) => {
                self.files[slot] = None;
                done(Ok(()))
            }
            Call::Rename(from, to) => done(self.fs.rename(&self.path(from), &self.path(to))),
            Call::Remove(name) => done(self.fs.remove(&self.path(name))),
            Call::List(name) => Ok(self.fs.list(&self.path(name))?.join(" ")),
            Call::SyncDir(name) => done(self.fs.sync_dir(&self.path(name))),
            Call::Lock(slot, name, mode) => {
                self.locks[slot] = None;
                self.locks[slot] = Some(self.fs.lock(&self.path(name), mode)?);
                done(Ok(()))
            }
            Call::Unlock(slot) => {
                self.locks[slot] = None;
                done(Ok(()))
            }
            Call::Size(name) => Ok(self.fs.size(&self.path(name))?.to_string()),
            Call::FreeSpace(name) => Ok((self.fs.free_space(&self.path(name))? > 0).to_string()),
            Call::Read(slot, ..)
            | Call::Write(slot, ..)
            | Call::SetLen(slot, _)
            | Call::Allocate(slot, _)
            | Call::Len(slot)
            | Call::SyncData(slot)
            | Call::SyncAll(slot) => match &self.files[slot] {
                Some(file) => file_call(&**file, call),
                None => Ok("no file".to_owned()),
            },
        }
    }

    /// Everything below a directory: names, and the contents of files.
    fn tree(&self, directory: &str, tree: &mut Vec<String>) {
        let names = self.fs.list(&self.path(directory)).expect("a directory that is there");
        for name in names {
            let path = format!("{directory}/{name}");
            match self.fs.open(&self.path(&path), OpenMode::ReadOnly) {
                Ok(file) => tree.push(format!("{path} {:?}", content(&*file))),
                Err(_) => {
                    tree.push(format!("{path}/"));
                    self.tree(&path, tree);
                }
            }
        }
    }
}

fn done(answer: io::Result<()>) -> io::Result<String> {
    answer.map(|()| "ok".to_owned())
}

fn file_call(file: &dyn File, call: &Call) -> io::Result<String> {
    match *call {
        Call::Read(_, count, at) => {
            let mut buffer = vec![0; count];
            let count = file.read_at(&mut buffer, at)?;
            Ok(format!("{:?}", runs(&buffer[..count])))
        }
        Call::Write(_, ref bytes, at) => done(file.write_at(bytes, at)),
        Call::SetLen(_, len) => done(file.set_len(len)),
        Call::Allocate(_, len) => done(file.allocate(len)),
        Call::SyncData(_) => done(file.sync_data()),
        Call::SyncAll(_) => done(file.sync_all()),
        _ => Ok(file.len()?.to_string()),
    }
}

fn content(file: &dyn File) -> Vec<(u8, usize)> {
    let mut bytes = vec![0; file.len().expect("known") as usize];
    let count = file.read_at(&mut bytes, 0).expect("readable");
    runs(&bytes[..count])
}

/// Each byte and how often it repeats: contents that a person can read.
fn runs(bytes: &[u8]) -> Vec<(u8, usize)> {
    bytes.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
}

/// The same cases every time; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let rng_seed = match asked.rng_seed {
        RngSeed::Random => RngSeed::Fixed(7),
        fixed => fixed,
    };
    ProptestConfig {
        rng_seed,
        rng_algorithm: RngAlgorithm::ChaCha,
        failure_persistence: None,
        ..asked
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_simulated_and_the_real_file_system_answer_alike(
        calls in prop::collection::vec(call(), 1..80)
    ) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut disk = Disk::new(64 << 20);
        disk.make_durable_dir("/test").expect("made");
        let mut sim = Machine::new(SimFs::calm(disk), Path::new("/test"));
        let mut os = Machine::new(Arc::new(OsFs::new()), directory.path());
        for (index, call) in calls.iter().enumerate() {
            let (simulated, real) = (sim.answer(call), os.answer(call));
            prop_assert_eq!(
                simulated, real,
                "call {} of:\n{}", index,
                calls[..=index].iter().map(|call| format!("  {call}\n")).collect::<String>()
            );
        }
        let (mut simulated, mut real) = (Vec::new(), Vec::new());
        sim.tree(".", &mut simulated);
        os.tree(".", &mut real);
        prop_assert_eq!(simulated, real);
    }
}
