//! The short lock: never held across I/O, a wait, a yield or another lock.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::hook::{self, Point};
use super::task_local;

/// A short lock around a value.
///
/// See [`crate::sync`] for the rule it obeys. Does not poison: a panic under a short lock leaves the
/// value as it was at that moment.
#[derive(Default)]
pub struct Mutex<T> {
    inner: parking_lot::Mutex<T>,
}

impl<T> Mutex<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex { inner: parking_lot::Mutex::new(value) }
    }

    /// Waits for the lock and takes it.
    ///
    /// # Panics
    /// In checked builds, when the calling task already holds a short lock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        if !hook::checking() {
            return MutexGuard { inner: Some(self.inner.lock()), counted: false };
        }
        task_local::assert_no_short_lock("the acquisition of another");
        hook::switch(Point::Mutex);
        let inner = self.take();
        task_local::count_short_lock();
        MutexGuard { inner: Some(inner), counted: true }
    }

    /// The value, when nobody else can hold the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }

    /// Under a hook a short lock is free whenever a task gets to run: nobody switches holding one.
    fn take(&self) -> parking_lot::MutexGuard<'_, T> {
        if hook::active().is_none() {
            return self.inner.lock();
        }
        match self.inner.try_lock() {
            Some(guard) => guard,
            None => panic!("a short lock is held by a task that does not run"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Releases its [`Mutex`] when dropped.
pub struct MutexGuard<'a, T> {
    /// `None` only while a condition variable has taken it out to wait.
    inner: Option<parking_lot::MutexGuard<'a, T>>,
    counted: bool,
}

impl<'a, T> MutexGuard<'a, T> {
    /// The parking_lot guard, for a wait of the OS.
    pub(super) fn raw(&mut self) -> &mut parking_lot::MutexGuard<'a, T> {
        self.inner.as_mut().expect("a guard is whole but during a simulated wait")
    }

    /// Lets go of the lock, runs `wait`, and takes the lock again: a simulated wait.
    pub(super) fn released<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        let guard = self.inner.take().expect("a guard is whole but during a simulated wait");
        let mutex = parking_lot::MutexGuard::mutex(&guard);
        drop(guard);
        if self.counted {
            task_local::uncount_short_lock();
        }
        let result = wait();
        // A leaked task never comes back from `wait`, so the lock is free here as in `take`.
        self.inner = Some(mutex.lock());
        if self.counted {
            task_local::count_short_lock();
        }
        result
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("a guard is whole but during a simulated wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("a guard is whole but during a simulated wait")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.counted && self.inner.is_some() {
            task_local::uncount_short_lock();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a short lock is held across the acquisition of another")]
    fn short_locks_do_not_nest() {
        let (outer, inner) = (Mutex::new(1), Mutex::new(2));
        let _outer = outer.lock();
        let _inner = inner.lock();
    }

    #[test]
    #[should_panic(expected = "a short lock is held across a file system call")]
    fn a_short_lock_is_not_held_across_io() {
        let mutex = Mutex::new(1);
        let _guard = mutex.lock();
        crate::sync::assert_may_call_vfs();
    }

    #[test]
    fn a_dropped_guard_is_no_longer_counted() {
        let mutex = Mutex::new(1);
        *mutex.lock() += 1;
        crate::sync::assert_may_call_vfs();
        assert_eq!(*mutex.lock(), 2);
    }
}
