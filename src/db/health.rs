//! Whether writes may go on. The first failure that leaves the disk unknown stops them for good.

use seawall_os::sync::{AtomicBool, Mutex, Ordering};

use crate::base::error::{Error, ErrorKind, Result};

/// The first cause of a stop, kept for every writer that comes after.
#[derive(Debug, Default)]
pub(super) struct Health {
    stopped: AtomicBool,
    closed: AtomicBool,
    sealed: AtomicBool,
    cause: Mutex<Option<Error>>,
}

impl Health {
    /// Stops writes for good, unless they have stopped already: the first cause is kept. Returns whether
    /// this is it.
    pub(super) fn stop(&self, cause: &Error) -> bool {
        let is_first = {
            let mut first = self.cause.lock();
            let is_first = first.is_none();
            first.get_or_insert_with(|| cause.clone());
            is_first
        };
        self.stopped.store(true, Ordering::Release);
        is_first
    }

    /// The handle is closed: nothing is accepted any more. Returns whether it was before.
    pub(super) fn close(&self) -> bool {
        self.closed.swap(true, Ordering::AcqRel)
    }

    /// The log was ended, or given up: nothing goes into it any more. Called under its turn.
    pub(super) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    /// Fails when nothing may be written to the log. Called under its turn.
    pub(super) fn check_log(&self) -> Result<()> {
        if self.sealed.load(Ordering::Acquire) {
            return Err(closed());
        }
        self.check_writes()
    }

    /// Fails when writes have stopped or the handle is closed.
    pub(super) fn check(&self) -> Result<()> {
        self.check_open()?;
        self.check_writes()
    }

    /// Fails when writes have stopped.
    pub(super) fn check_writes(&self) -> Result<()> {
        if self.stopped.load(Ordering::Acquire)
            && let Some(cause) = &*self.cause.lock()
        {
            return Err(Error::stopped(cause));
        }
        Ok(())
    }

    /// Fails when the handle is closed.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    /// Why writes have stopped, if they have.
    pub(super) fn cause(&self) -> Option<Error> {
        self.cause.lock().clone()
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the database was closed")
}
