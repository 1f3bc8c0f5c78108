//! Threads, locks, condition variables, atomics and time, each a decision of the simulator when one
//! is present.
//!
//! With no [`hook::Hook`] installed on the calling thread everything here is `parking_lot` or `std`
//! behind one predictable branch. With one installed, the threads of the store are tasks on one OS
//! thread, and every acquisition, wait, atomic access and yield point may switch tasks.
//!
//! Two kinds of lock, told apart by type:
//!
//! - [`Mutex`] is short: never held across a [`crate::vfs`] call, a wait, a yield, a [`Turn`] or
//!   another `Mutex`. The rule is checked at run time in debug builds and, in every build, whenever
//!   a hook is installed; breaking it panics. It is what keeps readers fast, and it makes a deadlock
//!   between short locks impossible.
//! - [`Turn`] may be held across I/O and waits: exclusive work.
//!
//! One OS thread is sequentially consistent, so the simulator says nothing about memory orderings;
//! those are tested by other means.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the room of threads, locks and time"
)]

mod atomic;
mod clock;
mod condvar;
pub mod hook;
mod mutex;
mod task_local;
mod thread;
mod turn;
mod wait_id;

pub use atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Counter, Ordering, Shared};
pub use clock::{Time, now, sleep};
pub use condvar::Condvar;
pub use mutex::{Mutex, MutexGuard};
pub use task_local::{
    ScopeGuard, TaskLocal, TaskState, current_scope, enter_scope, swap_task_state,
};
pub use thread::{JoinHandle, Panicked, panicking, spawn};
pub use turn::{Turn, TurnGuard};

/// A named place where another task may run. Without a hook it does nothing.
///
/// Put one where a thread switch would be interesting and no lock, atomic or system call stands
/// already. Panics, in checked builds, while a short lock is held.
#[inline]
pub fn yield_point(name: &'static str) {
    if hook::checking() {
        task_local::assert_no_short_lock("a yield point");
        hook::switch(hook::Point::Yield(name));
    }
}

/// Every implementation of [`crate::vfs`] calls this on entry of each call.
///
/// Panics, in checked builds, while the calling task holds a short lock: I/O under a [`Mutex`] would
/// make readers wait for the disk.
#[inline]
pub fn assert_may_call_vfs() {
    if hook::checking() {
        task_local::assert_no_short_lock("a file system call");
    }
}
