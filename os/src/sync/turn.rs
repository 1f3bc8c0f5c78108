//! The long lock: exclusive work that may do I/O and wait.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::hook::{self, Notify, Point, WaitId};
use super::task_local;
use super::wait_id::LazyWaitId;

/// A lock that may be held across system calls and waits.
///
/// Take it for work that must be exclusive as a whole, such as appending to a log and syncing it.
/// Readers never need one.
#[derive(Default)]
pub struct Turn<T> {
    inner: parking_lot::Mutex<T>,
    id: LazyWaitId,
}

impl<T> Turn<T> {
    /// Wraps the state that only the holder may touch.
    pub const fn new(value: T) -> Turn<T> {
        Turn { inner: parking_lot::Mutex::new(value), id: LazyWaitId::new() }
    }

    /// Waits for the turn and takes it.
    ///
    /// # Panics
    /// In checked builds, while a short lock is held.
    #[inline]
    pub fn take(&self) -> TurnGuard<'_, T> {
        if !hook::checking() {
            return TurnGuard { inner: Some(self.inner.lock()), id: None };
        }
        task_local::assert_no_short_lock("the wait for a Turn");
        let Some(hook) = hook::active() else {
            return TurnGuard { inner: Some(self.inner.lock()), id: None };
        };
        hook.switch(Point::Turn);
        let id = self.id.get(&*hook);
        loop {
            if let Some(inner) = self.inner.try_lock() {
                return TurnGuard { inner: Some(inner), id: Some(id) };
            }
            hook.wait(id, None);
        }
    }

    /// The state, when nobody else can hold the turn.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}

impl<T> fmt::Debug for Turn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("taken", &self.inner.is_locked()).finish()
    }
}

/// Gives its [`Turn`] back when dropped.
pub struct TurnGuard<'a, T> {
    /// `None` only inside `drop`.
    inner: Option<parking_lot::MutexGuard<'a, T>>,
    id: Option<WaitId>,
}

impl<T> Deref for TurnGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("a guard is whole until it is dropped")
    }
}

impl<T> DerefMut for TurnGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("a guard is whole until it is dropped")
    }
}

impl<T> Drop for TurnGuard<'_, T> {
    fn drop(&mut self) {
        self.inner = None;
        if let (Some(id), Some(hook)) = (self.id, hook::active()) {
            hook.notify(id, Notify::All);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for TurnGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
