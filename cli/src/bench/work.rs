//! What each thread of a measurement does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;
use seawall::{Db, Durability};

use super::key_of;
use super::latencies::Latencies;
use crate::args::{Bench, WaitFor, Workload};
use crate::exit::Failure;
use crate::interrupt;

/// Entries that one scan reads.
pub(super) const SCAN_ENTRIES: usize = 100;

/// Operations between two looks at the progress display.
const SHOW_EVERY: u64 = 256;

/// Random bytes that values are cut from, beside the length of one.
const POOL_BYTES: usize = 1 << 20;

/// Latencies by what was done.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) writes: Latencies,
    pub(super) reads: Latencies,
    pub(super) scans: Latencies,
    /// Entries that the scans read.
    pub(super) scanned: u64,
}

impl Measured {
    pub(super) fn merge(&mut self, other: &Measured) {
        self.writes.merge(&other.writes);
        self.reads.merge(&other.reads);
        self.scans.merge(&other.scans);
        self.scanned += other.scanned;
    }

    pub(super) fn total(&self) -> u64 {
        self.writes.total() + self.reads.total() + self.scans.total()
    }
}

/// Numbers that follow from the seed (SplitMix64).
pub(super) struct Draws(pub(super) u64);

impl Draws {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of the numbers below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Values that no compression makes smaller.
pub(super) struct Values {
    pool: Vec<u8>,
    value_bytes: usize,
}

impl Values {
    pub(super) fn new(value_bytes: usize) -> Values {
        let mut draws = Draws(1);
        let words = (POOL_BYTES + value_bytes).div_ceil(8);
        Values { pool: (0..words).flat_map(|_| draws.next().to_le_bytes()).collect(), value_bytes }
    }

    pub(super) fn draw(&self, draws: &mut Draws) -> &[u8] {
        let start = draws.below(POOL_BYTES as u64) as usize;
        &self.pool[start..start + self.value_bytes]
    }
}

/// What all threads share.
pub(super) struct Worker<'a> {
    db: &'a Db,
    arguments: &'a Bench,
    bar: &'a ProgressBar,
    values: Values,
    durability: Durability,
    /// A thread has failed: what the others would measure is of no use.
    failed: AtomicBool,
}

impl<'a> Worker<'a> {
    pub(super) fn new(db: &'a Db, arguments: &'a Bench, bar: &'a ProgressBar) -> Worker<'a> {
        let values = Values::new(arguments.value_bytes as usize);
        let durability = match arguments.durability {
            WaitFor::Sync => Durability::Sync,
            WaitFor::Os => Durability::Os,
        };
        Worker { db, arguments, bar, values, durability, failed: AtomicBool::new(false) }
    }

    /// Does `ops` operations, or fewer if somebody says stop.
    pub(super) fn run(&self, thread: u64, ops: u64) -> anyhow::Result<Measured> {
        let mut draws = Draws(thread << 32);
        let mut measured = Measured::default();
        for done in 1..=ops {
            if interrupt::asked() || self.failed.load(Ordering::Relaxed) {
                break;
            }
            let result = self.one(&mut draws, &mut measured);
            result.inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
            if done.is_multiple_of(SHOW_EVERY) {
                self.bar.inc(SHOW_EVERY);
            }
        }
        Ok(measured)
    }

    fn one(&self, draws: &mut Draws, measured: &mut Measured) -> anyhow::Result<()> {
        let key = key_of(draws.below(self.arguments.ops));
        match self.arguments.what {
            Workload::Write => self.write(&key, draws, measured),
            Workload::Read => self.read(&key, measured),
            Workload::Scan => self.scan(&key, measured),
            Workload::Mixed if draws.below(2) == 0 => self.read(&key, measured),
            Workload::Mixed => self.write(&key, draws, measured),
        }
    }

    fn write(&self, key: &str, draws: &mut Draws, measured: &mut Measured) -> anyhow::Result<()> {
        let value = self.values.draw(draws);
        let started = Instant::now();
        self.db.put_with(key, value, self.durability)?;
        measured.writes.add(started.elapsed());
        Ok(())
    }

    fn read(&self, key: &str, measured: &mut Measured) -> anyhow::Result<()> {
        let started = Instant::now();
        let found = self.db.get(key)?;
        measured.reads.add(started.elapsed());
        if found.is_none() {
            let what = format!("the key {key} was written and is not there");
            return Err(
                Failure::error(what, "check the database with `{seawall} admin verify`").into()
            );
        }
        Ok(())
    }

    fn scan(&self, key: &str, measured: &mut Measured) -> anyhow::Result<()> {
        let started = Instant::now();
        for entry in self.db.range(key..).take(SCAN_ENTRIES) {
            entry?;
            measured.scanned += 1;
        }
        measured.scans.add(started.elapsed());
        Ok(())
    }
}
