//! A million entries: putting them in, and reading them.

use std::path::Path;
use std::time::{Duration, Instant};

use seawall::{Db, Durability};

use crate::workload::{KEY_BYTES, Random, VALUE_BYTES, key, value};
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
}

/// Loads new databases, one after the other.
pub(crate) fn puts(directory: &Path) -> Result<()> {
    let (mut times, mut cpu_times) = (Vec::new(), Vec::new());
    for nth in 0..LOADS {
        let path = directory.join(nth.to_string());
        let (db, took) = loaded(&path)?;
        db.close()?;
        std::fs::remove_dir_all(path)?;
        times.push(took.time);
        cpu_times.push(took.cpu);
    }
    println!(
        "{} random Os puts by the clock, {} by the CPU time of their one thread: keys of {KEY_BYTES} \
         bytes, values of {VALUE_BYTES}, medians of {LOADS} loads of {ENTRIES}",
        thousands(ENTRIES, median(&times)),
        thousands(ENTRIES, median(&cpu_times)),
    );
    Ok(())
}

/// A new database with all entries, and what the puts took.
fn loaded(path: &Path) -> Result<(Db, Took)> {
    let db = Db::open(path)?;
    let value = value::<VALUE_BYTES>();
    let (started, cpu) = (Instant::now(), cpu_time());
    for index in 0..ENTRIES {
        db.put_with(key(index), value, Durability::Os)?;
    }
    Ok((db, Took { time: started.elapsed(), cpu: cpu_time() - cpu }))
}

/// How many keys are read one by one.
const GETS: u64 = 200_000;

/// Reads what was loaded, from tables in the page cache.
pub(crate) fn gets(directory: &Path) -> Result<()> {
    let (db, _) = loaded(&directory.join("db"))?;
    db.flush()?;
    let mut random = Random(1);
    let mut present = 0;
    let gets = {
        let started = Instant::now();
        for _ in 0..GETS {
            present += u64::from(db.get(key(random.below(ENTRIES)))?.is_some());
        }
        started.elapsed()
    };
    assert_eq!(present, GETS, "what was put is there");
    let started = Instant::now();
    let entries = db.iter().try_fold(0, |entries, entry| entry.map(|_| entries + 1))?;
    let scan = started.elapsed();
    assert_eq!(entries, ENTRIES, "what was put is there");
    println!(
        "{} random gets, {} entries scanned in order, one thread: {ENTRIES} entries in {} tables in the \
         page cache",
        thousands(GETS, gets),
        thousands(entries, scan),
        db.stats().tables,
    );
    Ok(db.close()?)
}
