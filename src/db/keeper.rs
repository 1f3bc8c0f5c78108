//! The keeper: spare segments, rotation, the MARK after idleness, and what compactions leave.

use seawall_os::sync::{Ordering, enter_scope};

use crate::base::error::Result;
use crate::log::frame_bytes;
use crate::wal::{CreateFailure, Segment, WalWriter, create_segment};

use super::background::KeeperWork;
use super::core::{Core, LiveSegment};
use super::scope;

impl Core {
    /// The keeper's loop.
    pub(super) fn run_keeper(&self) {
        if self.options.spare_segment {
            self.signals.want_spare();
        }
        let mut groups_seen = 0;
        loop {
            match self.signals.next_keeper_work(self.options.idle_mark) {
                KeeperWork::Stop => return,
                KeeperWork::Spare => self.make_spare(),
                KeeperWork::Collect => self.remove_released(),
                KeeperWork::Idle => {
                    let groups = self.groups.load(Ordering::Relaxed);
                    if groups == groups_seen {
                        self.mark();
                    }
                    groups_seen = groups;
                }
            }
        }
    }

    /// Moves the log on to a segment that holds at least one group of `payload` bytes.
    ///
    /// # Errors
    /// One that left nothing behind (no room, no number) fails this group only; one of the log
    /// itself stops writes for good.
    pub(super) fn rotate(&self, log: &mut WalWriter, payload: usize) -> Result<()> {
        let _scope = enter_scope(scope::ROTATE);
        let needed = needed_bytes(payload);
        let next = match self.take_spare(log, needed) {
            Some(spare) => spare,
            None => self.make_segment(self.options.segment_bytes.max(needed))?,
        };
        let number = next.log.number;
        let synced_edit = self.synced_edit.load(Ordering::Acquire);
        log.rotate(next, synced_edit).inspect_err(|error| self.stop(error))?;
        let head = LiveSegment { number, last_seqno: log.last_seqno(), end: log.end().offset };
        self.log_status.lock().segments.push(head);
        self.numbers.settle(number);
        if self.options.spare_segment {
            self.signals.want_spare();
        }
        Ok(())
    }

    /// The spare, if it can follow the head. One that cannot is never used.
    fn take_spare(&self, log: &WalWriter, needed: u64) -> Option<Segment> {
        let mut status = self.log_status.lock();
        // An oversized group leaves the spare where it is: its number is then below the head's, and
        // the next rotation discards it.
        if status.spare.as_ref()?.capacity < needed {
            return None;
        }
        let spare = status.spare.take()?;
        if spare.log.number > log.head_number() {
            return Some(spare);
        }
        status.discarded.push(spare.log.number);
        None
    }

    fn make_spare(&self) {
        let _scope = enter_scope(scope::SPARE);
        if self.log_status.lock().spare.is_some() {
            return;
        }
        self.remove_discarded();
        // A failure is no loss: the next rotation makes its own segment, and tells who commits.
        if let Ok(segment) = self.make_segment(self.options.segment_bytes) {
            self.log_status.lock().spare = Some(segment);
        }
    }

    /// Makes an empty segment. Its number stays in progress until it is the head.
    fn make_segment(&self, capacity: u64) -> Result<Segment> {
        self.health.check_writes()?;
        let number = self.draw_number()?;
        let sync_name = || self.sync_dir();
        match create_segment(&*self.vfs, &self.dir, self.id, number, capacity, sync_name) {
            Ok(segment) => Ok(segment),
            Err(CreateFailure::BeforeSync(error)) => {
                self.remove_unnamed_segment(number);
                Err(error)
            }
            Err(CreateFailure::Sync(error)) => {
                self.stop(&error);
                Err(error)
            }
        }
    }

    /// Writes and syncs a MARK if it would vouch for anything, and goes to rest until the next sync.
    fn mark(&self) {
        let _scope = enter_scope(scope::MARK);
        let mut log = self.log.take();
        self.signals.watch_idle(false);
        self.mark_armed.store(false, Ordering::Release);
        if self.health.check_log().is_err() || !log.wants_mark() {
            return;
        }
        if !log.fits(0) {
            return;
        }
        if let Err(error) = log.append_mark().and_then(|()| log.sync()) {
            self.stop(&error);
        }
        self.note_log_end(&log);
    }
}

/// What a segment must hold for a group of `payload` bytes: the LINK, the group and a CLOSE.
pub(super) fn needed_bytes(payload: usize) -> u64 {
    const LINK_BYTES: usize = 96;
    (LINK_BYTES + frame_bytes(payload) + frame_bytes(0)) as u64
}
