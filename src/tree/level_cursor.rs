//! One level below the first as one cursor: its tables one after the other.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::key::{Entry, SeqNo};
use crate::base::levels::{AsMeta, Levels};
use crate::iter::Cursor;
use crate::sstable::{Caching, TableCursor};
use crate::tables::OpenTable;

/// A place in a level whose tables do not overlap. A table is looked into only when the cursor comes
/// to it.
#[derive(Debug)]
pub(crate) struct LevelCursor {
    levels: Arc<Levels<Arc<OpenTable>>>,
    level: usize,
    caching: Caching,
    /// The table that `cursor` is in.
    at: usize,
    /// `None` when the cursor is nowhere.
    cursor: Option<TableCursor>,
}

impl LevelCursor {
    /// A cursor over level `level` of `levels`.
    ///
    /// REQUIRES: a level other than 0.
    pub(crate) fn new(
        levels: Arc<Levels<Arc<OpenTable>>>,
        level: usize,
        caching: Caching,
    ) -> LevelCursor {
        debug_assert!(level > 0, "tables of level 0 overlap");
        LevelCursor { levels, level, caching, at: 0, cursor: None }
    }

    fn tables(&self) -> &[Arc<OpenTable>] {
        self.levels.level(self.level)
    }

    /// Moves in the table `at`; nowhere when there is none.
    fn in_table(
        &mut self,
        at: Option<usize>,
        step: impl FnOnce(&mut TableCursor) -> Result<()>,
    ) -> Result<()> {
        // Taken, so that an error leaves the cursor nowhere.
        let kept = self.cursor.take();
        let Some(at) = at.filter(|at| *at < self.tables().len()) else { return Ok(()) };
        let mut cursor = match kept {
            Some(cursor) if self.at == at => cursor,
            _ => self.tables()[at].table.cursor(self.caching),
        };
        self.at = at;
        step(&mut cursor)?;
        self.cursor = Some(cursor);
        Ok(())
    }

    fn is_at_entry(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.entry().is_some())
    }

    /// When the table has no further entry, to the first one of the table after it.
    fn settle_forward(&mut self) -> Result<()> {
        if self.cursor.is_some() && !self.is_at_entry() {
            self.in_table(Some(self.at + 1), TableCursor::seek_first)?;
        }
        Ok(())
    }

    /// When the table has no entry before, to the last one of the table before it.
    fn settle_back(&mut self) -> Result<()> {
        if self.cursor.is_some() && !self.is_at_entry() {
            self.in_table(self.at.checked_sub(1), TableCursor::seek_last)?;
        }
        Ok(())
    }

    fn current(&mut self) -> &mut TableCursor {
        self.cursor.as_mut().expect("a step needs an entry to start from")
    }
}

impl Cursor for LevelCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.in_table(Some(0), TableCursor::seek_first)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.in_table(self.tables().len().checked_sub(1), TableCursor::seek_last)
    }

    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        let at = self.tables().partition_point(|table| *table.meta().largest < *key);
        self.in_table(Some(at), |cursor| cursor.seek(key, seqno))?;
        self.settle_forward()
    }

    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        let after = self.tables().partition_point(|table| *table.meta().smallest <= *key);
        self.in_table(after.checked_sub(1), |cursor| cursor.seek_back(key, seqno))?;
        self.settle_back()
    }

    fn next(&mut self) -> Result<()> {
        let moved = self.current().next();
        self.or_nowhere(moved)?;
        self.settle_forward()
    }

    fn prev(&mut self) -> Result<()> {
        let moved = self.current().prev();
        self.or_nowhere(moved)?;
        self.settle_back()
    }

    fn entry(&self) -> Option<Entry<'_>> {
        self.cursor.as_ref()?.entry()
    }
}

impl LevelCursor {
    fn or_nowhere(&mut self, moved: Result<()>) -> Result<()> {
        if moved.is_err() {
            self.cursor = None;
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::SEQNO_MAX;
    use crate::iter::vec_cursor::{OwnedEntry, any_entries, any_moves, check_moves, sorted};
    use crate::sstable::TableOptions;
    use crate::tables::tests::{open, tables};
    use proptest::prelude::*;

    /// The entries as tables of level 1, cut between keys where `cuts` says.
    fn level_of(entries: &[OwnedEntry], cuts: &[bool]) -> Levels<Arc<OpenTable>> {
        let tables = tables();
        let mut pieces: Vec<Vec<OwnedEntry>> = Vec::new();
        for (entry, cut) in entries.iter().zip(cuts.iter().cycle()) {
            match pieces.last_mut() {
                Some(piece) if !cut || piece.last().is_some_and(|last| last.key == entry.key) => {
                    piece.push(entry.clone());
                }
                _ => pieces.push(vec![entry.clone()]),
            }
        }
        let mut levels = Levels::default();
        for (number, piece) in (1..).zip(pieces) {
            let mut new = tables.create(number, TableOptions::default()).expect("memory");
            piece.iter().for_each(|entry| new.builder.add(entry.borrow()).expect("memory"));
            let meta = new.builder.finish().expect("memory");
            levels.insert(1, open(&tables, &meta));
        }
        levels
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_moves_as_over_one_sorted_list(
            entries in any_entries(),
            cuts in prop::collection::vec(any::<bool>(), 1..20),
            moves in any_moves(),
        ) {
            let entries: Vec<_> =
                sorted(entries).into_iter().filter(|entry| (1..=SEQNO_MAX).contains(&entry.seqno)).collect();
            let level = level_of(&entries, &cuts);
            prop_assert_eq!(level.check(), Ok(()));
            let mut cursor = LevelCursor::new(Arc::new(level), 1, Caching::Fill);
            check_moves(&mut cursor, entries, &moves);
        }
    }
}
