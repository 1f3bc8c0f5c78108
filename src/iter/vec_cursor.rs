//! A cursor over a sorted list, the double that the others are tested against.

use std::path::Path;

use proptest::prelude::*;

use super::Cursor;
use crate::base::error::{Error, Result};
use crate::base::key::{Entry, SeqNo, ValueKind, compare};

/// One owned version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedEntry {
    pub(crate) key: Vec<u8>,
    pub(crate) seqno: SeqNo,
    pub(crate) kind: ValueKind,
    pub(crate) value: Vec<u8>,
}

impl OwnedEntry {
    pub(crate) fn of(entry: Entry<'_>) -> OwnedEntry {
        let Entry { key, seqno, kind, value } = entry;
        OwnedEntry { key: key.to_vec(), seqno, kind, value: value.to_vec() }
    }

    pub(crate) fn borrow(&self) -> Entry<'_> {
        let OwnedEntry { key, seqno, kind, value } = self;
        Entry { key, seqno: *seqno, kind: *kind, value }
    }
}

/// Puts entries into the order of cursors.
pub(crate) fn sorted(mut entries: Vec<OwnedEntry>) -> Vec<OwnedEntry> {
    entries.sort_by(|a, b| compare(&a.key, a.seqno, &b.key, b.seqno));
    entries
}

/// See the module. With `broken_at`, arriving at that entry fails.
#[derive(Clone, Debug)]
pub(crate) struct VecCursor {
    entries: Vec<OwnedEntry>,
    at: Option<usize>,
    pub(crate) broken_at: Option<usize>,
}

impl VecCursor {
    pub(crate) fn new(entries: Vec<OwnedEntry>) -> VecCursor {
        VecCursor { entries: sorted(entries), at: None, broken_at: None }
    }

    fn place(&mut self, at: Option<usize>) -> Result<()> {
        self.at = at.filter(|at| *at < self.entries.len());
        if self.at.is_some() && self.at == self.broken_at {
            self.at = None;
            return Err(Error::corruption(Path::new("000009.sst"), 0, "broken on purpose"));
        }
        Ok(())
    }

    /// How many entries stand before `(key, seqno)`, or at it too.
    fn count(&self, key: &[u8], seqno: SeqNo, inclusive: bool) -> usize {
        self.entries.partition_point(|entry| {
            let order = compare(&entry.key, entry.seqno, key, seqno);
            order.is_lt() || (inclusive && order.is_eq())
        })
    }
}

impl Cursor for VecCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.place(Some(0))
    }

    fn seek_last(&mut self) -> Result<()> {
        self.place(self.entries.len().checked_sub(1))
    }

    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.place(Some(self.count(key, seqno, false)))
    }

    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.place(self.count(key, seqno, true).checked_sub(1))
    }

    fn next(&mut self) -> Result<()> {
        let at = self.at.expect("next needs an entry");
        self.place(Some(at + 1))
    }

    fn prev(&mut self) -> Result<()> {
        let at = self.at.expect("prev needs an entry");
        self.place(at.checked_sub(1))
    }

    fn entry(&self) -> Option<Entry<'_>> {
        self.at.map(|at| self.entries[at].borrow())
    }
}

/// Entries with few keys and many versions of each; no two alike, in no order.
pub(crate) fn any_entries() -> impl Strategy<Value = Vec<OwnedEntry>> {
    let entry = (0usize..40, any::<Option<u8>>());
    let entries = prop::collection::vec(entry, 0..60).prop_map(|drawn| {
        let entries = drawn.into_iter().zip(1..).map(|((number, byte), seqno)| {
            // Some keys are prefixes of others, one is empty, and some are long.
            let key = b"abababbbaccacbacbbbaaaabcabcabcbabbbccca"[number / 4..number].to_vec();
            let kind = if byte.is_some() { ValueKind::Put } else { ValueKind::Delete };
            let value = byte.map_or(Vec::new(), |byte| vec![byte; usize::from(byte) % 50]);
            OwnedEntry { key, seqno, kind, value }
        });
        entries.collect::<Vec<_>>()
    });
    entries.prop_shuffle()
}

/// One move of a cursor.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    First,
    Last,
    Seek(Vec<u8>, SeqNo),
    SeekBack(Vec<u8>, SeqNo),
    Next,
    Prev,
}

/// Moves with many steps and changes of direction among them.
pub(crate) fn any_moves() -> impl Strategy<Value = Vec<Move>> {
    let target = || (prop::collection::vec(b'a'..b'd', 0..5), 0u64..70);
    let one = prop_oneof![
        1 => Just(vec![Move::First]),
        1 => Just(vec![Move::Last]),
        2 => target().prop_map(|(key, seqno)| vec![Move::Seek(key, seqno)]),
        2 => target().prop_map(|(key, seqno)| vec![Move::SeekBack(key, seqno)]),
        3 => (1usize..12).prop_map(|count| vec![Move::Next; count]),
        3 => (1usize..12).prop_map(|count| vec![Move::Prev; count]),
    ];
    prop::collection::vec(one, 1..30).prop_map(|moves| moves.concat())
}

/// Makes one move; steps are left out where there is nothing to step from.
pub(crate) fn apply(cursor: &mut dyn Cursor, step: &Move) -> Result<()> {
    match step {
        Move::First => cursor.seek_first(),
        Move::Last => cursor.seek_last(),
        Move::Seek(key, seqno) => cursor.seek(key, *seqno),
        Move::SeekBack(key, seqno) => cursor.seek_back(key, *seqno),
        Move::Next | Move::Prev if cursor.entry().is_none() => Ok(()),
        Move::Next => cursor.next(),
        Move::Prev => cursor.prev(),
    }
}

/// Asserts that `cursor` goes where a cursor over the sorted `entries` goes.
pub(crate) fn check_moves(cursor: &mut dyn Cursor, entries: Vec<OwnedEntry>, moves: &[Move]) {
    let mut model = VecCursor::new(entries);
    for (count, step) in moves.iter().enumerate() {
        apply(&mut model, step).expect("a whole list");
        apply(cursor, step).expect("a whole source");
        assert_eq!(cursor.entry(), model.entry(), "after {step:?}, move {count}");
    }
}
