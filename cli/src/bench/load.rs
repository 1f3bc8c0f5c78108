//! The keys that are read: written before the measurement, and flushed, so that reads are of tables.

use indicatif::ProgressBar;
use seawall::{Db, Durability};

use super::key_of;
use super::shown::bar;
use super::work::{Draws, Values};
use crate::args::Bench;
use crate::console::Console;
use crate::interrupt;

/// A batch is committed when its keys and values are this large together.
const BATCH_BYTES: usize = 1 << 20;

/// Writes all keys there are to draw from. Ctrl-C ends it; nothing is measured then.
pub(super) fn load(console: &Console, db: &Db, arguments: &Bench) -> anyhow::Result<()> {
    let bar = bar(console, "loaded", arguments.ops);
    let loaded = load_all(db, arguments, &bar);
    bar.finish_and_clear();
    Ok(loaded?)
}

fn load_all(db: &Db, arguments: &Bench, bar: &ProgressBar) -> seawall::Result<()> {
    let values = Values::new(arguments.value_bytes as usize);
    let mut draws = Draws(u64::MAX);
    let mut batch = db.batch();
    for number in 0..arguments.ops {
        if interrupt::asked() {
            return Ok(());
        }
        batch.put(key_of(number), values.draw(&mut draws));
        if batch.byte_len() >= BATCH_BYTES {
            db.commit_with(std::mem::replace(&mut batch, db.batch()), Durability::Os)?;
            bar.set_position(number);
        }
    }
    db.commit_with(batch, Durability::Os)?;
    db.flush()
}
