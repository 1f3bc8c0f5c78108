//! The tables of a database by number: where they are, and the handles by which they are kept open.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::vfs::{File, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::table_meta::TableMeta;
use crate::sstable::{Table, TableBuilder, TableOptions, Wholeness, looks_whole};

/// Makes and opens the tables in one directory.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    vfs: Arc<dyn Vfs>,
    directory: PathBuf,
    id: DatabaseId,
}

/// A table that is part of a version: what the manifest says of it, and the open file.
///
/// Versions hold it in an `Arc`; whoever drops the last one knows that nobody reads it any more.
#[derive(Debug)]
pub(crate) struct OpenTable {
    pub(crate) meta: TableMeta,
    pub(crate) table: Table,
}

/// A table that is being written, and the handle that its sync must go through.
#[derive(Debug)]
pub(crate) struct NewTable {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) builder: TableBuilder,
}

impl Tables {
    /// The tables of the database `id` in `directory`.
    pub(crate) fn new(vfs: Arc<dyn Vfs>, directory: &Path, id: DatabaseId) -> Tables {
        Tables { vfs, directory: directory.to_owned(), id }
    }

    /// Where the table `number` is.
    pub(crate) fn path(&self, number: FileNumber) -> PathBuf {
        self.directory.join(FileName::Table(number).to_string())
    }

    /// Opens the table that `meta` describes.
    ///
    /// # Errors
    /// Those of [`Table::open`].
    pub(crate) fn open(&self, meta: &TableMeta) -> Result<Arc<OpenTable>> {
        let table = Table::open(&*self.vfs, &self.path(meta.number), meta, self.id)?;
        Ok(Arc::new(OpenTable { meta: meta.clone(), table }))
    }

    /// Makes the file of the table `number` and begins to write it.
    ///
    /// Durability: syncing file and directory is left to the caller.
    ///
    /// # Errors
    /// Those of creating the file; a number is never used twice, so the name is free.
    pub(crate) fn create(&self, number: FileNumber, options: TableOptions) -> Result<NewTable> {
        let path = self.path(number);
        let file = self.vfs.open(&path, OpenMode::CreateNew).context("create", &path)?;
        let builder = TableBuilder::new(Arc::clone(&file), &path, number, self.id, options);
        Ok(NewTable { path, file, builder })
    }

    /// Whether the file of the table `number`, which nothing names, was written to its end.
    ///
    /// # Errors
    /// Those of [`looks_whole`].
    pub(crate) fn looks_whole(&self, number: FileNumber) -> Result<Wholeness> {
        looks_whole(&*self.vfs, &self.path(number), self.id, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::base::key::{Entry, SEQNO_MAX, ValueKind};
    use seawall_os::vfs::MemFs;

    fn tables() -> Tables {
        Tables::new(Arc::new(MemFs::new()), Path::new("/"), DatabaseId([1; 16]))
    }

    #[test]
    fn a_table_is_made_and_opened_by_its_number() {
        let tables = tables();
        let mut new = tables.create(3, TableOptions::default()).expect("memory");
        let entry = Entry { key: b"key", seqno: 1, kind: ValueKind::Put, value: b"value" };
        new.builder.add(entry).expect("memory");
        assert_eq!(tables.looks_whole(3).expect("readable"), Wholeness::NotWhole);
        let meta = new.builder.finish().expect("memory");
        new.file.sync_data().expect("memory");
        assert_eq!(tables.looks_whole(3).expect("readable"), Wholeness::Whole);
        let open = tables.open(&meta).expect("whole");
        assert_eq!(open.meta, meta);
        let found = open.table.get(b"key", SEQNO_MAX).expect("whole").expect("it is there");
        assert_eq!(found.2, b"value");
    }

    #[test]
    fn a_number_makes_one_table() {
        let tables = tables();
        tables.create(3, TableOptions::default()).expect("memory");
        let error = tables.create(3, TableOptions::default()).expect_err("the name is taken");
        assert_eq!(error.file(), Some(Path::new("/000003.sst")));
    }

    #[test]
    fn a_missing_table_is_an_error_that_names_it() {
        let error = tables().looks_whole(7).expect_err("it was never made");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.file(), Some(Path::new("/000007.sst")));
    }
}
