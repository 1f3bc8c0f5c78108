//! What overwriting costs in bytes written and bytes kept.

use std::path::Path;
use std::time::Instant;

use seawall::{Db, Durability};

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
    db.compact_range::<&[u8]>(..)?;
    let merged = db.stats();
    let user_bytes = (KEYS * (KEY_BYTES + VALUE_BYTES) as u64) as f64;
    let written = (after_load.flushed_bytes + after_load.compacted_bytes) as f64;
    println!(
        "tables written {:.2} x the bytes put, kept {:.2} x those that live, {:.2} x after \
         compact_range: {KEYS} keys put and overwritten twice in random order, values that do not compress; {} by the clock, {} by the \
         writer's CPU time; {} tables, stalls told: {:?}",
        written / (PASSES as f64 * user_bytes),
        after_load.table_bytes as f64 / user_bytes,
        merged.table_bytes as f64 / user_bytes,
        thousands(PASSES * KEYS, time),
        thousands(PASSES * KEYS, cpu),
        after_load.tables,
        after_load.stalled,
    );
    db.close()?;
    Ok(())
}
