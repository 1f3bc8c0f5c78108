//! What belongs to a task rather than to an OS thread: its scope, its short-lock count, its locals.
//!
//! Under a simulator many tasks share one OS thread. Their state lives in thread-local slots that the
//! scheduler exchanges at every switch with [`swap_task_state`], so the code here is the same for
//! both kinds of thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use crate::site::Scope;

type Locals = Vec<(&'static str, Rc<dyn Any>)>;

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::NONE) };
    static SHORT_LOCKS: Cell<u32> = const { Cell::new(0) };
    static LOCALS: RefCell<Locals> = const { RefCell::new(Vec::new()) };
}

/// Everything that travels with a task.
#[derive(Default)]
pub struct TaskState {
    scope: Option<Scope>,
    short_locks: u32,
    locals: Locals,
}

impl fmt::Debug for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskState").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Makes `next` the state of the running task and returns what was there.
///
/// For schedulers: called on every switch, with the state of the task that runs next.
pub fn swap_task_state(next: TaskState) -> TaskState {
    TaskState {
        scope: Some(SCOPE.replace(next.scope.unwrap_or(Scope::NONE))),
        short_locks: SHORT_LOCKS.replace(next.short_locks),
        locals: LOCALS.replace(next.locals),
    }
}

/// Leaves its scope when dropped; scopes nest.
#[derive(Debug)]
#[must_use = "the scope ends when the guard is dropped"]
pub struct ScopeGuard {
    previous: Scope,
}

/// Enters `scope` until the guard is dropped. It travels with the task across switches.
#[inline]
pub fn enter_scope(scope: Scope) -> ScopeGuard {
    ScopeGuard { previous: SCOPE.replace(scope) }
}

impl Drop for ScopeGuard {
    #[inline]
    fn drop(&mut self) {
        SCOPE.set(self.previous);
    }
}

/// The scope the running task is in.
#[inline]
pub fn current_scope() -> Scope {
    SCOPE.get()
}

/// How many short locks the running task holds. Counted only where rules are checked.
#[inline]
pub(crate) fn short_locks() -> u32 {
    SHORT_LOCKS.get()
}

#[inline]
pub(crate) fn count_short_lock() {
    SHORT_LOCKS.set(SHORT_LOCKS.get() + 1);
}

#[inline]
pub(crate) fn uncount_short_lock() {
    SHORT_LOCKS.set(SHORT_LOCKS.get().saturating_sub(1));
}

#[inline]
#[track_caller]
pub(crate) fn assert_no_short_lock(what: &str) {
    assert!(
        short_locks() == 0 || std::thread::panicking(),
        "a short lock is held across {what}: use a Turn, or let go first"
    );
}

/// A value of which every task has its own, made on first use.
///
/// The simulator's stand-in for `thread_local!`, which a store must not use: under it several tasks
/// share one OS thread.
#[derive(Debug)]
pub struct TaskLocal<T: 'static> {
    name: &'static str,
    init: fn() -> T,
}

impl<T: 'static> TaskLocal<T> {
    /// Declares a task-local value. The name identifies it and must be unique in the program.
    pub const fn new(name: &'static str, init: fn() -> T) -> TaskLocal<T> {
        TaskLocal { name, init }
    }

    /// Calls `with` on the running task's value. `with` may switch tasks.
    ///
    /// # Panics
    /// If another `TaskLocal` of a different type has the same name.
    pub fn with<R>(&self, with: impl FnOnce(&T) -> R) -> R {
        let found = LOCALS.with_borrow(|locals| {
            locals.iter().find(|(name, _)| *name == self.name).map(|(_, value)| Rc::clone(value))
        });
        let value = found.unwrap_or_else(|| {
            let made: Rc<dyn Any> = Rc::new((self.init)());
            LOCALS.with_borrow_mut(|locals| locals.push((self.name, Rc::clone(&made))));
            made
        });
        match value.downcast::<T>() {
            Ok(value) => with(&value),
            Err(_) => panic!("two TaskLocals of different types are named {:?}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_ends_with_its_guard_and_scopes_nest() {
        let outer = enter_scope(Scope::new("outer"));
        {
            let _inner = enter_scope(Scope::new("inner"));
            assert_eq!(current_scope().name(), "inner");
        }
        assert_eq!(current_scope().name(), "outer");
        drop(outer);
        assert_eq!(current_scope(), Scope::NONE);
    }

    #[test]
    fn each_task_state_has_its_own_locals_and_scope() {
        static COUNT: TaskLocal<Cell<u32>> = TaskLocal::new("count", || Cell::new(0));
        COUNT.with(|count| count.set(7));
        let _scope = enter_scope(Scope::new("first"));
        let first = swap_task_state(TaskState::default());
        assert_eq!(COUNT.with(Cell::get), 0);
        assert_eq!(current_scope(), Scope::NONE);
        swap_task_state(first);
        assert_eq!(COUNT.with(Cell::get), 7);
        assert_eq!(current_scope().name(), "first");
    }
}
