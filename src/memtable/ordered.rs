//! A memtable on an ordered map under a short lock.
//!
//! ```text
//! map: key -> newest version, older versions (oldest first)
//! ```
//!
//! Every call takes the lock once and holds it for one descent of the map. Cursors copy a chunk of
//! entries under the lock and hand them out without it; values are shared, not copied.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use seawall_os::sync::Mutex;

use super::Memtable;
use super::cursor::{Direction, Fetched, OrderedCursor, Position};
use super::key::MemKey;
use crate::base::key::{SEQNO_MAX, SeqNo, ValueKind};
use crate::base::slice::Slice;
use crate::iter::Cursor;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct OrderedMemtable {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    map: BTreeMap<MemKey, Versions>,
    entry_count: usize,
    bytes: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) seqno: SeqNo,
    /// `None` for a deletion.
    value: Option<Slice>,
}

/// The versions of one key.
#[derive(Debug)]
struct Versions {
    newest: Version,
    /// By ascending seqno, all below the newest: a key that is written again and again appends.
    older: Vec<Version>,
}

impl Version {
    pub(super) fn kind(&self) -> ValueKind {
        if self.value.is_some() { ValueKind::Put } else { ValueKind::Delete }
    }

    pub(super) fn value(&self) -> &[u8] {
        self.value.as_deref().unwrap_or_default()
    }
}

impl Versions {
    fn add(&mut self, version: Version) {
        if version.seqno > self.newest.seqno {
            let former = std::mem::replace(&mut self.newest, version);
            self.older.push(former);
            return;
        }
        // A commit that was stamped earlier applies its operations later.
        let at = self.older.partition_point(|older| older.seqno < version.seqno);
        let taken = self.older.get(at).unwrap_or(&self.newest).seqno;
        assert_ne!(taken, version.seqno, "a seqno belongs to one operation");
        self.older.insert(at, version);
    }

    fn visible(&self, visible: SeqNo) -> Option<&Version> {
        if self.newest.seqno <= visible {
            return Some(&self.newest);
        }
        let count = self.older.partition_point(|older| older.seqno <= visible);
        self.older[..count].last()
    }

    /// Newest first.
    fn iter(&self) -> impl DoubleEndedIterator<Item = &Version> {
        std::iter::once(&self.newest).chain(self.older.iter().rev())
    }
}

/// The two counts in front of a shared value.
const SHARED_OVERHEAD_BYTES: usize = 16;

/// About what a further version of a key takes beside its value, and what a key takes in the map
/// beside its bytes; lists and nodes have unused room.
const VERSION_OVERHEAD_BYTES: usize = size_of::<Version>() * 3 / 2;
const KEY_OVERHEAD_BYTES: usize = (size_of::<MemKey>() + size_of::<Versions>()) * 3 / 2;

impl Memtable for OrderedMemtable {
    fn insert(&self, seqno: SeqNo, kind: ValueKind, key: &[u8], value: &[u8]) {
        assert!((1..=SEQNO_MAX).contains(&seqno), "no operation has the seqno {seqno}");
        // What allocates is done before the lock is taken.
        let value = match kind {
            ValueKind::Put => Some(Slice::from(value)),
            ValueKind::Delete => None,
        };
        let bytes = value.as_ref().map_or(0, |value| value.len() + SHARED_OVERHEAD_BYTES);
        let version = Version { seqno, value };
        let key = MemKey::new(key);
        self.state.lock().insert(key, version, bytes);
    }

    fn get(&self, key: &[u8], visible: SeqNo) -> Option<(SeqNo, ValueKind, Slice)> {
        let found = self.state.lock().find(key)?.visible(visible)?.clone();
        let kind = found.kind();
        Some((found.seqno, kind, found.value.unwrap_or_default()))
    }

    fn approximate_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    fn entry_count(&self) -> usize {
        self.state.lock().entry_count
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(OrderedCursor::new(self))
    }
}

impl OrderedMemtable {
    /// Appends to `chunk` up to `limit` entries from `from` on in `direction`.
    pub(super) fn fetch(
        &self,
        from: &Position<'_>,
        direction: Direction,
        limit: usize,
        chunk: &mut Vec<Fetched>,
    ) {
        let state = self.state.lock();
        match direction {
            Direction::Forward => state.fetch(from, limit, chunk),
            Direction::Back => state.fetch_back(from, limit, chunk),
        }
    }
}

impl State {
    fn insert(&mut self, key: MemKey, version: Version, value_bytes: usize) {
        self.entry_count += 1;
        self.bytes += value_bytes;
        match self.map.entry(key) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                self.bytes += KEY_OVERHEAD_BYTES + vacant.key().heap_bytes();
                vacant.insert(Versions { newest: version, older: Vec::new() });
            }
            std::collections::btree_map::Entry::Occupied(occupied) => {
                self.bytes += VERSION_OVERHEAD_BYTES;
                occupied.into_mut().add(version);
            }
        }
    }

    /// The versions of `key`. Looking for one allocates nothing: only a short key is made a `MemKey`.
    fn find(&self, key: &[u8]) -> Option<&Versions> {
        match MemKey::inline(key) {
            Some(key) => self.map.get(&key),
            None => self.map.get(key),
        }
    }

    /// Appends to `chunk` up to `limit` entries at or after `from`, in order.
    fn fetch(&self, from: &Position<'_>, limit: usize, chunk: &mut Vec<Fetched>) {
        let start = from.map_or(Bound::Unbounded, |(key, _)| Bound::Included(key));
        for (key, versions) in self.map.range::<[u8], _>((start, Bound::Unbounded)) {
            let admitted = versions.iter().filter(|version| match from {
                Some((at, seqno)) => key.as_slice() != *at || version.seqno <= *seqno,
                None => true,
            });
            for version in admitted {
                if chunk.len() == limit {
                    return;
                }
                chunk.push(Fetched { key: key.clone(), version: version.clone() });
            }
        }
    }

    /// Appends to `chunk` up to `limit` entries at or before `from`, in reverse order.
    fn fetch_back(&self, from: &Position<'_>, limit: usize, chunk: &mut Vec<Fetched>) {
        let end = from.map_or(Bound::Unbounded, |(key, _)| Bound::Included(key));
        for (key, versions) in self.map.range::<[u8], _>((Bound::Unbounded, end)).rev() {
            let admitted = versions.iter().rev().filter(|version| match from {
                Some((at, seqno)) => key.as_slice() != *at || version.seqno >= *seqno,
                None => true,
            });
            for version in admitted {
                if chunk.len() == limit {
                    return;
                }
                chunk.push(Fetched { key: key.clone(), version: version.clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iter::vec_cursor::{OwnedEntry, any_entries};
    use proptest::prelude::*;

    fn filled(entries: &[OwnedEntry]) -> Arc<OrderedMemtable> {
        let memtable = Arc::new(OrderedMemtable::default());
        for entry in entries {
            memtable.insert(entry.seqno, entry.kind, &entry.key, &entry.value);
        }
        memtable
    }

    proptest! {
        #[test]
        fn get_finds_the_newest_visible_version(entries in any_entries(), visible in 0u64..70) {
            let memtable = filled(&entries);
            prop_assert_eq!(memtable.entry_count(), entries.len());
            for key in entries.iter().map(|entry| &entry.key) {
                let wanted = entries
                    .iter()
                    .filter(|entry| entry.key == *key && entry.seqno <= visible)
                    .max_by_key(|entry| entry.seqno)
                    .map(|entry| (entry.seqno, entry.kind, Slice::from(&entry.value[..])));
                prop_assert_eq!(memtable.get(key, visible), wanted);
            }
            prop_assert_eq!(memtable.get(b"no such key", visible), None);
        }
    }

    #[test]
    fn what_it_holds_is_counted() {
        let memtable = OrderedMemtable::default();
        assert_eq!(memtable.entry_count(), 0);
        memtable.insert(7, ValueKind::Put, b"key", &[0; 5000]);
        memtable.insert(5, ValueKind::Delete, b"key", b"");
        assert_eq!(memtable.entry_count(), 2);
        assert!((5000..6000).contains(&memtable.approximate_bytes()));
    }

    #[test]
    #[should_panic(expected = "a seqno belongs to one operation")]
    fn a_seqno_is_not_used_twice_on_a_key() {
        let memtable = OrderedMemtable::default();
        memtable.insert(1, ValueKind::Put, b"key", b"a");
        memtable.insert(1, ValueKind::Put, b"key", b"b");
    }
}
