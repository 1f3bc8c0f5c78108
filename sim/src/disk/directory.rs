//! One directory: for every name the durable value, the values set since, and what programs see.
//!
//! A name's value is the node it leads to, or nothing. Each name is durable on its own: a power loss
//! may keep the removal of one name and lose the creation of another made before it. A rename sets
//! the target and clears the source, so the target shows the old or the new file, never neither.
//!
//! Invariant: a slot with no value anywhere is removed; slots are sorted by name.

use std::sync::Arc;

use super::file::{Cached, FailedFate};
use super::piece::Stamp;

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NodeId {
    File(u32),
    Directory(u32),
}

/// What a name says: a node, or that there is none.
pub(super) type Value = Option<NodeId>;

/// A value that a name was given since the last good sync of its directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameChange {
    /// Both halves of a rename bear the same stamp.
    pub(super) stamp: Stamp,
    pub(super) value: Value,
    /// Where this change survives, so do the bytes that the file held then.
    pub(super) flushes: bool,
}

impl NameChange {
    /// The file whose bytes survive with this change, and up to which change of them.
    pub(super) fn flushed(&self) -> Option<(u32, Stamp)> {
        match self.value {
            Some(NodeId::File(number)) if self.flushes => Some((number, self.stamp)),
            _ => None,
        }
    }
}

/// What follows when changes of names become durable.
#[derive(Default)]
pub(super) struct Settled {
    /// Nodes to which a value led that was given up: they may have become unreachable.
    pub(super) given_up: Vec<NodeId>,
    /// Files whose bytes become durable too, up to a stamp.
    pub(super) flushed: Vec<(u32, Stamp)>,
}

/// Values that a failed sync of the directory left undecided.
#[derive(Clone, Debug)]
pub(super) struct NameLimbo {
    pub(super) values: Vec<Value>,
    pub(super) cached: Cached,
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name: Arc<str>,
    pub(super) durable: Value,
    pub(super) live: Value,
    pub(super) pending: Vec<NameChange>,
    pub(super) limbo: Option<Box<NameLimbo>>,
}

impl Slot {
    pub(super) fn settled(name: Arc<str>, value: Value) -> Slot {
        Slot { name, durable: value, live: value, pending: Vec::new(), limbo: None }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.limbo.is_none()
    }

    /// Every value a power loss may leave.
    pub(super) fn values(&self) -> impl Iterator<Item = Value> {
        let limbo = self.limbo.iter().flat_map(|limbo| limbo.values.iter().copied());
        let pending = self.pending.iter().map(|change| change.value);
        std::iter::once(self.durable).chain(limbo).chain(pending)
    }

    /// The name as it was when its last sync failed.
    pub(super) fn without_pending(&self) -> Slot {
        let mut slot = Slot { pending: Vec::new(), ..self.clone() };
        slot.live = slot.shown();
        slot
    }

    /// What the cache shows: the newest value that has not been taken back.
    fn shown(&self) -> Value {
        let limbo = self.limbo.as_ref().filter(|limbo| limbo.cached != Cached::Old);
        let in_limbo = limbo.and_then(|limbo| limbo.values.last().copied());
        let pending = self.pending.last().map(|change| change.value);
        pending.or(in_limbo).unwrap_or(self.durable)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) name: Arc<str>,
    pub(super) parent: u32,
    pub(super) slots: Vec<Slot>,
}

impl Directory {
    pub(super) fn new(name: Arc<str>, parent: u32) -> Directory {
        Directory { name, parent, slots: Vec::new() }
    }

    pub(super) fn live(&self, name: &str) -> Value {
        self.find(name).ok().and_then(|at| self.slots[at].live)
    }

    pub(super) fn live_entries(&self) -> impl Iterator<Item = (&Arc<str>, NodeId)> {
        self.slots.iter().filter_map(|slot| slot.live.map(|node| (&slot.name, node)))
    }

    pub(super) fn is_settled(&self) -> bool {
        self.slots.iter().all(Slot::is_settled)
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.slots.binary_search_by(|slot| (*slot.name).cmp(name))
    }

    /// Gives a name a value; pending until the directory is synced. Returns the name as stored.
    pub(super) fn set(&mut self, stamp: Stamp, name: &str, value: Value) -> Arc<str> {
        let at = self.slot(name);
        let slot = &mut self.slots[at];
        slot.live = value;
        slot.pending.push(NameChange { stamp, value, flushes: false });
        Arc::clone(&slot.name)
    }

    /// As [`Directory::set`], and the bytes that the file holds now survive where the name does.
    pub(super) fn set_flushing(&mut self, stamp: Stamp, name: &str, value: Value) -> Arc<str> {
        let stored = self.set(stamp, name, value);
        let at = self.slot(name);
        if let Some(change) = self.slots[at].pending.last_mut() {
            change.flushes = true;
        }
        stored
    }

    /// Gives a name a value that is durable at once. For setting up a disk.
    pub(super) fn set_durable(&mut self, name: &str, value: Value) -> Arc<str> {
        let at = self.slot(name);
        let slot = &mut self.slots[at];
        *slot = Slot::settled(Arc::clone(&slot.name), value);
        Arc::clone(&slot.name)
    }

    fn slot(&mut self, name: &str) -> usize {
        self.find(name).unwrap_or_else(|at| {
            self.slots.insert(at, Slot::settled(Arc::from(name), None));
            at
        })
    }

    /// A sync succeeded that covers as many of a name's changes as `covered` says. Returns what is
    /// given up with that, and what is flushed.
    pub(super) fn complete_sync(&mut self, mut covered: impl FnMut(&Slot) -> usize) -> Settled {
        let mut settled = Settled::default();
        for slot in &mut self.slots {
            let covered = covered(slot);
            if covered == 0 {
                continue;
            }
            settled.given_up.extend(slot.values().flatten());
            slot.durable = slot.pending[covered - 1].value;
            let changes = slot.pending.drain(..covered);
            settled.flushed.extend(changes.filter_map(|change| change.flushed()));
            slot.limbo = None;
        }
        self.drop_empty();
        settled
    }

    /// A sync failed that was issued at `issued`. `decide` is asked for every name it was to cover.
    pub(super) fn fail_sync(&mut self, issued: Stamp, decide: &mut dyn FnMut(&str) -> FailedFate) {
        for slot in &mut self.slots {
            let covered = slot.pending.partition_point(|change| change.stamp < issued);
            if covered == 0 {
                continue;
            }
            let cached = match decide(&slot.name) {
                FailedFate::Dirty => continue,
                FailedFate::CleanNew => Cached::New,
                FailedFate::CleanOld => Cached::Old,
                FailedFate::OldLater => Cached::OldLater,
            };
            let old = slot.limbo.take().map(|limbo| limbo.values).unwrap_or_default();
            let failed = slot.pending.drain(..covered).map(|change| change.value);
            let values = old.into_iter().chain(failed).collect();
            slot.limbo = Some(Box::new(NameLimbo { values, cached }));
            slot.live = slot.shown();
        }
        self.drop_empty();
    }

    /// The cache lets go of the directory: names that failed to become durable may go back, each as
    /// `decide` says.
    pub(super) fn evict(&mut self, decide: &mut dyn FnMut(&str) -> bool) {
        for slot in &mut self.slots {
            let Some(limbo) = &mut slot.limbo else { continue };
            if limbo.cached == Cached::OldLater && decide(&slot.name) {
                limbo.cached = Cached::Old;
                slot.live = slot.shown();
            }
        }
    }

    pub(super) fn has_old_later(&self) -> bool {
        let mut limbo = self.slots.iter().filter_map(|slot| slot.limbo.as_ref());
        limbo.any(|limbo| limbo.cached == Cached::OldLater)
    }

    fn drop_empty(&mut self) {
        self.slots
            .retain(|slot| slot.live.is_some() || slot.durable.is_some() || !slot.is_settled());
    }
}
