//! A wait id drawn when it is first needed under a hook.

use std::sync::atomic::{AtomicU64, Ordering};

use super::hook::{Hook, WaitId};

/// Zero until a hook gives it a number.
#[derive(Debug, Default)]
pub(super) struct LazyWaitId(AtomicU64);

impl LazyWaitId {
    pub(super) const fn new() -> LazyWaitId {
        LazyWaitId(AtomicU64::new(0))
    }

    pub(super) fn get(&self, hook: &dyn Hook) -> WaitId {
        match self.0.load(Ordering::Relaxed) {
            0 => {
                let id = hook.next_wait_id();
                assert_ne!(id.0, 0, "wait ids start at 1");
                self.0.store(id.0, Ordering::Relaxed);
                id
            }
            id => WaitId(id),
        }
    }
}
