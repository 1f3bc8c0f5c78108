//! The background tasks and how they are told what to do.
//!
//! ```text
//! flusher   frozen memtable -> table -> edit -> remove old segments, roll the manifest
//! keeper    makes the next log segment ahead of need; marks the log after idleness
//! ```

use std::sync::Arc;
use std::time::Duration;

use seawall_os::sync::{AtomicBool, Condvar, JoinHandle, Mutex, Ordering, spawn};

use crate::base::key::SeqNo;

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
    /// Mirrors `State::stalled`, so that a commit need not take the lock to know.
    stalled: AtomicBool,
}

#[derive(Debug)]
struct State {
    stopping: bool,
    failed: bool,
    /// Frozen memtables not yet in a table.
    frozen_count: usize,
    /// The leader found the active memtable full and no room to freeze it.
    stalled: bool,
    /// Everything up to here is in tables.
    flushed_seqno: SeqNo,
    want_spare: bool,
    watch_idle: bool,
}

/// What the keeper is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeeperWork {
    Stop,
    Spare,
    /// The idle time has passed without another order.
    Idle,
}

impl Signals {
    pub(super) fn new(frozen_count: usize, flushed_seqno: SeqNo) -> Signals {
        Signals {
            state: Mutex::new(State {
                stopping: false,
                failed: false,
                frozen_count,
                stalled: false,
                flushed_seqno,
                want_spare: false,
                watch_idle: false,
            }),
            frozen: Condvar::new(),
            keep: Condvar::new(),
            progress: Condvar::new(),
            stalled: AtomicBool::new(false),
        }
    }

    /// Tells all tasks to end.
    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.wake_all();
    }

    /// Writes have stopped: nobody need wait for progress any more.
    pub(super) fn fail(&self) {
        self.state.lock().failed = true;
        self.wake_all();
    }

    fn wake_all(&self) {
        self.frozen.notify_all();
        self.keep.notify_all();
        self.progress.notify_all();
    }

    /// Whether one more memtable may be frozen; if not, writers must wait.
    pub(super) fn may_freeze(&self, max: usize) -> bool {
        let mut state = self.state.lock();
        let room = state.frozen_count < max;
        if !room {
            state.stalled = true;
            self.stalled.store(true, Ordering::Release);
        }
        room
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
        state.stalled = false;
        self.stalled.store(false, Ordering::Release);
        drop(state);
        self.progress.notify_all();
    }

    /// Waits until a frozen memtable may be there; `false` when the flusher is to end.
    pub(super) fn wait_for_frozen(&self) -> bool {
        let mut state = self.state.lock();
        self.frozen.wait_while(&mut state, |state| {
            !state.stopping && (state.frozen_count == 0 || state.failed)
        });
        !state.stopping
    }

    /// Waits as long as the active memtable is full and cannot be frozen.
    pub(super) fn wait_for_room(&self) {
        if !self.stalled.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state.lock();
        self.progress
            .wait_while(&mut state, |state| state.stalled && !state.stopping && !state.failed);
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

    /// Whether writers wait for room.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
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
            let nothing = |state: &mut State| !state.stopping && !state.failed && !state.want_spare;
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
        Tasks {
            handles: vec![
                spawn("flusher", move || flusher.run_flusher()),
                spawn("keeper", move || keeper.run_keeper()),
            ],
        }
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
