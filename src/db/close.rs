//! A clean close: the log ends with a CLOSE, and the manifest vouches for all of it.

use seawall_os::sync::{Ordering, enter_scope};

use crate::base::error::Result;
use crate::base::log_position::LogPosition;
use crate::manifest::Edit;

use super::background::Job;
use super::core::Core;
use super::health::closed;
use super::scope;

impl Core {
    /// Ends the log and the manifest. The background tasks have ended, and no commit is accepted any
    /// more.
    ///
    /// After a failure that stopped writes nothing is written: the disk is left to the next open.
    pub(super) fn close_log(&self) -> Result<()> {
        let _scope = enter_scope(scope::CLOSE);
        let log_synced = self.end_log()?;
        let mut manifest = self.manifest.take();
        let edit = Edit { log_synced, ..Edit::after(manifest.state()) };
        self.append_edit(&mut manifest, &edit)
    }

    /// Writes the log's end and says how far it is synced.
    fn end_log(&self) -> Result<LogPosition> {
        let mut log = self.log.take();
        // No commit that was on its way may reach the log once the lock on the directory is released.
        self.health.seal();
        self.health.check_writes()?;
        if log.fits(0) {
            log.append_close().inspect_err(|error| self.stop(error))?;
        }
        // Durability: `Os` commits become durable here too, and the edit may vouch for the end.
        log.sync().inspect_err(|error| self.stop(error))?;
        Ok(log.synced())
    }

    /// Accepts no more calls; `false` when that was so already.
    pub(super) fn begin_close(&self) -> bool {
        !self.health.close()
    }

    /// Begins a call that touches files.
    ///
    /// # Errors
    /// `Closed`.
    pub(super) fn begin_job(&self) -> Result<Job<'_>> {
        self.health.check_open()?;
        self.signals.begin_job().ok_or_else(closed)
    }

    /// Releases the lock on the directory.
    pub(super) fn release_lock(&self) {
        let lock = self.lock.lock().take();
        drop(lock);
    }

    /// The seqno of the last visible operation.
    pub(super) fn last_seqno(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }
}
