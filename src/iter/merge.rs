//! Several cursors as one.

use std::cmp::Ordering;

use super::Cursor;
use crate::base::error::Result;
use crate::base::key::{Entry, SeqNo, compare};

/// The entries of all children in one order. Equal entries, which no two sources should have, come
/// in the order of the children.
///
/// Invariant: while the cursor is at an entry of the child `current`, every other child is at its
/// first entry after that one in `direction`, or nowhere when it has none.
#[derive(Debug)]
pub(crate) struct MergeCursor<C> {
    children: Vec<C>,
    direction: Direction,
    /// The child that has the entry; `None` when the cursor is nowhere.
    current: Option<usize>,
    /// The child whose entry comes next among the others. As long as the current child stays before
    /// it, a step compares two keys however many children there are.
    runner_up: Option<usize>,
    /// The key at which the direction changed, kept for its memory.
    turned_at: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

impl<C: Cursor> MergeCursor<C> {
    /// Merges `children`, wherever they are now; the merged cursor starts nowhere.
    pub(crate) fn new(children: Vec<C>) -> MergeCursor<C> {
        MergeCursor {
            children,
            direction: Direction::Forward,
            current: None,
            runner_up: None,
            turned_at: Vec::new(),
        }
    }

    /// Moves every child by `seek` and takes the one that comes first in `direction`.
    fn seek_all(
        &mut self,
        direction: Direction,
        mut seek: impl FnMut(&mut C) -> Result<()>,
    ) -> Result<()> {
        self.current = None;
        self.children.iter_mut().try_for_each(&mut seek)?;
        self.direction = direction;
        self.pick();
        Ok(())
    }

    /// Moves one entry in `direction`.
    fn step(&mut self, direction: Direction) -> Result<()> {
        if direction != self.direction {
            self.turn(direction)?;
        }
        // Taken, so that an error leaves the cursor nowhere.
        let current = self.current.take().expect("a step needs an entry to start from");
        let child = &mut self.children[current];
        match direction {
            Direction::Forward => child.next()?,
            Direction::Back => child.prev()?,
        }
        let leads = child.entry().is_some()
            && self.runner_up.is_none_or(|runner_up| self.comes_before(current, runner_up));
        if leads {
            self.current = Some(current);
        } else {
            self.pick();
        }
        Ok(())
    }

    /// Moves all children but the current one to the other side of its entry.
    fn turn(&mut self, direction: Direction) -> Result<()> {
        let current = self.current.take().expect("a step needs an entry to start from");
        let mut key = std::mem::take(&mut self.turned_at);
        key.clear();
        let here = self.children[current].entry().expect("the current child is at an entry");
        key.extend_from_slice(here.key);
        let seqno = here.seqno;
        for (at, child) in self.children.iter_mut().enumerate().filter(|(at, _)| *at != current) {
            match direction {
                Direction::Forward => {
                    child.seek(&key, seqno)?;
                    if at < current && is_at(child, &key, seqno) {
                        child.next()?;
                    }
                }
                Direction::Back => {
                    child.seek_back(&key, seqno)?;
                    if at > current && is_at(child, &key, seqno) {
                        child.prev()?;
                    }
                }
            }
        }
        self.turned_at = key;
        self.direction = direction;
        self.current = Some(current);
        // Who comes second has changed; the step that follows compares with it.
        self.runner_up = (0..self.children.len())
            .filter(|at| *at != current && self.children[*at].entry().is_some())
            .reduce(|a, b| if self.comes_before(b, a) { b } else { a });
        Ok(())
    }

    /// Finds the child whose entry comes first, and the one that comes second.
    fn pick(&mut self) {
        (self.current, self.runner_up) = (None, None);
        for at in 0..self.children.len() {
            if self.children[at].entry().is_none() {
                continue;
            }
            if self.current.is_none_or(|current| self.comes_before(at, current)) {
                self.runner_up = self.current;
                self.current = Some(at);
            } else if self.runner_up.is_none_or(|runner_up| self.comes_before(at, runner_up)) {
                self.runner_up = Some(at);
            }
        }
    }

    /// Whether the entry of the child `a` comes before that of `b` in the present direction. Both
    /// are at one.
    #[inline]
    fn comes_before(&self, a: usize, b: usize) -> bool {
        let (Some(x), Some(y)) = (self.children[a].entry(), self.children[b].entry()) else {
            unreachable!("only children at an entry are compared");
        };
        let order = compare(x.key, x.seqno, y.key, y.seqno).then(a.cmp(&b));
        match self.direction {
            Direction::Forward => order == Ordering::Less,
            Direction::Back => order == Ordering::Greater,
        }
    }
}

fn is_at(cursor: &impl Cursor, key: &[u8], seqno: SeqNo) -> bool {
    cursor.entry().is_some_and(|entry| entry.key == key && entry.seqno == seqno)
}

impl<C: Cursor> Cursor for MergeCursor<C> {
    fn seek_first(&mut self) -> Result<()> {
        self.seek_all(Direction::Forward, C::seek_first)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.seek_all(Direction::Back, C::seek_last)
    }

    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.seek_all(Direction::Forward, |child| child.seek(key, seqno))
    }

    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.seek_all(Direction::Back, |child| child.seek_back(key, seqno))
    }

    fn next(&mut self) -> Result<()> {
        self.step(Direction::Forward)
    }

    fn prev(&mut self) -> Result<()> {
        self.step(Direction::Back)
    }

    fn entry(&self) -> Option<Entry<'_>> {
        self.children[self.current?].entry()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::base::key::ValueKind;
    use crate::iter::vec_cursor::{
        OwnedEntry, VecCursor, any_entries, any_moves, apply, check_moves,
    };
    use proptest::prelude::*;

    /// Deals `entries` out to children, by a number for each.
    fn dealt(entries: &[OwnedEntry], to: &[usize], children: usize) -> Vec<Vec<OwnedEntry>> {
        let mut dealt = vec![Vec::new(); children];
        for (entry, to) in entries.iter().zip(to) {
            dealt[to % children].push(entry.clone());
        }
        dealt
    }

    fn any_deal() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(0usize..60, 60)
    }

    proptest! {
        #[test]
        fn it_moves_as_over_one_sorted_list(
            entries in any_entries(),
            deal in any_deal(),
            children in 1usize..6,
            moves in any_moves(),
        ) {
            let children = dealt(&entries, &deal, children).into_iter().map(VecCursor::new);
            let mut merged = MergeCursor::new(children.collect());
            check_moves(&mut merged, entries, &moves);
        }

        #[test]
        fn equal_entries_come_in_the_order_of_their_children(
            entries in any_entries(),
            moves in any_moves(),
        ) {
            // The same entries in three children, told apart by their values.
            let marked = |mark: u8| {
                entries.iter().cloned().map(move |mut entry| {
                    entry.value = vec![mark];
                    entry
                })
            };
            let children = (0..3).map(|mark| VecCursor::new(marked(mark).collect()));
            let mut merged = MergeCursor::new(children.collect());
            // A seek to an entry finds the first of the equal ones, as in the list, forward and the
            // last of them backward.
            let all = entries.iter().flat_map(|entry| {
                (0..3).map(|mark| OwnedEntry { value: vec![mark], ..entry.clone() })
            });
            check_moves(&mut merged, all.collect(), &moves);
        }

        #[test]
        fn the_error_of_a_child_is_returned_never_skipped(
            entries in any_entries(),
            deal in any_deal(),
            broken in (0usize..3, 0usize..20),
            moves in any_moves(),
        ) {
            let mut children: Vec<_> =
                dealt(&entries, &deal, 3).into_iter().map(VecCursor::new).collect();
            children[broken.0].broken_at = Some(broken.1);
            let mut merged = MergeCursor::new(children);
            let mut model = VecCursor::new(entries.clone());
            for step in &moves {
                let _ = apply(&mut model, step);
                match apply(&mut merged, step) {
                    Ok(()) => prop_assert_eq!(merged.entry(), model.entry()),
                    Err(error) => {
                        prop_assert_eq!(error.kind(), ErrorKind::Corruption);
                        prop_assert!(merged.entry().is_none());
                        // Nowhere, as the merged cursor is: the next seek moves both.
                        model = VecCursor::new(entries.clone());
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_merged_is_nothing() {
        let mut merged = MergeCursor::<VecCursor>::new(Vec::new());
        merged.seek_first().expect("nothing to fail");
        assert!(merged.entry().is_none());
        merged.seek_back(b"a", 1).expect("nothing to fail");
        assert!(merged.entry().is_none());
    }

    #[test]
    fn a_kind_is_carried_through() {
        let entry = OwnedEntry { key: vec![1], seqno: 1, kind: ValueKind::Delete, value: vec![] };
        let mut merged = MergeCursor::new(vec![VecCursor::new(vec![entry.clone()])]);
        merged.seek_last().expect("memory");
        assert_eq!(merged.entry(), Some(entry.borrow()));
    }
}
