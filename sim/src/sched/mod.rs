//! The scheduler: the store's threads as coroutines on one OS thread, switched by choice.
//!
//! [`Scheduler`] implements the hook of [`seawall_os::sync`], so the store's threads, the driver's
//! clients and whatever they spawn are *tasks*: each has a stack of its own, and exactly one runs at
//! a time. At every lock, turn, atomic access, named yield point and file system call another task
//! may go on instead; which one is a choice of stream `schedule`, asked for the task that reached
//! the point, with the names of the tasks as labels:
//!
//! ```text
//! at an ordinary point      first the same task (the default), then the others in turn
//! at a yield                the others in turn, then the same task
//! at a wait, a sleep, an end    the others in turn
//! ```
//!
//! Time is a count: it moves by a fixed step at each point, and jumps to the earliest deadline when
//! no task can run, or, where the options say so, now and then by choice. When there is no deadline
//! either, the run is a deadlock; when it takes more steps than its budget, a livelock. Both are
//! reported with every task's position.
//!
//! By default a task goes on until it waits or yields, so a loop that waits by looking must hold a
//! named yield point; without one it is a livelock under a tape, as it is wasteful in production.
//!
//! A run that ends early leaks its tasks: their stacks, and what is reachable from them. That is the
//! price of one failure; a process that is to survive thousands of panicking runs must count them
//! ([`stack_counts`]).
//!
//! Invariants: nothing switches while a panic unwinds; a task that a run leaves unfinished is leaked
//! with its stack, never unwound; nothing here knows an address or a wall clock.
#![expect(
    clippy::disallowed_types,
    reason = "below the seam: this is what the store's locks and threads become under the simulator"
)]

mod coroutine;
mod end;
mod one_thread;
mod panics;
mod picker;
mod scheduler;
mod state;
mod strategy;
#[cfg(test)]
mod tests;

pub use coroutine::{StackCounts, stack_counts};
pub use end::{Place, RunEnd, TaskPosition};
pub use one_thread::OneThread;
pub use scheduler::{SchedOptions, Scheduler};
pub use strategy::{NotAStrategy, Strategy};
