//! Merging the tables of a plan into new ones. Numbers, syncs and edits belong to the caller.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::file_name::FileNumber;
use crate::base::levels::Levels;
use crate::iter::{Cursor, MergeCursor};
use crate::sstable::{Caching, TableOptions};
use crate::tables::{OpenTable, Tables};
use crate::tree::flush::WrittenTable;
use crate::tree::level_cursor::LevelCursor;

use super::picker::Plan;
use super::retain::Retainer;

/// How outputs are written.
#[derive(Clone, Debug)]
pub(crate) struct MergeOptions {
    pub(crate) table: TableOptions,
    /// An output is ended at so many bytes, but never inside one key's versions.
    pub(crate) table_bytes: u64,
}

/// After so many entries a merge asks whether it should stop.
const STOP_ENTRIES: u64 = 1_024;

/// A merge that stands before the next entry to keep, or at its end.
pub(crate) struct Merge {
    cursor: MergeCursor<Box<dyn Cursor>>,
    retainer: Retainer,
    levels: Arc<Levels<Arc<OpenTable>>>,
    /// The level that the outputs go to.
    output_level: usize,
    /// Whether an entry was not one to keep.
    left_out: bool,
}

impl Merge {
    /// Opens the tables of `plan`, which are in `levels`, and goes to the first entry to keep.
    ///
    /// # Errors
    /// A failed read or a damaged input.
    pub(crate) fn begin(
        levels: Arc<Levels<Arc<OpenTable>>>,
        plan: &Plan,
        retainer: Retainer,
    ) -> Result<Merge> {
        let table = |number: &FileNumber| {
            Arc::clone(levels.find(*number).expect("a plan is made of the levels' tables"))
        };
        let mut cursors: Vec<Box<dyn Cursor>> = Vec::new();
        for number in &plan.upper {
            cursors.push(Box::new(table(number).table.cursor(Caching::Look)));
        }
        let mut lower = Levels::default();
        plan.lower.iter().for_each(|number| lower.insert(1, table(number)));
        cursors.push(Box::new(LevelCursor::new(Arc::new(lower), 1, Caching::Look)));
        let mut merge = Merge {
            cursor: MergeCursor::new(cursors),
            retainer,
            levels,
            output_level: plan.level + 1,
            left_out: false,
        };
        merge.cursor.seek_first()?;
        merge.leave_dropped()?;
        Ok(merge)
    }

    /// Whether no entry is left.
    pub(crate) fn is_done(&self) -> bool {
        self.cursor.entry().is_none()
    }

    /// Whether not every entry is kept, as far as that is known when `stopped` says so. Nothing is
    /// written.
    pub(crate) fn leaves_out(mut self, stopped: &dyn Fn() -> bool) -> Result<bool> {
        while !self.left_out && !self.is_done() && !stopped() {
            self.cursor.next()?;
            self.leave_dropped()?;
        }
        Ok(self.left_out)
    }

    /// Writes the next output, as table `number`, to its end. `None` when `stopped` said so first:
    /// what was written is then of no use.
    ///
    /// Nothing of it is durable when this returns.
    ///
    /// REQUIRES: an entry is left.
    pub(crate) fn write_next(
        &mut self,
        tables: &Tables,
        number: FileNumber,
        options: &MergeOptions,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<WrittenTable>> {
        let mut new = tables.create(number, options.table.clone())?;
        if stopped() {
            return Ok(None);
        }
        while let Some(entry) = self.cursor.entry() {
            let full = new.builder.data_bytes() >= options.table_bytes;
            if full && new.builder.last_key() != entry.key {
                break;
            }
            if new.builder.entry_count() % STOP_ENTRIES == STOP_ENTRIES - 1 && stopped() {
                return Ok(None);
            }
            new.builder.add(entry)?;
            self.cursor.next()?;
            self.leave_dropped()?;
        }
        let meta = new.builder.finish()?;
        Ok(Some(WrittenTable { path: new.path, file: new.file, meta }))
    }

    /// Goes on to an entry to keep.
    fn leave_dropped(&mut self) -> Result<()> {
        while let Some(entry) = self.cursor.entry() {
            let (levels, below) = (&self.levels, self.output_level + 1);
            if self.retainer.keeps(entry, |key| lies_below(levels, below, key)) {
                return Ok(());
            }
            self.left_out = true;
            self.cursor.next()?;
        }
        Ok(())
    }
}

/// Whether a table of level `first` or one below may hold `key`.
///
/// Tables that come to these levels while the merge runs come from the levels above, and what is
/// above the outputs is newer: it needs no tombstone of theirs.
fn lies_below(levels: &Levels<Arc<OpenTable>>, first: usize, key: &[u8]) -> bool {
    levels.holding_from(first, key).next().is_some()
}
