//! What overwriting costs in bytes written and bytes kept.

use std::path::Path;
use std::time::{Duration, Instant};

use seawall::{Db, Durability, Stats};

use crate::workload::{KEY_BYTES, Random, VALUE_BYTES, key};
use crate::{Result, cpu_time, thousands};

const KEYS: u64 = 2_000_000;
/// Prime, so that a step of it goes through all keys.
const STEP: u64 = 982_451_653;
const PASSES: u64 = 3;

/// Loads two million keys and overwrites all of them twice, each time in another order.
pub(crate) fn of_overwrites(directory: &Path) -> Result<()> {
    let db = Db::open(directory.join("db"))?;
    let mut random = Random(7);
    let (started, cpu) = (Instant::now(), cpu_time());
    for pass in 0..PASSES {
        let mut at = pass * 77_777;
        for _ in 0..KEYS {
            at = (at + STEP) % KEYS;
            db.put_with(key(at), random.value(), Durability::Os)?;
        }
    }
    let (time, cpu) = (started.elapsed(), cpu_time() - cpu);
    db.flush()?;
    let after_load = db.stats();
    let rested = at_rest(&db);
    db.compact_range::<&[u8]>(..)?;
    let merged = db.stats();
    let user_bytes = (KEYS * (KEY_BYTES + VALUE_BYTES) as u64) as f64;
    let written = (rested.flushed_bytes + rested.compacted_bytes) as f64;
    println!(
        "tables written {:.2} x the bytes put, kept {:.2} x those that live, {:.2} x once merges are at \
         rest, {:.2} x after compact_range: {KEYS} keys put and overwritten twice in random order, \
         values that do not compress; {} by the clock, {} by the writer's CPU time; {} tables right \
         after it, stalls told: {:?}",
        written / (PASSES as f64 * user_bytes),
        after_load.table_bytes as f64 / user_bytes,
        rested.table_bytes as f64 / user_bytes,
        merged.table_bytes as f64 / user_bytes,
        thousands(PASSES * KEYS, time),
        thousands(PASSES * KEYS, cpu),
        after_load.tables,
        after_load.stalled,
    );
    db.close()?;
    Ok(())
}

/// How long nothing must change until merges count as being at rest. One may take as long as that.
const REST: Duration = Duration::from_secs(4);

/// Waits until nothing is merged any more.
fn at_rest(db: &Db) -> Stats {
    let mut before = db.stats();
    loop {
        std::thread::sleep(REST);
        let now = db.stats();
        if now.compacted_bytes == before.compacted_bytes {
            return now;
        }
        before = now;
    }
}
