//! Stacks and the switch between them: the only unsafe part of the scheduler.
//!
//! A [`Coroutine`] runs its body on a stack of its own until the body calls [`suspend`]; resuming it
//! goes on from there. Stacks are pooled by OS thread, as mapping one costs more than a whole small
//! world. A coroutine dropped before its body ended is *abandoned*: its stack stays as it is for
//! good, because unwinding it would run the store's destructors in a world that is over.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use corosensei::stack::DefaultStack;
use corosensei::{CoroutineResult, Yielder};

/// The room for one task's calls. Only pages that are touched take memory.
const STACK_BYTES: usize = 512 * 1024;

/// How many free stacks an OS thread keeps.
const POOLED_MAX: usize = 64;

thread_local! {
    /// The yielder of the coroutine that runs on this OS thread; null outside of coroutines.
    static RUNNING: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
    static FREE: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    static MADE: Cell<u64> = const { Cell::new(0) };
    static ABANDONED: Cell<u64> = const { Cell::new(0) };
}

/// The stacks of this OS thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackCounts {
    /// Mapped since the thread began.
    pub made: u64,
    /// Free for the next task.
    pub pooled: usize,
    /// Left behind by runs that ended before their tasks did.
    pub abandoned: u64,
}

/// The stacks of the calling OS thread.
pub fn stack_counts() -> StackCounts {
    let pooled = FREE.with_borrow(Vec::len);
    StackCounts { made: MADE.get(), pooled, abandoned: ABANDONED.get() }
}

/// Whether the calling code runs inside a coroutine.
#[inline]
pub(super) fn running() -> bool {
    !RUNNING.get().is_null()
}

/// How a body ended, or that it did not.
pub(super) enum Resumed {
    /// It called [`suspend`].
    Suspended,
    /// It returned.
    Returned,
    /// It panicked; the panic was unwound to the foot of its stack.
    Panicked,
}

/// A body on a stack of its own.
pub(super) struct Coroutine {
    /// Dropped by hand: its own destructor would unwind a suspended body.
    inner: ManuallyDrop<corosensei::Coroutine<(), (), bool, DefaultStack>>,
}

impl Coroutine {
    /// A body that starts when it is first resumed.
    pub(super) fn new(body: Box<dyn FnOnce()>) -> Coroutine {
        let foot = move |yielder: &Yielder<(), ()>, ()| {
            RUNNING.set(yielder);
            let returned = catch_unwind(AssertUnwindSafe(body)).is_ok();
            RUNNING.set(ptr::null());
            returned
        };
        Coroutine { inner: ManuallyDrop::new(corosensei::Coroutine::with_stack(stack(), foot)) }
    }

    /// Runs the body until it suspends or ends.
    ///
    /// # Panics
    /// Inside a coroutine, and after the body ended.
    #[inline]
    pub(super) fn resume(&mut self) -> Resumed {
        assert!(!running(), "simulated worlds do not nest: this one is run by a task of another");
        match self.inner.resume(()) {
            CoroutineResult::Yield(()) => Resumed::Suspended,
            CoroutineResult::Return(true) => Resumed::Returned,
            CoroutineResult::Return(false) => Resumed::Panicked,
        }
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        if !self.inner.done() {
            ABANDONED.set(ABANDONED.get() + 1);
            return;
        }
        // SAFETY: `inner` is not used again: this is the destructor.
        let stack = unsafe { ManuallyDrop::take(&mut self.inner) }.into_stack();
        FREE.with_borrow_mut(|free| {
            if free.len() < POOLED_MAX {
                free.push(stack);
            }
        });
    }
}

/// Leaves the running coroutine until it is resumed.
///
/// # Panics
/// Outside of coroutines, and while a panic unwinds: the count of panics in flight belongs to the
/// OS thread and must not be taken over to another task.
#[inline]
pub(super) fn suspend() {
    assert!(!std::thread::panicking(), "nothing switches while a panic unwinds");
    let yielder = RUNNING.replace(ptr::null());
    assert!(!yielder.is_null(), "only a task can be suspended");
    // SAFETY: a pointer in RUNNING is set at the foot of a coroutine to its own yielder, which lives
    // on that stack until the foot returns, and the foot clears it before that. Here it is cleared
    // before the switch and set again after, so it is non-null only while the coroutine it belongs
    // to is the one that runs: the yielder is alive, is ours, and is used on its own stack.
    unsafe { (*yielder).suspend(()) };
    RUNNING.set(yielder);
}

fn stack() -> DefaultStack {
    if let Some(stack) = FREE.with_borrow_mut(Vec::pop) {
        return stack;
    }
    MADE.set(MADE.get() + 1);
    DefaultStack::new(STACK_BYTES).expect("the operating system maps a stack for a task")
}
