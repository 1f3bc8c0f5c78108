//! The flusher: from a frozen memtable to a table that the manifest names.
//!
//! ```text
//! write the table ▶ sync it ▶ sync its name ▶ sync the log up to it ▶ append the edit, synced
//!                 ▶ install in the view ▶ remove old log segments ▶ roll the manifest if due
//! ```
//!
//! Durability: the order is the proof. The table and its name are durable before the edit names
//! them; the log is synced first so that the tables never hold an operation that the log could lose
//! (what is recovered stays a prefix); segments go only after the edit that no longer needs them.

use std::sync::Arc;

use seawall_os::sync::{Ordering, enter_scope, yield_point};

use crate::base::error::Result;
use crate::base::file_name::{FileName, FileNumber};
use crate::base::key::SeqNo;
use crate::base::levels::AsMeta;
use crate::base::log_position::LogPosition;
use crate::manifest::{Edit, ManifestWriter, switch_current};
use crate::tables::OpenTable;
use crate::tree::{Frozen, write_table};

use super::core::Core;
use super::events;
use super::outputs::Failure;
use super::scope;

/// How often a flush begins anew after a failure that left nothing in doubt.
const ATTEMPTS_MAX: u32 = 3;

impl Core {
    /// The flusher's loop: frozen memtables in order, the oldest first.
    pub(super) fn run_flusher(&self) {
        self.shorten_log();
        while self.signals.wait_for_frozen() {
            let oldest = self.view.with(|view| view.frozen.first().cloned());
            let frozen = oldest.expect("a memtable is in the view before it is counted as frozen");
            self.flush_with_retries(&frozen);
        }
    }

    /// When recovery found many segments, has what they hold written to a table: each open adds one,
    /// and a database that is opened for a few commits at a time would keep them all.
    fn shorten_log(&self) {
        if self.log_is_long() && self.freeze_memtable().is_ok() && self.signals.frozen_count() == 0
        {
            // Writes have stopped if it fails, and whoever writes is told.
            let _ = self.trim_log();
        }
    }

    /// As [`Core::shorten_log`], before a close, which waits for it.
    pub(super) fn shorten_log_now(&self) -> Result<()> {
        if !self.log_is_long() {
            return Ok(());
        }
        let last = self.freeze_memtable()?;
        // When too many memtables wait already this one stays in the log, and so do the segments.
        if self.signals.wait_until_flushed(last) { self.trim_log() } else { Ok(()) }
    }

    fn log_is_long(&self) -> bool {
        self.log_status.lock().segments.len() > self.options.log_segments_max
    }

    /// Lets go of segments that hold nothing but what is in tables: a flush does that too, but there
    /// may be nothing to flush.
    fn trim_log(&self) -> Result<()> {
        let _scope = enter_scope(scope::TRIM);
        yield_point("trim the log");
        let synced = self.sync_log()?;
        let mut manifest = self.manifest.take();
        let state = manifest.state();
        let min_wal = self.oldest_needed(state.flushed_seqno, synced);
        if min_wal <= state.min_wal {
            return Ok(());
        }
        let edit = Edit { min_wal, log_synced: synced, ..Edit::after(state) };
        self.append_edit(&mut manifest, &edit)?;
        self.remove_old_segments(min_wal);
        self.roll_if_due(&mut manifest)
    }

    /// Flushes, or stops writes: the flusher then waits to be told to end.
    fn flush_with_retries(&self, frozen: &Arc<Frozen>) {
        let _scope = enter_scope(scope::FLUSH);
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.flush_one(frozen) {
                Ok(()) | Err(Failure::Stopped) => return,
                Err(Failure::Retry(error)) if attempts == ATTEMPTS_MAX => self.stop(&error),
                Err(Failure::Retry(_)) => {}
            }
        }
    }

    fn flush_one(&self, frozen: &Arc<Frozen>) -> std::result::Result<(), Failure> {
        self.health.check_writes().map_err(|_| Failure::Stopped)?;
        let mut outputs = self.outputs();
        let number = outputs.draw().map_err(Failure::Retry)?;
        let options = self.table_options();
        let written = write_table(&self.tables, number, &frozen.memtable, options)
            .map_err(|error| outputs.abandon(error))?;
        outputs.push(written, Arc::clone(&frozen.slot));
        let tables = outputs.make_durable()?;
        let synced = self.sync_log().map_err(|_| Failure::Stopped)?;
        self.install_flush(frozen, tables, synced).map_err(|_| Failure::Stopped)
    }

    /// Writes the edit and swaps the memtable for the table.
    fn install_flush(
        &self,
        frozen: &Arc<Frozen>,
        tables: Vec<Arc<OpenTable>>,
        synced: LogPosition,
    ) -> Result<()> {
        yield_point("flushed");
        let mut manifest = self.manifest.take();
        let min_wal = self.oldest_needed(frozen.last_seqno, synced);
        let edit = Edit {
            flushed_seqno: frozen.last_seqno,
            min_wal,
            log_synced: synced,
            added: tables.iter().map(|table| (0, table.meta().clone())).collect(),
            ..Edit::after(manifest.state())
        };
        self.append_edit(&mut manifest, &edit)?;
        let bytes = edit.added.iter().map(|(_, table)| table.size_bytes).sum();
        self.flushed_bytes.fetch_add(bytes, Ordering::Relaxed);
        events::flushed(bytes, frozen.last_seqno);
        let added = tables.into_iter().map(|table| (0, table)).collect();
        self.install(&manifest, &edit, added, |view| {
            let first = view.frozen.remove(0);
            assert!(Arc::ptr_eq(&first, frozen), "frozen memtables are flushed oldest first");
        });
        self.signals.flushed(frozen.last_seqno);
        self.remove_old_segments(min_wal);
        self.roll_if_due(&mut manifest)
    }

    /// The oldest segment that still holds operations in no table.
    ///
    /// Durability: never one beyond the segment that was just synced. A segment that became the head
    /// since then may have a LINK that a power loss still takes away.
    fn oldest_needed(&self, flushed_seqno: SeqNo, synced: LogPosition) -> FileNumber {
        let status = self.log_status.lock();
        let mut segments = status.segments.iter();
        let needed = segments
            .find(|segment| segment.number >= synced.segment || segment.last_seqno > flushed_seqno)
            .map(|segment| segment.number);
        needed.unwrap_or(synced.segment)
    }

    /// Begins a new manifest if this one has grown enough.
    pub(super) fn roll_if_due(&self, manifest: &mut ManifestWriter) -> Result<()> {
        if manifest.edits() < self.options.manifest_roll_edits {
            return Ok(());
        }
        self.roll(manifest)
    }

    /// Begins a new manifest with a snapshot of the present state.
    ///
    /// The old and the new manifest mean the same at every moment in between.
    fn roll(&self, manifest: &mut ManifestWriter) -> Result<()> {
        let _scope = enter_scope(scope::ROLL);
        let number = self.draw_number_under(manifest)?;
        let old = manifest.number();
        let next = self.switch_manifest(manifest, number).inspect_err(|error| self.stop(error))?;
        *manifest = next;
        self.numbers.settle(number);
        events::rolled(number);
        let _ = self.vfs.remove(&self.path(&FileName::Manifest(old)));
        Ok(())
    }

    fn switch_manifest(
        &self,
        manifest: &ManifestWriter,
        number: FileNumber,
    ) -> Result<ManifestWriter> {
        let state = manifest.state().clone();
        let (next, current) =
            ManifestWriter::create(&*self.vfs, &self.dir, self.id, number, state)?;
        // Durability: CURRENT must not name a manifest that a crash could leave without a name.
        self.sync_dir()?;
        switch_current(&*self.vfs, &self.dir, &current, || self.sync_dir())?;
        Ok(next)
    }
}
