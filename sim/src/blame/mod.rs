//! Whose fault it is: a failure told as the barrier that is missing.
//!
//! ```text
//! what was lost     the smallest set of pending effects whose loss still fails: each is kept for once
//! what relied on it the first moment from which their loss fails: the power goes after every call in
//!                   turn, with just them lost and everything else kept
//! what lies between the syncs of that file or directory: none, one that failed, one that had begun
//! ```
//!
//! All of it is asked of the simulator, by tapes that differ from the failing one in a few answers. So it
//! knows nothing of any store, and what it says has been run. Where nothing needs to be lost it says what
//! the failure takes instead: a crash, a fault, one switch of tasks, or an operation alone.

mod dropped;
mod effect;
mod moment;
mod otherwise;
mod sentence;
mod story;
mod unit;

use crate::choice::{Actor, Stream, Tape, Who, WorldId};
use crate::driver::{Input, run};
use crate::shrink::{Fault, as_runs};
use crate::system::{Property, System};

use effect::Effect;
use story::Story;

/// The most events that are told of a failure.
const EVENTS_MAX: usize = 20;

/// How many losses are kept for once to see whether they matter; very long runs count as several.
const RUNS_MAX: u32 = 100;

/// Why a run fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// The missing barrier, or what the failure takes instead, in one sentence. `#12` in it is the
    /// number of an event.
    pub sentence: String,
    /// The events that the sentence names, by number, ascending.
    pub cited: Vec<u64>,
    /// Those events, and the crashes, faults and last events of the run, a line each; `..` stands for
    /// what is left out.
    pub events: Vec<String>,
}

/// Says why a tape fails. Best on one that was made small.
///
/// # Errors
/// When the tape cannot be run, or does not fail.
pub fn blame<S: System>(tape: &Tape) -> Result<Blame, String> {
    let ran = run::<S>(&Input::Tape(Box::new(tape.clone())))?;
    let failure = ran.failure.ok_or("the tape does not fail")?;
    let damage = failure.violation.facts.iter().find(|(label, _)| *label == "damage");
    if let Some((_, damage)) = damage.filter(|_| failure.violation.property == Property::Damage) {
        let story = Story::of::<S>(&ran.tape)?;
        let events = story.shown(&[], EVENTS_MAX);
        return Ok(Blame { sentence: unnoticed(damage), cited: Vec::new(), events });
    }
    let needed = fewest_losses::<S>(&ran.tape, &failure.world, &Fault::of(&failure.violation));
    let story = Story::of::<S>(&needed)?;
    let told = match story.losing_crash() {
        Some(crash) => {
            let relied = moment::relied_on::<S>(&needed, &story, &crash);
            let effects = Effect::of_losses(&story, &crash, relied.map(|relied| relied.number));
            sentence::missing_barrier(&story, &crash, &effects, relied)
        }
        None => otherwise::sentence::<S>(&story, &needed),
    };
    let mut cited = told.cited;
    cited.sort_unstable();
    cited.dedup();
    let events = story.shown(&cited, EVENTS_MAX);
    Ok(Blame { sentence: told.text, cited, events })
}

/// No barrier helps against media that decay.
fn unnoticed(damage: &str) -> String {
    format!("no barrier is missing: the media changed {damage}, and no error tells of it")
}

/// The crash that a world was opened after, by who decided what survived it.
fn crash_before(world: WorldId) -> Option<Actor> {
    let of = match world.parent() {
        Some(_) => world,
        None => WorldId::generation(world.main_line().checked_sub(1)?),
    };
    Some(Actor::new(of, Who::Crash))
}

/// The world whose crash a world was opened after.
fn life_before(world: WorldId) -> Option<WorldId> {
    match world.parent() {
        Some(parent) => Some(parent),
        None => world.main_line().checked_sub(1).map(WorldId::generation),
    }
}

/// The tape with every loss kept that the failure does not need.
fn fewest_losses<S: System>(tape: &Tape, world: &str, fault: &Fault) -> Tape {
    let mut best = tape.clone();
    let Ok(world) = world.parse::<WorldId>() else { return best };
    let mut crashes = Vec::new();
    let mut at = Some(world);
    while let Some(of) = at {
        crashes.extend(crash_before(of));
        at = life_before(of);
    }
    let (mut index, mut runs) = (best.answers.len(), 0_u32);
    while index > 0 && runs < RUNS_MAX {
        index -= 1;
        let Some(answer) = best.answers.get(index) else { continue };
        let of_crash = crashes.contains(&answer.key.actor);
        if answer.key.stream != Stream::Survival || !of_crash {
            continue;
        }
        let mut candidate = best.clone();
        candidate.answers.remove(index);
        let Ok(ran) = run::<S>(&Input::Tape(Box::new(candidate))) else {
            runs += 1;
            continue;
        };
        runs = as_runs(&ran.counts).saturating_add(runs);
        if ran.failure.is_some_and(|failure| Fault::of(&failure.violation).shows(fault)) {
            best = ran.tape;
            index = index.min(best.answers.len());
        }
    }
    best
}
