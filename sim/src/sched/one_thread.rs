//! Values of one OS thread inside types that must be `Send` and `Sync`.

#![allow(unsafe_code)]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of this OS thread; never used twice in a process.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

/// A value that only the OS thread that made it can reach.
///
/// The traits of the store ask for `Send + Sync`, and task bodies for `Send`; a simulated world lives
/// on one OS thread, in `Rc`s. This wrapper joins the two: it may be *moved* anywhere, but reaching
/// the value from another thread panics, and dropping it there leaks the value.
pub struct OneThread<T> {
    owner: u64,
    value: ManuallyDrop<T>,
}

// SAFETY: every way to the value (`deref`, `into_inner`, `drop`) first checks that the calling OS
// thread is the one that made it, and thread numbers are never reused, so no value is ever touched
// by a second thread whatever thread holds or borrows the wrapper.
unsafe impl<T> Send for OneThread<T> {}
// SAFETY: as for `Send`.
unsafe impl<T> Sync for OneThread<T> {}

impl<T> OneThread<T> {
    /// Binds `value` to the calling OS thread.
    pub fn new(value: T) -> OneThread<T> {
        OneThread { owner: thread_number(), value: ManuallyDrop::new(value) }
    }

    /// The value.
    ///
    /// # Panics
    /// On another OS thread than the one that made it.
    pub fn into_inner(mut self) -> T {
        self.check();
        // SAFETY: `self` is forgotten below, so the value is taken out once.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        std::mem::forget(self);
        value
    }

    #[inline]
    fn check(&self) {
        assert!(self.owner == thread_number(), "a value of one OS thread was used on another");
    }
}

impl<T> Deref for OneThread<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.check();
        &self.value
    }
}

impl<T: Clone> Clone for OneThread<T> {
    fn clone(&self) -> OneThread<T> {
        OneThread::new((**self).clone())
    }
}

impl<T> Drop for OneThread<T> {
    fn drop(&mut self) {
        if self.owner == thread_number() {
            // SAFETY: the value is still there: only `into_inner` takes it, and that forgets `self`.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

impl<T> fmt::Debug for OneThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneThread(..)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "another thread is the point")]

    use std::rc::Rc;

    use super::*;

    #[test]
    fn another_thread_cannot_reach_the_value_and_leaks_it() {
        let value = Rc::new(1);
        let bound = OneThread::new(Rc::clone(&value));
        assert_eq!(**bound, 1);
        let moved = std::thread::spawn(move || {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| **bound)).is_err()
        });
        assert!(moved.join().expect("the thread itself does not panic"));
        assert_eq!(Rc::strong_count(&value), 2, "the clone is leaked, not dropped elsewhere");
    }
}
