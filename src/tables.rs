//! The tables of a database by number: where they are, and the handles by which they are kept open.

mod slots;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::sync::{AtomicBool, Ordering, panicking};
use seawall_os::vfs::{File, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::levels::AsMeta;
use crate::base::table_meta::TableMeta;
use crate::sstable::{
    BlockCache, CacheCounts, Table, TableBuilder, TableOptions, Wholeness, looks_whole,
};

pub(crate) use slots::{Slot, Slots};

/// Told when the last reader of a table that counts no more has let go of it: its file may go.
pub(crate) trait Released: std::fmt::Debug + Send + Sync {
    /// Only notes the number: called wherever the last reader happens to be.
    fn released(&self, number: FileNumber);

    /// One more table may be opened than a moment ago, when there were few or none left.
    fn slot_came_free(&self);
}

/// Makes and opens the tables in one directory.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    vfs: Arc<dyn Vfs>,
    directory: PathBuf,
    id: DatabaseId,
    cache: Arc<BlockCache>,
    pub(crate) slots: Arc<Slots>,
    released: Arc<dyn Released>,
}

/// A table that is or was part of a version: what the manifest says of it, and the open file.
///
/// Versions hold it in an `Arc`. Once it is obsolete, whoever drops the last one has it released.
#[derive(Debug)]
pub(crate) struct OpenTable {
    meta: TableMeta,
    pub(crate) table: Table,
    obsolete: AtomicBool,
    released: Arc<dyn Released>,
    /// Given back after the file is closed: fields are dropped in their order.
    _slot: Arc<Slot>,
}

impl AsMeta for Arc<OpenTable> {
    fn meta(&self) -> &TableMeta {
        &self.meta
    }
}

impl OpenTable {
    /// No version names the table any more, and the edit that says so is durable.
    pub(crate) fn make_obsolete(&self) {
        self.obsolete.store(true, Ordering::Release);
    }
}

impl Drop for OpenTable {
    /// Only notes that nobody reads the table any more; the file is removed by a background task.
    fn drop(&mut self) {
        if self.obsolete.load(Ordering::Acquire) && !panicking() {
            self.released.released(self.meta.number);
        }
    }
}

/// A table that is being written, and the handle that its sync must go through.
#[derive(Debug)]
pub(crate) struct NewTable {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) builder: TableBuilder,
}

impl Tables {
    /// The tables of the database `id` in `directory`. They share `cache` and `slots`.
    pub(crate) fn new(
        vfs: Arc<dyn Vfs>,
        directory: &Path,
        id: DatabaseId,
        cache: BlockCache,
        slots: Arc<Slots>,
        released: Arc<dyn Released>,
    ) -> Tables {
        let (directory, cache) = (directory.to_owned(), Arc::new(cache));
        Tables { vfs, directory, id, cache, slots, released }
    }

    /// What reads found in the block cache.
    pub(crate) fn cache_counts(&self) -> CacheCounts {
        self.cache.counts()
    }

    /// Where the table `number` is.
    pub(crate) fn path(&self, number: FileNumber) -> PathBuf {
        self.directory.join(FileName::Table(number).to_string())
    }

    /// Opens the table that `meta` describes, which takes `slot`.
    ///
    /// # Errors
    /// Those of [`Table::open`].
    pub(crate) fn open(&self, meta: &TableMeta, slot: Arc<Slot>) -> Result<Arc<OpenTable>> {
        let (path, cache) = (self.path(meta.number), Arc::clone(&self.cache));
        let table = Table::open(&*self.vfs, &path, meta, self.id, cache)?;
        Ok(Arc::new(OpenTable {
            meta: meta.clone(),
            table,
            obsolete: AtomicBool::new(false),
            released: Arc::clone(&self.released),
            _slot: slot,
        }))
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
pub(crate) mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use crate::base::key::{Entry, SEQNO_MAX, ValueKind};
    use crate::sstable::{KeyHash, ReadCounts};
    use seawall_os::sync::Mutex;
    use seawall_os::vfs::MemFs;

    /// Keeps what it was told.
    #[derive(Debug, Default)]
    pub(crate) struct Noted(Mutex<Vec<FileNumber>>);

    impl Released for Noted {
        fn released(&self, number: FileNumber) {
            self.0.lock().push(number);
        }

        fn slot_came_free(&self) {}
    }

    /// Tables in memory, with nobody to remove the obsolete.
    pub(crate) fn tables() -> Tables {
        tables_noting(Arc::new(Noted::default()))
    }

    /// Opens a table with a slot of its own.
    pub(crate) fn open(tables: &Tables, meta: &TableMeta) -> Arc<OpenTable> {
        tables.open(meta, tables.slots.take().expect("there are many")).expect("whole")
    }

    fn tables_noting(noted: Arc<Noted>) -> Tables {
        let cache = BlockCache::new(0, 4096);
        let slots = Slots::new(1_000, 1, Arc::clone(&noted) as Arc<dyn Released>);
        let (vfs, id) = (Arc::new(MemFs::new()), DatabaseId([1; 16]));
        Tables::new(vfs, Path::new("/"), id, cache, slots, noted)
    }

    #[test]
    fn an_obsolete_table_is_released_by_its_last_reader() {
        let noted = Arc::new(Noted::default());
        let tables = tables_noting(Arc::clone(&noted));
        for number in [3, 4] {
            let mut new = tables.create(number, TableOptions::default()).expect("memory");
            let entry = Entry { key: b"key", seqno: 1, kind: ValueKind::Put, value: b"value" };
            new.builder.add(entry).expect("memory");
            let table = open(&tables, &new.builder.finish().expect("memory"));
            let reader = Arc::clone(&table);
            if number == 4 {
                table.make_obsolete();
            }
            drop(table);
            assert!(noted.0.lock().is_empty());
            drop(reader);
        }
        assert_eq!(*noted.0.lock(), [4]);
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
        let open = open(&tables, &meta);
        assert_eq!(open.meta, meta);
        let (hash, mut counts) = (KeyHash::of(b"key"), ReadCounts::default());
        let found = open.table.get(b"key", hash, SEQNO_MAX, &mut counts).expect("whole");
        assert_eq!(found.expect("it is there").2, b"value");
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
