//! Reads of a million entries from tables in the page cache.

use std::path::Path;
use std::time::{Duration, Instant};

use seawall::{Db, Durability, Options};

use crate::workload::{Random, key};
use crate::{Result, median, thousands};

const ENTRIES: u64 = 1_000_000;
/// Room for all of it, in bytes.
const CACHE_OF_ALL: u64 = 256 << 20;
/// How many keys are read one by one, in each round.
const GETS: u64 = 500_000;
const SEEKS: u64 = 20_000;
/// How many entries are read after each seek.
const SCANNED: usize = 100;
/// One more is made, which warms up.
const ROUNDS: usize = 5;

/// Reads what was loaded, merged and opened again: with the cache of the default options, and with
/// one that holds everything.
pub(crate) fn of_a_million(directory: &Path) -> Result<()> {
    let path = directory.join("db");
    load(&path)?;
    let default = Options::default().block_cache_bytes;
    measure(&path, default, "the default")?;
    print!("{:<8} ", "");
    measure(&path, CACHE_OF_ALL, "room for all of it")
}

fn load(path: &Path) -> Result<()> {
    let db = Db::open(path)?;
    let mut random = Random(7);
    for index in 0..ENTRIES {
        db.put_with(key(index), random.value(), Durability::Os)?;
    }
    db.compact_range::<&[u8]>(..)?;
    Ok(db.close()?)
}

fn measure(path: &Path, cache_bytes: u64, said: &str) -> Result<()> {
    let db = Db::builder(path).block_cache_bytes(cache_bytes).open()?;
    let mut random = Random(1);
    let (mut hits, mut misses, mut scans) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let taken = [
            gets(&db, &mut random, 0, GETS)?,
            gets(&db, &mut random, ENTRIES, 0)?,
            seeks(&db, &mut random)?,
        ];
        if round > 0 {
            hits.push(taken[0]);
            misses.push(taken[1]);
            scans.push(taken[2]);
        }
    }
    let (entries, scan) = walk(&db)?;
    let stats = db.stats();
    println!(
        "{} random gets, {} of keys that are missing, {} seeks with {SCANNED} entries read, {} entries \
         walked in order: one thread, {ENTRIES} entries, {} MB in {} tables, a block cache of {} MiB \
         ({said}); medians of {ROUNDS} rounds",
        thousands(GETS, median(&hits)),
        thousands(GETS, median(&misses)),
        thousands(SEEKS, median(&scans)),
        thousands(entries, scan),
        stats.table_bytes / 1_000_000,
        stats.tables,
        cache_bytes >> 20,
    );
    Ok(db.close()?)
}

/// Gets keys of as many numbers from `first` on as there are entries; `present` of them are there.
fn gets(db: &Db, random: &mut Random, first: u64, present: u64) -> Result<Duration> {
    let (started, mut found) = (Instant::now(), 0);
    for _ in 0..GETS {
        found += u64::from(db.get(key(first + random.below(ENTRIES)))?.is_some());
    }
    let taken = started.elapsed();
    assert_eq!(found, present, "what was put is there, and nothing else");
    Ok(taken)
}

fn seeks(db: &Db, random: &mut Random) -> Result<Duration> {
    let (started, mut bytes) = (Instant::now(), 0);
    for _ in 0..SEEKS {
        let mut cursor = db.cursor()?;
        cursor.seek(key(random.below(ENTRIES)))?;
        for _ in 0..SCANNED {
            // Near the end there are fewer.
            let Some((key, value)) = cursor.entry() else { break };
            bytes += key.len() + value.len();
            cursor.next()?;
        }
    }
    let taken = started.elapsed();
    assert!(bytes > 0, "what was put is there");
    Ok(taken)
}

fn walk(db: &Db) -> Result<(u64, Duration)> {
    let started = Instant::now();
    let entries = db.iter().try_fold(0, |entries, entry| entry.map(|_| entries + 1))?;
    let taken = started.elapsed();
    assert_eq!(entries, ENTRIES, "what was put is there");
    Ok((entries, taken))
}
