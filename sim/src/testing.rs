//! The sweep of a `#[test]`: a few seeds, and a panic that tells everything.
//!
//! The panic's message is the failure block, made small, with the tape that shows it. Kept in a file,
//! the tape makes a test of its own: [`Check::tape`].
//!
//! ```text
//! FAIL  seed 0x7 ..
//!   property  what must hold and does not
//!   world     in which generation, `g2`, or image of a crash, `g2.f0`
//!   crash     where it struck, and what did not survive as it was
//!   expected  against
//!   got       what the store says
//!   why       the barrier that is missing, or what else the failure takes
//!   shrunk    how small the failure was made
//!   op        the operations that are left, one a line
//!   #12       what `why` speaks of, and the last things that happened: task, call, file, outcome
//! again       how to run that seed
//!
//! #[test]     the failure as a test that stands alone
//! ```

use std::marker::PhantomData;
use std::ops::Range;
use std::time::Duration;

use crate::blame::blame;
use crate::choice::{Tape, Unused};
use crate::disk::Personality;
use crate::driver::{Failure, Input, run};
use crate::explore::{Bad, Sweep, Wrong, admitting, sweep};
use crate::report::{FailureReport, Stamp, standalone_test};
use crate::shrink::shrink;
use crate::system::System;

/// How many runs making a failure small may take.
const SHRINK_RUNS_MAX: u32 = 2_000;

/// How many of the last events a failure shows.
const EVENTS_SHOWN: usize = 16;

/// A sweep to be run in a test.
#[derive(Debug)]
pub struct Check<S> {
    sweep: Sweep,
    personality: Personality,
    system: PhantomData<fn() -> S>,
}

impl<S: System> Default for Check<S> {
    fn default() -> Check<S> {
        let personality = Personality::POSIX;
        Check { sweep: Sweep::of(0..100), personality, system: PhantomData }
    }
}

impl<S: System> Check<S> {
    /// Runs these seeds, unless the environment names others. Default: 0 to 99.
    #[must_use]
    pub fn seeds(mut self, seeds: Range<u64>) -> Check<S> {
        self.sweep.seeds = seeds;
        self
    }

    /// Runs so many seeds at a time. Default: one.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Check<S> {
        self.sweep.jobs = jobs;
        self
    }

    /// Runs what stands on a tape in place of seeds, as a failure printed it: the test of a bug that was
    /// found once. The environment changes nothing about that. Returns the answers that decided nothing: a
    /// mended store may not ask for them, and neither does one whose files have other names.
    ///
    /// # Panics
    /// When the text is no tape, or the tape fails; and when it holds no operation, or none of its answers
    /// is asked for any more: then it tests nothing.
    pub fn tape(self, text: &str) -> Vec<Unused> {
        let tape = Tape::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        let ran = run::<S>(&Input::Tape(Box::new(tape.clone())));
        let ran = ran.unwrap_or_else(|error| panic!("the tape cannot be run: {error}"));
        if let Some(failure) = &ran.failure {
            panic!("\n{}", violated::<S>(None, self.personality, &tape, failure));
        }
        assert!(!tape.operations.is_empty(), "the tape holds no operation, so it tests nothing");
        let none_is_asked = !tape.answers.is_empty() && ran.unused.len() == tape.answers.len();
        assert!(!none_is_asked, "no answer of the tape is asked for any more, so it tests nothing");
        ran.unused
    }

    /// Begins no further seed after this long. What was run until then depends on the machine, so this
    /// is for long sweeps, not for tests. Default: all seeds run.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Check<S> {
        self.sweep.time = Some(time);
        self
    }

    /// Whose disk it is: what a power loss may leave. Default: the strictest, [`Personality::POSIX`]. What
    /// only holds on a kinder one is a bug on the machines that have another.
    #[must_use]
    pub fn personality(mut self, personality: Personality) -> Check<S> {
        let cells = personality.numbers().map(|(knob, number)| (knob.to_owned(), number));
        self.sweep.knobs.extend(cells);
        self.personality = personality;
        self
    }

    /// How many operations each seed does, all its clients and generations together. Default: drawn,
    /// about a thousand.
    #[must_use]
    pub fn operations(mut self, count: u64) -> Check<S> {
        self.sweep.knobs.push(("operations".to_owned(), count));
        self
    }

    /// Runs them.
    ///
    /// # Panics
    /// With all that is known about it, when a property does not hold or a run cannot be repeated.
    pub fn run(mut self) {
        self.sweep.seeds = seeds_from_environment(self.sweep.seeds);
        let swept = sweep::<S>(&self.sweep, &());
        if let Some(bad) = swept.bad.first() {
            panic!("\n{}", text_of::<S>(bad, self.personality));
        }
    }
}

fn text_of<S: System>(bad: &Bad, personality: Personality) -> String {
    match &bad.what {
        Wrong::Violated(failure) => violated::<S>(Some(bad.seed), personality, &bad.tape, failure),
        Wrong::Differs { first, second } => {
            let second = match second {
                Ok(second) => format!("{second:016x}"),
                Err(why) => why.clone(),
            };
            format!("FAIL  seed {:#x} ran twice: {first:016x}, then {second}", bad.seed)
        }
    }
}

/// The failure block, and a test that shows the failure.
fn violated<S: System>(
    seed: Option<u64>,
    personality: Personality,
    tape: &Tape,
    failure: &Failure,
) -> String {
    let shrunk = shrink::<S>(tape, SHRINK_RUNS_MAX).ok();
    let stamp = Stamp {
        commit: String::new(),
        profile: "default".to_owned(),
        personality: shrunk.as_ref().map_or_else(
            || personality.name(),
            |it| admitting::<S>(&it.tape, it.failure.violation.property).join(" "),
        ),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let small = shrunk.as_ref().map_or(tape, |shrunk| &shrunk.tape);
    let blame = blame::<S>(small).ok();
    let again = seed.map(|seed| ("again", format!("SEAWALL_SEED={seed:#x} cargo test")));
    let keep = ("keep", "paste the test below; its tape stays valid".to_owned());
    let commands: Vec<_> = again.into_iter().chain([keep]).collect();
    let report = FailureReport {
        seed,
        failure,
        shrunk: shrunk.as_ref(),
        blame: blame.as_ref(),
        commands: &commands,
        stamp: &stamp,
        events: EVENTS_SHOWN,
    };
    // A smaller tape may show a plainer fault.
    let told = shrunk.as_ref().map_or(failure, |shrunk| &shrunk.failure);
    format!("{report}\n{}", standalone_test::<S>(small, told.violation.property))
}

/// The seeds to run: those of `SEAWALL_SEED=N` or `SEAWALL_SEEDS=A..B`, else `otherwise`. Numbers are
/// decimal, or hexadecimal after `0x`.
///
/// # Panics
/// When either is set and cannot be read: a typing error must not look like a passing test.
pub fn seeds_from_environment(otherwise: Range<u64>) -> Range<u64> {
    let one = std::env::var("SEAWALL_SEED").ok();
    let many = std::env::var("SEAWALL_SEEDS").ok();
    seeds_of(one.as_deref(), many.as_deref(), otherwise)
}

fn seeds_of(one: Option<&str>, many: Option<&str>, otherwise: Range<u64>) -> Range<u64> {
    if let Some(text) = one {
        let seed = number(text).unwrap_or_else(|| panic!("SEAWALL_SEED={text} is no number"));
        return seed..seed.saturating_add(1);
    }
    let Some(text) = many else { return otherwise };
    let ends = text.split_once("..").and_then(|(from, to)| Some((number(from)?, number(to)?)));
    let (from, to) = ends.unwrap_or_else(|| panic!("SEAWALL_SEEDS={text} is not like 0..100"));
    from..to
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_one_seed_or_a_range() {
        assert_eq!(seeds_of(None, None, 3..5), 3..5);
        assert_eq!(seeds_of(Some("7"), None, 3..5), 7..8);
        assert_eq!(seeds_of(Some("0x10"), Some("1..2"), 3..5), 16..17);
        assert_eq!(seeds_of(None, Some("10..0x20"), 3..5), 10..32);
    }

    #[test]
    #[should_panic(expected = "SEAWALL_SEEDS=10 is not like 0..100")]
    fn a_range_that_cannot_be_read_is_no_passing_test() {
        seeds_of(None, Some("10"), 0..1);
    }
}
