//! LevelDB, issue 195: the old file goes before the name of the new one is certain.
//!
//! `CURRENT` names the file that counts. Each open writes a new one, renames a new `CURRENT` into
//! place, and removes the old file. A power loss may keep the removal and lose the rename: `CURRENT`
//! then names a file that is gone, and the store does not open.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::fs::{read_if_exists, remove_if_exists};
use seawall_os::vfs::{OpenMode, Vfs};
use seawall_sim::simple::AppendLog;

use super::file::{Records, read};

/// The log; with `FIXED` the directory is synced between the rename and the removal.
pub(crate) struct Manifest<const FIXED: bool> {
    log: Records,
    records: Vec<Vec<u8>>,
    failed: bool,
}

impl<const FIXED: bool> AppendLog for Manifest<FIXED> {
    fn open(vfs: Arc<dyn Vfs>) -> io::Result<Self> {
        let vfs = &*vfs;
        let current = read_if_exists(vfs, "/CURRENT")?.unwrap_or_else(|| b"0".to_vec());
        let current = String::from_utf8_lossy(&current).parse::<u32>();
        let number = current.map_err(|_| io::Error::other("CURRENT holds no number"))?;
        let (old, new) = (path(number), path(number + 1));
        let records = match read(vfs, &old)? {
            Some(records) => records,
            None if number == 0 => Vec::new(),
            None => return Err(io::Error::other(format!("CURRENT names {old}, which is gone"))),
        };
        remove_if_exists(vfs, &new)?;
        let mut log = Records::create(vfs, &new)?;
        records.iter().try_for_each(|record| log.write(record))?;
        log.file.sync_all()?;
        vfs.sync_dir(Path::new("/"))?;
        point_to(vfs, number + 1)?;
        if FIXED {
            vfs.sync_dir(Path::new("/"))?;
        }
        remove_if_exists(vfs, &old)?;
        vfs.sync_dir(Path::new("/"))?;
        Ok(Manifest { log, records, failed: false })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier append failed: open the log again"));
        }
        self.failed = true;
        self.log.write(record)?;
        self.log.file.sync_data()?;
        self.records.push(record.to_vec());
        self.failed = false;
        Ok(())
    }

    fn records(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.records.clone())
    }
}

fn path(number: u32) -> String {
    format!("/MANIFEST-{number:06}")
}

/// Makes `CURRENT` name a file; the rename is not durable yet.
fn point_to(vfs: &dyn Vfs, number: u32) -> io::Result<()> {
    remove_if_exists(vfs, "/CURRENT.tmp")?;
    let file = vfs.open(Path::new("/CURRENT.tmp"), OpenMode::CreateNew)?;
    file.write_at(number.to_string().as_bytes(), 0)?;
    file.sync_all()?;
    vfs.rename(Path::new("/CURRENT.tmp"), Path::new("/CURRENT"))
}
