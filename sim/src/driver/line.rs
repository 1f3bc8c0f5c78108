//! The main line of a run, generation after generation on one disk, and the images forked from it.

use super::crash::Crash;
use super::life::Plan;
use super::map::Struck;
use super::media;
use super::world::{Fork, Found, Left, Run, run_world};
use crate::check::{Fall, Promise};
use crate::choice::{Actor, Label, Odds, SiteId, Stream, Who, WorldId};
use crate::disk::Disk;
use crate::system::{Draw, Probing, System};
use crate::trace::Event;
use crate::workload::{Planned, UNPLANNED_IDS};

/// How many images deep the opens of images are themselves cut.
const DEPTH_MAX: usize = 3;

/// Ids of operations that no workload holds: changes made to an image after it was checked, and reads
/// of everything.
const CLOSE_IDS: u32 = 1 << 30;
const PROBE_IDS: u32 = 1 << 31;

/// Ids of changes made to a store that has seen calls fail, by generation.
const PROOF_IDS: u32 = UNPLANNED_IDS;

/// How many changes are made to an image that is looked at closely.
const CLOSE_CHANGES: u32 = 6;

/// Runs every generation and every fork of each.
pub(super) fn run_line<S: System>(run: &mut Run, workload: &[Planned<S::Op>]) -> Result<(), Found> {
    let mut disk = run.rates.blank_disk(S::directories(), S::files());
    let mut promise = Promise::<S>::nothing(S::model(&run.config));
    let (mut crash, mut struck) = (None, None);
    for generation in 0..run.rates.generations {
        let world = WorldId::generation(generation);
        let plan = main_plan(run, world, promise, workload);
        run.counts.generations += 1;
        let left = run_world(run, world, disk, plan).map_err(|found| found.after(&crash))?;
        run.counts.map.found(struck, left.took);
        run_forks(run, left.forks)?;
        (disk, promise, crash, struck) = (left.disk, left.promise, left.crash, left.struck);
        if media::decays::<S>(run, world) {
            media::check_damaged(run, world, disk.clone(), promise.clone())
                .map_err(|found| found.after(&crash))?;
        }
        if crash.is_none() && loses_power(run, world) {
            (disk, promise, crash) = lose_power(run, world, &disk, &promise);
        }
    }
    // What the last generation left is opened too, and nothing is done to it.
    let world = WorldId::generation(run.rates.generations);
    let left =
        check_image(run, world, disk, promise, false).map_err(|found| found.after(&crash))?;
    run.counts.map.found(struck, left.took);
    Ok(())
}

/// Whether the power goes after a world that has come to its end.
fn loses_power(run: &Run, world: WorldId) -> bool {
    percent_chance(run, world, "outage", ["power stays", "power goes"], run.rates.outage_percent)
}

fn lose_power<S: System>(
    run: &mut Run,
    world: WorldId,
    disk: &Disk,
    promise: &Promise<S>,
) -> (Disk, Promise<S>, Option<Crash>) {
    let actor = Actor::new(world, Who::Crash);
    let (disk, fate) = disk.power_loss(&run.choices, actor);
    run.counts.outage("outage");
    run.trace.set_actor(actor);
    let (site, lost) = (run.choices.site("outage"), fate.len() as u64);
    let event = Event::Crash { site, file: SiteId::NONE, kind: "power", lost };
    let number = run.trace.event(event);
    run.trace.lost(&fate);
    let crash = Crash::between(&run.choices, world, number, &fate);
    (disk, promise.again(Fall::Power, false), Some(crash))
}

fn main_plan<S: System>(
    run: &Run,
    world: WorldId,
    promise: Promise<S>,
    workload: &[Planned<S::Op>],
) -> Plan<S> {
    let mut clients = vec![Vec::new(); run.rates.clients as usize];
    for planned in workload.iter().filter(|planned| planned.generation == world.main_line()) {
        let client = planned.client as usize % clients.len();
        clients[client].push((planned.id, planned.op.clone()));
    }
    Plan {
        promise,
        probing: Probing::All,
        media: false,
        opens_twice: false,
        clients,
        probe_ids: Some(PROBE_IDS),
        proof: proof::<S>(run, world),
        closes: closes(run, world),
    }
}

/// A durable change for the end of a world on the main line. No other change has its id.
fn proof<S: System>(run: &Run, world: WorldId) -> Option<(u32, S::Op)> {
    let id = PROOF_IDS + world.main_line();
    Some((id, S::durable_change(&Draw::new(&run.choices, &run.config, world, id))?))
}

/// Whether a world that does not crash ends with a clean close, or by dropping every handle.
fn closes(run: &Run, world: WorldId) -> bool {
    percent_chance(run, world, "end", ["drop", "close"], run.rates.close_percent)
}

/// The second of two words in so many of a hundred cases; the first is the default.
fn percent_chance(
    run: &Run,
    world: WorldId,
    site: &str,
    words: [&'static str; 2],
    percent: u64,
) -> bool {
    let percent = u32::try_from(percent.min(100)).unwrap_or(100);
    let weights = [100 - percent, percent];
    let label = |index: usize| Label::Word(words[index]);
    let actor = Actor::new(world, Who::Run);
    let (site, odds) = (run.choices.site(site), Odds::Weights(&weights));
    run.choices.choose(Stream::Crash, actor, site, odds, 2, &label) == 1
}

/// Opens every image and checks what is found, and the images cut while doing so.
fn run_forks<S: System>(run: &mut Run, forks: Vec<Fork<S>>) -> Result<(), Found> {
    let mut waiting = forks;
    waiting.reverse();
    while let Some(Fork { image, crash, promise }) = waiting.pop() {
        let site = run.choices.names().text(image.site);
        run.counts.crashed(&image, &site);
        let struck = Struck::of(&image);
        let damaged = media::decays::<S>(run, image.world).then(|| image.disk.clone());
        let owed = promise.clone();
        let left = check_image(run, image.world, image.disk, promise, image.closely)
            .map_err(|found| found.after(&Some(crash.clone())))?;
        run.counts.map.found(Some(struck), left.took);
        if let Some(disk) = damaged {
            media::check_damaged(run, image.world, disk, owed)
                .map_err(|found| found.after(&Some(crash)))?;
        }
        if image.world.depth() < DEPTH_MAX {
            waiting.extend(left.forks.into_iter().rev());
        }
    }
    Ok(())
}

/// Opens one image and looks at it: always at everything, one in some closely.
fn check_image<S: System>(
    run: &mut Run,
    world: WorldId,
    disk: Disk,
    promise: Promise<S>,
    always_closely: bool,
) -> Result<Left<S>, Found> {
    let actor = Actor::new(world, Who::Run);
    let site = run.choices.site("looks-closely");
    let drawn = run.choices.chance(Stream::Crash, actor, site, run.rates.close_looks_one_in);
    let closely = drawn || always_closely;
    let plan = if closely { close_plan(run, world, promise) } else { quick_plan(promise) };
    run.counts.states_close += u64::from(closely);
    run_world(run, world, disk, plan)
}

pub(super) fn quick_plan<S: System>(promise: Promise<S>) -> Plan<S> {
    Plan {
        promise,
        probing: Probing::All,
        media: false,
        opens_twice: false,
        clients: Vec::new(),
        probe_ids: None,
        proof: None,
        closes: false,
    }
}

/// Around the keys, twice, with changes after that, and everything again.
pub(super) fn close_plan<S: System>(run: &Run, world: WorldId, promise: Promise<S>) -> Plan<S> {
    let draw = |id: u32| {
        let draw = Draw::new(&run.choices, &run.config, world, id);
        (id, S::generate(&draw))
    };
    let mut changes: Vec<_> = (CLOSE_IDS..CLOSE_IDS + CLOSE_CHANGES).map(draw).collect();
    let after = CLOSE_IDS + CLOSE_CHANGES;
    changes.extend((after..).zip(S::upkeep()));
    Plan {
        promise,
        probing: Probing::Around,
        media: false,
        opens_twice: true,
        clients: vec![changes],
        probe_ids: Some(PROBE_IDS),
        proof: None,
        closes: closes(run, world),
    }
}
