//! The tables that a job writes: drawn, made durable, and removed again when it fails.

use std::sync::Arc;

use crate::base::error::{Error, IoContext, Result};
use crate::base::file_name::FileNumber;
use crate::sstable::TableOptions;
use crate::tables::{OpenTable, Slot};
use crate::tree::WrittenTable;

use super::core::Core;

/// Why a job did not get to its edit.
#[derive(Debug)]
pub(super) enum Failure {
    /// Its outputs were removed; it may begin anew under other numbers.
    Retry(Error),
    /// Writes have stopped; the outputs are left to the next open.
    Stopped,
}

/// What a job has written so far. No edit names any of it.
pub(super) struct Outputs<'a> {
    core: &'a Core,
    numbers: Vec<FileNumber>,
    /// Each with the slot that it is opened with.
    written: Vec<(WrittenTable, Arc<Slot>)>,
}

impl Core {
    pub(super) fn outputs(&self) -> Outputs<'_> {
        Outputs { core: self, numbers: Vec::new(), written: Vec::new() }
    }

    /// How tables are written.
    pub(super) fn table_options(&self) -> TableOptions {
        TableOptions { block_bytes: self.options.block_bytes, ..TableOptions::default() }
    }
}

impl Outputs<'_> {
    /// The number of the next output.
    pub(super) fn draw(&mut self) -> Result<FileNumber> {
        let number = self.core.draw_number()?;
        self.numbers.push(number);
        Ok(number)
    }

    /// Takes over an output that was written to its end, and the slot that it will be opened with.
    pub(super) fn push(&mut self, table: WrittenTable, slot: Arc<Slot>) {
        self.written.push((table, slot));
    }

    /// How many outputs there are.
    pub(super) fn count(&self) -> usize {
        self.written.len()
    }

    /// Syncs all outputs and their names, and opens them.
    pub(super) fn make_durable(&mut self) -> std::result::Result<Vec<Arc<OpenTable>>, Failure> {
        self.sync().map_err(|_| Failure::Stopped)?;
        // Opened before the edit, so that nothing can fail between the edit and the install.
        let written = std::mem::take(&mut self.written).into_iter();
        let open = |(table, slot): (WrittenTable, _)| self.core.tables.open(&table.meta, slot);
        let opened: Result<Vec<_>> = written.map(open).collect();
        opened.map_err(|error| self.abandon(error))
    }

    /// A failed sync leaves the disk unknown and stops writes.
    fn sync(&self) -> Result<()> {
        for (table, _) in &self.written {
            // Durability: the edit will name this table.
            let data = table.file.sync_all().context("sync", &table.path);
            data.inspect_err(|error| self.core.stop(error))?;
        }
        if self.written.is_empty() {
            return Ok(());
        }
        // Durability: a table without a name is no table.
        self.core.sync_dir()
    }

    /// Removes what was written.
    pub(super) fn abandon(&mut self, error: Error) -> Failure {
        self.remove();
        Failure::Retry(error)
    }

    /// Removes what was written: no edit was.
    pub(super) fn remove(&mut self) {
        for number in self.numbers.drain(..) {
            self.core.remove_unnamed_table(number);
        }
        self.written.clear();
    }
}
