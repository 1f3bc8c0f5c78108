//! What clients hold on to between operations, from where any of them may go on with it.

use std::sync::Arc;

use seawall::{Error, Range, Slice, Snapshot};
use seawall_os::sync::Mutex;

use super::Store;
use super::model::Seen;
use super::op::Place;
use super::{failed, span};
use crate::system::Answer;

/// How many things of each kind are held at once.
pub(super) const SLOTS: u64 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Slots {
    snapshots: [Mutex<Option<Arc<Snapshot>>>; SLOTS as usize],
    iterators: [Mutex<Option<Held>>; SLOTS as usize],
}

impl Slots {
    /// Lets go of everything.
    pub(super) fn clear(&self) {
        self.snapshots.iter().for_each(|slot| drop(replace(slot, None)));
        self.iterators.iter().for_each(|slot| drop(replace(slot, None)));
    }
}

/// An iterator after its first entry.
#[derive(Debug)]
struct Held {
    from: Option<Place>,
    to: Option<Place>,
    first: Option<(Slice, Slice)>,
    rest: Range,
}

fn at<T>(slots: &[Mutex<Option<T>>], slot: u8) -> &Mutex<Option<T>> {
    &slots[usize::from(slot) % slots.len()]
}

/// Replaces what a slot holds. The former is dropped after the lock: that may take another one.
fn replace<T>(slot: &Mutex<Option<T>>, with: Option<T>) -> Option<T> {
    std::mem::replace(&mut *slot.lock(), with)
}

/// Takes a snapshot, reads all of it, and keeps it.
pub(super) fn take_snapshot(store: &Store, slot: u8) -> Answer<Seen> {
    let snapshot = Arc::new(store.db().snapshot());
    let entries: Result<Vec<_>, Error> = snapshot.iter().collect();
    let at_seqno = snapshot.seqno();
    drop(replace(at(&store.slots.snapshots, slot), Some(snapshot)));
    match entries {
        Ok(entries) => Answer::Saw { at: at_seqno, seen: Seen::Entries(entries) },
        Err(error) => failed(store, &error),
    }
}

/// Lets a snapshot go.
pub(super) fn drop_snapshot(store: &Store, slot: u8) -> Answer<Seen> {
    drop(replace(at(&store.slots.snapshots, slot), None));
    Answer::Done
}

fn snapshot_of(store: &Store, slot: u8) -> Option<Arc<Snapshot>> {
    at(&store.slots.snapshots, slot).lock().clone()
}

/// Reads a key through a snapshot.
pub(super) fn get(store: &Store, slot: u8, place: Place) -> Answer<Seen> {
    let Some(snapshot) = snapshot_of(store, slot) else { return Answer::Done };
    match snapshot.get(store.keys.bytes_of(place)) {
        Ok(value) => Answer::SawEarlier { at: snapshot.seqno(), seen: Seen::Value(value) },
        Err(error) => failed(store, &error),
    }
}

/// Reads a range through a snapshot, with a cursor.
pub(super) fn scan(
    store: &Store,
    slot: u8,
    from: Option<Place>,
    to: Option<Place>,
) -> Answer<Seen> {
    let Some(snapshot) = snapshot_of(store, slot) else { return Answer::Done };
    match walk(store, &snapshot, from, to) {
        Ok(entries) => Answer::SawEarlier { at: snapshot.seqno(), seen: Seen::Entries(entries) },
        Err(error) => failed(store, &error),
    }
}

/// A range from its end to its start when it has no start, else from its start to its end.
fn walk(
    store: &Store,
    snapshot: &Snapshot,
    from: Option<Place>,
    to: Option<Place>,
) -> Result<Vec<(Slice, Slice)>, Error> {
    let bytes = |place| store.keys.bytes_of(place);
    let (from, to) = (from.map(bytes), to.map(bytes));
    let mut cursor = snapshot.cursor()?;
    let mut entries = Vec::new();
    let own = |(key, value): (&[u8], &[u8])| (Slice::from(key), Slice::from(value));
    if let Some(from) = from {
        cursor.seek(from)?;
        while let Some(entry) = cursor.entry() {
            if to.as_deref().is_some_and(|to| entry.0 >= to) {
                break;
            }
            entries.push(own(entry));
            cursor.next()?;
        }
        return Ok(entries);
    }
    match &to {
        Some(to) => cursor.seek_back(to)?,
        None => cursor.seek_last()?,
    }
    if to.is_some() && cursor.key() == to.as_deref() {
        cursor.prev()?;
    }
    while let Some(entry) = cursor.entry() {
        entries.push(own(entry));
        cursor.prev()?;
    }
    entries.reverse();
    Ok(entries)
}

/// Begins to read a range.
pub(super) fn hold(
    store: &Store,
    slot: u8,
    from: Option<Place>,
    to: Option<Place>,
) -> Answer<Seen> {
    let mut rest = store.db().range(span(store, from, to));
    match rest.next().transpose() {
        Ok(first) => {
            let held = Held { from, to, first, rest };
            drop(replace(at(&store.slots.iterators, slot), Some(held)));
            Answer::Done
        }
        Err(error) => failed(store, &error),
    }
}

/// Reads to its end what was begun.
pub(super) fn drain(store: &Store, slot: u8) -> Answer<Seen> {
    let Some(held) = replace(at(&store.slots.iterators, slot), None) else {
        return Answer::Done;
    };
    let seqno = held.rest.seqno();
    let first = held.first.map(Ok);
    match first.into_iter().chain(held.rest).collect() {
        Ok(entries) => {
            Answer::SawEarlier { at: seqno, seen: Seen::Held(held.from, held.to, entries) }
        }
        Err(error) => failed(store, &error),
    }
}
