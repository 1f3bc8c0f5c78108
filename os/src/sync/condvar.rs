//! Waiting for a condition under a short lock.

use std::fmt;
use std::time::Duration;

use super::hook::{self, Notify, Woken};
use super::mutex::MutexGuard;
use super::wait_id::LazyWaitId;

/// A condition variable for one [`super::Mutex`].
///
/// There is no bare wait: each wait names the condition that keeps it waiting, so a wake-up without
/// cause is harmless.
#[derive(Default)]
pub struct Condvar {
    inner: parking_lot::Condvar,
    id: LazyWaitId,
}

impl Condvar {
    /// A condition variable nobody waits on.
    pub const fn new() -> Condvar {
        Condvar { inner: parking_lot::Condvar::new(), id: LazyWaitId::new() }
    }

    /// Waits as long as `condition` holds. The lock is free meanwhile and held again on return.
    pub fn wait_while<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) {
        let Some(hook) = hook::active() else {
            self.inner.wait_while(guard.raw(), condition);
            return;
        };
        let id = self.id.get(&*hook);
        while condition(&mut **guard) {
            guard.released(|| hook.wait(id, None));
        }
    }

    /// Waits as long as `condition` holds, but no longer than `timeout`.
    ///
    /// Returns whether the time ran out with the condition still holding.
    pub fn wait_while_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        timeout: Duration,
    ) -> bool {
        let Some(hook) = hook::active() else {
            return self.inner.wait_while_for(guard.raw(), condition, timeout).timed_out();
        };
        let id = self.id.get(&*hook);
        let deadline = hook.now() + timeout;
        while condition(&mut **guard) {
            if guard.released(|| hook.wait(id, Some(deadline))) == Woken::TimedOut {
                return condition(&mut **guard);
            }
        }
        false
    }

    /// Wakes one waiting task, if any.
    pub fn notify_one(&self) {
        self.notify(Notify::One);
    }

    /// Wakes all waiting tasks.
    pub fn notify_all(&self) {
        self.notify(Notify::All);
    }

    fn notify(&self, how: Notify) {
        match hook::active() {
            Some(hook) => hook.notify(self.id.get(&*hook), how),
            None => match how {
                Notify::One => {
                    self.inner.notify_one();
                }
                Notify::All => {
                    self.inner.notify_all();
                }
            },
        }
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condvar")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sync::{Mutex, spawn};

    #[test]
    fn a_waiter_sees_the_condition_another_thread_set() {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let other = Arc::clone(&shared);
        let setter = spawn("setter", move || {
            *other.0.lock() = true;
            other.1.notify_all();
        });
        let mut ready = shared.0.lock();
        shared.1.wait_while(&mut ready, |ready| !*ready);
        assert!(*ready);
        drop(ready);
        setter.join().expect("the setter does not panic");
    }

    #[test]
    fn a_wait_with_a_timeout_says_that_time_ran_out() {
        let (mutex, condvar) = (Mutex::new(false), Condvar::new());
        let mut guard = mutex.lock();
        assert!(condvar.wait_while_for(&mut guard, |ready| !*ready, Duration::from_millis(1)));
    }
}
