//! A log-structured toy, right and in several wrong ways: the driver's own test subject.
//!
//! One file, `/toy.log`: a header with a number that no other file has, then records. Opening reads
//! the records up to the first that is not whole, writes them to a new file, and renames that over
//! the old one; so nothing is ever appended behind a torn tail.
//!
//! ```text
//! header   nonce u64 | checksum u64
//! record   length u32 | sync u32 | first position u64 | operation u32 | checksum u64 | keys u8 ..
//! ```

mod log;
mod op;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::site::Scope;
use seawall_os::sync::{Mutex, Turn, enter_scope};
use seawall_os::vfs::Vfs;
use seawall_sim::config::{Config, Knob, knob};
use seawall_sim::system::{Answer, Difference, Draw, Opened, Probing, System};

pub(crate) use op::ToyOp;

use log::Log;

/// What is wrong with the toy.
pub(crate) mod bug {
    /// Nothing.
    pub(crate) const NONE: u8 = 0;
    /// A synced commit is acknowledged without a sync.
    pub(crate) const NO_SYNC: u8 = 1;
    /// The new log's name is never synced.
    pub(crate) const NO_DIR_SYNC: u8 = 2;
    /// The sync of a commit is done by the commit after it.
    pub(crate) const LATE_SYNC: u8 = 3;
    /// A batch is a record for each key.
    pub(crate) const SPLIT_BATCH: u8 = 4;
    /// A sync that fails is tried again and believed.
    pub(crate) const RETRIED_SYNC: u8 = 5;
    /// A commit is seen before it is durable.
    pub(crate) const SHOWN_EARLY: u8 = 6;
    /// A failed write is followed by others.
    pub(crate) const NO_POISON: u8 = 7;
    /// Opening goes on appending behind whatever the old file ends with.
    pub(crate) const APPEND_TO_TAIL: u8 = 8;
    /// The lock is given back between choosing a position and writing the record.
    pub(crate) const RACE: u8 = 9;
    /// A record's checksum is not looked at.
    pub(crate) const NO_CHECKSUM: u8 = 10;
    /// The new file is not synced before it replaces the old one.
    pub(crate) const NO_SYNC_BEFORE_RENAME: u8 = 11;
    /// After a failed write reads fail too.
    pub(crate) const GRUDGE: u8 = 12;
    /// The change after one that failed fails too, for nothing.
    pub(crate) const RELAPSE: u8 = 13;
    /// Operation 20 never returns, and calls nothing.
    pub(crate) const NEVER_RETURNS: u8 = 14;
    /// Operation 20 aborts the process.
    pub(crate) const ABORTS: u8 = 15;
    /// Operation 20 sleeps again and again.
    pub(crate) const SPINS: u8 = 17;
    /// A sync that fails is taken for one that worked.
    pub(crate) const IGNORED_SYNC: u8 = 18;
    /// Each sync is followed by another: slow, and no bug.
    pub(crate) const SYNCS_TWICE: u8 = 16;
}

/// The store. `BUG` is one of [`bug`].
pub(crate) struct Toy<const BUG: u8>;

/// An open toy.
pub(crate) struct Handle {
    bug: u8,
    log: Turn<Log>,
    shown: Mutex<Shown>,
}

/// What reads see.
struct Shown {
    entries: BTreeMap<u8, u32>,
    position: u64,
}

const COMMIT: Scope = Scope::new("commit");
const OPEN: Scope = Scope::new("open");

impl Handle {
    fn open(vfs: &dyn Vfs, bug: u8) -> io::Result<Handle> {
        let _scope = enter_scope(OPEN);
        let records = log::read(vfs, bug)?;
        let log = match log::tail_of_old(vfs, bug)? {
            Some(old) => old,
            None => Log::replace(vfs, &records, bug)?,
        };
        let mut shown = Shown { entries: BTreeMap::new(), position: 0 };
        for record in &records {
            shown.show(record.id, &record.keys);
        }
        Ok(Handle { bug, log: Turn::new(log), shown: Mutex::new(shown) })
    }

    fn set(&self, id: u32, keys: &[u8], sync: bool) -> io::Result<u64> {
        let _scope = enter_scope(COMMIT);
        let mut log = self.log.take();
        if self.bug == bug::RACE {
            let first = log.next_position();
            drop(log);
            seawall_os::sync::yield_point("race");
            log = self.log.take();
            log.rewind(first);
        }
        if self.bug == bug::SHOWN_EARLY {
            self.shown.lock().show(id, keys);
            log.append(id, keys, sync)?;
        } else {
            log.append(id, keys, sync)?;
            self.shown.lock().show(id, keys);
        }
        Ok(log.next_position() - 1)
    }
}

impl Shown {
    fn show(&mut self, id: u32, keys: &[u8]) {
        self.entries.extend(keys.iter().map(|key| (*key, id)));
        self.position += keys.len() as u64;
    }
}

impl<const BUG: u8> System for Toy<BUG> {
    const NAME: &'static str = "toy";
    type Op = ToyOp;
    type Model = BTreeMap<u8, u32>;
    type Store = Arc<Handle>;
    type Seen = BTreeMap<u8, u32>;

    fn knobs() -> &'static [Knob] {
        const KNOBS: [Knob; 2] =
            [knob("toy_keys", &[4, 1, 16]), knob("toy_syncs", &[50, 100, 20, 80])];
        &KNOBS
    }

    fn durable_change(draw: &Draw<'_>) -> Option<ToyOp> {
        Some(ToyOp::Set { keys: vec![draw.below("key", draw.knob("toy_keys")) as u8], sync: true })
    }

    fn generate(draw: &Draw<'_>) -> ToyOp {
        op::generate(draw)
    }

    fn width(op: &ToyOp) -> u64 {
        op.keys_set().len() as u64
    }

    fn has_stopped(store: &Arc<Handle>) -> bool {
        store.log.take().has_stopped()
    }

    fn only_reads(op: &ToyOp) -> bool {
        op.keys_set().is_empty()
    }

    fn open(vfs: Arc<dyn Vfs>, _: &Arc<Config>) -> Result<Opened<Arc<Handle>>, String> {
        let store = Handle::open(&*vfs, BUG).map_err(|error| error.to_string())?;
        let position = store.shown.lock().position;
        let report = format!("recovered up to {position}");
        Ok(Opened { store: Arc::new(store), position, report })
    }

    fn apply(store: &Arc<Handle>, id: u32, op: &ToyOp) -> Answer<Self::Seen> {
        match (store.bug, id) {
            (bug::NEVER_RETURNS, 20) => loop {
                std::hint::spin_loop();
            },
            (bug::ABORTS, 20) => std::process::abort(),
            (bug::SPINS, 20) => loop {
                seawall_os::sync::sleep(std::time::Duration::from_micros(1));
            },
            _ => {}
        }
        match op {
            ToyOp::Set { keys, sync } => match store.set(id, keys, *sync) {
                Ok(at) => Answer::Committed { at, durable: *sync },
                Err(error) => Answer::Failed(error.to_string()),
            },
            ToyOp::Get(_) if BUG == bug::GRUDGE && store.log.take().has_stopped() => {
                Answer::Failed("an earlier write failed".to_owned())
            }
            ToyOp::Get(key) => {
                let shown = store.shown.lock();
                let seen = shown.entries.get(key).map(|id| (*key, *id)).into_iter().collect();
                Answer::Saw { at: shown.position, seen }
            }
            ToyOp::All => {
                let shown = store.shown.lock();
                Answer::Saw { at: shown.position, seen: shown.entries.clone() }
            }
        }
    }

    fn probes(_: &Arc<Config>, _: Probing) -> Vec<ToyOp> {
        vec![ToyOp::All, ToyOp::Get(0)]
    }

    fn model(_: &Arc<Config>) -> Self::Model {
        BTreeMap::new()
    }

    fn commit(model: &mut Self::Model, id: u32, op: &ToyOp) {
        model.extend(op.keys_set().iter().map(|key| (*key, id)));
    }

    fn allows(model: &Self::Model, op: &ToyOp, seen: &Self::Seen) -> Result<(), Difference> {
        let expected = match op {
            ToyOp::Get(key) => model.get(key).map(|id| (*key, *id)).into_iter().collect(),
            _ => model.clone(),
        };
        if expected == *seen {
            return Ok(());
        }
        let (what, expected, got) = (op.to_string(), format!("{expected:?}"), format!("{seen:?}"));
        Err(Difference { what, expected, got })
    }
}

/// Where the log is, and its directory.
const LOG: &str = "/toy.log";
const FRESH: &str = "/toy.tmp";

fn log_path() -> &'static Path {
    Path::new(LOG)
}
