//! What a reader at one seqno sees of a range: the newest version of each key, no tombstones.

use std::ops::Bound;

use super::Cursor;
use crate::base::error::Result;
use crate::base::key::{SEQNO_MAX, SeqNo, ValueKind};
use crate::base::range::KeyRange;
use crate::base::slice::Slice;

/// Makes cursors over all versions of the same, pinned entries. One is made for each end of a range
/// that is used.
pub(crate) trait Source {
    /// The cursors it makes.
    type Cursor: Cursor;

    /// A cursor that is nowhere yet.
    fn cursor(&self) -> Self::Cursor;
}

/// After so many steps over versions that do not count, a cursor seeks instead of stepping on.
const STEPS_MAX: usize = 8;

/// A double-ended iterator over the keys of a range and their values.
///
/// An error ends it: what follows, from either end, is `None`.
#[derive(Debug)]
pub(crate) struct Visible<S: Source> {
    source: S,
    visible: SeqNo,
    range: KeyRange,
    front: Option<Side<S::Cursor>>,
    back: Option<Side<S::Cursor>>,
    ended: bool,
}

/// One end of the iteration.
#[derive(Debug)]
struct Side<C> {
    cursor: C,
    /// The last key that this end has dealt with; nothing from the range's edge to it is left.
    passed: Option<Vec<u8>>,
}

impl<C: Cursor> Side<C> {
    fn has_passed(&self, key: &[u8]) -> bool {
        self.passed.as_deref() == Some(key)
    }

    /// Deals with the key at the cursor. The memory of the key before is used again.
    fn pass(&mut self) {
        if let Some(entry) = self.cursor.entry() {
            let passed = self.passed.get_or_insert_default();
            passed.clear();
            passed.extend_from_slice(entry.key);
        }
    }

    fn is_at_passed(&self) -> bool {
        self.cursor.entry().is_some_and(|entry| self.has_passed(entry.key))
    }
}

impl<S: Source> Visible<S> {
    /// What `visible` admits of the keys in `range`.
    pub(crate) fn new(source: S, visible: SeqNo, range: KeyRange) -> Visible<S> {
        Visible { source, visible, range, front: None, back: None, ended: false }
    }

    /// The seqno that it reads at.
    pub(crate) fn seqno(&self) -> SeqNo {
        self.visible
    }

    fn seek_front(&self) -> Result<Side<S::Cursor>> {
        let mut cursor = self.source.cursor();
        match &self.range.start {
            Bound::Unbounded => cursor.seek_first()?,
            Bound::Included(key) => cursor.seek(key, self.visible)?,
            // No entry has the seqno 0: this is behind all versions.
            Bound::Excluded(key) => cursor.seek(key, 0)?,
        }
        Ok(Side { cursor, passed: None })
    }

    fn seek_back(&self) -> Result<Side<S::Cursor>> {
        let mut cursor = self.source.cursor();
        match &self.range.end {
            Bound::Unbounded => cursor.seek_last()?,
            Bound::Included(key) => cursor.seek_back(key, 0)?,
            // Nor has one a seqno this large: this is before all versions.
            Bound::Excluded(key) => cursor.seek_back(key, SEQNO_MAX + 1)?,
        }
        Ok(Side { cursor, passed: None })
    }

    fn next_from_front(&mut self) -> Result<Option<(Slice, Slice)>> {
        let mut side = match self.front.take() {
            Some(side) => side,
            None => self.seek_front()?,
        };
        side.leave_passed_forward()?;
        let mut found = None;
        while let Some(entry) = side.cursor.entry() {
            let met = self.back.as_ref().and_then(|back| back.passed.as_deref());
            if self.range.ends_before(entry.key) || met.is_some_and(|met| entry.key >= met) {
                break;
            }
            if entry.seqno > self.visible {
                side.skip_invisible_forward(self.visible)?;
                continue;
            }
            found = (entry.kind == ValueKind::Put)
                .then(|| (Slice::from(entry.key), Slice::from(entry.value)));
            side.pass();
            if found.is_some() {
                break;
            }
            side.leave_passed_forward()?;
        }
        self.front = Some(side);
        Ok(found)
    }

    fn next_from_back(&mut self) -> Result<Option<(Slice, Slice)>> {
        let mut side = match self.back.take() {
            Some(side) => side,
            None => self.seek_back()?,
        };
        let mut found = None;
        while let Some(entry) = side.cursor.entry() {
            let met = self.front.as_ref().and_then(|front| front.passed.as_deref());
            if self.range.starts_after(entry.key) || met.is_some_and(|met| entry.key <= met) {
                break;
            }
            side.pass();
            let value = side.newest_visible_back(self.visible)?;
            if let (Some(value), Some(key)) = (value, side.passed.as_deref()) {
                found = Some((Slice::from(key), value));
                break;
            }
        }
        self.back = Some(side);
        Ok(found)
    }

    fn end_on_error<T>(&mut self, result: Result<Option<T>>) -> Option<Result<T>> {
        self.ended = !matches!(result, Ok(Some(_)));
        if self.ended {
            (self.front, self.back) = (None, None);
        }
        result.transpose()
    }
}

impl<C: Cursor> Side<C> {
    /// Moves on over what is left of the versions of the passed key.
    fn leave_passed_forward(&mut self) -> Result<()> {
        for _ in 0..STEPS_MAX {
            if !self.is_at_passed() {
                return Ok(());
            }
            self.cursor.next()?;
        }
        match &self.passed {
            Some(passed) => self.cursor.seek(passed, 0),
            None => Ok(()),
        }
    }

    /// Moves on to a version of this key that is visible, or to another key.
    fn skip_invisible_forward(&mut self, visible: SeqNo) -> Result<()> {
        for _ in 0..STEPS_MAX {
            match self.cursor.entry() {
                Some(entry) if entry.seqno > visible => self.cursor.next()?,
                _ => return Ok(()),
            }
        }
        let Some(key) = self.cursor.entry().map(|entry| entry.key.to_vec()) else {
            return Ok(());
        };
        self.cursor.seek(&key, visible)
    }

    /// From the oldest version of the passed key: the value of its newest visible version, unless
    /// that is a tombstone. Leaves the cursor at the key before.
    fn newest_visible_back(&mut self, visible: SeqNo) -> Result<Option<Slice>> {
        let mut value = None;
        for _ in 0..STEPS_MAX {
            match self.cursor.entry() {
                Some(entry) if self.has_passed(entry.key) => {
                    if entry.seqno <= visible {
                        value = put_value(entry.kind, entry.value);
                    }
                    self.cursor.prev()?;
                }
                _ => return Ok(value),
            }
        }
        let Some(passed) = &self.passed else { return Ok(value) };
        self.cursor.seek(passed, visible)?;
        value = match self.cursor.entry() {
            Some(entry) if entry.key == passed => put_value(entry.kind, entry.value),
            _ => None,
        };
        self.cursor.seek_back(passed, SEQNO_MAX + 1)?;
        Ok(value)
    }
}

fn put_value(kind: ValueKind, value: &[u8]) -> Option<Slice> {
    (kind == ValueKind::Put).then(|| Slice::from(value))
}

impl<S: Source> Iterator for Visible<S> {
    type Item = Result<(Slice, Slice)>;

    fn next(&mut self) -> Option<Result<(Slice, Slice)>> {
        if self.ended {
            return None;
        }
        let result = self.next_from_front();
        self.end_on_error(result)
    }
}

impl<S: Source> DoubleEndedIterator for Visible<S> {
    fn next_back(&mut self) -> Option<Result<(Slice, Slice)>> {
        if self.ended {
            return None;
        }
        let result = self.next_from_back();
        self.end_on_error(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iter::vec_cursor::{OwnedEntry, VecCursor, any_entries};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Source for VecCursor {
        type Cursor = VecCursor;

        fn cursor(&self) -> VecCursor {
            self.clone()
        }
    }

    /// The model: a map made of what is visible, in order of seqno.
    fn wanted(entries: &[OwnedEntry], visible: SeqNo, range: &KeyRange) -> Vec<(Slice, Slice)> {
        let mut entries = entries.to_vec();
        entries.sort_by_key(|entry| entry.seqno);
        let mut map = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.seqno <= visible) {
            match entry.kind {
                ValueKind::Put => map.insert(entry.key.clone(), entry.value.clone()),
                ValueKind::Delete => map.remove(&entry.key),
            };
        }
        let own = |(key, value): (Vec<u8>, Vec<u8>)| (Slice::from(key), Slice::from(value));
        map.into_iter().filter(|(key, _)| range.contains(key)).map(own).collect()
    }

    fn any_range() -> impl Strategy<Value = KeyRange> {
        let bound = || {
            let key = prop::collection::vec(b'a'..b'd', 0..4).prop_map(Slice::from);
            prop_oneof![
                Just(Bound::Unbounded),
                key.clone().prop_map(Bound::Included),
                key.prop_map(Bound::Excluded),
            ]
        };
        (bound(), bound()).prop_map(|(start, end)| KeyRange { start, end })
    }

    proptest! {
        #[test]
        fn both_ends_together_give_each_visible_key_once(
            entries in any_entries(),
            visible in 0u64..70,
            range in any_range(),
            ends in prop::collection::vec(any::<bool>(), 80),
        ) {
            let source = VecCursor::new(entries.clone());
            let mut iterator = Visible::new(source, visible, range.clone());
            let (mut front, mut back) = (Vec::new(), Vec::new());
            for from_back in ends {
                let next = if from_back { iterator.next_back() } else { iterator.next() };
                let Some(pair) = next else { break };
                if from_back { &mut back } else { &mut front }.push(pair.expect("memory"));
            }
            prop_assert!(iterator.next().is_none() && iterator.next_back().is_none());
            front.extend(back.into_iter().rev());
            prop_assert_eq!(front, wanted(&entries, visible, &range));
        }

        #[test]
        fn an_error_ends_it_after_a_correct_beginning(
            entries in any_entries(),
            broken_at in 0usize..60,
            from_back in any::<bool>(),
        ) {
            let mut source = VecCursor::new(entries.clone());
            source.broken_at = Some(broken_at);
            let reached = broken_at < entries.len();
            let mut iterator = Visible::new(source, SEQNO_MAX, KeyRange::all());
            let mut wanted = wanted(&entries, SEQNO_MAX, &KeyRange::all());
            if from_back {
                wanted.reverse();
            }
            let mut wanted = wanted.into_iter();
            let mut failed = false;
            while let Some(next) =
                if from_back { iterator.next_back() } else { iterator.next() }
            {
                prop_assert!(!failed, "something followed the error");
                match next {
                    Ok(pair) => prop_assert_eq!(Some(pair), wanted.next()),
                    Err(_) => failed = true,
                }
            }
            // A seek over many versions may go past the place that is broken.
            prop_assert!(failed || wanted.next().is_none());
            prop_assert!(reached || !failed);
        }
    }

    #[test]
    fn many_versions_of_a_key_are_passed_by_seeking() {
        let entry = |key: &str, seqno: u64| OwnedEntry {
            key: key.into(),
            seqno,
            kind: ValueKind::Put,
            value: format!("{key}{seqno}").into(),
        };
        let entries: Vec<_> = (1..100)
            .map(|seqno| entry("b", seqno))
            .chain([entry("a", 100), entry("c", 101)])
            .collect();
        for (visible, value) in [(200, "b99"), (50, "b50"), (1, "b1")] {
            let iterator =
                || Visible::new(VecCursor::new(entries.clone()), visible, KeyRange::of("b".."c"));
            let pair = |value: &str| (Slice::from(&b"b"[..]), Slice::from(value.as_bytes()));
            let forward: Vec<_> = iterator().map(|pair| pair.expect("memory")).collect();
            let back: Vec<_> = iterator().rev().map(|pair| pair.expect("memory")).collect();
            assert_eq!(forward, [pair(value)]);
            assert_eq!(back, [pair(value)]);
        }
    }
}
