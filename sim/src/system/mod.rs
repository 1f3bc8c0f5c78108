//! What a store says of itself to be simulated: the whole of what an author of another store writes.
//!
//! A [`System`] is any storage code that runs on `seawall_os` and whose changes fall into one commit
//! order: a map, a queue, a log, a tree. The driver knows nothing else about it. It hands out
//! operations to several tasks at once, crashes the disk, opens what is left, and compares what reads
//! see with a *model*: a plain value to which the same operations are applied, one after another.
//!
//! **Positions.** Every change takes one or more consecutive positions of the commit order, from 1 on,
//! and the store tells the last of them when it acknowledges the change. Opening tells how far
//! recovery got. With positions the check is exact even when several tasks commit at once: recovered
//! state must equal the model after some prefix of that order.
//!
//! **Ids.** Every operation has an id that is unique among all that one disk ever sees. Whoever puts
//! it into the values it writes gets stale and misplaced values told apart.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

use seawall_os::vfs::Vfs;

use crate::config::{Config, Knob};

mod draw;
mod property;

pub use draw::Draw;
pub use property::Property;

/// A store that can be simulated.
pub trait System: Sized + 'static {
    /// Names the system on tapes: one word.
    const NAME: &'static str;

    /// Whether the store notices that bytes are not those it wrote. If so its images are also opened with
    /// damage, and each answer has to be right or an error that names a file that is damaged.
    const NOTICES_DAMAGE: bool = false;

    /// One operation, a change or a read. Its text form stands on tapes, one line each, and reads
    /// back to the same operation.
    type Op: Clone + Debug + Display + FromStr<Err: Display> + Send + Sync + 'static;

    /// The expected content: what the changes of a prefix of the commit order make of nothing.
    type Model: Clone + Debug + Send + Sync + 'static;

    /// A handle on an open store, used by several tasks at once. Dropping the last one must not be
    /// needed for durability.
    type Store: Clone + Send + Sync + 'static;

    /// What a read returned. Its hash enters the run's fingerprint.
    type Seen: Debug + Hash + Send + Sync + 'static;

    /// The system's own settings, drawn for each seed: limits of the store, shape of the workload.
    fn knobs() -> &'static [Knob] {
        &[]
    }

    /// Refuses settings with which there can be no store, as a fuzzer or a person may write them: such a
    /// tape is wrong, and the store is not.
    ///
    /// # Errors
    /// What is wrong with them.
    fn admits(config: &Config) -> Result<(), String> {
        let _ = config;
        Ok(())
    }

    /// What is worth counting, each a name and the site of a call that succeeds whenever it happens,
    /// such as (`flushes`, `flush/table/sync_data`).
    fn milestones() -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Directories that are there, durably, before the first open of a run in which the sync of a
    /// directory may fail. No store can make certain of a name after that: a later sync that succeeds
    /// does not cover it.
    fn directories() -> &'static [&'static str] {
        &[]
    }

    /// As [`System::directories`], empty files, such as one that is locked: where its name may go
    /// while it is held, two could hold it.
    fn files() -> &'static [&'static str] {
        &[]
    }

    /// Draws one operation of a workload. It knows no model: collisions come from a small space.
    fn generate(draw: &Draw<'_>) -> Self::Op;

    /// How many positions of the commit order the operation takes; 0 for a read.
    fn width(op: &Self::Op) -> u64;

    /// Whether the operation needs nothing but reads: it may fail only when a read does.
    fn only_reads(_op: &Self::Op) -> bool {
        false
    }

    /// Whether the store refuses changes because of an earlier failure. Only asked after an operation
    /// has failed. Default: it does, so that any fault of the past excuses any failure but a read's.
    fn has_stopped(_store: &Self::Store) -> bool {
        true
    }

    /// Opens the store, making it if there is none, and recovers what a crash left.
    ///
    /// # Errors
    /// Why it could not be opened. Legal only when a call failed by an injected fault.
    fn open(vfs: Arc<dyn Vfs>, config: &Arc<Config>) -> Result<Opened<Self::Store>, String>;

    /// Does one operation. Called from several tasks.
    fn apply(store: &Self::Store, id: u32, op: &Self::Op) -> Answer<Self::Seen>;

    /// Closes the store, after which everything acknowledged is durable. Default: drops it, which
    /// promises no more than the acknowledgements did.
    ///
    /// # Errors
    /// Why it could not be closed cleanly; the promises are then those of a drop.
    fn close(store: Self::Store) -> Result<Closed, String> {
        drop(store);
        Ok(Closed::Dropped)
    }

    /// Reads that together see everything the store holds, each way it can be read.
    fn probes(config: &Arc<Config>, probing: Probing) -> Vec<Self::Op>;

    /// A change that is durable once it is acknowledged, to try a store with that has seen calls fail: it
    /// has to work, or the store to refuse changes. Default: none, and that is not tried.
    fn durable_change(_draw: &Draw<'_>) -> Option<Self::Op> {
        None
    }

    /// Operations that make the store do what it would otherwise put off, such as a flush.
    fn upkeep() -> Vec<Self::Op> {
        Vec::new()
    }

    /// What may be missing without an error, where damage has made one disk of the other: what nothing
    /// that is left vouches for. Default: nothing may.
    fn undone(_before: &dyn Vfs, _after: &dyn Vfs) -> Option<Undone> {
        None
    }

    /// Looks at what no read shows: the store's own invariants, the files it left.
    ///
    /// # Errors
    /// What is wrong.
    fn audit(_store: &Self::Store, _vfs: &Arc<dyn Vfs>) -> Result<(), Complaint> {
        Ok(())
    }

    /// The model of a store just made.
    fn model(config: &Arc<Config>) -> Self::Model;

    /// Applies a change to the model. Must not be called for reads.
    fn commit(model: &mut Self::Model, id: u32, op: &Self::Op);

    /// Whether a read may have seen this in exactly the model's state.
    ///
    /// # Errors
    /// What is different, as `expected` against `got`.
    fn allows(model: &Self::Model, op: &Self::Op, seen: &Self::Seen) -> Result<(), Difference>;
}

/// A store just opened.
#[derive(Clone, Debug)]
pub struct Opened<Store> {
    /// The handle.
    pub store: Store,
    /// The last position of the commit order that was recovered; 0 in an empty store.
    pub position: u64,
    /// What recovery did, as text. It is part of the run's fingerprint.
    pub report: String,
}

/// What damage may have undone without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Everything up to this position is still there.
    pub position: u64,
    /// The file that the report of the open has to say was cut, if there is anything to see of it.
    pub told: Option<String>,
    /// Whether the decision of an open is undone with it, so that what that open had given up counts again,
    /// as before it.
    pub unlinked: bool,
}

/// How a store was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Everything acknowledged is durable.
    Cleanly,
    /// Promises are what they were.
    Dropped,
}

/// What an operation returned.
#[derive(Clone, Debug)]
pub enum Answer<Seen> {
    /// The change happened and takes the positions that end at `at`.
    Committed {
        /// The last position it takes.
        at: u64,
        /// Whether it, and everything before it in commit order, survives a power loss.
        durable: bool,
    },
    /// A read, at one point of the commit order.
    Saw {
        /// The last position it could see.
        at: u64,
        /// What was there.
        seen: Seen,
    },
    /// A read at a point that an earlier operation had fixed, such as that of a snapshot: newer changes
    /// must not show, however long ago it was.
    SawEarlier {
        /// The last position it could see.
        at: u64,
        /// What was there.
        seen: Seen,
    },
    /// Everything acknowledged before the operation was issued is durable now (a sync, a flush).
    Durable,
    /// It worked, and promises nothing.
    Done,
    /// It was refused for what it asks, such as a key that is too long: it never happens, whatever
    /// the disk does.
    Refused(String),
    /// It failed. If it was a change it may or may not have happened, and may turn up after the next
    /// open. Legal only after a call failed by an injected fault.
    Failed(String),
    /// It found what must never be, such as damage on a disk that is not damaged.
    Wrong(Complaint),
}

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probing {
    /// Everything, each way it can be read.
    All,
    /// That, and around it: neighbours of keys, ranges that begin and end between them.
    Around,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// A call failed, so nothing is known. Legal only after an injected fault.
    Failed(String),
    /// Something is wrong.
    Wrong(Property, String),
}

/// What a read should have seen, and what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, such as `user456`.
    pub what: String,
    /// What the model has there.
    pub expected: String,
    /// What was read.
    pub got: String,
}
