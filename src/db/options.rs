//! What can be set when a database is opened.

use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::levels::LEVELS_MAX;

/// What a commit waits for before it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Until the commit, and every one before it, would survive a power loss.
    #[default]
    Sync,
    /// Until the operating system has the commit: it survives `kill -9` of the process. After a
    /// power loss a prefix of the commits is there, never a hole.
    Os,
}

/// Sizes and behaviour of an open database. None of it is stored: a database can be opened with
/// other options each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether a missing database is created. Default: yes.
    pub create_if_missing: bool,
    /// What commits wait for when they do not say. Default: [`Durability::Sync`].
    pub durability: Durability,
    /// Bytes of keys and values in memory before they are written to a table. At least 1; default
    /// 64 MiB.
    pub memtable_bytes: usize,
    /// Entries in memory before they are written to a table. At least 1; default unlimited.
    pub memtable_entries_max: usize,
    /// Full memtables that may wait to be written before commits wait for room. At least 1;
    /// default 2.
    pub frozen_memtables_max: usize,
    /// The size to which a segment of the log is made, in bytes. 512 to 1 GiB; default 16 MiB.
    pub segment_bytes: u64,
    /// Whether the next segment is made ahead of need, in the background. Default: yes.
    pub spare_segment: bool,
    /// Segments of the log after which an open or a close shortens it, in the background, by writing
    /// what they hold to a table: each open adds one. At least 1; default 8.
    pub log_segments_max: usize,
    /// How many file numbers one edit of the manifest provides, so that not every file costs an edit. 1
    /// to 65,536; default 32.
    pub file_number_block: u64,
    /// Edits after which the manifest is begun anew. At least 1; default 1,000.
    pub manifest_roll_edits: u64,
    /// The size at which a block of a table is closed, in bytes. 64 to 1 MiB; default 4 KiB.
    pub block_bytes: usize,
    /// Bytes of blocks of tables that are kept in memory for reads, beside memtables and indexes. 0,
    /// for none, to 2^60; default 64 MiB.
    pub block_cache_bytes: u64,
    /// How many levels of tables there are. 2 to 7; default 7.
    pub levels: usize,
    /// Tables in level 0 at which they are merged into level 1. At least 1; default 4.
    pub level0_tables: usize,
    /// Tables in level 0 at which each commit waits a millisecond, or until some are merged. More than
    /// `level0_tables`; default 12.
    pub level0_slow_tables: usize,
    /// Tables in level 0 at which commits wait until some are merged. At least `level0_slow_tables`;
    /// default 20.
    pub level0_stall_tables: usize,
    /// Bytes in level 1 beyond which tables are merged into level 2. At least 1; default 256 MiB.
    pub level1_bytes: u64,
    /// How many times the bytes of level 1 level 2 holds, and so on. At least 2; default 10.
    pub level_multiplier: u64,
    /// How many tables may be open at once: those that count, and those merged away that an iterator
    /// still reads. From the half on, merges make fewer and larger tables; when almost none is left,
    /// merges are made that were not due, and commits that would need one more table fail with
    /// [`ErrorKind::TooManyTables`]. The process must be permitted so many open files. At least
    /// 8 and twice `compaction_threads`; default 900, below the 1,024 that systems usually permit.
    pub open_tables_max: usize,
    /// The size at which a merge ends a table and begins the next, in bytes. At least 1; default
    /// 32 MiB.
    pub table_bytes: u64,
    /// How many compactions may run at once, beside flushes. 1 to 16; default 1.
    pub compaction_threads: usize,
    /// How long the log must be idle before the last sync is vouched for. Default: 100 ms.
    pub idle_mark: Duration,
    /// After so long without a commit tables are merged that are not due, as long as what is above the
    /// lowest level has more than a fifth of its bytes: that much of them may be overwritten. Default:
    /// 500 ms.
    pub idle_merge: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            create_if_missing: true,
            durability: Durability::Sync,
            memtable_bytes: 64 << 20,
            memtable_entries_max: usize::MAX,
            frozen_memtables_max: 2,
            segment_bytes: 16 << 20,
            spare_segment: true,
            log_segments_max: 8,
            file_number_block: 32,
            manifest_roll_edits: 1_000,
            block_bytes: 4 << 10,
            block_cache_bytes: 64 << 20,
            levels: LEVELS_MAX,
            level0_tables: 4,
            level0_slow_tables: 12,
            level0_stall_tables: 20,
            level1_bytes: 256 << 20,
            level_multiplier: 10,
            table_bytes: 32 << 20,
            open_tables_max: 900,
            compaction_threads: 1,
            idle_mark: Duration::from_millis(100),
            idle_merge: Duration::from_millis(500),
        }
    }
}

impl Options {
    /// Whether all values are within their bounds.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`], naming the first that is not.
    pub fn check(&self) -> Result<()> {
        let within = [
            ("memtable_bytes", self.memtable_bytes >= 1, "at least 1"),
            ("memtable_entries_max", self.memtable_entries_max >= 1, "at least 1"),
            ("frozen_memtables_max", self.frozen_memtables_max >= 1, "at least 1"),
            ("segment_bytes", (512..=1 << 30).contains(&self.segment_bytes), "512 to 1 GiB"),
            ("log_segments_max", self.log_segments_max >= 1, "at least 1"),
            ("file_number_block", (1..=1 << 16).contains(&self.file_number_block), "1 to 65,536"),
            ("manifest_roll_edits", self.manifest_roll_edits >= 1, "at least 1"),
            ("block_bytes", (64..=1 << 20).contains(&self.block_bytes), "64 to 1 MiB"),
            ("block_cache_bytes", self.block_cache_bytes <= 1 << 60, "0 to 2^60"),
            ("levels", (2..=LEVELS_MAX).contains(&self.levels), "2 to 7"),
            ("level0_tables", self.level0_tables >= 1, "at least 1"),
            (
                "level0_slow_tables",
                self.level0_slow_tables > self.level0_tables,
                "more than level0_tables",
            ),
            (
                "level0_stall_tables",
                self.level0_stall_tables >= self.level0_slow_tables,
                "at least level0_slow_tables",
            ),
            ("level1_bytes", self.level1_bytes >= 1, "at least 1"),
            ("level_multiplier", self.level_multiplier >= 2, "at least 2"),
            ("compaction_threads", (1..=16).contains(&self.compaction_threads), "1 to 16"),
            (
                "open_tables_max",
                self.open_tables_max >= 8.max(self.compaction_threads.saturating_mul(2)),
                "at least 8, and twice compaction_threads",
            ),
            ("table_bytes", self.table_bytes >= 1, "at least 1"),
        ];
        match within.iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((name, _, bounds)) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the option {name} is out of range: it must be {bounds}"),
            )),
        }
    }
}
