//! The world's file system: a disk, and the choices of what goes wrong at each call.
//!
//! Every call goes the same way; `begin` and `finish` are here, what lies between in
//! [`super::calls`]:
//!
//! ```text
//! begin   another task may run; dead disk? ──► EIO
//!         crash before? ──► cut an image; if it ends the run, the disk is dead ──► EIO
//! work    fault? the change itself; in the middle of long writes and syncs another task may run
//!         crash during? ──► cut an image of the half-done call
//! finish  crash after? ──► cut an image; a trace event; the answer
//! ```
//!
//! A crash is a fork of the disk: the image is a value of its own, and the run goes on, unless the
//! crash was to end it. Then the disk is dead and every call errs from then on.
//!
//! Invariant: the state is never borrowed while another task may run.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::site::{FileClass, Operation, Site};
use seawall_os::sync::{assert_may_call_vfs, current_scope};

use super::crash::{self, CrashKind, CrashOdds, Image, LABELS, Moment, Plan};
use super::errno::Errno;
use super::odds::ByChoices;
use super::rates::{Counts, CrashRates, FaultRates};
use super::state::Disk;
use super::survival::{Outcome as Survived, Unit};
use super::{check, odds};
use crate::choice::{Actor, Choices, Label, Odds, SiteId, Stream, Who, WorldId};
use crate::sched::{OneThread, Scheduler};
use crate::trace::{Event, Keep, Outcome, Trace};

/// The deepest world that may be forked again.
const FORK_DEPTH_MAX: usize = 3;

/// A simulated file system: what a world's store and driver call.
pub struct SimFs {
    pub(super) world: OneThread<Rc<World>>,
}

/// Everything the handles of one world share.
pub(super) struct World {
    pub(super) choices: Choices,
    sched: Option<Scheduler>,
    pub(super) id: WorldId,
    trace: Trace,
    pub(super) faults: FaultRates,
    pub(super) crashes: Cell<CrashRates>,
    odds: RefCell<Odds4>,
    may_fork: bool,
    mark: RefCell<Rc<dyn Fn() -> u64>>,
    dead: Cell<bool>,
    state: RefCell<State>,
}

/// The crash odds by kind of call, with and without forks.
struct Odds4 {
    loud: CrashOdds,
    quiet: CrashOdds,
    loud_end: CrashOdds,
    quiet_end: CrashOdds,
}

impl Odds4 {
    fn new(crashes: &CrashRates) -> Odds4 {
        Odds4 {
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
    images: Vec<Image>,
    images_cut: u32,
    ended: Option<Image>,
    pub(super) locks: Vec<HeldLock>,
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
    number: u64,
    plan: Option<Plan>,
}

/// A write that is being made, for the image of a kill in its middle.
pub(super) struct InWrite<'a> {
    pub(super) file: u32,
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

impl SimFs {
    /// A file system on `disk`, in a world of its own.
    ///
    /// Without a scheduler nothing else runs between calls, and the caller is `run`.
    pub fn new(
        disk: Disk,
        choices: Choices,
        sched: Option<Scheduler>,
        world: WorldId,
        faults: FaultRates,
        crashes: CrashRates,
        trace: Trace,
    ) -> Arc<SimFs> {
        if sched.is_none() {
            trace.set_actor(Actor::new(world, Who::Run));
        }
        let state = State {
            disk,
            counts: Counts::default(),
            images: Vec::new(),
            images_cut: 0,
            ended: None,
            locks: Vec::new(),
        };
        let world = World {
            choices,
            sched,
            id: world,
            trace,
            faults,
            crashes: Cell::new(crashes),
            odds: RefCell::new(Odds4::new(&crashes)),
            may_fork: world.depth() <= FORK_DEPTH_MAX,
            mark: RefCell::new(Rc::new(|| 0)),
            dead: Cell::new(false),
            state: RefCell::new(state),
        };
        Arc::new(SimFs { world: OneThread::new(Rc::new(world)) })
    }

    /// A file system on which nothing goes wrong, with no scheduler.
    pub fn calm(disk: Disk) -> Arc<SimFs> {
        let choices = Choices::from_seed(0);
        let trace = Trace::new(choices.names(), Keep::Last(64));
        let (faults, crashes) = (FaultRates::default(), CrashRates::default());
        SimFs::new(disk, choices, None, WorldId::generation(0), faults, crashes, trace)
    }

    /// Makes every image carry what `mark` says when it is cut, such as how far the obligations of
    /// the store went. `mark` must not call the file system.
    pub fn set_mark_source(&self, mark: Rc<dyn Fn() -> u64>) {
        *self.world.mark.borrow_mut() = mark;
    }

    /// What the mark source says now.
    pub fn mark(&self) -> u64 {
        self.world.mark()
    }

    /// The images forked since the last call of this, oldest first.
    pub fn take_images(&self) -> Vec<Image> {
        std::mem::take(&mut self.world.state().images)
    }

    /// The image that the crash of this world left, once it has struck.
    pub fn ended(&self) -> Option<Image> {
        self.world.state().ended.clone()
    }

    /// The disk as it is now, with everything that is pending.
    pub fn disk(&self) -> Disk {
        self.world.state().disk.clone()
    }

    /// Ends this world without a crash choice: the disk after a kill at this moment.
    ///
    /// Every call errs from now on.
    pub fn kill(&self) -> Disk {
        self.world.dead.set(true);
        self.world.state().disk.after_kill(&mut |_| false)
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.world.state().counts.calls
    }

    /// Whether a sync has failed, in this world or since the last power loss.
    pub fn sync_failed(&self) -> bool {
        self.world.state().disk.sync_failed
    }

    /// What happened, by class.
    pub fn counts(&self) -> Counts {
        self.world.state().counts
    }

    /// Whether the crash of this world has struck: every call errs, and nobody is to be believed.
    pub fn is_dead(&self) -> bool {
        self.world.is_dead()
    }

    /// Changes how often calls crash from now on, as when an open has returned and clients begin.
    pub fn set_crash_rates(&self, crashes: CrashRates) {
        *self.world.odds.borrow_mut() = Odds4::new(&crashes);
        self.world.crashes.set(crashes);
    }

    /// Changes the room on the disk, as when somebody else fills it or frees space.
    pub fn set_capacity(&self, capacity_bytes: u64) {
        self.world.state().disk.set_capacity(capacity_bytes);
    }
}

impl fmt::Debug for SimFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimFs")
    }
}

impl World {
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    pub(super) fn try_state(&self) -> Option<RefMut<'_, State>> {
        self.state.try_borrow_mut().ok()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.get()
    }

    fn mark(&self) -> u64 {
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
        let mut call =
            Call { site, id, actor, file, offset, length, content: 0, number: 0, plan: None };
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

    fn crash(&self, call: &Call, plan: &Plan, write: Option<&InWrite<'_>>) -> Result<(), Errno> {
        let mark = self.mark();
        let state = &mut *self.state();
        let world = if plan.ends { self.id } else { self.id.fork(state.images_cut) };
        let image = self.cut(state, call, plan, world, write, mark);
        crash::count(&mut state.counts, plan);
        let content = image.fate.len() as u64;
        self.trace.event(Event::Crash { site: call.id, kind: plan.word, content });
        if plan.ends {
            state.ended = Some(image);
            self.dead.set(true);
            return Err(self.dead_call(call));
        }
        state.images_cut += 1;
        state.images.push(image);
        Ok(())
    }

    /// The image that a crash leaves.
    fn cut(
        &self,
        state: &mut State,
        call: &Call,
        plan: &Plan,
        world: WorldId,
        write: Option<&InWrite<'_>>,
        mark: u64,
    ) -> Image {
        let actor = Actor::new(world, Who::Crash);
        let mut before = state.disk.clone();
        if let Some(write) = write {
            self.cut_write(&mut before, call, plan, actor, write);
        }
        let mut fate = Vec::new();
        if plan.kind != CrashKind::Power {
            before = before.after_kill(&mut |unit| {
                let one_in = self.crashes.get().revert_one_in;
                let reverted = ByChoices::reverts(&self.choices, actor, unit, one_in);
                fate.extend(reverted);
                reverted.is_some()
            });
            state.counts.reverted += fate.len() as u64;
        }
        let disk = match plan.kind {
            CrashKind::Kill => before,
            _ => self.lose_power(state, &before, actor, &mut fate),
        };
        Image {
            sync_failed: state.disk.sync_failed,
            disk,
            kind: plan.kind,
            moment: plan.moment,
            world,
            site: call.id,
            file: call.file,
            call_number: call.number,
            mark,
            fate,
        }
    }

    /// Puts what has been made of a write onto the disk: all of it is under way when the power goes,
    /// a prefix is done when the process is killed.
    fn cut_write(
        &self,
        disk: &mut Disk,
        call: &Call,
        plan: &Plan,
        actor: Actor,
        write: &InWrite<'_>,
    ) {
        let all = write.bytes.len() as u64;
        let done = if plan.kind == CrashKind::Power {
            all
        } else {
            let text = self.choices.names().text(call.id);
            let site = self.choices.site(format_args!("{text}/done"));
            self.choices.number(Stream::Survival, actor, site, 0..=all)
        };
        // Where there is no room the write ends there too.
        let _ = disk.write(write.file, write.offset, &write.bytes[..done as usize]);
    }

    fn lose_power(
        &self,
        state: &mut State,
        before: &Disk,
        actor: Actor,
        fate: &mut Vec<odds::Fate>,
    ) -> Disk {
        let mut decide = ByChoices::new(&self.choices, actor, before);
        let image = before.after_power_loss(&mut decide);
        decide.count(&mut state.counts);
        fate.append(&mut decide.fate);
        check::contains_what_was_durable(before, &image);
        let power_losses = state.counts.power_losses + state.counts.kills_then_power;
        if power_losses.is_multiple_of(u64::from(self.crashes.get().check_one_in.max(1))) {
            check::extremes_are_right(before);
            before.check_space();
        }
        image
    }

    /// Whether a fault of this rate strikes. `words` are the labels; the first is that it does not.
    #[inline]
    pub(super) fn fault(&self, call: &Call, one_in: u32, word: &'static str) -> bool {
        if one_in == 0 {
            return false;
        }
        let label = |index: usize| Label::Word(if index == 0 { "ok" } else { word });
        let odds = Odds::OneIn(one_in);
        self.choices.choose(Stream::Faults, call.actor, call.id, odds, 2, &label) == 1
    }

    /// How many bytes of a failing write were written.
    pub(super) fn prefix(&self, call: &Call, len: u64) -> u64 {
        let text = self.choices.names().text(call.id);
        let site = self.choices.site(format_args!("{text}/prefix"));
        self.choices.number(Stream::Faults, call.actor, site, 0..=len)
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
            Ok(done) => Outcome::Ok(value(done)),
            Err(errno) => Outcome::Err(errno.name()),
        };
        self.event(&call, outcome);
        Ok(result?)
    }

    #[inline]
    fn event(&self, call: &Call, outcome: Outcome) {
        self.trace.event(Event::Call {
            site: call.id,
            file: call.file,
            offset: call.offset,
            length: call.length,
            content: call.content,
            outcome,
        });
    }

    fn dead_call(&self, call: &Call) -> Errno {
        self.event(call, Outcome::Err("EIO"));
        Errno::Io
    }
}

impl ByChoices<'_> {
    /// Counts what was decided otherwise than kept.
    fn count(&self, counts: &mut Counts) {
        let lost = &self.lost;
        counts.units_lost += lost.units;
        counts.units_torn += lost.torn;
        counts.units_garbage += lost.garbage;
        counts.names_lost += lost.names;
        counts.sizes_lost += lost.sizes;
    }
}

/// How much a power loss took, by class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    units: u64,
    torn: u64,
    garbage: u64,
    names: u64,
    sizes: u64,
}

impl Lost {
    pub(super) fn add(&mut self, unit: &Unit<'_>, outcome: Survived) {
        match unit {
            Unit::Name { .. } => self.names += 1,
            Unit::Size { .. } => self.sizes += 1,
            _ => self.units += 1,
        }
        match outcome {
            Survived::TornFront | Survived::TornBack => self.torn += 1,
            Survived::Stale(_) | Survived::Noise => self.garbage += 1,
            _ => {}
        }
    }
}
