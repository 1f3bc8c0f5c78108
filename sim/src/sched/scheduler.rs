//! The handle: runs a world's tasks, and is the hook they meet at every point.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use seawall_os::site::Site;
use seawall_os::sync::hook::{Hook, Notify, Point, WaitId, Woken, install};
use seawall_os::sync::{TaskState, Time, current_scope, swap_task_state};

use super::coroutine::{self, Coroutine, Resumed};
use super::end::{Place, RunEnd};
use super::panics;
use super::picker::Kind;
use super::state::{Next, Ready, State};
use super::strategy::Strategy;
use crate::choice::{Actor, Choices, Who, WorldId};
use crate::trace::Trace;

/// How a world is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedOptions {
    /// Who a seed lets run.
    pub strategy: Strategy,
    /// How many steps the world may take.
    pub step_budget: u64,
    /// How far time moves at each step, in nanoseconds.
    pub step_nanos: u64,
    /// Once in so many points at which a deadline is pending, time jumps to it although tasks can
    /// run, as on a machine that stalls. Zero means never.
    pub early_in: u32,
    /// The time at which the world begins.
    pub start: Time,
}

impl Default for SchedOptions {
    fn default() -> SchedOptions {
        SchedOptions {
            strategy: Strategy::default(),
            step_budget: 1_000_000,
            step_nanos: 1_000,
            early_in: 0,
            start: Time(1),
        }
    }
}

/// The scheduler of one world. Handles are cheap clones of one scheduler, on one OS thread; wrap
/// them in [`super::OneThread`] where a type must be `Send`.
#[derive(Clone)]
pub struct Scheduler(Rc<Inner>);

struct Inner(RefCell<State>);

impl Scheduler {
    /// A scheduler without tasks.
    pub fn new(
        choices: &Choices,
        world: WorldId,
        trace: &Trace,
        options: SchedOptions,
    ) -> Scheduler {
        let state = State::new(choices.clone(), world, trace.clone(), options);
        Scheduler(Rc::new(Inner(RefCell::new(state))))
    }

    /// Runs `root` as the task `main`, and everything it spawns, until all tasks have ended or the
    /// run cannot go on. May be called again after it returned [`RunEnd::Finished`]; time goes on.
    ///
    /// # Panics
    /// Inside a task: worlds do not nest. After a run that did not finish.
    pub fn run(&self, root: impl FnOnce() + 'static) -> RunEnd {
        assert!(!coroutine::running(), "simulated worlds do not nest");
        assert!(self.0.0.borrow().end.is_none(), "this world has ended early");
        panics::capture();
        let _installed = install(Rc::clone(&self.0) as Rc<dyn Hook>);
        self.0.add("main", Box::new(root));
        self.0.0.borrow_mut().current = 0;
        self.0.drive();
        let mut state = self.0.0.borrow_mut();
        for task in state.tasks.drain(..) {
            // What an abandoned stack still speaks of must outlive it.
            std::mem::forget(task.saved);
        }
        state.trace.set_actor(Actor::new(state.world, state.outside));
        state.end.clone().unwrap_or(RunEnd::Finished)
    }

    /// Ends the run from inside a task, which never goes on; it and all others are leaked.
    ///
    /// # Panics
    /// Outside of tasks, and while a panic unwinds.
    pub fn stop(&self) -> ! {
        self.0.0.borrow_mut().end.get_or_insert(RunEnd::Stopped);
        leave_for_good()
    }

    /// Whether the calling code runs in a task.
    pub fn in_task(&self) -> bool {
        coroutine::running()
    }

    /// Makes the running task act as `who` from now on, such as for the time of an operation.
    ///
    /// Outside of tasks it names whoever acts there, [`Who::Run`] to begin with.
    pub fn set_who(&self, who: Who) {
        let state = &mut *self.0.0.borrow_mut();
        let current = state.current;
        match state.tasks.get_mut(current) {
            Some(task) => task.who = who,
            None => state.outside = who,
        }
        state.trace.set_actor(state.actor());
    }

    /// Whom the running task acts as.
    pub fn current_who(&self) -> Who {
        self.current_actor().who
    }

    /// Whom the running task acts as, and in which world.
    pub fn current_actor(&self) -> Actor {
        self.0.0.borrow().actor()
    }

    /// The file system's switch point: another task may run before the call at `site`, or after it.
    ///
    /// Does nothing outside of tasks or while a panic unwinds.
    #[inline]
    pub fn switch_vfs(&self, site: Site) {
        if !coroutine::running() || std::thread::panicking() {
            return;
        }
        self.0.reach(Kind::Ordinary, Place::Call(site));
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.0.0.borrow().steps
    }

    /// The simulated time; asking does not move it.
    pub fn time(&self) -> Time {
        self.0.0.borrow().now
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.0.borrow();
        f.debug_struct("Scheduler")
            .field("world", &state.world)
            .field("steps", &state.steps)
            .field("tasks", &state.tasks.len())
            .finish_non_exhaustive()
    }
}

/// Leaves the running task, never to come back.
fn leave_for_good() -> ! {
    loop {
        coroutine::suspend();
    }
}

impl Inner {
    fn add(&self, name: &str, body: Box<dyn FnOnce()>) {
        let whole = move || {
            body();
            // What belongs to the task ends on its own stack, where its destructors may switch.
            drop(swap_task_state(TaskState::default()));
        };
        self.0.borrow_mut().add(name, Coroutine::new(Box::new(whole)));
    }

    /// Resumes whoever is picked until the run is over.
    fn drive(&self) {
        loop {
            match self.resume() {
                Resumed::Suspended => {}
                Resumed::Returned => self.retire(),
                Resumed::Panicked => {
                    let panics::Panic { message, location } = panics::take();
                    let state = &mut *self.0.borrow_mut();
                    let task = state.tasks[state.current].name;
                    state.end = Some(RunEnd::Panicked { task, message, location });
                }
            }
            let state = self.0.borrow();
            if state.end.is_some() || state.tasks.is_empty() {
                return;
            }
        }
    }

    /// Lets the current task run until it suspends or ends.
    fn resume(&self) -> Resumed {
        let (index, mut coroutine, saved) = {
            let state = &mut *self.0.borrow_mut();
            let index = state.current;
            state.trace.set_actor(state.actor());
            let task = &mut state.tasks[index];
            let coroutine = task.coroutine.take().expect("a task that does not run has its stack");
            (index, coroutine, std::mem::take(&mut task.saved))
        };
        let outer = swap_task_state(saved);
        let resumed = coroutine.resume();
        let saved = swap_task_state(outer);
        // Whoever suspended has set `current` to its successor; tasks are removed only in `retire`.
        let task = &mut self.0.borrow_mut().tasks[index];
        task.coroutine = Some(coroutine);
        task.saved = saved;
        resumed
    }

    /// The current task has returned: another one is next, if any is left.
    fn retire(&self) {
        let state = &mut *self.0.borrow_mut();
        let ended = state.current;
        state.block(Ready::Ended);
        if state.tasks.len() > 1 {
            let scope = current_scope();
            state.pick(Kind::Forced, |choices| choices.names().point(scope, "end"));
        }
        drop(state.remove_ended(ended));
    }

    /// A point where another task may run.
    #[inline]
    fn reach(&self, kind: Kind, place: Place) {
        let next = {
            let state = &mut *self.0.borrow_mut();
            match state.step(Some(place)) {
                Ok(()) => state.pick(kind, |choices| site(choices, place)),
                Err(()) => Next::Other,
            }
        };
        self.go(next);
    }

    /// The running task gives way as `block` says.
    fn give_way(&self, point: &'static str, block: impl FnOnce(&mut State)) {
        let next = {
            let state = &mut *self.0.borrow_mut();
            let scope = current_scope();
            // A wait for a turn is told as such; its switch point came just before.
            let place = match state.tasks[state.current].place {
                turn @ Place::Point(_, "turn") if point == "wait" => turn,
                _ => Place::Point(scope, point),
            };
            match state.step(Some(place)) {
                Ok(()) => {
                    block(state);
                    state.pick(Kind::Forced, |choices| site(choices, place))
                }
                Err(()) => Next::Other,
            }
        };
        self.go(next);
    }

    fn go(&self, next: Next) {
        if next == Next::Other {
            coroutine::suspend();
        }
    }
}

fn site(choices: &Choices, place: Place) -> crate::choice::SiteId {
    match place {
        Place::Point(scope, point) => choices.names().point(scope, point),
        Place::Call(site) => choices.vfs_site(site),
        Place::Start => crate::choice::SiteId::NONE,
    }
}

impl Hook for Inner {
    fn switch(&self, point: Point) {
        if !coroutine::running() {
            return;
        }
        let kind = match point {
            Point::Yield(_) => Kind::Yield,
            Point::Mutex | Point::Turn | Point::Atomic | Point::Spawn => Kind::Ordinary,
        };
        self.reach(kind, Place::Point(current_scope(), point.name()));
    }

    fn wait(&self, on: WaitId, deadline: Option<Time>) -> Woken {
        self.give_way("wait", |state| state.wait_on(on, deadline));
        let state = self.0.borrow();
        state.tasks[state.current].woken
    }

    fn notify(&self, on: WaitId, how: Notify) {
        self.0.borrow_mut().notify(on, how);
    }

    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) {
        self.add(name, body);
    }

    fn now(&self) -> Time {
        // Time moves whenever it is looked at, so that a loop that only looks ends.
        let over = self.0.borrow_mut().step(None).is_err();
        if over {
            coroutine::suspend();
        }
        self.0.borrow().now
    }

    fn sleep_until(&self, deadline: Time) {
        self.give_way("sleep", |state| state.block(Ready::Sleeping { deadline }));
    }

    fn next_wait_id(&self) -> WaitId {
        WaitId(self.0.borrow().choices.next_id())
    }
}
