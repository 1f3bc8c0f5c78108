//! How a simulator takes over: a [`Hook`] installed on an OS thread decides every switch on it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::clock::Time;

/// A place where the running task may be switched away from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// Before a [`super::Mutex`] is acquired.
    Mutex,
    /// Before a [`super::Turn`] is acquired.
    Turn,
    /// Before an access to an atomic or a [`super::Shared`].
    Atomic,
    /// After a task was spawned, before its spawner goes on.
    Spawn,
    /// At a named [`super::yield_point`].
    Yield(&'static str),
}

impl Point {
    /// The point's name, as used in traces and choice keys.
    pub const fn name(self) -> &'static str {
        match self {
            Point::Mutex => "mutex",
            Point::Turn => "turn",
            Point::Atomic => "atomic",
            Point::Spawn => "spawn",
            Point::Yield(name) => name,
        }
    }
}

/// What a task waits on. Numbered in order of first use, never by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub u64);

/// How many waiting tasks a notification wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// One, which one being the hook's choice.
    One,
    /// All of them.
    All,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It was notified, or woke for no reason; the caller looks at its condition again.
    Notified,
    /// Its deadline passed.
    TimedOut,
}

/// The simulator's side of [`crate::sync`].
///
/// All methods are called on the thread the hook is installed on, from within a task. None is called
/// while a panic unwinds. A task holds no short lock in any of them but `notify`.
pub trait Hook {
    /// Another task may run now.
    fn switch(&self, point: Point);
    /// Blocks the calling task until a notification of `on`, or until `deadline`.
    fn wait(&self, on: WaitId, deadline: Option<Time>) -> Woken;
    /// Makes waiting tasks runnable. Does not switch.
    fn notify(&self, on: WaitId, how: Notify);
    /// Starts a task. The name is stable and unique among the live tasks of a store.
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>);
    /// The simulated time.
    fn now(&self) -> Time;
    /// Blocks the calling task until `deadline`.
    fn sleep_until(&self, deadline: Time);
    /// The next unused wait id.
    fn next_wait_id(&self) -> WaitId;
}

thread_local! {
    static INSTALLED: Cell<bool> = const { Cell::new(false) };
    static HOOK: RefCell<Option<Rc<dyn Hook>>> = const { RefCell::new(None) };
}

/// Keeps a hook installed on this thread; dropping it puts back what was there before.
#[derive(Debug)]
#[must_use = "the hook is removed when the guard is dropped"]
pub struct Installed {
    previous: Previous,
}

struct Previous(Option<Rc<dyn Hook>>);

impl std::fmt::Debug for Previous {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "another hook" } else { "no hook" })
    }
}

/// Installs `hook` on the calling OS thread until the guard is dropped.
pub fn install(hook: Rc<dyn Hook>) -> Installed {
    let previous = HOOK.with(|slot| slot.borrow_mut().replace(hook));
    INSTALLED.set(true);
    Installed { previous: Previous(previous) }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let previous = self.previous.0.take();
        INSTALLED.set(previous.is_some());
        HOOK.with(|slot| *slot.borrow_mut() = previous);
    }
}

/// Whether a hook is installed on this thread.
#[inline]
pub fn installed() -> bool {
    INSTALLED.get()
}

/// Whether the run-time rules are checked here: in debug builds, and under a hook.
#[inline]
pub(crate) fn checking() -> bool {
    cfg!(debug_assertions) || installed()
}

/// The hook, unless there is none or a panic unwinds: nothing switches while unwinding.
#[inline]
pub(crate) fn active() -> Option<Rc<dyn Hook>> {
    if !installed() || std::thread::panicking() {
        return None;
    }
    HOOK.with(|slot| slot.borrow().clone())
}

/// A switch point, when a hook is active.
#[inline]
pub(crate) fn switch(point: Point) {
    if let Some(hook) = active() {
        hook.switch(point);
    }
}
