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
use super::key::MemKey;
use crate::base::error::Result;
use crate::base::key::{Entry, SEQNO_MAX, SeqNo, ValueKind};
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
    seqnos: Option<(SeqNo, SeqNo)>,
}

#[derive(Clone, Debug)]
struct Version {
    seqno: SeqNo,
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
    fn kind(&self) -> ValueKind {
        if self.value.is_some() { ValueKind::Put } else { ValueKind::Delete }
    }

    fn value(&self) -> &[u8] {
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

/// About what a version and a key take in the map beside their bytes, with its unused room and the
/// counts of a shared value.
const VERSION_OVERHEAD_BYTES: usize = size_of::<Version>() + 16;
const KEY_OVERHEAD_BYTES: usize = (size_of::<MemKey>() + size_of::<Versions>()) * 3 / 2;

impl Memtable for OrderedMemtable {
    fn insert(&self, seqno: SeqNo, kind: ValueKind, key: &[u8], value: &[u8]) {
        assert!((1..=SEQNO_MAX).contains(&seqno), "no operation has the seqno {seqno}");
        // What allocates is done before the lock is taken.
        let value = match kind {
            ValueKind::Put => Some(Slice::from(value)),
            ValueKind::Delete => None,
        };
        let bytes = value.as_ref().map_or(0, |value| value.len());
        let version = Version { seqno, value };
        let key = MemKey::new(key);
        self.state.lock().insert(key, version, bytes);
    }

    fn get(&self, key: &[u8], visible: SeqNo) -> Option<(SeqNo, ValueKind, Slice)> {
        let found = self.state.lock().map.get(key)?.visible(visible)?.clone();
        let kind = found.kind();
        Some((found.seqno, kind, found.value.unwrap_or_default()))
    }

    fn approximate_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    fn entry_count(&self) -> usize {
        self.state.lock().entry_count
    }

    fn seqnos(&self) -> Option<(SeqNo, SeqNo)> {
        self.state.lock().seqnos
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(OrderedCursor::new(self))
    }
}

impl State {
    fn insert(&mut self, key: MemKey, version: Version, value_bytes: usize) {
        let seqno = version.seqno;
        let (min, max) = self.seqnos.unwrap_or((seqno, seqno));
        self.seqnos = Some((min.min(seqno), max.max(seqno)));
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

/// A key and a seqno; `None` for the end where a walk begins.
type Position<'a> = Option<(&'a [u8], SeqNo)>;

/// One entry of a cursor's chunk.
#[derive(Debug)]
struct Fetched {
    key: MemKey,
    version: Version,
}

/// How many entries a cursor fetches at first after a seek, and at most as it goes on.
const CHUNK_ENTRIES_MIN: usize = 4;
const CHUNK_ENTRIES_MAX: usize = 256;

/// Walks an [`OrderedMemtable`] by chunks; the lock is never held between calls.
#[derive(Debug)]
struct OrderedCursor {
    table: Arc<OrderedMemtable>,
    /// Entries without gaps, in the order of `direction`.
    chunk: Vec<Fetched>,
    /// Where in the chunk the cursor is; nowhere when at its end.
    at: usize,
    direction: Direction,
    /// How many entries the next fetch asks for.
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

impl OrderedCursor {
    fn new(table: Arc<OrderedMemtable>) -> OrderedCursor {
        OrderedCursor {
            table,
            chunk: Vec::new(),
            at: 0,
            direction: Direction::Forward,
            limit: CHUNK_ENTRIES_MIN,
        }
    }

    fn start(&mut self, from: Position<'_>, direction: Direction) {
        self.limit = CHUNK_ENTRIES_MIN;
        self.fetch(from, direction);
    }

    /// Replaces the chunk by one that starts at `from`.
    fn fetch(&mut self, from: Position<'_>, direction: Direction) {
        self.chunk.clear();
        self.chunk.reserve(self.limit);
        self.at = 0;
        self.direction = direction;
        let state = self.table.state.lock();
        match direction {
            Direction::Forward => state.fetch(&from, self.limit, &mut self.chunk),
            Direction::Back => state.fetch_back(&from, self.limit, &mut self.chunk),
        }
    }

    /// Moves one entry in `direction`.
    fn step(&mut self, direction: Direction) {
        assert!(self.at < self.chunk.len(), "a step needs an entry to start from");
        if direction == self.direction {
            self.at += 1;
            if self.at < self.chunk.len() {
                return;
            }
        } else if self.at > 0 {
            self.at -= 1;
            return;
        }
        let here = if direction == self.direction { self.at - 1 } else { self.at };
        let Fetched { key, version } = self.chunk.swap_remove(here);
        let seqno = version.seqno;
        self.limit = (self.limit * 2).min(CHUNK_ENTRIES_MAX);
        match direction {
            // `insert` admits no seqno without neighbours.
            Direction::Forward => self.fetch(Some((key.as_slice(), seqno - 1)), direction),
            Direction::Back => self.fetch(Some((key.as_slice(), seqno + 1)), direction),
        }
    }
}

impl Cursor for OrderedCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.start(None, Direction::Forward);
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        self.start(None, Direction::Back);
        Ok(())
    }

    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.start(Some((key, seqno)), Direction::Forward);
        Ok(())
    }

    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.start(Some((key, seqno)), Direction::Back);
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.step(Direction::Forward);
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        self.step(Direction::Back);
        Ok(())
    }

    fn entry(&self) -> Option<Entry<'_>> {
        let Fetched { key, version } = self.chunk.get(self.at)?;
        Some(Entry {
            key: key.as_slice(),
            seqno: version.seqno,
            kind: version.kind(),
            value: version.value(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iter::vec_cursor::{OwnedEntry, any_entries, any_moves, check_moves};
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
        fn a_cursor_moves_as_over_a_sorted_list(entries in any_entries(), moves in any_moves()) {
            check_moves(&mut *filled(&entries).cursor(), entries, &moves);
        }

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
    fn a_cursor_crosses_its_chunks_both_ways() {
        let memtable = Arc::new(OrderedMemtable::default());
        for seqno in 1..=1000u64 {
            memtable.insert(seqno, ValueKind::Put, &(seqno / 3).to_be_bytes(), b"v");
        }
        let mut cursor = Arc::clone(&memtable).cursor();
        let mut forward = Vec::new();
        cursor.seek_first().expect("memory");
        while let Some(entry) = cursor.entry() {
            forward.push(entry.seqno);
            cursor.next().expect("memory");
        }
        let mut back = Vec::new();
        cursor.seek_last().expect("memory");
        while let Some(entry) = cursor.entry() {
            back.push(entry.seqno);
            cursor.prev().expect("memory");
        }
        back.reverse();
        assert_eq!(forward.len(), 1000);
        assert_eq!(forward, back);
    }

    #[test]
    fn a_cursor_goes_on_while_others_insert() {
        let memtable = Arc::new(OrderedMemtable::default());
        for seqno in (2..=200u64).step_by(2) {
            memtable.insert(seqno, ValueKind::Put, &seqno.to_be_bytes(), b"even");
        }
        let mut cursor = Arc::clone(&memtable).cursor();
        cursor.seek(&50u64.to_be_bytes(), SEQNO_MAX).expect("memory");
        let mut seen = Vec::new();
        while let Some(entry) = cursor.entry() {
            seen.push(entry.seqno);
            memtable.insert(entry.seqno + 1001, ValueKind::Put, &1u64.to_be_bytes(), b"before");
            cursor.next().expect("memory");
        }
        assert_eq!(seen, (50..=200).step_by(2).collect::<Vec<_>>());
    }

    #[test]
    fn what_it_holds_is_counted() {
        let memtable = OrderedMemtable::default();
        assert_eq!((memtable.entry_count(), memtable.seqnos()), (0, None));
        memtable.insert(7, ValueKind::Put, b"key", &[0; 5000]);
        memtable.insert(5, ValueKind::Delete, b"key", b"");
        assert_eq!((memtable.entry_count(), memtable.seqnos()), (2, Some((5, 7))));
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
