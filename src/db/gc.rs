//! Removing files that nothing names any more. A removal that fails is left to the next open.

use seawall_os::sync::{enter_scope, yield_point};

use crate::base::file_name::{FileName, FileNumber};

use super::core::Core;
use super::scope;

impl Core {
    /// Removes log segments below `min_wal`, the oldest first. The edit that says so is durable.
    ///
    /// Invariant: segments go as a prefix of the chain, never one from the middle.
    pub(super) fn remove_old_segments(&self, min_wal: FileNumber) {
        let _scope = enter_scope(scope::GC);
        let mut status = self.log_status.lock();
        let keep = status.segments.iter().position(|segment| segment.number >= min_wal);
        let keep = keep.unwrap_or(status.segments.len().saturating_sub(1));
        let old: Vec<FileNumber> =
            status.segments.drain(..keep).map(|segment| segment.number).collect();
        drop(status);
        for number in old {
            let _ = self.vfs.remove(&self.path(&FileName::Wal(number)));
        }
        self.remove_discarded();
    }

    /// Removes segments that were made ahead and can never be used.
    pub(super) fn remove_discarded(&self) {
        let discarded = std::mem::take(&mut self.log_status.lock().discarded);
        for number in discarded {
            self.remove_unnamed_segment(number);
        }
    }

    /// Removes a segment to which no frame was ever written.
    pub(super) fn remove_unnamed_segment(&self, number: FileNumber) {
        let _ = self.vfs.remove(&self.path(&FileName::Wal(number)));
        self.numbers.settle(number);
    }

    /// Removes the obsolete tables that nobody reads any more.
    pub(super) fn remove_released(&self) {
        let _scope = enter_scope(scope::GC);
        for number in self.signals.take_released() {
            yield_point("remove obsolete table");
            self.remove_unnamed_table(number);
        }
    }

    /// Removes a table that no edit names.
    pub(super) fn remove_unnamed_table(&self, number: FileNumber) {
        let _ = self.vfs.remove(&self.path(&FileName::Table(number)));
        self.numbers.settle(number);
    }
}
