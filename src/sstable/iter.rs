//! Walks the entries of a table, one data block at a time.

use super::block_cache::Caching;
use super::block_cursor::BlockCursor;
use super::filter::{Filter, KeyHash};
use super::properties::Properties;
use super::reader::Table;
use crate::base::error::Result;
use crate::base::key::{Entry, SeqNo, compare};
use crate::iter::Cursor;

/// A place in a table. It keeps the table open.
#[derive(Debug)]
pub(crate) struct TableCursor {
    table: Table,
    caching: Caching,
    /// Which data block `block` is.
    at: usize,
    /// `None` before the first seek and after an error.
    block: Option<BlockCursor>,
}

impl TableCursor {
    pub(super) fn new(table: Table, caching: Caching) -> TableCursor {
        TableCursor { table, caching, at: 0, block: None }
    }

    /// Reads the data block `at`, unless the cursor is in it already, and moves in it.
    fn in_block(
        &mut self,
        at: usize,
        step: impl FnOnce(&mut BlockCursor) -> Result<()>,
    ) -> Result<()> {
        // Taken out, so that an error leaves the cursor nowhere.
        let mut cursor = match self.block.take() {
            Some(cursor) if self.at == at => cursor,
            Some(mut cursor) => {
                cursor.reset(self.table.block(at, self.caching)?);
                cursor
            }
            None => BlockCursor::new(self.table.block(at, self.caching)?),
        };
        self.at = at;
        step(&mut cursor)?;
        self.block = Some(cursor);
        Ok(())
    }

    /// The block the cursor is in.
    fn current(&mut self) -> &mut BlockCursor {
        self.block.as_mut().expect("a step needs an entry to start from")
    }

    /// To the first entry of the data block `at`, which is read anew.
    pub(super) fn seek_block(&mut self, at: usize) -> Result<()> {
        self.block = None;
        self.in_block(at, BlockCursor::seek_first)
    }

    /// To the next entry of the block, or nowhere.
    pub(super) fn next_in_block(&mut self) -> Result<()> {
        let moved = self.current().next();
        if moved.is_err() {
            self.block = None;
        }
        moved
    }

    /// Whether the cursor is in the data block `at`.
    pub(super) fn is_in_block(&self, at: usize) -> bool {
        self.at == at
    }

    /// Counts the entries of the block from this one on and checks that they ascend, starting after
    /// `last` and that the filter knows them; returns the key and the seqno of the last one.
    pub(super) fn verify_block(
        &mut self,
        last: &(Vec<u8>, SeqNo),
        counted: &mut Properties,
        filter: Option<&Filter>,
    ) -> Result<(Vec<u8>, SeqNo)> {
        let mut last = last.clone();
        let cursor = self.current();
        while let Some(entry) = cursor.entry() {
            let ascends = compare(&last.0, last.1, entry.key, entry.seqno).is_lt();
            if counted.entry_count > 0 && !ascends {
                return Err(cursor.block().corrupt("the entries are not in order"));
            }
            if filter.is_some_and(|filter| !filter.may_hold(KeyHash::of(entry.key))) {
                return Err(cursor.block().corrupt("the filter denies a key that is there"));
            }
            counted.count(entry);
            last.0.clear();
            last.0.extend_from_slice(entry.key);
            last.1 = entry.seqno;
            cursor.next()?;
        }
        Ok(last)
    }
}

impl Cursor for TableCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.in_block(0, BlockCursor::seek_first)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.in_block(self.table.index().len() - 1, BlockCursor::seek_last)
    }

    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        let at = self.table.index().find(key, seqno);
        if at == self.table.index().len() {
            self.block = None;
            return Ok(());
        }
        self.in_block(at, |block| {
            block.seek(key, seqno)?;
            // The index says that the block's last entry is not before the place.
            if block.entry().is_some() { Ok(()) } else { Err(block.block().ends_early()) }
        })
    }

    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        let at = self.table.index().find(key, seqno);
        if at == self.table.index().len() {
            return self.seek_last();
        }
        self.in_block(at, |block| block.seek_back(key, seqno))?;
        if self.entry().is_none() && at > 0 {
            return self.in_block(at - 1, BlockCursor::seek_last);
        }
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        let moved = self.current().next();
        if moved.is_err() {
            self.block = None;
            return moved;
        }
        if self.entry().is_none() && self.at + 1 < self.table.index().len() {
            return self.in_block(self.at + 1, BlockCursor::seek_first);
        }
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        let moved = self.current().prev();
        if moved.is_err() {
            self.block = None;
            return moved;
        }
        if self.entry().is_none() && self.at > 0 {
            return self.in_block(self.at - 1, BlockCursor::seek_last);
        }
        Ok(())
    }

    #[inline]
    fn entry(&self) -> Option<Entry<'_>> {
        self.block.as_ref()?.entry()
    }
}
