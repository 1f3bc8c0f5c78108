//! Walks an ordered memtable by chunks.

use std::sync::Arc;

use super::key::MemKey;
use super::ordered::{OrderedMemtable, Version};
use crate::base::error::Result;
use crate::base::key::{Entry, SeqNo};
use crate::iter::Cursor;

/// A key and a seqno; `None` for the end where a walk begins.
pub(super) type Position<'a> = Option<(&'a [u8], SeqNo)>;

/// One entry of a cursor's chunk.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) key: MemKey,
    pub(super) version: Version,
}

/// How many entries a cursor fetches at first after a seek, and at most as it goes on.
const CHUNK_ENTRIES_MIN: usize = 4;
const CHUNK_ENTRIES_MAX: usize = 256;

/// Walks an [`OrderedMemtable`] by chunks; the lock is never held between calls.
#[derive(Debug)]
pub(super) struct OrderedCursor {
    table: Arc<OrderedMemtable>,
    /// Entries without gaps, in the order of `direction`.
    chunk: Vec<Fetched>,
    /// Where in the chunk the cursor is; nowhere when at its end.
    at: usize,
    direction: Direction,
    /// How many entries the next fetch asks for.
    limit: usize,
}

/// Which way entries are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Back,
}

impl OrderedCursor {
    /// Starts nowhere.
    pub(super) fn new(table: Arc<OrderedMemtable>) -> OrderedCursor {
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
        self.table.fetch(&from, direction, self.limit, &mut self.chunk);
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
    use crate::base::key::{SEQNO_MAX, ValueKind};
    use crate::iter::vec_cursor::{any_entries, any_moves, check_moves};
    use crate::memtable::Memtable;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_moves_as_over_a_sorted_list(entries in any_entries(), moves in any_moves()) {
            let memtable = Arc::new(OrderedMemtable::default());
            for entry in &entries {
                memtable.insert(entry.seqno, entry.kind, &entry.key, &entry.value);
            }
            check_moves(&mut *memtable.cursor(), entries, &moves);
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
}
