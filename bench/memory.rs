//! How much memory a load takes at most.

use std::path::Path;
use std::process::Command;

use seawall::{Db, Durability, Options};

use crate::Result;
use crate::workload::{Random, key};

/// The argument that makes this program the one that loads: its peak is of nothing else.
pub(crate) const CHILD: &str = "--load-and-tell-the-peak";

const KEYS: u64 = 2_000_000;
const PUTS: u64 = 6_000_000;
const GETS: u64 = 500_000;

/// Has another process load a database.
pub(crate) fn of_a_load(directory: &Path) -> Result<()> {
    let status =
        Command::new(std::env::current_exe()?).arg(CHILD).arg(directory.join("db")).status()?;
    if status.success() { Ok(()) } else { Err(format!("the child ended with {status}").into()) }
}

/// The child: puts into the memtables, flushes, merges, and fills the cache.
pub(crate) fn load_and_tell(path: &Path) -> Result<()> {
    let db = Db::open(path)?;
    let mut random = Random(7);
    for _ in 0..PUTS {
        db.put_with(key(random.below(KEYS)), random.value(), Durability::Os)?;
    }
    let loaded = peak_bytes()?;
    for _ in 0..GETS {
        db.get(key(random.below(KEYS)))?;
    }
    let Options { memtable_bytes, frozen_memtables_max, block_cache_bytes, .. } =
        Options::default();
    let memtables = memtable_bytes as u64 * (1 + frozen_memtables_max as u64);
    let stats = db.stats();
    println!(
        "{} MiB of memory at the most, {} MiB of it before {GETS} gets: {PUTS} puts, {} MiB flushed and {} \
         MiB merged, default options: {} MiB of memtables and {} MiB of block cache",
        peak_bytes()? >> 20,
        loaded >> 20,
        stats.flushed_bytes >> 20,
        stats.compacted_bytes >> 20,
        memtables >> 20,
        block_cache_bytes >> 20,
    );
    Ok(db.close()?)
}

/// The most memory that the process has had at once.
fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib << 10)
}
