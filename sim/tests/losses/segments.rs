//! RocksDB, issue 10573: a new log whose name was never synced.
//!
//! The log is a row of files. Each open begins a new one, and so does every third append; a new one
//! carries over what there was, so the newest that is whole counts. An append is written and synced,
//! and acknowledged; but the file that holds it has a name that nobody synced. A power loss takes the
//! name, and with it a file full of synced, acknowledged records.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::Vfs;
use seawall_sim::simple::AppendLog;

use super::file::{Records, read};

const RECORDS_MAX: usize = 3;

/// The log; with `FIXED` the directory is synced before a new file is appended to.
pub(crate) struct Segments<const FIXED: bool> {
    vfs: Arc<dyn Vfs>,
    log: Records,
    number: u32,
    in_log: usize,
    records: Vec<Vec<u8>>,
    failed: bool,
}

impl<const FIXED: bool> AppendLog for Segments<FIXED> {
    fn open(vfs: Arc<dyn Vfs>) -> io::Result<Self> {
        let number_of = |name: &String| name.strip_suffix(".log")?.parse::<u32>().ok();
        let mut numbers: Vec<u32> =
            vfs.list(Path::new("/"))?.iter().filter_map(number_of).collect();
        numbers.sort_unstable();
        let mut records = Vec::new();
        for number in numbers.iter().rev() {
            let whole = |records| whole(*number, records);
            if let Some(carried) = read(&*vfs, &path(*number))?.and_then(whole) {
                records = carried;
                break;
            }
        }
        let number = numbers.last().map_or(1, |last| last + 1);
        let log = begin::<FIXED>(&*vfs, number, &records)?;
        Ok(Segments { vfs, log, number, in_log: 0, records, failed: false })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier append failed: open the log again"));
        }
        self.failed = true;
        if self.in_log == RECORDS_MAX {
            self.number += 1;
            self.in_log = 0;
            self.log = begin::<FIXED>(&*self.vfs, self.number, &self.records)?;
        }
        self.log.write(record)?;
        self.log.file.sync_data()?;
        self.in_log += 1;
        self.records.push(record.to_vec());
        self.failed = false;
        Ok(())
    }

    fn records(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.records.clone())
    }
}

fn begin<const FIXED: bool>(
    vfs: &dyn Vfs,
    number: u32,
    carried: &[Vec<u8>],
) -> io::Result<Records> {
    let mut log = Records::create(vfs, &path(number))?;
    log.write(&[number, carried.len() as u32].map(u32::to_le_bytes).concat())?;
    carried.iter().try_for_each(|record| log.write(record))?;
    log.file.sync_all()?;
    if FIXED {
        vfs.sync_dir(Path::new("/"))?;
    }
    Ok(log)
}

/// The records of a file that holds all it was to carry over; the first says how many, and whose they
/// are: a file whose sync failed may show what an earlier one held.
fn whole(number: u32, mut records: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    if records.is_empty() {
        return None;
    }
    let head = records.remove(0);
    let (own, count) = head.split_at_checked(4)?;
    let count = u32::from_le_bytes(count.try_into().ok()?);
    let is_own = own == number.to_le_bytes();
    (is_own && records.len() >= count as usize).then_some(records)
}

fn path(number: u32) -> String {
    format!("/{number:06}.log")
}
