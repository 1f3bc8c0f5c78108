//! One table's file, whosever it is.

use std::path::Path;

use seawall_os::vfs::Vfs;

use crate::base::checksum::DatabaseId;
use crate::base::damage::{Damage, name_of, without_place};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::manifest::read_current;
use crate::sstable::{BlockContents, Expected, Table, TableParts};
use crate::sstable::{block_contents, find_damage, parts, written_for};

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
}

/// Reads all of the table in the file `path` and checks every byte against its checksum, the entries
/// against their order, and filter, index and properties against the entries. Lists all that is wrong, by
/// offset.
///
/// Where the file does not even tell which table it is, its name and the `CURRENT` beside it do.
///
/// # Errors
/// [`ErrorKind::FormatTooNew`]; errors of the file system.
pub fn check_table(vfs: &dyn Vfs, path: &Path) -> Result<Vec<Damage>> {
    let (id, number) = match written_for(vfs, path) {
        Err(error) if error.kind() == ErrorKind::Corruption => match named(vfs, path) {
            None => {
                let what = without_place(&error);
                return Ok(vec![Damage::loss(&name_of(path), error.offset(), what)]);
            }
            Some(named) => named,
        },
        written => written?,
    };
    let refused = |error: &Error| error.kind() != ErrorKind::Corruption;
    find_damage(vfs, path, &Expected { id, number, meta: None }, refused)
}

/// The table that should be here, by the names of files.
fn named(vfs: &dyn Vfs, path: &Path) -> Option<(DatabaseId, FileNumber)> {
    let FileName::Table(number) = FileName::parse(path.file_name()?.to_str()?)? else {
        return None;
    };
    let current = path.parent()?.join(FileName::Current.to_string());
    Some((read_current(vfs, &current).ok()??.id, number))
}
