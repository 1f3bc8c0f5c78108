//! A cursor over what a reader at one seqno sees: one entry a key, no tombstones.

use super::Cursor;
use crate::base::error::Result;
use crate::base::key::{Entry, SEQNO_MAX, SeqNo, ValueKind};

/// Moves over the visible entries of `C` and lends them.
///
/// Invariant: it is at an entry exactly when `cursor` is, and that is the newest visible version of its
/// key, and no tombstone.
#[derive(Debug)]
pub(crate) struct VisibleCursor<C> {
    cursor: C,
    visible: SeqNo,
    /// A key to seek to, kept for its memory.
    key: Vec<u8>,
}

impl<C: Cursor> VisibleCursor<C> {
    /// What `visible` admits of the entries of `cursor`. It is nowhere yet.
    pub(crate) fn new(cursor: C, visible: SeqNo) -> VisibleCursor<C> {
        VisibleCursor { cursor, visible, key: Vec::new() }
    }

    /// The seqno that it reads at.
    pub(crate) fn seqno(&self) -> SeqNo {
        self.visible
    }

    /// The key and the value at this place, if it is one.
    pub(crate) fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.cursor.entry().map(|entry| (entry.key, entry.value))
    }

    /// To the first key.
    pub(crate) fn seek_first(&mut self) -> Result<()> {
        self.cursor.seek_first()?;
        self.settle_forward()
    }

    /// To the last key.
    pub(crate) fn seek_last(&mut self) -> Result<()> {
        self.cursor.seek_last()?;
        self.settle_back()
    }

    /// To the first key at or after `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.cursor.seek(key, self.visible)?;
        self.settle_forward()
    }

    /// To the last key at or before `key`.
    pub(crate) fn seek_back(&mut self, key: &[u8]) -> Result<()> {
        // Seqnos begin at 1: behind all versions of the key, and before all of the next.
        self.cursor.seek_back(key, 0)?;
        self.settle_back()
    }

    /// To the next key. Nowhere, it stays there.
    pub(crate) fn next(&mut self) -> Result<()> {
        if !self.remember() {
            return Ok(());
        }
        self.cursor.seek_behind(&self.key)?;
        self.settle_forward()
    }

    /// To the key before. Nowhere, it stays there.
    pub(crate) fn prev(&mut self) -> Result<()> {
        if !self.remember() {
            return Ok(());
        }
        self.cursor.seek_back(&self.key, SEQNO_MAX + 1)?;
        self.settle_back()
    }

    /// Copies the key that the cursor is at; `false` when it is nowhere.
    fn remember(&mut self) -> bool {
        let Some(Entry { key, .. }) = self.cursor.entry() else { return false };
        self.key.clear();
        self.key.extend_from_slice(key);
        true
    }

    /// From any version of a key to the first key from there on that is visible.
    fn settle_forward(&mut self) -> Result<()> {
        let mut steps = 0;
        while let Some(entry) = self.cursor.entry() {
            if entry.seqno > self.visible && steps < STEPS_MAX {
                steps += 1;
                self.cursor.next()?;
            } else if entry.seqno > self.visible {
                // Many versions too new: past all of this key's at once.
                steps = 0;
                self.remember();
                self.cursor.seek(&self.key, self.visible)?;
            } else if entry.kind == ValueKind::Put {
                return Ok(());
            } else {
                self.remember();
                self.cursor.seek_behind(&self.key)?;
            }
        }
        Ok(())
    }

    /// From any version of a key to the last key up to there that is visible.
    fn settle_back(&mut self) -> Result<()> {
        while self.remember() {
            self.cursor.seek(&self.key, self.visible)?;
            let at = self.cursor.entry();
            if at.is_some_and(|entry| entry.key == self.key && entry.kind == ValueKind::Put) {
                return Ok(());
            }
            self.cursor.seek_back(&self.key, SEQNO_MAX + 1)?;
        }
        Ok(())
    }
}

/// After so many versions of one key a cursor seeks instead of stepping on.
const STEPS_MAX: usize = 8;

/// Leaving a key forward.
trait SeekBehind {
    /// From a version of `key`: to the first entry behind all its versions.
    fn seek_behind(&mut self, key: &[u8]) -> Result<()>;
}

impl<C: Cursor> SeekBehind for C {
    fn seek_behind(&mut self, key: &[u8]) -> Result<()> {
        for _ in 0..STEPS_MAX {
            if self.entry().is_none_or(|entry| entry.key != key) {
                return Ok(());
            }
            self.next()?;
        }
        self.seek(key, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iter::vec_cursor::{OwnedEntry, VecCursor, any_entries};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        First,
        Last,
        Seek(Vec<u8>),
        SeekBack(Vec<u8>),
        Next,
        Prev,
    }

    fn any_steps() -> impl Strategy<Value = Vec<Step>> {
        let key = || prop::collection::vec(b'a'..b'd', 0..4);
        let step = prop_oneof![
            1 => Just(Step::First),
            1 => Just(Step::Last),
            2 => key().prop_map(Step::Seek),
            2 => key().prop_map(Step::SeekBack),
            4 => Just(Step::Next),
            4 => Just(Step::Prev),
        ];
        prop::collection::vec(step, 1..40)
    }

    fn model(entries: &[OwnedEntry], visible: SeqNo) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut entries = entries.to_vec();
        entries.sort_by_key(|entry| entry.seqno);
        let mut map = BTreeMap::new();
        for entry in entries.into_iter().filter(|entry| entry.seqno <= visible) {
            match entry.kind {
                ValueKind::Put => map.insert(entry.key, entry.value),
                ValueKind::Delete => map.remove(&entry.key),
            };
        }
        map
    }

    fn moved(map: &BTreeMap<Vec<u8>, Vec<u8>>, at: Option<&[u8]>, step: &Step) -> Option<Vec<u8>> {
        let mut keys = map.keys();
        let found = match (step, at) {
            (Step::First, _) => keys.next(),
            (Step::Last, _) => keys.next_back(),
            (Step::Seek(to), _) => keys.find(|key| *key >= to),
            (Step::SeekBack(to), _) => keys.rfind(|key| *key <= to),
            (Step::Next, Some(at)) => keys.find(|key| key.as_slice() > at),
            (Step::Prev, Some(at)) => keys.rfind(|key| key.as_slice() < at),
            (Step::Next | Step::Prev, None) => None,
        };
        found.cloned()
    }

    proptest! {
        #[test]
        fn it_moves_as_over_a_map(
            entries in any_entries(),
            visible in 0u64..70,
            steps in any_steps(),
        ) {
            let entries: Vec<_> = entries.into_iter().filter(|entry| entry.seqno > 0).collect();
            let map = model(&entries, visible);
            let mut cursor = VisibleCursor::new(VecCursor::new(entries), visible);
            let mut at: Option<Vec<u8>> = None;
            for step in &steps {
                match step {
                    Step::First => cursor.seek_first(),
                    Step::Last => cursor.seek_last(),
                    Step::Seek(key) => cursor.seek(key),
                    Step::SeekBack(key) => cursor.seek_back(key),
                    Step::Next => cursor.next(),
                    Step::Prev => cursor.prev(),
                }
                .expect("memory");
                at = moved(&map, at.as_deref(), step);
                let wanted = at.as_ref().map(|key| (&**key, &*map[key]));
                prop_assert_eq!(cursor.entry(), wanted, "after {:?}", step);
            }
        }
    }

    #[test]
    fn many_versions_that_are_too_new_are_passed_by_seeking() {
        let entry = |key: &str, seqno: u64| OwnedEntry {
            key: key.into(),
            seqno,
            kind: ValueKind::Put,
            value: format!("{key}{seqno}").into(),
        };
        let entries = (1..100).map(|seqno| entry("b", seqno)).chain([entry("c", 3)]).collect();
        let mut cursor = VisibleCursor::new(VecCursor::new(entries), 5);
        cursor.seek_first().expect("memory");
        assert_eq!(cursor.entry(), Some((&b"b"[..], &b"b5"[..])));
        cursor.next().expect("memory");
        assert_eq!(cursor.entry(), Some((&b"c"[..], &b"c3"[..])));
    }
}
