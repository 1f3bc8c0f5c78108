//! What all handles and background tasks of one open database share.
//!
//! Order of locks: the log's turn, then the manifest's, then the directory's; never the other way
//! round. Short locks are taken under any of them and never nest.

use std::path::PathBuf;
use std::sync::Arc;

use seawall_os::sync::{AtomicBool, AtomicU64, Mutex, Ordering, Shared, Turn, hook, yield_point};
use seawall_os::vfs::{FileLock, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::key::SeqNo;
use crate::base::levels::AsMeta;
use crate::manifest::{Edit, ManifestWriter};
use crate::memtable::OrderedMemtable;
use crate::tables::{OpenTable, Tables};
use crate::tree::{Frozen, SuperVersion};
use crate::wal::{Segment, WalWriter};

use super::background::{Room, Signals};
use super::commit::Queue;
use super::events;
use super::health::Health;
use super::numbers::Numbers;
use super::options::Options;
use super::read_counters::ReadCounters;
use super::report::RecoveryReport;
use super::snapshots::Snapshots;
use super::structure::{OpenLevels, Structure};

/// A segment of the log that still counts, oldest first in [`LogStatus`].
#[derive(Clone, Copy, Debug)]
pub(super) struct LiveSegment {
    pub(super) number: FileNumber,
    /// The seqno of its last operation; for the head, of the last group written.
    pub(super) last_seqno: SeqNo,
    /// Where its frames end, in bytes; for the head, after the last group written.
    pub(super) end: u64,
}

/// What others than the log's writer need to know of the log.
#[derive(Debug, Default)]
pub(super) struct LogStatus {
    /// The chain, oldest first. The last one is the head.
    pub(super) segments: Vec<LiveSegment>,
    /// A segment made ahead of need.
    pub(super) spare: Option<Segment>,
    /// Numbers of segments that were made and will never be used.
    pub(super) discarded: Vec<FileNumber>,
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) dir: PathBuf,
    pub(super) id: DatabaseId,
    pub(super) options: Options,
    pub(super) tables: Tables,
    pub(super) report: RecoveryReport,
    pub(super) health: Health,
    pub(super) queue: Queue,
    pub(super) log: Turn<WalWriter>,
    pub(super) log_status: Mutex<LogStatus>,
    pub(super) manifest: Turn<ManifestWriter>,
    /// Taken to sync the directory.
    directory: Turn<()>,
    /// The number of the last edit that a sync has covered.
    pub(super) synced_edit: AtomicU64,
    pub(super) numbers: Numbers,
    pub(super) structure: Structure,
    pub(super) snapshots: Snapshots,
    pub(super) view: Shared<SuperVersion>,
    /// Taken to replace the view, so that no replacement is lost.
    view_edit: Mutex<()>,
    /// Everything up to here is visible.
    pub(super) visible: AtomicU64,
    pub(super) signals: Arc<Signals>,
    pub(super) read_counters: ReadCounters,
    /// Commit groups written so far, for noticing idleness.
    pub(super) groups: AtomicU64,
    /// Bytes of tables that flushes and compactions have written.
    pub(super) flushed_bytes: AtomicU64,
    pub(super) compacted_bytes: AtomicU64,
    /// Whether the keeper watches for idleness.
    pub(super) mark_armed: AtomicBool,
    pub(super) lock: Mutex<Option<Arc<dyn FileLock>>>,
}

/// What recovery hands over to a database that starts.
pub(super) struct Parts {
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) dir: PathBuf,
    pub(super) id: DatabaseId,
    pub(super) options: Options,
    pub(super) lock: Arc<dyn FileLock>,
    pub(super) report: RecoveryReport,
    pub(super) log: WalWriter,
    pub(super) segments: Vec<LiveSegment>,
    pub(super) manifest: ManifestWriter,
    pub(super) next_number: FileNumber,
    pub(super) view: SuperVersion,
    pub(super) tables: Tables,
    pub(super) signals: Arc<Signals>,
}

impl Core {
    pub(super) fn new(parts: Parts) -> Core {
        let state = parts.manifest.state();
        let level0_count = parts.view.tables.level(0).len();
        let room = Room {
            frozen_memtables: parts.options.frozen_memtables_max,
            level0_tables: parts.options.level0_stall_tables,
            level0_slow_tables: parts.options.level0_slow_tables,
        };
        let frozen_count = parts.view.frozen.len();
        parts.signals.begin(room, frozen_count, state.flushed_seqno, level0_count);
        Core {
            health: Health::default(),
            queue: Queue::default(),
            visible: AtomicU64::new(parts.log.last_seqno()),
            log: Turn::new(parts.log),
            log_status: Mutex::new(LogStatus { segments: parts.segments, ..LogStatus::default() }),
            synced_edit: AtomicU64::new(state.edit_number),
            numbers: Numbers::new(parts.next_number, state.counter),
            manifest: Turn::new(parts.manifest),
            directory: Turn::new(()),
            structure: Structure::new(Arc::clone(&parts.view.tables)),
            snapshots: Snapshots::default(),
            view: Shared::new(Arc::new(parts.view)),
            view_edit: Mutex::new(()),
            signals: parts.signals,
            read_counters: ReadCounters::default(),
            groups: AtomicU64::new(0),
            flushed_bytes: AtomicU64::new(0),
            compacted_bytes: AtomicU64::new(0),
            mark_armed: AtomicBool::new(false),
            lock: Mutex::new(Some(parts.lock)),
            tables: parts.tables,
            vfs: parts.vfs,
            dir: parts.dir,
            id: parts.id,
            options: parts.options,
            report: parts.report,
        }
    }

    /// The path of one of the database's files.
    pub(super) fn path(&self, name: &FileName) -> PathBuf {
        self.dir.join(name.to_string())
    }

    /// Tells the others how far the head has grown.
    pub(super) fn note_log_end(&self, log: &WalWriter) {
        let mut status = self.log_status.lock();
        if let Some(head) = status.segments.last_mut() {
            head.last_seqno = log.last_seqno();
            head.end = log.end().offset;
        }
    }

    /// Replaces the view by what `edit` makes of the present one.
    pub(super) fn edit_view(&self, edit: impl FnOnce(&SuperVersion) -> SuperVersion) {
        let alone = self.view_edit.lock();
        let before = self.view.load();
        let former = self.view.swap(Arc::new(edit(&before)));
        drop(alone);
        // Only now: it may be the last to hold a table, and that is told under another lock.
        drop((before, former));
    }

    /// Puts a durable edit into effect: `added` are its tables, open, and `edit_view` changes the rest
    /// of the view in the same step. Called under the manifest's turn.
    pub(super) fn install(
        &self,
        manifest: &ManifestWriter,
        edit: &Edit,
        added: Vec<(usize, Arc<OpenTable>)>,
        edit_view: impl FnOnce(&mut SuperVersion),
    ) {
        yield_point("install");
        let changed = self.structure.change(&edit.removed, added);
        if cfg!(debug_assertions) || hook::installed() {
            check_invariants(&changed.levels, manifest);
        }
        // Under the turn: the next edit may make a table obsolete that this one adds.
        edit.added.iter().for_each(|(_, table)| self.numbers.settle(table.number));
        for table in &changed.gone {
            self.numbers.begin_removal(table.meta().number);
        }
        self.edit_view(|view| {
            let mut next = view.clone();
            next.tables = Arc::clone(&changed.levels);
            edit_view(&mut next);
            next
        });
        for table in changed.gone {
            table.make_obsolete();
        }
        self.signals.installed(changed.levels.level(0).len());
    }

    /// Stops writes for good after `cause` and wakes everybody who waits for work to be done.
    pub(super) fn stop(&self, cause: &Error) {
        if self.health.stop(cause) {
            events::stopped(cause);
        }
        self.signals.fail();
    }

    /// Makes the names in the database's directory durable. Any failure stops writes for good.
    ///
    /// One at a time: a failure is told to one caller only, and what it was to cover is in doubt for
    /// every other that runs beside it.
    pub(super) fn sync_dir(&self) -> Result<()> {
        let _turn = self.directory.take();
        self.health.check_writes()?;
        let synced = self.vfs.sync_dir(&self.dir).context("sync the directory", &self.dir);
        synced.inspect_err(|error| self.stop(error))
    }

    /// Writes and syncs one edit, under the manifest's turn. Any failure stops writes for good.
    pub(super) fn append_edit(&self, manifest: &mut ManifestWriter, edit: &Edit) -> Result<()> {
        self.health.check_writes()?;
        manifest.append(edit).inspect_err(|error| self.stop(error))?;
        self.synced_edit.store(edit.number, Ordering::Release);
        Ok(())
    }

    /// Whether the active memtable should be frozen.
    pub(super) fn memtable_is_full(&self) -> bool {
        self.view.with(|view| {
            view.active.approximate_bytes() >= self.options.memtable_bytes
                || view.active.entry_count() >= self.options.memtable_entries_max
        })
    }

    /// Waits as long as the active memtable is full and cannot be frozen.
    ///
    /// # Errors
    /// `TooManyTables` in place of a wait for tables to be let go: the caller may be who reads them.
    pub(super) fn wait_for_room(&self) -> Result<()> {
        if self.signals.wait_for_room() { Ok(()) } else { self.tables.slots.check_memtable() }
    }

    /// Sets the active memtable aside for a flush, unless it is empty or too many wait already.
    ///
    /// Only the leader of a commit group calls this, before it applies the group: no writer is
    /// applying then. `last_seqno` is that of the last group applied.
    pub(super) fn freeze(&self, last_seqno: SeqNo) {
        if self.view.with(|view| view.active.entry_count() == 0) {
            return;
        }
        // Asked first: for level 0 a commit may wait only while a compaction can get a slot.
        if self.tables.slots.check_memtable().is_err() {
            return self.signals.lack_slots();
        }
        if !self.signals.may_freeze() {
            return;
        }
        let Some(slot) = self.tables.slots.take_for_memtable() else {
            return self.signals.lack_slots();
        };
        self.edit_view(|view| {
            let mut frozen = view.frozen.clone();
            let memtable = Arc::clone(&view.active);
            frozen.push(Arc::new(Frozen { memtable, last_seqno, slot }));
            SuperVersion {
                active: Arc::new(OrderedMemtable::default()),
                frozen,
                tables: Arc::clone(&view.tables),
            }
        });
        self.signals.frozen_ready();
    }
}

/// What is read is what the manifest says, and both are a version.
fn check_invariants(levels: &OpenLevels, manifest: &ManifestWriter) {
    if let Err(what) = levels.check() {
        panic!("an install led to an impossible version: {what}");
    }
    let said = manifest.state().tables.iter();
    let same = levels.iter().map(|(level, table)| (level, table.meta())).eq(said);
    assert!(same, "the manifest says {:?} and {levels:?} was installed", manifest.state());
}
