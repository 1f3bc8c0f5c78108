//! One world: a disk, a scheduler, the tasks that live in it, and what is left when it ends.

use std::rc::Rc;
use std::sync::Arc;

use super::counts::Counts;
use super::crash::Crash;
use super::desk::{Desk, Pages};
use super::life::{Plan, Room};
use super::map::{Struck, Took};
use super::media::{self, Media};
use super::rates::Rates;
use crate::check::{Fall, Mark, Promise, Property, Timeline, Violation, check_live};
use crate::choice::{Choices, WorldId};
use crate::config::Config;
use crate::disk::{CrashKind, CrashRates, Disk, Image, SimFs};
use crate::sched::{RunEnd, Scheduler};
use crate::system::System;
use crate::trace::Trace;

/// What all worlds of a run share.
pub(super) struct Run {
    pub(super) choices: Choices,
    pub(super) config: Arc<Config>,
    pub(super) trace: Trace,
    pub(super) rates: Rates,
    pub(super) counts: Counts,
}

/// An image to be opened, and what it owes.
pub(super) struct Fork<S: System> {
    pub(super) image: Image,
    pub(super) crash: Crash,
    pub(super) promise: Promise<S>,
}

/// A violation, and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) world: WorldId,
    pub(super) violation: Violation,
}

impl Found {
    /// Tells what crash led here.
    pub(super) fn after(mut self, crash: &Option<Crash>) -> Found {
        if let Some(crash) = crash {
            self.violation.facts.push(("crash", crash.text()));
        }
        self
    }
}

/// What a world left.
pub(super) struct Left<S: System> {
    /// Images cut on the way, oldest first.
    pub(super) forks: Vec<Fork<S>>,
    /// The disk at its end, and what it owes.
    pub(super) disk: Disk,
    pub(super) promise: Promise<S>,
    /// The crash that ended it, if one did.
    pub(super) crash: Option<Crash>,
    /// Where that struck.
    pub(super) struck: Option<Struck>,
    /// What its first open found.
    pub(super) took: Took,
}

/// Runs a world to its end and judges it.
pub(super) fn run_world<S: System>(
    run: &mut Run,
    world: WorldId,
    mut disk: Disk,
    plan: Plan<S>,
) -> Result<Left<S>, Found> {
    disk.set_capacity(run.rates.capacity_bytes(world));
    let promise = plan.promise.clone();
    let ended = Ended::of(run, world, disk, plan);
    run.count(&ended);
    let sim_fs = Arc::clone(&ended.sim_fs);
    let decayed = ended.media;
    let judged = judge(ended).map_err(|violation| {
        let violation = if decayed { media::of_damage(violation, &sim_fs) } else { violation };
        Found { world, violation }
    })?;
    run.counts.orders_given_up += judged.orders_given_up;
    Ok(left(&run.choices, &sim_fs, &promise, &judged))
}

/// A world that has come to its end.
struct Ended<S: System> {
    sim_fs: Arc<SimFs>,
    /// Whether media have decayed here.
    media: bool,
    /// How many the scheduler took.
    steps: u64,
    end: RunEnd,
    pages: Pages<S>,
}

impl<S: System> Ended<S> {
    fn of(run: &Run, world: WorldId, disk: Disk, plan: Plan<S>) -> Ended<S> {
        let options = run.rates.schedule(world);
        let scheduler = Scheduler::new(&run.choices, world, &run.trace, options);
        let decays = plan.media;
        let whole = plan.media.then(|| disk.clone());
        let (faults, opening, working) = match plan.media {
            true => (run.rates.media_faults(), CrashRates::default(), CrashRates::default()),
            false => (
                run.rates.faults(&run.choices, world),
                run.rates.crashes_opening(world),
                run.rates.crashes_working(world),
            ),
        };
        let sim_fs = SimFs::new(
            disk,
            run.choices.clone(),
            Some(scheduler.clone()),
            world,
            faults,
            opening,
            run.trace.clone(),
        );
        let media = whole.map(|whole| Media::strike(whole, &sim_fs, S::files()));
        let desk = Desk::new();
        let marks = desk.clone();
        sim_fs.set_mark_source(Rc::new(move || marks.mark()));
        let room = Rc::new(Room {
            config: Arc::clone(&run.config),
            sim_fs: Arc::clone(&sim_fs),
            scheduler: scheduler.clone(),
            trace: run.trace.clone(),
            desk: desk.clone(),
            crashes_working: working,
            media,
            sync_ever_failed: plan.promise.sync_ever_failed(),
        });
        let end = scheduler.run(move || room.live(plan));
        Ended { sim_fs, media: decays, steps: scheduler.steps(), end, pages: desk.clear() }
    }
}

impl Run {
    fn count<S: System>(&mut self, ended: &Ended<S>) {
        let counts = &mut self.counts;
        let (operations, failed) = ended.pages.ledger.counts();
        counts.operations += operations;
        counts.operations_failed += failed;
        counts.states += u64::from(ended.pages.settled.is_some() && !ended.media);
        counts.opens_failed += ended.pages.opens_failed;
        counts.steps += ended.steps;
        counts.disk.merge(&ended.sim_fs.counts());
        for (name, site) in S::milestones() {
            counts.event(name, ended.sim_fs.successes_at(site));
        }
    }
}

/// The first thing that is wrong with a world.
fn judge<S: System>(ended: Ended<S>) -> Result<Judged<S>, Violation> {
    let Ended { end, pages, .. } = ended;
    if let Some(violation) = pages.violation {
        return Err(violation);
    }
    let text = end.to_string();
    match end {
        RunEnd::Finished | RunEnd::Stopped => {}
        RunEnd::Deadlock(_) => return Err(Violation::new(Property::Deadlock, "got", text)),
        RunEnd::BudgetExceeded(_) => return Err(Violation::new(Property::Progress, "got", text)),
        RunEnd::Panicked { .. } => return Err(Violation::new(Property::Panic, "got", text)),
    }
    let now = if pages.opened.is_some() { pages.ledger.now() } else { 0 };
    let mut orders_given_up = 0;
    let timeline = match pages.settled {
        None => None,
        Some(settled) => {
            let timeline = Timeline::new(settled.position, settled.model, pages.ledger)?;
            orders_given_up = check_live(&timeline)?;
            Some(Arc::new(timeline))
        }
    };
    let (opened, closed_cleanly) = (pages.opened, pages.closed_cleanly);
    Ok(Judged { timeline, opened, closed_cleanly, orders_given_up, now })
}

/// A world in which nothing was wrong.
struct Judged<S: System> {
    /// Its history, if its store was opened and what it recovered was judged.
    timeline: Option<Arc<Timeline<S>>>,
    opened: Option<u64>,
    closed_cleanly: bool,
    orders_given_up: u64,
    now: Mark,
}

fn left<S: System>(
    choices: &Choices,
    sim_fs: &SimFs,
    promise: &Promise<S>,
    judged: &Judged<S>,
) -> Left<S> {
    let timeline = judged.timeline.as_ref();
    let failed_here = sim_fs.counts().failed_syncs() > 0;
    let owed = |mark: Mark, fall: Fall, sync_failed: bool| match (timeline, judged.opened) {
        (_, None) => promise.again(fall, sync_failed),
        _ if mark == 0 => promise.again(fall, sync_failed),
        (Some(timeline), _) => Promise::at(timeline, mark, fall, sync_failed).on_disk_of(promise),
        (None, Some(position)) => promise.settled_at(position).again(fall, sync_failed),
    };
    let owed_by = |image: &Image| owed(image.mark, fall(image), failed_here && image.sync_failed);
    let forks = sim_fs
        .take_images()
        .into_iter()
        .map(|image| Fork { promise: owed_by(&image), crash: Crash::of(choices, &image), image })
        .collect();
    let ended = sim_fs.ended();
    let crash = ended.as_ref().map(|image| Crash::of(choices, image));
    let struck = ended.as_ref().map(Struck::of);
    let took = match judged.opened {
        None => Took::Again,
        Some(position) if position >= promise.acknowledged() => Took::All,
        Some(_) => Took::Less,
    };
    let (disk, promise) = match (ended, timeline) {
        (Some(image), _) => (image.disk.clone(), owed_by(&image)),
        (None, Some(timeline)) if judged.closed_cleanly => {
            let closed = Promise::closed(timeline, judged.now, failed_here);
            (sim_fs.disk(), closed.on_disk_of(promise))
        }
        (None, _) => (sim_fs.disk(), owed(judged.now, Fall::None, failed_here)),
    };
    Left { forks, disk, promise, crash, struck, took }
}

fn fall(image: &Image) -> Fall {
    match image.kind {
        CrashKind::Kill => Fall::Kill,
        CrashKind::Power | CrashKind::KillThenPower => Fall::Power,
    }
}
