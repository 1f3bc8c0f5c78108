//! A change that was lost without a crash: a sync or a write-back failed and gave it up.
//!
//! The failure needs that fault and would be there without a crash. Yet whoever relied on the change before
//! a sync had succeeded would have lost as much to a power loss: so the power is made to go instead, after
//! each call up to the fault, with just that change lost. The call from which that is a failure relied on
//! it. Where there is none, the fault itself was not heeded, and that is another sentence.

use crate::choice::{Answer, Label, Stream, Tape};
use crate::config::Config;
use crate::driver::knobs;
use crate::system::System;
use crate::trace::{Event, Loss, Outcome};

use super::effect::{Effect, is_sync, last_change_before};
use super::moment;
use super::otherwise::strike;
use super::sentence::{self, Told};
use super::story::{Done, LosingCrash, Story};
use super::unit::Unit;

/// How the choice is labelled by which a failed sync leaves what was durable before, at once or once the
/// cache has let go of the rest.
const GIVEN_UP: [&str; 2] = ["clean-old", "old-later"];

/// How a crash leaves as much: what was durable, or zeros where nothing was.
const LOST: [&str; 2] = ["durable", "zeros"];

/// The missing barrier, if one is missing.
pub(super) fn missing_barrier<S: System>(story: &Story, tape: &Tape) -> Option<Told> {
    let faults = || tape.answers.iter().filter(|answer| answer.key.stream == Stream::Faults);
    let is_given_up = |answer: &Answer| {
        GIVEN_UP.contains(&&*answer.label) && Unit::parse(&answer.key.site).is_some()
    };
    let last = faults().rfind(|answer| is_given_up(answer))?;
    let actor = last.key.actor;
    let given_up: Vec<&Answer> =
        faults().filter(|answer| answer.key.actor == actor && is_given_up(answer)).collect();
    let strikes = faults().filter(|answer| answer.key.actor == actor);
    let (fault, struck) = strikes
        .filter_map(|answer| Some((answer, strike(story, answer)?)))
        .max_by_key(|(_, done)| done.number)?;

    let answers = tape.answers.iter().filter(|answer| !follows(answer, fault, &given_up));
    let calm = Tape {
        config: one_life_more::<S>(&tape.config)?,
        answers: answers.cloned().collect(),
        ..tape.clone()
    };
    let known = told_of(story, &struck);
    LOST.iter().find_map(|label| {
        let losses = given_up
            .iter()
            .map(|answer| Loss::of(story.names.site(&answer.key.site), Label::Word(label)));
        let crash = LosingCrash {
            number: struck.number,
            life: struck.actor.world,
            kind: "power",
            losses: losses.collect(),
            is_last: true,
        };
        let relied = moment::relied_in::<S>(&calm, story, &crash, &[crash.life])?;
        let mut effects = Vec::new();
        for unit in given_up.iter().filter_map(|answer| Unit::parse(&answer.key.site)) {
            let call = last_change_before(story, &unit, relied.number);
            Effect::gather(&mut effects, unit, call);
        }
        let is_before = relied.number < known && effects.iter().any(|effect| effect.call.is_some());
        is_before.then(|| sentence::missing_barrier(story, &crash, &effects, Some(relied)))
    })
}

/// The configuration with a further generation: of the last one, which only looks, no image is cut.
fn one_life_more<S: System>(config: &str) -> Option<String> {
    let mut config = Config::parse(config, &knobs::<S>()).ok()?;
    config.set("generations", config.get("generations") + 1).ok()?;
    Some(config.to_string())
}

/// Whether an answer is the fault, or decides what came of it.
fn follows(answer: &Answer, fault: &Answer, given_up: &[&Answer]) -> bool {
    let is_eviction = answer.key.stream == Stream::Survival && answer.key.site.ends_with("/evict");
    answer == fault || given_up.contains(&answer) || is_eviction
}

/// The event by which somebody was told of the fault: up to there the run is the same without it.
fn told_of(story: &Story, struck: &Done) -> u64 {
    let Event::Call { touch: of, .. } = struck.event else { return struck.number };
    let tells = |done: &Done| {
        let Event::Call { outcome: Outcome::Err(_), touch, .. } = done.event else { return false };
        let is_sync = |of_name| is_sync(story, &done.event, of_name);
        done.number >= struck.number && touch.node == of.node && (is_sync(true) || is_sync(false))
    };
    story.on_the_way().find(tells).map_or(u64::MAX, |done| done.number)
}
