//! Opening a disk whose media have decayed: O6.
//!
//! The store may say that something is damaged, and then names a file that is; or it answers right.
//! It may lose nothing without a word but what no log can tell from a write that a crash tore.

use super::life::{Plan, Room};
use super::line::{close_plan, quick_plan};
use super::world::{Found, Run, run_world};
use crate::check::{Promise, Property, Violation};
use crate::choice::{Actor, Stream, Who, WorldId};
use crate::disk::{Disk, SimFs};
use crate::system::{Opened, System};

/// The damaged disk is opened in a world of this number: no world is forked so often.
const DAMAGED: u32 = 1_000;

/// One damaged disk in so many is looked at closely, written to and merged.
const CLOSE_LOOKS_ONE_IN: u32 = 4;

/// A disk as it was before its media decayed, and after.
pub(super) struct Media {
    before: Disk,
    after: Disk,
}

impl Media {
    /// Lets the media of a world decay before anyone looks at them.
    pub(super) fn strike(before: Disk, sim_fs: &SimFs, spared: &[&str]) -> Media {
        let names: Vec<&str> =
            spared.iter().map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
        sim_fs.damage_at_rest(&names);
        Media { before, after: sim_fs.disk() }
    }
}

/// Whether a disk that is about to be opened is also opened with damage.
pub(super) fn decays<S: System>(run: &Run, world: WorldId) -> bool {
    let site = run.choices.site("decays");
    let actor = Actor::new(world, Who::Run);
    S::NOTICES_DAMAGE && run.choices.chance(Stream::Crash, actor, site, run.rates.media_one_in)
}

/// Opens a disk, in which media decay, in a world of its own beside the one it was left to.
pub(super) fn check_damaged<S: System>(
    run: &mut Run,
    beside: WorldId,
    disk: Disk,
    promise: Promise<S>,
) -> Result<(), Found> {
    let world = beside.fork(DAMAGED);
    let actor = Actor::new(world, Who::Run);
    let site = run.choices.site("looks-closely");
    let closely = run.choices.chance(Stream::Crash, actor, site, CLOSE_LOOKS_ONE_IN);
    let plan = if closely { close_plan(run, world, promise) } else { quick_plan(promise) };
    run.counts.damaged += 1;
    run_world(run, world, disk, Plan { media: true, ..plan }).map(drop)
}

/// What is wrong with a store on a damaged disk is damage that it served, or lost without a word.
pub(super) fn of_damage(mut violation: Violation, sim_fs: &SimFs) -> Violation {
    if matches!(
        violation.property,
        Property::Prefix
            | Property::Whole
            | Property::Linear
            | Property::Repeatable
            | Property::AfterError
            | Property::Settled
    ) {
        violation.property = Property::Damage;
    }
    violation.with("damage", damaged(sim_fs))
}

fn damaged(sim_fs: &SimFs) -> String {
    let place = |damage: &crate::disk::Damage| {
        let bytes = &damage.bytes;
        format!("{}[{}..{}) ({})", damage.file, bytes.start, bytes.end, damage.kind)
    };
    sim_fs.damage().iter().map(place).collect::<Vec<_>>().join(", ")
}

impl<S: System> Room<S> {
    /// Nothing but damage goes wrong here, so an error has to name a file that is damaged.
    pub(super) fn judge_damage(&self, why: &str) {
        if self.sim_fs.damage().iter().any(|damage| why.contains(&*damage.file)) {
            return;
        }
        let violation = Violation::new(Property::Damage, "got", why)
            .with("expected", "an error that names a file that is damaged");
        self.desk.violated(violation);
    }

    /// What an open owes, less what damage may have undone without an error; that has to be told all the
    /// same where anything is to be seen of it. More than one where an open's own decision is undone: what it
    /// had given up may count again, as one of the histories before it has it.
    pub(super) fn owed(&self, promise: Promise<S>, opened: &Opened<S::Store>) -> Vec<Promise<S>> {
        let Some(media) = &self.media else { return vec![promise] };
        let (before, after) = (SimFs::calm(media.before.clone()), SimFs::calm(media.after.clone()));
        let Some(undone) = S::undone(&*before, &*after) else { return vec![promise] };
        let told = undone.told.is_none_or(|file| opened.report.contains(&format!("cut {file} ")));
        if opened.position < promise.at_least() && !told {
            let text = format!("recovered up to {}, and nothing is said of it", opened.position);
            let violation = Violation::new(Property::Damage, "got", text)
                .with("expected", "a report that the file was cut")
                .with("recovery", opened.report.clone());
            self.desk.violated(violation);
        }
        let found = opened.position.max(undone.position);
        let mut owed = vec![promise.reaching_back_to(found).undone_to(undone.position)];
        if undone.unlinked && opened.position > undone.position {
            let earlier = promise.earlier_ones().cloned();
            owed.extend(earlier.map(|earlier| earlier.undone_to(undone.position)));
        }
        owed
    }
}
