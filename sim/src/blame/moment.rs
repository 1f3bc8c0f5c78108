//! The moment from which a loss is a failure.
//!
//! The failing tape is run again with an image cut at every call of the world that crashed, and of each
//! image the same is lost and everything else kept. Before somebody relies on what is lost, that is
//! legal. The first image that is not says who did: the call it was cut after, or the answer that a
//! client had been given since the call before.

use crate::choice::{Answer, EVERY, Key, Stream, Tape, WorldId};
use crate::config::Config;
use crate::driver::{Input, knobs, run_whole};
use crate::system::System;
use crate::trace::{Event, Trace};

use super::crash_before;
use super::story::{Done, LosingCrash, Promised, Story};

/// The most images that are cut to find a moment.
const IMAGES_MAX: u64 = 600;

/// Images at every call.
const EVERY_CALL: [(&str, u64); 6] = [
    ("fork_one_in", 2),
    ("open_fork_one_in", 2),
    ("nested_fork_one_in", 2),
    ("images_max", IMAGES_MAX),
    ("open_images_max", IMAGES_MAX),
    ("nested_images_max", IMAGES_MAX),
];

/// When images are cut, in respect of each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    After,
}

/// The event that relied on what `crash` took, if there is one.
pub(super) fn relied_on<S: System>(
    tape: &Tape,
    story: &Story,
    crash: &LosingCrash,
) -> Option<Done> {
    let lives = if crash.is_last { lives_of(story, crash) } else { Vec::new() };
    relied_in::<S>(tape, story, crash, &lives).or_else(|| {
        let calm = calm_events(story);
        let before = calm.partition_point(|done| done.number < crash.number);
        told_last(story, &calm[..before], &story.promised)
    })
}

/// The event that relied on what `crash` took, as the images of these worlds show it.
pub(super) fn relied_in<S: System>(
    tape: &Tape,
    story: &Story,
    crash: &LosingCrash,
    lives: &[WorldId],
) -> Option<Done> {
    let calm = calm_events(story);
    for life in lives.iter().copied() {
        let after = first_failing::<S>(tape, story, crash, life, When::After);
        let before = first_failing::<S>(tape, story, crash, life, When::Before);
        match (after, before) {
            (Some(at), None) => return calm.get(at.events).copied(),
            (Some(at), Some(known)) if at.events < known.events => {
                return calm.get(at.events).copied();
            }
            (_, Some(known)) => {
                return told_last(story, calm.get(..known.events)?, &known.promised);
            }
            (None, None) => {}
        }
    }
    None
}

/// The answer since the last call that tells of what was promised, or the first one since then. Where
/// nobody was told anything, it is that call.
fn told_last(story: &Story, events: &[Done], promised: &Promised) -> Option<Done> {
    let is_call = |done: &&Done| matches!(done.event, Event::Call { .. });
    let on_it = |done: &&Done| story.is_on_the_way(done.number, done.actor);
    let on_the_way: Vec<Done> = events.iter().filter(on_it).copied().collect();
    let call = on_the_way.iter().rposition(|done| is_call(&done));
    let since = &on_the_way[call.map_or(0, |call| call + 1)..];
    let tells = |done: &&Done| match (done.event, promised) {
        (Event::Answer { operation, .. }, Promised::By(id)) => operation == *id,
        (Event::Recovery { ok, .. }, Promised::ByOpen) => ok,
        _ => false,
    };
    let any = || since.iter().find(|done| is_answer(done));
    since.iter().find(tells).or_else(any).or(on_the_way.get(call?)).copied()
}

/// The worlds in which somebody may have come to rely on it: those from the first lost change on.
fn lives_of(story: &Story, crash: &LosingCrash) -> Vec<WorldId> {
    let first = crash.losses.iter().filter_map(|loss| loss.stamps).map(|(oldest, _)| oldest).min();
    let made_in = story.on_the_way().find_map(|done| match done.event {
        Event::Call { touch, .. } if Some(touch.last) >= first && touch.first != u64::MAX => {
            Some(done.actor.world)
        }
        _ => None,
    });
    let at = |world: WorldId| story.worlds.iter().position(|of| *of == world);
    let crashed = at(crash.life).unwrap_or(0);
    let made = made_in.and_then(at).unwrap_or(crashed).max(crashed);
    story.worlds[crashed..=made].iter().rev().copied().collect()
}

/// Somebody was told something: an operation was answered, or an open returned.
pub(super) fn is_answer(done: &Done) -> bool {
    matches!(done.event, Event::Answer { ok: true, .. } | Event::Recovery { ok: true, .. })
}

/// All events but crashes: the same in every run that only cuts other images.
fn calm_events(story: &Story) -> Vec<Done> {
    let is_calm = |event: &Event| !matches!(event, Event::Crash { .. });
    let all = story.events.iter().filter(|(.., event)| is_calm(event));
    all.map(|(number, actor, event)| Done { number: *number, actor: *actor, event: *event })
        .collect()
}

/// The first image that fails.
struct Failing {
    /// How many events had happened when it was cut, crashes not counted.
    events: usize,
    promised: Promised,
}

/// Cuts an image at every call of a world; the first that fails with just the same lost.
fn first_failing<S: System>(
    tape: &Tape,
    story: &Story,
    crash: &LosingCrash,
    life: WorldId,
    when: When,
) -> Option<Failing> {
    let lost = cut_everywhere::<S>(tape, story, crash, life, when)?;
    let (ran, trace) = run_whole::<S>(&Input::Tape(Box::new(lost))).ok()?;
    let failure = ran.failure?;
    let world: WorldId = failure.world.parse().ok()?;
    if world.parent() != Some(life) {
        return None;
    }
    let events = events_before_image(&trace, life, world.number() as usize)?;
    Some(Failing { events, promised: Promised::of(&failure.violation) })
}

/// How many events that are no crash there were before an image was cut.
fn events_before_image(trace: &Trace, life: WorldId, image: usize) -> Option<usize> {
    let (mut calm, mut images) = (0, 0);
    for (_, actor, event) in trace.events() {
        match event {
            Event::Crash { kind, .. } => {
                if actor.world == life && kind.starts_with("fork-") {
                    if images == image {
                        return Some(calm);
                    }
                    images += 1;
                }
            }
            _ => calm += 1,
        }
    }
    None
}

/// The tape with an image cut at every call of `life`, of which just the same is lost.
fn cut_everywhere<S: System>(
    tape: &Tape,
    story: &Story,
    crash: &LosingCrash,
    life: WorldId,
    when: When,
) -> Option<Tape> {
    let mut config = Config::parse(&tape.config, &knobs::<S>()).ok()?;
    for (name, value) in EVERY_CALL {
        config.set(name, value).ok()?;
    }
    let mut cut = Tape { config: config.to_string(), ..tape.clone() };
    // The image that failed makes way for those to come, and so do its own.
    let is_fork =
        |answer: &Answer| answer.key.stream == Stream::Crash && answer.label.starts_with("fork-");
    cut.answers.retain(|answer| {
        let world = answer.key.actor.world;
        !(is_fork(answer) && world == life) && world.parent() != Some(life)
    });
    let label = format!(
        "fork-{}-{}",
        fall(crash.kind),
        if when == When::After { "after" } else { "before" }
    );
    let mut calls = Vec::new();
    let mut count = 0;
    for (_, actor, event) in &story.events {
        let Event::Call { site, .. } = event else { continue };
        if actor.world == life {
            count += 1;
            if !calls.contains(&(*actor, *site)) {
                calls.push((*actor, *site));
            }
        }
    }
    for (actor, site) in calls {
        let key = Key { stream: Stream::Crash, actor, site: story.text(site), nth: EVERY };
        cut.answers.push(Answer { key, label: label.clone() });
    }
    for image in 0..IMAGES_MAX.min(count) as u32 {
        let actor = crash_before(life.fork(image))?;
        for loss in &crash.losses {
            let key = Key { stream: Stream::Survival, actor, site: story.text(loss.unit), nth: 0 };
            cut.answers.push(Answer { key, label: loss.label.to_string() });
        }
    }
    Some(cut)
}

/// What kind of crash, without how it came about: of `end-kill-power-before` it is `kill-power`.
fn fall(kind: &str) -> &'static str {
    if kind.contains("kill-power") {
        "kill-power"
    } else if kind.contains("kill") {
        "kill"
    } else {
        "power"
    }
}
