//! The loop: run, crash, recover, check, go on.
//!
//! ```text
//! g0 ── open, work ──x power    g1 ── open ──x kill    g2 ── open, work, close    g3 ── open
//!         │  │                         │                        │
//!        f0  f1 ── open, check        f0                       f0 f1 f2     images, each opened
//!                   │                                                      in a world of its own
//!                  o0 ── open, check
//! ```
//!
//! A run has one disk and a main line of generations on it. Images are cut from the disk at system
//! calls on the way, and while a store is being opened; after the world they were cut in has ended,
//! each is opened in a world of its own and judged by what had been promised when it was cut.

mod counts;
mod crash;
mod desk;
mod excuse;
mod life;
mod line;
mod map;
mod media;
mod profiles;
mod rates;
mod world;

use std::sync::Arc;

use crate::check::Violation;
use crate::choice::{Choices, Names, Override, Tape, Unused};
use crate::config::{Config, Knob};
use crate::system::System;
use crate::trace::{Keep, Tell, Trace};
use crate::workload;

pub use counts::{Counts, Cut};
pub use map::{MOMENTS, Map, Took};
pub use profiles::{PROFILES, Profile};

use rates::Rates;
pub(crate) use rates::STEPS_K;
use world::Run;

/// How many of a run's last events a failure shows.
const TAIL_EVENTS: usize = 40;

/// What a run is made from.
#[derive(Clone, Debug)]
pub enum Input {
    /// Everything is drawn.
    Seed(u64),
    /// Everything is drawn, and then some knobs are set: the other draws stay what they were.
    Tuned(u64, Vec<(String, u64)>),
    /// Configuration, operations and answers stand on a tape.
    Tape(Box<Tape>),
    /// As a tape, and some decisions are changed by number: what a fuzzer runs.
    Overridden(Box<Tape>, Vec<Override>),
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Of everything that happened.
    pub fingerprint: u64,
    /// How much happened.
    pub counts: Counts,
    /// What was found wrong, if anything.
    pub failure: Option<Failure>,
    /// The tape that replays the run.
    pub tape: Tape,
    /// Answers of the tape that was run which decided nothing.
    pub unused: Vec<Unused>,
}

/// Something was found wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What.
    pub violation: Violation,
    /// In which world, such as `g1.f3`.
    pub world: String,
    /// The last events before it was found.
    pub tail: Vec<String>,
}

/// The knobs of runs of `S`.
pub fn knobs<S: System>() -> [&'static [Knob]; 2] {
    [rates::KNOBS, S::knobs()]
}

/// Runs one seed or one tape.
///
/// # Errors
/// When the tape cannot be read: it is of another system, or its configuration or one of its
/// operations is not understood.
pub fn run<S: System>(input: &Input) -> Result<Ran, String> {
    run_keeping::<S>(input, Keep::Last(TAIL_EVENTS))
}

/// As [`run`], keeping so many events to read.
///
/// # Errors
/// As [`run`].
pub fn run_keeping<S: System>(input: &Input, keep: Keep) -> Result<Ran, String> {
    run_traced::<S>(input, |names| Trace::new(names, keep)).map(|(ran, _)| ran)
}

/// As [`run`], with everything that happened.
///
/// # Errors
/// As [`run`].
pub fn run_whole<S: System>(input: &Input) -> Result<(Ran, Trace), String> {
    run_traced::<S>(input, |names| Trace::new(names, Keep::All))
}

/// As [`run`], telling each event as it happens, as a line: of a run that may not come to its end.
///
/// # Errors
/// As [`run`].
pub fn run_telling<S: System>(input: &Input, tell: Tell) -> Result<Ran, String> {
    run_traced::<S>(input, |names| Trace::telling(names, TAIL_EVENTS, tell)).map(|(ran, _)| ran)
}

fn run_traced<S: System>(
    input: &Input,
    trace: impl FnOnce(&Names) -> Trace,
) -> Result<(Ran, Trace), String> {
    let choices = match input {
        Input::Seed(seed) | Input::Tuned(seed, _) => Choices::from_seed(*seed),
        Input::Tape(tape) => Choices::from_tape(tape),
        Input::Overridden(tape, overrides) => Choices::from_tape(tape).with_overrides(overrides),
    };
    let (config, operations) = plan::<S>(input, &choices)?;
    let trace = trace(choices.names());
    let rates = Rates::of(&config);
    let config = Arc::new(config);
    let mut run =
        Run { choices, config: Arc::clone(&config), trace, rates, counts: Counts::default() };
    let found = line::run_line::<S>(&mut run, &operations).err();
    let failure = found.map(|found| Failure {
        violation: found.violation,
        world: found.world.to_string(),
        tail: run.trace.lines(),
    });
    let mut tape = run.choices.tape();
    tape.system = S::NAME.to_owned();
    tape.config = config.to_string();
    tape.operations = operations.iter().map(ToString::to_string).collect();
    // Configuration and operations stand on the tape as such.
    tape.answers.retain(|answer| !workload::decides_the_plan(&answer.key));
    let unused = run.choices.unused();
    let fingerprint = run.trace.fingerprint();
    Ok((Ran { fingerprint, counts: run.counts, failure, tape, unused }, run.trace))
}

/// Configuration and operations: drawn, or as they stand on the tape.
#[expect(clippy::type_complexity, reason = "configuration and operations, in this order")]
fn plan<S: System>(
    input: &Input,
    choices: &Choices,
) -> Result<(Config, Vec<workload::Planned<S::Op>>), String> {
    let knobs = knobs::<S>();
    let tape = match input {
        Input::Tape(tape) | Input::Overridden(tape, _) => Some(&**tape),
        Input::Seed(_) | Input::Tuned(..) => None,
    };
    match tape {
        Some(tape) if !tape.config.is_empty() || !tape.operations.is_empty() => {
            if !tape.system.is_empty() && tape.system != S::NAME {
                return Err(format!("the tape is of system {:?}, not {:?}", tape.system, S::NAME));
            }
            let config = Config::parse(&tape.config, &knobs)?;
            S::admits(&config)?;
            Ok((config, workload::parse::<S>(&tape.operations)?))
        }
        _ => {
            let mut config = Config::draw(choices, &knobs);
            if let Input::Tuned(_, tuned) = input {
                tuned.iter().try_for_each(|(name, value)| config.set(name, *value))?;
            }
            let operations = workload::generate::<S>(choices, &config);
            Ok((config, operations))
        }
    }
}
