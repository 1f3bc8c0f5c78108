//! The fsync story of PostgreSQL, CockroachDB and others: a sync that failed is tried again, succeeds,
//! and is believed.
//!
//! When a sync fails, Linux marks the pages clean all the same. The second sync finds nothing to write
//! and succeeds; the bytes of the first are on no disk.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::fs::remove_if_exists;
use seawall_os::vfs::Vfs;
use seawall_sim::simple::AppendLog;

use super::file::{Records, read};

const PATH: &str = "/wal";
const FRESH_PATH: &str = "/wal.new";

/// The log; with `FIXED` it believes no sync after one that failed.
pub(crate) struct Retried<const FIXED: bool> {
    log: Records,
    records: Vec<Vec<u8>>,
    failed: bool,
}

impl<const FIXED: bool> AppendLog for Retried<FIXED> {
    fn open(vfs: Arc<dyn Vfs>) -> io::Result<Self> {
        let vfs = &*vfs;
        let records = read(vfs, PATH)?.unwrap_or_default();
        remove_if_exists(vfs, FRESH_PATH)?;
        let mut log = Records::create(vfs, FRESH_PATH)?;
        records.iter().try_for_each(|record| log.write(record))?;
        log.file.sync_all()?;
        vfs.rename(Path::new(FRESH_PATH), Path::new(PATH))?;
        vfs.sync_dir(Path::new("/"))?;
        Ok(Retried { log, records, failed: false })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier append failed: open the log again"));
        }
        self.failed = true;
        self.log.write(record)?;
        let synced = self.log.file.sync_data();
        if FIXED { synced } else { synced.or_else(|_| self.log.file.sync_data()) }?;
        self.records.push(record.to_vec());
        self.failed = false;
        Ok(())
    }

    fn records(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.records.clone())
    }
}
