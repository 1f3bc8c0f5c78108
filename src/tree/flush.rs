//! Writing a memtable as a table. Syncs belong to the caller.

use std::path::PathBuf;
use std::sync::Arc;

use seawall_os::vfs::File;

use crate::base::error::Result;
use crate::base::file_name::FileNumber;
use crate::base::table_meta::TableMeta;
use crate::iter::Cursor;
use crate::memtable::Memtable;
use crate::sstable::TableOptions;
use crate::tables::Tables;

/// A table written to its end.
#[derive(Debug)]
pub(crate) struct WrittenTable {
    pub(crate) path: PathBuf,
    /// The handle that its sync must go through.
    pub(crate) file: Arc<dyn File>,
    pub(crate) meta: TableMeta,
}

/// Writes all of `memtable`, which is not empty and no longer written to, as table `number`.
///
/// Nothing of it is durable when this returns.
pub(crate) fn write_table(
    tables: &Tables,
    number: FileNumber,
    memtable: &Arc<dyn Memtable>,
    options: TableOptions,
) -> Result<WrittenTable> {
    let mut new = tables.create(number, options)?;
    let mut cursor = Arc::clone(memtable).cursor();
    cursor.seek_first()?;
    while let Some(entry) = cursor.entry() {
        new.builder.add(entry)?;
        cursor.next()?;
    }
    Ok(WrittenTable { path: new.path, file: new.file, meta: new.builder.finish()? })
}
