//! Atomics that threads race on, and a shared pointer; each access a switch point under a hook.
//!
//! An access made while a short lock is held does not switch: nobody may run then.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic;

pub use std::sync::atomic::Ordering;

use super::hook::{self, Point};
use super::task_local;

#[inline]
fn access() {
    if hook::installed() && task_local::short_locks() == 0 {
        hook::switch(Point::Atomic);
    }
}

macro_rules! common {
    ($name:ident, $value:ty) => {
        /// As the type of the same name in `std`, with a switch point at each access.
        #[derive(Default)]
        pub struct $name(atomic::$name);

        impl $name {
            /// Starts with `value`.
            pub const fn new(value: $value) -> $name {
                $name(atomic::$name::new(value))
            }

            /// Reads the value.
            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                access();
                self.0.load(order)
            }

            /// Replaces the value.
            #[inline]
            pub fn store(&self, value: $value, order: Ordering) {
                access();
                self.0.store(value, order);
            }

            /// Replaces the value and returns the former one.
            #[inline]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                access();
                self.0.swap(value, order)
            }

            /// Replaces `current` by `new`, unless the value is another.
            ///
            /// # Errors
            /// The value found, when it is not `current`.
            #[inline]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                access();
                self.0.compare_exchange(current, new, success, failure)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! number {
    ($name:ident, $value:ty) => {
        common!($name, $value);

        impl $name {
            /// Adds and returns the former value.
            #[inline]
            pub fn fetch_add(&self, by: $value, order: Ordering) -> $value {
                access();
                self.0.fetch_add(by, order)
            }

            /// Subtracts and returns the former value.
            #[inline]
            pub fn fetch_sub(&self, by: $value, order: Ordering) -> $value {
                access();
                self.0.fetch_sub(by, order)
            }

            /// Raises the value to at least `to` and returns the former one.
            #[inline]
            pub fn fetch_max(&self, to: $value, order: Ordering) -> $value {
                access();
                self.0.fetch_max(to, order)
            }
        }
    };
}

common!(AtomicBool, bool);
number!(AtomicU32, u32);
number!(AtomicU64, u64);
number!(AtomicUsize, usize);

/// Counts something for people to look at. Nothing that the program does may depend on it, so an
/// access is no switch point.
#[derive(Default)]
pub struct Counter(atomic::AtomicU64);

impl Counter {
    /// Counts `by` more.
    #[inline]
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A pointer that readers load without a lock and a writer replaces.
pub struct Shared<T> {
    inner: arc_swap::ArcSwap<T>,
}

impl<T> Shared<T> {
    /// Starts with `value`.
    pub fn new(value: Arc<T>) -> Shared<T> {
        Shared { inner: arc_swap::ArcSwap::new(value) }
    }

    /// What is there now; it stays alive as long as the caller holds it.
    #[inline]
    pub fn load(&self) -> Arc<T> {
        access();
        self.inner.load_full()
    }

    /// Calls `with` on what is there now, without touching a reference count.
    #[inline]
    pub fn with<R>(&self, with: impl FnOnce(&T) -> R) -> R {
        access();
        with(&self.inner.load())
    }

    /// Replaces it. Readers that loaded the former value keep it.
    pub fn store(&self, value: Arc<T>) {
        drop(self.swap(value));
    }

    /// Replaces it and returns the former value: the caller decides where that is dropped.
    pub fn swap(&self, value: Arc<T>) -> Arc<T> {
        access();
        self.inner.swap(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
