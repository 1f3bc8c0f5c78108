//! Numbers about an open database.

use seawall_os::sync::Ordering;

use crate::base::key::SeqNo;

use super::background::Stall;
use super::core::Core;

/// What an open database holds at one moment, and what reads took since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The seqno of the last visible operation.
    pub last_seqno: SeqNo,
    /// Everything up to here is in tables.
    pub flushed_seqno: SeqNo,
    /// About how many bytes the active memtable takes.
    pub memtable_bytes: usize,
    /// Entries in the active memtable.
    pub memtable_entries: usize,
    /// Full memtables that wait to be written to a table.
    pub frozen_memtables: usize,
    /// How many tables there are.
    pub tables: usize,
    /// Their size in bytes.
    pub table_bytes: u64,
    /// Tables that are open or will be when a memtable is written: those that count, and those merged
    /// away that an iterator still reads.
    pub open_tables: usize,
    /// Tables and bytes of each level, from level 0 down.
    pub levels: Vec<LevelStats>,
    /// Tables that their filters ruled out for a point read, so that no block of them was touched.
    pub tables_filtered: u64,
    /// Blocks of tables that point reads looked into, from the block cache or from disk.
    pub blocks_searched: u64,
    /// Of those, the ones that did not have the key although a filter let it through.
    pub filter_false_positives: u64,
    /// About how many bytes the block cache takes.
    pub block_cache_bytes: u64,
    /// Blocks of tables that reads found in the block cache.
    pub block_cache_hits: u64,
    /// Blocks of tables that reads did not find there, though there is a cache.
    pub block_cache_misses: u64,
    /// Bytes of tables written by flushes since the database was opened.
    pub flushed_bytes: u64,
    /// Bytes of tables written by compactions since the database was opened.
    pub compacted_bytes: u64,
    /// Snapshots that are held.
    pub snapshots: usize,
    /// How many log segments count.
    pub log_segments: usize,
    /// Why commits wait, if they do.
    pub stalled: Option<Stall>,
    /// Why writes have stopped, if they have.
    pub stopped: Option<String>,
}

/// One level of tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelStats {
    /// How many tables it has.
    pub tables: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Core {
    pub(super) fn stats(&self) -> Stats {
        let view = self.view.load();
        // Bound here: in the literal below its guard would live as long as the literal is built.
        let log_segments = self.log_status.lock().segments.len();
        let level = |level| LevelStats {
            tables: view.tables.level(level).len(),
            bytes: view.tables.level_bytes(level),
        };
        let levels: Vec<LevelStats> = (0..self.options.levels).map(level).collect();
        let reads = self.read_counters.sum();
        let cache = self.tables.cache_counts();
        Stats {
            last_seqno: self.visible.load(Ordering::Acquire),
            flushed_seqno: self.signals.flushed_seqno(),
            memtable_bytes: view.active.approximate_bytes(),
            memtable_entries: view.active.entry_count(),
            frozen_memtables: self.signals.frozen_count(),
            tables: view.tables.count(),
            table_bytes: levels.iter().map(|level| level.bytes).sum(),
            open_tables: self.tables.slots.taken(),
            levels,
            tables_filtered: reads.filtered,
            blocks_searched: reads.blocks,
            filter_false_positives: reads.filter_missed,
            block_cache_bytes: cache.bytes,
            block_cache_hits: cache.hits,
            block_cache_misses: cache.misses,
            flushed_bytes: self.flushed_bytes.load(Ordering::Relaxed),
            compacted_bytes: self.compacted_bytes.load(Ordering::Relaxed),
            snapshots: self.snapshots.count(),
            log_segments,
            stalled: self.signals.stall(),
            stopped: self.health.cause().map(|cause| cause.to_string()),
        }
    }
}
