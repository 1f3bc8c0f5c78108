//! One table's file, whosever it is.

use std::path::Path;

use seawall_os::vfs::Vfs;

use crate::base::error::{Error, ErrorKind, Result};
use crate::sstable::{BlockContents, Table, TableParts, block_contents, parts};

/// A table's file, open for looking into it.
#[derive(Debug)]
pub struct TableFile {
    table: Table,
}

impl TableFile {
    /// Opens the file `path` and reads all but its data blocks; its own end is believed.
    ///
    /// # Errors
    /// A corruption when filter, index, properties or footer are not those of a table;
    /// [`ErrorKind::FormatTooNew`]; errors of the file system.
    pub fn open(vfs: &dyn Vfs, path: &Path) -> Result<TableFile> {
        Ok(TableFile { table: Table::open_any(vfs, path)? })
    }

    /// What it consists of.
    pub fn parts(&self) -> TableParts {
        parts(&self.table)
    }

    /// Reads one of its data blocks, counted from 0.
    ///
    /// # Errors
    /// A corruption of that block; errors of the file system; [`ErrorKind::InvalidArgument`] when there
    /// are not so many.
    pub fn block(&self, at: usize) -> Result<BlockContents> {
        if at >= self.table.block_count() {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("there is no block {at}")));
        }
        block_contents(&self.table, at)
    }

    /// Reads all of it and checks every byte against its checksum, the entries against their order, and
    /// filter, index and properties against the entries.
    ///
    /// # Errors
    /// A corruption for the first thing that is wrong, with its offset; errors of the file system.
    pub fn check(&self) -> Result<()> {
        self.table.verify()
    }
}
