//! The file system of a world, as its store and its driver see it.
//!
//! A crash is a fork of the disk: the image is a value of its own, and the run goes on, unless the
//! crash was to end it. Then the disk is dead and every call errs from then on. How a call goes is in
//! [`super::world`], the calls themselves in [`super::calls`] and [`super::handle`].

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::crash::Image;
use super::media::Damage;
use super::rates::{Counts, CrashRates, FaultRates};
use super::state::Disk;
use super::world::{Access, World};
use crate::choice::{Choices, WorldId};
use crate::sched::{OneThread, Scheduler};
use crate::trace::{Keep, Trace};

/// A simulated file system: what a world's store and driver call.
pub struct SimFs {
    pub(super) world: OneThread<Rc<World>>,
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
        let world = World::new(disk, choices, sched, world, faults, crashes, trace);
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
        self.world.set_mark(mark);
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
        self.world.die();
        self.world.state().disk.killed()
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.world.state().counts.calls
    }

    /// How many calls succeeded at a site, such as `flush/table/sync_data`.
    pub fn successes_at(&self, site: &str) -> u64 {
        self.world.successes_at(site)
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
        self.world.set_crash_rates(crashes);
    }

    /// Changes what the process may do from now on, as when the disk is mounted anew.
    pub fn set_access(&self, access: Access) {
        self.world.access.set(access);
    }

    /// No call fails from now on for any but a reason of the disk itself, and there is room again. What
    /// failed before stays as it is: a disk that takes no change takes none.
    pub fn calm_down(&self) {
        self.world.faulty.set(false);
        self.world.state().disk.give_room();
    }

    /// Leaves an image of the disk as a power loss at this moment makes it, to be looked at closely.
    pub fn fork_power(&self) {
        self.world.fork_power();
    }

    /// Damages a few places, but none in files of these names.
    pub fn damage_at_rest(&self, spared: &[&str]) {
        self.world.damage_at_rest(spared);
    }

    /// From now on places decay as they are read, as often as the rates say.
    pub fn let_decay(&self) {
        self.world.decays.set(true);
    }

    /// Whether `text` names a file of which a write-back has failed and nobody was told yet, or was only
    /// after the first `told` times: it may show, or have shown, what it held before.
    pub fn names_untold(&self, text: &str, told: usize) -> bool {
        let state = self.world.state();
        let names = |name: &Arc<str>| text.contains(&**name);
        let untold = state.disk.files.iter().filter(|slot| slot.node.untold);
        untold.map(|slot| &slot.node.name).chain(&state.told[told..]).any(names)
    }

    /// How often a sync has told of a write-back that had failed.
    pub fn told(&self) -> usize {
        self.world.state().told.len()
    }

    /// What is not as it was written.
    pub fn damage(&self) -> Vec<Damage> {
        self.world.state().damage.clone()
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
