//! A million entries: putting them in.

use std::path::Path;
use std::time::{Duration, Instant};

use seawall::{Db, Durability};

use crate::workload::{KEY_BYTES, Random, VALUE_BYTES, key};
use crate::{Result, cpu_time, median, thousands};

const ENTRIES: u64 = 1_000_000;
/// How often the million is put into a new database.
const LOADS: usize = 3;

/// What a load took.
#[derive(Clone, Copy)]
struct Took {
    time: Duration,
    /// Of the thread that puts. On a machine that others use too it says more.
    cpu: Duration,
    /// Until all of it was in tables.
    settled: Duration,
}

/// Loads new databases, one after the other.
pub(crate) fn puts(directory: &Path) -> Result<()> {
    let mut took = Vec::new();
    for nth in 0..LOADS {
        let path = directory.join(nth.to_string());
        took.push(load(&path)?);
        std::fs::remove_dir_all(path)?;
    }
    let rate = |part: fn(&Took) -> Duration| {
        let times: Vec<_> = took.iter().map(part).collect();
        thousands(ENTRIES, median(&times))
    };
    println!(
        "{} random Os puts by the clock, {} by the CPU time of their one thread, {} when the flush of the \
         last is waited for: keys of {KEY_BYTES} bytes, values of {VALUE_BYTES} that do not compress, \
         medians of {LOADS} loads of {ENTRIES}",
        rate(|took| took.time),
        rate(|took| took.cpu),
        rate(|took| took.settled),
    );
    Ok(())
}

/// Makes a database with all entries.
fn load(path: &Path) -> Result<Took> {
    let db = Db::open(path)?;
    let mut random = Random(7);
    let (started, cpu_before) = (Instant::now(), cpu_time());
    for index in 0..ENTRIES {
        db.put_with(key(index), random.value(), Durability::Os)?;
    }
    let (time, cpu) = (started.elapsed(), cpu_time() - cpu_before);
    db.flush()?;
    let settled = started.elapsed();
    db.close()?;
    Ok(Took { time, cpu, settled })
}
