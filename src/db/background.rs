//! The background tasks and how they are told what to do.
//!
//! ```text
//! flusher     frozen memtable -> table -> edit -> remove old segments, roll the manifest
//! compactors  tables of one level -> tables of the next -> edit
//! keeper      makes the next log segment ahead of need; marks the log after idleness; removes tables
//!             that nobody reads any more
//! ```

use std::sync::Arc;
use std::time::Duration;

use seawall_os::sync::{AtomicBool, Condvar, JoinHandle, Mutex, Ordering, spawn};

use crate::base::file_name::FileNumber;
use crate::base::key::SeqNo;
use crate::tables::Released;

use super::core::Core;

/// What tasks wait for, under one short lock.
#[derive(Debug)]
pub(super) struct Signals {
    state: Mutex<State>,
    /// The flusher waits here for a frozen memtable.
    frozen: Condvar,
    /// The keeper waits here.
    keep: Condvar,
    /// Writers wait here for room, and `flush` for its end.
    progress: Condvar,
    /// Compactors wait here for another structure.
    structure: Condvar,
    /// Mirrors whether `State::stalled` is some, so that a commit need not take the lock to know.
    stalled: AtomicBool,
    /// Mirrors `State::is_slow`, for the same reason.
    slow: AtomicBool,
    /// Mirrors `State::stopping` and `State::failed`.
    ending: AtomicBool,
}

/// How long a commit waits at most when level 0 fills up faster than it is merged.
const SLOWDOWN: Duration = Duration::from_millis(1);

/// Why commits wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stall {
    /// Too many full memtables wait to be written to tables.
    Memtables,
    /// Level 0 has too many tables that wait to be merged.
    Level0,
    /// Level 0 has many tables: commits wait a millisecond each.
    Slow,
    /// Almost as many tables are open as may be. Commits do not wait then; they fail.
    OpenTables,
}

/// What may wait at most before commits do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    pub(super) frozen_memtables: usize,
    pub(super) level0_tables: usize,
    /// With so many tables in level 0 commits become slow.
    pub(super) level0_slow_tables: usize,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    failed: bool,
    /// Frozen memtables not yet in a table.
    frozen_count: usize,
    /// Tables in level 0.
    level0_count: usize,
    /// The leader found the active memtable full and no room to freeze it.
    stalled: Option<Stall>,
    /// Everything up to here is in tables.
    flushed_seqno: SeqNo,
    /// Counts the changes of the structure and of what is in use of it.
    structure: u64,
    /// Obsolete tables that nobody reads any more.
    released: Vec<FileNumber>,
    room: Room,
    want_spare: bool,
    watch_idle: bool,
    /// Calls of users that touch files, and that a close waits for.
    jobs: usize,
}

impl State {
    fn is_slow(&self) -> bool {
        self.level0_count >= self.room.level0_slow_tables
    }
}

/// What the keeper is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeeperWork {
    Stop,
    Spare,
    /// Tables were released.
    Collect,
    /// The idle time has passed without another order.
    Idle,
}

/// What a compactor is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompactorWork {
    Stop,
    /// The structure has changed, and something may be due.
    Due,
    /// The structure has been the same for so long.
    Rest,
}

impl Default for Signals {
    fn default() -> Signals {
        Signals {
            state: Mutex::new(State::default()),
            frozen: Condvar::new(),
            keep: Condvar::new(),
            progress: Condvar::new(),
            structure: Condvar::new(),
            stalled: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        }
    }
}

/// A call of a user that touches files: as long as it lasts no close returns.
#[derive(Debug)]
pub(super) struct Job<'a>(&'a Signals);

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.0.state.lock().jobs -= 1;
        self.0.progress.notify_all();
    }
}

impl Released for Signals {
    fn released(&self, number: FileNumber) {
        self.state.lock().released.push(number);
        self.keep.notify_all();
    }

    fn slot_came_free(&self) {
        let mut state = self.state.lock();
        self.end_stall(&mut state, Stall::OpenTables);
        drop(state);
        self.structure_changed();
    }
}

impl Signals {
    /// Says what recovery has left to do. No task is running yet.
    pub(super) fn begin(
        &self,
        room: Room,
        frozen_count: usize,
        flushed_seqno: SeqNo,
        level0_count: usize,
    ) {
        let mut state = self.state.lock();
        state.room = room;
        state.frozen_count = frozen_count;
        state.flushed_seqno = flushed_seqno;
        state.level0_count = level0_count;
        // The first look at it is due.
        state.structure = 1;
        self.slow.store(state.is_slow(), Ordering::Release);
    }

    /// Tells all tasks to end.
    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.ending.store(true, Ordering::Release);
        self.wake_all();
    }

    /// Has a close wait for what begins now; `None` when it does not wait any more.
    pub(super) fn begin_job(&self) -> Option<Job<'_>> {
        let mut state = self.state.lock();
        if state.stopping {
            return None;
        }
        state.jobs += 1;
        Some(Job(self))
    }

    /// Waits for all jobs. None begins after [`Signals::stop`].
    pub(super) fn wait_for_jobs(&self) {
        let mut state = self.state.lock();
        self.progress.wait_while(&mut state, |state| state.jobs > 0);
    }

    /// Writes have stopped: nobody need wait for progress any more.
    pub(super) fn fail(&self) {
        self.state.lock().failed = true;
        self.ending.store(true, Ordering::Release);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.frozen.notify_all();
        self.keep.notify_all();
        self.progress.notify_all();
        self.structure.notify_all();
    }

    /// Whether jobs should come to an end: the tasks are to stop, or writes have stopped.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Whether one more memtable may be frozen; if not, writers must wait.
    pub(super) fn may_freeze(&self) -> bool {
        let mut state = self.state.lock();
        state.stalled = if state.frozen_count >= state.room.frozen_memtables {
            Some(Stall::Memtables)
        } else if state.level0_count >= state.room.level0_tables {
            Some(Stall::Level0)
        } else {
            None
        };
        self.stalled.store(state.stalled.is_some(), Ordering::Release);
        state.stalled.is_none()
    }

    /// One more frozen memtable is in the view.
    pub(super) fn frozen_ready(&self) {
        self.state.lock().frozen_count += 1;
        self.frozen.notify_all();
    }

    /// Everything up to `seqno` is in tables, and one frozen memtable fewer waits.
    pub(super) fn flushed(&self, seqno: SeqNo) {
        let mut state = self.state.lock();
        state.frozen_count = state.frozen_count.saturating_sub(1);
        state.flushed_seqno = seqno;
        state.stalled = None;
        self.stalled.store(false, Ordering::Release);
        drop(state);
        self.progress.notify_all();
    }

    /// The structure has changed: level 0 has so many tables now.
    pub(super) fn installed(&self, level0_count: usize) {
        let mut state = self.state.lock();
        state.level0_count = level0_count;
        self.slow.store(state.is_slow(), Ordering::Release);
        self.end_stall(&mut state, Stall::Level0);
        self.end_stall(&mut state, Stall::OpenTables);
        drop(state);
        self.structure_changed();
    }

    /// Whoever leads next looks again.
    fn end_stall(&self, state: &mut State, stall: Stall) {
        if state.stalled == Some(stall) {
            state.stalled = None;
            self.stalled.store(false, Ordering::Release);
        }
    }

    /// The leader found no slot for the table of a full memtable: compactions are to give some back.
    pub(super) fn lack_slots(&self) {
        self.state.lock().stalled = Some(Stall::OpenTables);
        self.stalled.store(true, Ordering::Release);
        self.structure_changed();
    }

    /// The structure, or what is in use of it, is another one.
    pub(super) fn structure_changed(&self) {
        self.state.lock().structure += 1;
        self.structure.notify_all();
        self.progress.notify_all();
    }

    /// Counts the changes of the structure.
    pub(super) fn structure_generation(&self) -> u64 {
        self.state.lock().structure
    }

    /// Waits for a structure other than the one `seen`, and notes it there, but no longer than `rest`.
    pub(super) fn wait_for_structure(
        &self,
        seen: &mut u64,
        rest: Option<Duration>,
    ) -> CompactorWork {
        let mut state = self.state.lock();
        let same =
            |state: &mut State| !state.stopping && (state.structure == *seen || state.failed);
        let rested = match rest {
            Some(rest) => self.structure.wait_while_for(&mut state, same, rest),
            None => {
                self.structure.wait_while(&mut state, same);
                false
            }
        };
        *seen = state.structure;
        match () {
            () if state.stopping => CompactorWork::Stop,
            () if rested => CompactorWork::Rest,
            () => CompactorWork::Due,
        }
    }

    /// As [`Signals::wait_for_structure`], for a caller who is no task.
    pub(super) fn wait_for_other_structure(&self, seen: u64) {
        let mut state = self.state.lock();
        self.structure.wait_while(&mut state, |state| {
            !state.stopping && !state.failed && state.structure == seen
        });
    }

    /// Waits until a frozen memtable may be there; `false` when the flusher is to end.
    pub(super) fn wait_for_frozen(&self) -> bool {
        let mut state = self.state.lock();
        self.frozen.wait_while(&mut state, |state| {
            !state.stopping && (state.frozen_count == 0 || state.failed)
        });
        !state.stopping
    }

    /// Waits as long as the active memtable is full and flushes or compactions are to make room;
    /// `false` when it would take readers to make room.
    pub(super) fn wait_for_room(&self) -> bool {
        if !self.stalled.load(Ordering::Acquire) {
            return true;
        }
        let mut state = self.state.lock();
        self.progress.wait_while(&mut state, |state| {
            let waits = matches!(state.stalled, Some(Stall::Memtables | Stall::Level0));
            waits && !state.stopping && !state.failed
        });
        state.stalled != Some(Stall::OpenTables)
    }

    /// Waits a moment while level 0 has many tables, so that it does not come to a stall.
    pub(super) fn slow_down(&self) {
        if !self.slow.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state.lock();
        let slow = |state: &mut State| state.is_slow() && !state.stopping && !state.failed;
        self.progress.wait_while_for(&mut state, slow, SLOWDOWN);
    }

    /// Waits until everything up to `seqno` is in tables, or no frozen memtable is left, or none
    /// will be written any more. Returns whether everything up to `seqno` is in tables.
    pub(super) fn wait_until_flushed(&self, seqno: SeqNo) -> bool {
        let mut state = self.state.lock();
        self.progress.wait_while(&mut state, |state| {
            let waiting = state.flushed_seqno < seqno && state.frozen_count > 0;
            waiting && !state.stopping && !state.failed
        });
        state.flushed_seqno >= seqno
    }

    /// Everything up to here is in tables.
    pub(super) fn flushed_seqno(&self) -> SeqNo {
        self.state.lock().flushed_seqno
    }

    /// How many frozen memtables wait.
    pub(super) fn frozen_count(&self) -> usize {
        self.state.lock().frozen_count
    }

    /// Why writers wait, if they do.
    pub(super) fn stall(&self) -> Option<Stall> {
        let state = self.state.lock();
        state.stalled.or_else(|| state.is_slow().then_some(Stall::Slow))
    }

    /// The tables that nobody reads any more. Each is told once.
    pub(super) fn take_released(&self) -> Vec<FileNumber> {
        std::mem::take(&mut self.state.lock().released)
    }

    /// Orders a spare segment.
    pub(super) fn want_spare(&self) {
        self.state.lock().want_spare = true;
        self.keep.notify_all();
    }

    /// Tells the keeper to watch for idleness from now on, or no longer to.
    pub(super) fn watch_idle(&self, watch: bool) {
        self.state.lock().watch_idle = watch;
        if watch {
            self.keep.notify_all();
        }
    }

    /// Waits for the keeper's next work.
    pub(super) fn next_keeper_work(&self, idle: Duration) -> KeeperWork {
        let mut state = self.state.lock();
        loop {
            if state.stopping {
                return KeeperWork::Stop;
            }
            if state.failed {
                self.keep.wait_while(&mut state, |state| !state.stopping);
                continue;
            }
            if std::mem::take(&mut state.want_spare) {
                return KeeperWork::Spare;
            }
            if !state.released.is_empty() {
                return KeeperWork::Collect;
            }
            let nothing = |state: &mut State| {
                let wanted = state.want_spare || !state.released.is_empty();
                !state.stopping && !state.failed && !wanted
            };
            if !state.watch_idle {
                self.keep.wait_while(&mut state, |state| nothing(state) && !state.watch_idle);
                continue;
            }
            if self.keep.wait_while_for(&mut state, nothing, idle) {
                return KeeperWork::Idle;
            }
        }
    }
}

/// The running tasks of one database.
#[derive(Debug)]
pub(super) struct Tasks {
    handles: Vec<JoinHandle<()>>,
}

impl Tasks {
    pub(super) fn start(core: &Arc<Core>) -> Tasks {
        let (flusher, keeper) = (Arc::clone(core), Arc::clone(core));
        let mut handles = vec![
            spawn("flusher", move || flusher.run_flusher()),
            spawn("keeper", move || keeper.run_keeper()),
        ];
        for _ in 0..core.options.compaction_threads {
            let compactor = Arc::clone(core);
            handles.push(spawn("compactor", move || compactor.run_compactor()));
        }
        Tasks { handles }
    }

    /// Tells the tasks to end and waits until they have.
    pub(super) fn stop(self, core: &Core) {
        core.signals.stop();
        for handle in self.handles {
            // A task that panicked has nothing left to wait for; its panic was reported then.
            let _ = handle.join();
        }
    }
}
