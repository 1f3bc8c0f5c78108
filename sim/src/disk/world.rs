//! One world under its file system: how every call begins and ends.
//!
//! ```text
//! begin   another task may run; dead disk? ──► EIO
//!         crash before? ──► cut an image; if it ends the run, the disk is dead ──► EIO
//! work    fault? the change itself; in the middle of long writes and syncs another task may run
//!         crash during? ──► cut an image of the half-done call
//! finish  crash after? ──► cut an image; a trace event; the answer
//! ```
//!
//! Invariant: the state is never borrowed while another task may run.

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::site::{FileClass, Operation, Site};
use seawall_os::sync::{assert_may_call_vfs, current_scope};

use super::crash::{self, CrashOdds, Image, LABELS, Moment, Plan};
use super::errno::Errno;
use super::media::Damage;
use super::odds::ByChoices;
use super::rates::{Counts, CrashRates, FaultRates};
use super::state::Disk;
use super::survival::Unit;
use crate::choice::{Actor, Choices, Odds, SiteId, Stream, Who, WorldId};
use crate::sched::Scheduler;
use crate::trace::{Event, Outcome, Touch, Trace};

/// The deepest world that may be forked again.
const FORK_DEPTH_MAX: usize = 3;

/// A place where few calls are made has no more than one in so many calls of its world.
const RARE_ONE_IN: u64 = 256;

/// What a process may do to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// Look: changes fail with `EROFS`.
    ReadOnly,
    /// Look: it has not the permission to change anything, `EACCES`.
    Denied,
}

/// Everything the handles of one world share.
pub(super) struct World {
    pub(super) choices: Choices,
    sched: Option<Scheduler>,
    pub(super) id: WorldId,
    pub(super) trace: Trace,
    pub(super) faults: FaultRates,
    pub(super) crashes: Cell<CrashRates>,
    odds: RefCell<AllOdds>,
    may_fork: bool,
    pub(super) access: Cell<Access>,
    mark: RefCell<Rc<dyn Fn() -> u64>>,
    dead: Cell<bool>,
    /// Faults strike.
    pub(super) faulty: Cell<bool>,
    /// Media decay while they are read.
    pub(super) decays: Cell<bool>,
    /// The disk takes no change any more, since it failed to keep its own books.
    pub(super) remounted: Cell<bool>,
    /// How many calls succeeded, by site.
    successes: RefCell<Vec<u32>>,
    state: RefCell<State>,
}

/// The crash odds by kind of call, with and without forks.
struct AllOdds {
    rare: CrashOdds,
    loud: CrashOdds,
    quiet: CrashOdds,
    loud_end: CrashOdds,
    quiet_end: CrashOdds,
}

impl AllOdds {
    fn new(crashes: &CrashRates) -> AllOdds {
        AllOdds {
            rare: CrashOdds::rare(crashes),
            loud: CrashOdds::new(crashes, false, true),
            quiet: CrashOdds::new(crashes, true, true),
            loud_end: CrashOdds::new(crashes, false, false),
            quiet_end: CrashOdds::new(crashes, true, false),
        }
    }
}

/// What changes.
pub(super) struct State {
    pub(super) disk: Disk,
    pub(super) counts: Counts,
    pub(super) images: Vec<Image>,
    pub(super) images_cut: u32,
    pub(super) ended: Option<Image>,
    pub(super) locks: Vec<HeldLock>,
    /// What is not as it was written.
    pub(super) damage: Vec<Damage>,
    /// The latest reads, where media decay.
    pub(super) reads: Vec<super::media::Read>,
    /// The file of each sync that told of a failure.
    pub(super) told: Vec<Arc<str>>,
}

impl State {
    /// Whether a sync of the file is to tell of a write-back that failed. It is told with that.
    pub(super) fn take_untold(&mut self, number: u32) -> bool {
        let is_untold = self.disk.take_untold(number);
        if is_untold {
            self.told.push(Arc::clone(&self.disk.file(number).name));
        }
        is_untold
    }

    fn new(disk: Disk) -> State {
        State {
            disk,
            counts: Counts::default(),
            images: Vec::new(),
            images_cut: 0,
            ended: None,
            locks: Vec::new(),
            damage: Vec::new(),
            reads: Vec::new(),
            told: Vec::new(),
        }
    }
}

/// A lock on a file: one holder, or several that share.
pub(super) struct HeldLock {
    pub(super) file: u32,
    pub(super) exclusive: bool,
    pub(super) holders: u32,
}

/// A call under way.
pub(super) struct Call {
    pub(super) site: Site,
    pub(super) id: SiteId,
    pub(super) actor: Actor,
    pub(super) file: SiteId,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// The hash of the bytes written or read.
    pub(super) content: u64,
    pub(super) number: u64,
    /// The name that a rename takes away.
    pub(super) from: SiteId,
    /// What it did to the disk.
    pub(super) touch: Touch,
    plan: Option<Plan>,
}

/// A write that is being made, for the image of a kill in its middle.
pub(super) struct InWrite<'a> {
    pub(super) file: u32,
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

impl World {
    pub(super) fn new(
        disk: Disk,
        choices: Choices,
        sched: Option<Scheduler>,
        id: WorldId,
        faults: FaultRates,
        crashes: CrashRates,
        trace: Trace,
    ) -> World {
        if sched.is_none() {
            trace.set_actor(Actor::new(id, Who::Run));
        }
        World {
            choices,
            sched,
            id,
            trace,
            faults,
            crashes: Cell::new(crashes),
            odds: RefCell::new(AllOdds::new(&crashes)),
            may_fork: id.depth() <= FORK_DEPTH_MAX,
            access: Cell::new(Access::Full),
            mark: RefCell::new(Rc::new(|| 0)),
            dead: Cell::new(false),
            faulty: Cell::new(true),
            decays: Cell::new(false),
            remounted: Cell::new(false),
            successes: RefCell::new(Vec::new()),
            state: RefCell::new(State::new(disk)),
        }
    }

    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// Every call errs from now on.
    pub(super) fn die(&self) {
        self.dead.set(true);
    }

    pub(super) fn set_crash_rates(&self, crashes: CrashRates) {
        *self.odds.borrow_mut() = AllOdds::new(&crashes);
        self.crashes.set(crashes);
    }

    /// How many calls succeeded at a site.
    pub(super) fn successes_at(&self, site: &str) -> u64 {
        let index = self.choices.site(site).index() as usize;
        self.successes.borrow().get(index).map_or(0, |count| u64::from(*count))
    }

    /// Errs where the process may only look.
    pub(super) fn may_change(&self) -> Result<(), Errno> {
        self.is_mounted_to_write().inspect_err(|_| self.state().counts.refused_names += 1)?;
        match self.access.get() {
            Access::Full => Ok(()),
            Access::ReadOnly => Err(Errno::ReadOnly),
            Access::Denied => Err(Errno::Denied),
        }
    }

    /// Errs where the disk takes no change any more. Permissions were checked when the file was
    /// opened.
    pub(super) fn may_write(&self) -> Result<(), Errno> {
        self.is_mounted_to_write()?;
        if self.access.get() == Access::ReadOnly { Err(Errno::ReadOnly) } else { Ok(()) }
    }

    pub(super) fn set_mark(&self, mark: Rc<dyn Fn() -> u64>) {
        *self.mark.borrow_mut() = mark;
    }

    pub(super) fn mark(&self) -> u64 {
        let mark = Rc::clone(&self.mark.borrow());
        mark()
    }

    /// Enters a call: another task may run, and the crash choice is made.
    #[inline]
    pub(super) fn begin(
        &self,
        operation: Operation,
        class: FileClass,
        file: SiteId,
        offset: u64,
        length: u64,
    ) -> Result<Call, Errno> {
        assert_may_call_vfs();
        let site = Site { scope: current_scope(), class, operation };
        if let Some(sched) = &self.sched {
            sched.switch_vfs(site);
        }
        let actor = match &self.sched {
            Some(sched) => sched.current_actor(),
            None => Actor::new(self.id, Who::Run),
        };
        let id = self.choices.vfs_site(site);
        let (from, touch) = (SiteId::NONE, Touch::NOTHING);
        let mut call = Call {
            site,
            id,
            actor,
            file,
            offset,
            length,
            content: 0,
            number: 0,
            from,
            touch,
            plan: None,
        };
        if self.dead.get() {
            return Err(self.dead_call(&call));
        }
        call.number = {
            let mut state = self.state();
            state.counts.calls += 1;
            state.counts.calls
        };
        call.plan = self.plan_crash(&call);
        self.crash_at(&mut call, Moment::Before, None)?;
        Ok(call)
    }

    /// Asks whether this call crashes.
    #[inline]
    fn plan_crash(&self, call: &Call) -> Option<Plan> {
        let forks = self.may_fork && self.state.borrow().images_cut < self.crashes.get().images_max;
        let all = self.odds.borrow();
        let odds = match (call.site.operation.changes_disk(), forks) {
            (true, true) if self.is_rare(call) => &all.rare,
            (true, true) => &all.loud,
            (false, true) => &all.quiet,
            (true, false) => &all.loud_end,
            (false, false) => &all.quiet_end,
        };
        if !odds.possible {
            return None;
        }
        let weights = Odds::Weights(&odds.weights);
        let index =
            self.choices.choose(Stream::Crash, call.actor, call.id, weights, LABELS, &crash::label);
        let plan = crash::plan_of(index)?;
        (forks || plan.ends).then_some(plan)
    }

    /// A call that changes nothing, and at whose end the power goes for whoever looks at the image.
    pub(super) fn fork_power(&self) {
        let begun = self.begin(Operation::FreeSpace, FileClass::NONE, SiteId::NONE, 0, 0);
        if let Ok(mut call) = begun {
            call.plan = Some(crash::POWER_AFTER);
            // A fork ends nothing.
            let _ = self.finish(call, Ok(()), |()| 0);
            self.state().images.last_mut().into_iter().for_each(|image| image.closely = true);
        }
    }

    /// Another task may run in the middle of a call. Errs if the disk died meanwhile.
    pub(super) fn pause(&self, call: &Call) -> Result<(), Errno> {
        if let Some(sched) = &self.sched {
            sched.switch_vfs(call.site);
            if self.dead.get() {
                return Err(self.dead_call(call));
            }
        }
        Ok(())
    }

    /// Crashes, if that is planned for this moment. Errs if it ended the run.
    #[inline]
    pub(super) fn crash_at(
        &self,
        call: &mut Call,
        moment: Moment,
        write: Option<&InWrite<'_>>,
    ) -> Result<(), Errno> {
        match call.plan {
            Some(plan) if plan.moment == moment => {
                call.plan = None;
                self.crash(call, &plan, write)
            }
            _ => Ok(()),
        }
    }

    /// Lets the cache go of what failed syncs left only in memory, before somebody reads.
    pub(super) fn evict(&self, call: &Call) {
        let one_in = self.faults.evict_one_in;
        if one_in == 0 || !self.state.borrow().disk.sync_failed {
            return;
        }
        let mut reverted = 0;
        let state = &mut *self.state();
        state.disk.evict(&mut |unit: Unit<'_>| {
            let back = ByChoices::reverts(&self.choices, call.actor, unit, one_in).is_some();
            reverted += u64::from(back);
            back
        });
        state.counts.reverted += reverted;
    }

    /// Leaves a call: it may crash now that it is done, and what it did enters the trace.
    #[inline]
    pub(super) fn finish<T>(
        &self,
        mut call: Call,
        result: Result<T, Errno>,
        value: impl FnOnce(&T) -> u64,
    ) -> io::Result<T> {
        // A call that was to crash in its middle and had none crashes at its end.
        self.crash_at(&mut call, Moment::During, None)?;
        self.crash_at(&mut call, Moment::After, None)?;
        let outcome = match &result {
            Ok(done) => {
                self.count_success(call.id);
                Outcome::Ok(value(done))
            }
            Err(errno) => Outcome::Err(errno.name()),
        };
        self.event(&call, outcome);
        Ok(result?)
    }

    fn is_rare(&self, call: &Call) -> bool {
        let successes = self.successes.borrow().get(call.id.index() as usize).copied();
        u64::from(successes.unwrap_or(0)) * RARE_ONE_IN < call.number
    }

    #[inline]
    fn count_success(&self, site: SiteId) {
        let mut successes = self.successes.borrow_mut();
        let index = site.index() as usize;
        if successes.len() <= index {
            successes.resize(index + 1, 0);
        }
        successes[index] += 1;
    }

    #[inline]
    fn event(&self, call: &Call, outcome: Outcome) {
        self.trace.event(Event::Call {
            site: call.id,
            file: call.file,
            from: call.from,
            offset: call.offset,
            length: call.length,
            content: call.content,
            outcome,
            touch: call.touch,
        });
    }

    pub(super) fn dead_call(&self, call: &Call) -> Errno {
        self.event(call, Outcome::Err("EIO"));
        Errno::Io
    }
}
