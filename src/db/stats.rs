//! Numbers about an open database.

use seawall_os::sync::Ordering;

use crate::base::key::SeqNo;

use super::core::Core;

/// What an open database holds at one moment.
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
    /// How many log segments count.
    pub log_segments: usize,
    /// Whether commits wait until a memtable has been written.
    pub stalled: bool,
    /// Why writes have stopped, if they have.
    pub stopped: Option<String>,
}

impl Core {
    pub(super) fn stats(&self) -> Stats {
        let view = self.view.load();
        // Bound here: in the literal below its guard would live as long as the literal is built.
        let log_segments = self.log_status.lock().segments.len();
        Stats {
            last_seqno: self.visible.load(Ordering::Acquire),
            flushed_seqno: self.signals.flushed_seqno(),
            memtable_bytes: view.active.approximate_bytes(),
            memtable_entries: view.active.entry_count(),
            frozen_memtables: self.signals.frozen_count(),
            tables: view.tables.len(),
            table_bytes: view.tables.iter().map(|table| table.meta.size_bytes).sum(),
            log_segments,
            stalled: self.signals.is_stalled(),
            stopped: self.health.cause().map(|cause| cause.to_string()),
        }
    }
}
