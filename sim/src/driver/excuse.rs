//! Which failures have a reason. A store may fail where the disk failed, and nowhere else.
//!
//! | what failed | its reasons |
//! |---|---|
//! | anything | the disk is dead |
//! | an open | a fault struck during it, or the cache let go of what a failed sync left only there |
//! | a read | a read failed during it, or the cache let go of something |
//! | anything else | a fault struck during it; or one struck before, and the store says that writes have stopped |
//!
//! *During* counts the calls of every task: a commit fails with the group that its leader writes, a
//! flush with the table that a background task makes.

use super::life::Room;
use crate::disk::Counts;
use crate::system::System;

/// What had happened on the disk when something began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    counts: Counts,
    /// How often syncs had told of a write-back that failed.
    told: usize,
}

impl<S: System> Room<S> {
    /// To be asked before what may fail.
    pub(super) fn now(&self) -> Since {
        Since { counts: self.sim_fs.counts(), told: self.sim_fs.told() }
    }

    /// Whether an open may have failed.
    pub(super) fn excuses_open(&self, since: Since) -> bool {
        self.sim_fs.is_dead() || faults(&self.sim_fs.counts()) > faults(&since.counts)
    }

    /// Whether an operation may have failed.
    pub(super) fn excuses(&self, store: &S::Store, op: &S::Op, since: Since) -> bool {
        let now = self.sim_fs.counts();
        let reads_failed = |counts: &Counts| counts.read_eio + counts.reverted;
        match S::only_reads(op) {
            true => self.sim_fs.is_dead() || reads_failed(&now) > reads_failed(&since.counts),
            false => self.excuses_upkeep(store, since),
        }
    }

    /// Whether something may have failed that does more than to read.
    pub(super) fn excuses_upkeep(&self, store: &S::Store, since: Since) -> bool {
        self.excuses_open(since) || self.has_faults() && S::has_stopped(store)
    }

    /// Whether a change may have failed and need stop nothing: a disk that takes no change any more gave it no
    /// new file, and no other call failed.
    pub(super) fn excuses_no_file(&self, since: Since) -> bool {
        let now = self.sim_fs.counts();
        let names = now.refused_names - since.counts.refused_names;
        names > 0 && faults(&now) - faults(&since.counts) == names
    }

    /// Whether bytes may be damaged of which `why` tells: a write-back has lost them, and the sync that says
    /// so is yet to come, or came when they had been read.
    pub(super) fn excuses_damage(&self, why: &str, since: Since) -> bool {
        self.sim_fs.names_untold(why, since.told)
    }

    /// Whether a close may have failed. It takes the store, which can no longer be asked.
    pub(super) fn excuses_close(&self, since: Since) -> bool {
        self.excuses_open(since) || self.has_faults()
    }

    /// Whether files may lie about that nothing names: what a failed call left behind stays until the
    /// next open. A failed read leaves nothing.
    ///
    /// On a disk on which a sync ever failed, names and bytes of long ago may turn up at any power
    /// loss, and a file set aside then stays for good. To tell the files that such a sync concerns
    /// from the others, the disk would have to follow each name through every rename; so there all
    /// are let pass, those set aside too.
    pub(super) fn excuses_files(&self) -> bool {
        self.sync_ever_failed || leaves_files(&self.sim_fs.counts())
    }

    pub(super) fn has_faults(&self) -> bool {
        faults(&self.sim_fs.counts()) > 0
    }
}

/// Whether a call failed that may leave a file.
fn leaves_files(counts: &Counts) -> bool {
    faults(counts) > counts.read_eio
}

/// Calls that failed, and things that came back old.
fn faults(counts: &Counts) -> u64 {
    counts.faults() + counts.reverted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_a_failed_call_left_may_lie_about_until_the_next_open() {
        assert!(!leaves_files(&Counts::default()));
        assert!(!leaves_files(&Counts { read_eio: 3, ..Counts::default() }), "a read leaves none");
        for left in [
            Counts { name_eio: 1, read_eio: 3, ..Counts::default() },
            Counts { name_eio_done: 1, ..Counts::default() },
            Counts { remounts: 1, ..Counts::default() },
            Counts { out_of_room: 1, ..Counts::default() },
            Counts { writeback_eio: 1, ..Counts::default() },
        ] {
            assert!(leaves_files(&left), "{left}");
        }
    }
}
