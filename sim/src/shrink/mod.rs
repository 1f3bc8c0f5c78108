//! Making a failure small: fewer operations, faults, switches and losses, and the same property still
//! violated.
//!
//! What is left is made plain: smaller values, a calmer configuration, a crash beside a call and not in
//! it.
//!
//! A tape that fails is run again and again with something left out. What is left out falls back to
//! its default, which breaks nothing; a shorter tape that still shows the same fault takes the place
//! of the longer one. As the tape that a run *records* is what counts, answers that no longer decide
//! anything go by themselves.
//!
//! What is left out moves what stays: files become shorter, so what was lost in the third sector of a
//! log is in its first now. Answers follow by being loosened ([`crate::choice::loosened`]), and the run
//! records where they landed.

mod answers;
mod operations;
mod plain;
mod redraw;
mod vary;
mod worlds;

use std::fmt;
use std::marker::PhantomData;

use crate::check::Violation;
use crate::choice::{Stream, Tape, loosened};
use crate::config::Config;
use crate::driver::{Counts, Failure, Input, Ran, STEPS_K, knobs, run};
use crate::numbers::{counted, grouped};
use crate::system::{Property, System};

use operations::From;

/// One in so many runs is kept for drawing anew.
const REDRAW_SHARE: u32 = 4;

/// A run counts as one for each so many steps that it took: one that spins until its budget of steps is
/// spent takes as long as dozens of others, and the answer is waited for.
const STEPS_OF_A_RUN: u64 = 20_000;

/// So many thousand steps at least may a world of a candidate take, and twice as many as the whole run took
/// that is to be made smaller. One that takes millions spins.
const STEPS_K_MIN: u64 = 100;

/// Labels of what is lost as a whole.
const WHOLE: [&str; 2] = ["durable", "zeros"];

/// How much stands on a tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Operations.
    pub operations: usize,
    /// Faults.
    pub faults: usize,
    /// Switches of task that were not forced.
    pub switches: usize,
    /// Things that a crash did not keep as they were.
    pub losses: usize,
}

impl Size {
    /// The size of a tape.
    pub fn of(tape: &Tape) -> Size {
        let count =
            |stream| tape.answers.iter().filter(|answer| answer.key.stream == stream).count();
        Size {
            operations: tape.operations.len(),
            faults: count(Stream::Faults),
            switches: count(Stream::Schedule),
            losses: count(Stream::Survival),
        }
    }
}

/// A failure made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest tape found.
    pub tape: Tape,
    /// What is wrong when it is run.
    pub failure: Failure,
    /// The tape's size before.
    pub before: Size,
    /// The tape's size now.
    pub after: Size,
    /// How many runs it took; a very long one counts as several.
    pub runs: u32,
    /// How many it might have taken.
    pub runs_max: u32,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(self.before, self.after))
    }
}

/// `4,812 operations -> 3, 37 faults -> 1, 1 switch, 0 losses`
fn told(before: Size, after: Size) -> String {
    let part = |one, many, before: usize, after: usize| {
        let before_told = counted(before as u64, one, many);
        if after == before {
            return before_told;
        }
        format!("{before_told} -> {}", grouped(after as u64))
    };
    [
        part("operation", "operations", before.operations, after.operations),
        part("fault", "faults", before.faults, after.faults),
        part("switch", "switches", before.switches, after.switches),
        part("loss", "losses", before.losses, after.losses),
    ]
    .join(", ")
}

/// Shrinks a tape that fails, in at most `runs_max` runs.
///
/// # Errors
/// When the tape cannot be run, or does not fail.
pub fn shrink<S: System>(tape: &Tape, runs_max: u32) -> Result<Shrunk, String> {
    let first = run::<S>(&Input::Tape(Box::new(tape.clone())))?;
    let failure = first.failure.ok_or("the tape does not fail")?;
    let mut shrinker = Shrinker::<S> {
        fault: Fault::of(&failure.violation),
        steps_k: STEPS_K_MIN.max(first.counts.steps / 500),
        best: first.tape,
        failure,
        runs: 1,
        runs_max,
        system: PhantomData,
    };
    let before = Size::of(&shrinker.best);
    let patient = shrinker.hurry();
    shrinker.shrink();
    if let Some((best, failure)) = patient
        && !shrinker.spins()
    {
        (shrinker.best, shrinker.failure) = (best, failure);
    }
    let after = Size::of(&shrinker.best);
    let Shrinker { best: tape, failure, runs, .. } = shrinker;
    Ok(Shrunk { tape, failure, before, after, runs, runs_max })
}

struct Shrinker<S> {
    fault: Fault,
    /// How many thousand steps a world of a candidate may take.
    steps_k: u64,
    best: Tape,
    failure: Failure,
    runs: u32,
    runs_max: u32,
    system: PhantomData<fn() -> S>,
}

impl<S: System> Shrinker<S> {
    /// A world that does not end is given up early from now on, and the rest takes a twentieth of the time.
    /// Returns what was found with more patience.
    fn hurry(&mut self) -> Option<(Tape, Failure)> {
        let got = self.failure.violation.facts.iter().find(|(label, _)| *label == "got");
        got.filter(|(_, text)| text.starts_with("step budget exceeded"))?;
        let patient = (self.best.clone(), self.failure.clone());
        self.attempt(self.with_knobs(&[(STEPS_K, STEPS_K_MIN)])).then_some(patient)
    }

    /// Whether what was found in a hurry does not end either when it is waited for.
    fn spins(&self) -> bool {
        let steps_k = Config::calm(&knobs::<S>()).get(STEPS_K);
        let patient = with_steps_k::<S>(self.best.clone(), steps_k);
        let ran = run::<S>(&Input::Tape(Box::new(patient)));
        let failure = ran.ok().and_then(|ran| ran.failure);
        failure.is_some_and(|failure| Fault::of(&failure.violation).shows(&self.fault))
    }

    /// Part of the runs is kept for another way to the same fault, however long the first one takes.
    fn shrink(&mut self) {
        let runs_max = self.runs_max;
        self.runs_max -= runs_max / REDRAW_SHARE;
        self.without_faults();
        self.reduce();
        self.runs_max = runs_max;
        while self.redraw() {
            self.reduce();
        }
        let before = self.extent();
        self.plain();
        if self.extent() != before {
            self.reduce();
        }
    }

    /// Leaves out what can be left out, from either end in turn, until nothing can.
    fn reduce(&mut self) {
        let mut from = From::Start;
        loop {
            let before = self.extent();
            self.isolate();
            self.collapse();
            self.lose_wholly();
            self.drop_operations(from);
            self.crash_earlier();
            self.fewer_generations();
            self.fewer_clients();
            for stream in [
                Stream::Faults,
                Stream::Schedule,
                Stream::Survival,
                Stream::Crash,
                Stream::Workload,
            ] {
                self.drop_answers(stream);
            }
            let is_stuck = self.extent() == before && from == From::End;
            if is_stuck {
                self.drop_pairs();
            }
            if (is_stuck && self.extent() == before) || self.is_spent() {
                return;
            }
            from = if from == From::Start { From::End } else { From::Start };
        }
    }

    /// Changes whenever a pass has made something smaller.
    fn extent(&self) -> (Size, usize, String) {
        (Size::of(&self.best), self.best.answers.len(), self.best.config.clone())
    }

    fn is_spent(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Runs a candidate; keeps it if it shows the same fault, or a plainer one.
    fn attempt(&mut self, candidate: Tape) -> bool {
        if self.is_spent() {
            return false;
        }
        let steps_k = steps_k_of::<S>(&candidate);
        let candidate = with_steps_k::<S>(candidate, steps_k.min(self.steps_k));
        let Ok(Ran { failure, tape, counts, .. }) = run::<S>(&Input::Tape(Box::new(candidate)))
        else {
            self.runs += 1;
            return false;
        };
        self.runs = self.runs.saturating_add(as_runs(&counts));
        let Some(failure) = failure else { return false };
        let fault = Fault::of(&failure.violation);
        if !fault.shows(&self.fault) {
            return false;
        }
        self.fault = fault;
        self.best = with_steps_k::<S>(tape, steps_k);
        self.failure = failure;
        true
    }
}

/// As how many runs one counts that did so much.
pub(crate) fn as_runs(counts: &Counts) -> u32 {
    u32::try_from(counts.steps / STEPS_OF_A_RUN).unwrap_or(u32::MAX).saturating_add(1)
}

/// What is wrong, as far as it must stay the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    property: Property,
    /// Why an open failed, without its numbers: opens that fail for another reason are another fault.
    reason: Option<String>,
}

impl Fault {
    pub(crate) fn of(violation: &Violation) -> Fault {
        let property = violation.property;
        let got = violation.facts.iter().find(|(label, _)| *label == "got");
        let reason = got.filter(|_| property == Property::Opens).map(|(_, text)| loosened(text));
        Fault { property, reason }
    }

    pub(crate) fn property(&self) -> Property {
        self.property
    }

    /// Whether this shows what `before` did. A loss after an error (O7) that is also one without (O1)
    /// is a plain loss, and easier to understand.
    pub(crate) fn shows(&self, before: &Fault) -> bool {
        let plainer = self.property == Property::Prefix && before.property == Property::AfterError;
        self == before || plainer
    }
}

/// How many thousand steps a world of this tape may take.
fn steps_k_of<S: System>(tape: &Tape) -> u64 {
    Config::parse(&tape.config, &knobs::<S>()).map_or(STEPS_K_MIN, |config| config.get(STEPS_K))
}

/// A configuration that cannot be read stays as it is: the run says what is wrong with it.
fn with_steps_k<S: System>(tape: Tape, steps_k: u64) -> Tape {
    let Ok(mut config) = Config::parse(&tape.config, &knobs::<S>()) else { return tape };
    match config.set(STEPS_K, steps_k) {
        Ok(()) => Tape { config: config.to_string(), ..tape },
        Err(_) => tape,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_that_fails_otherwise_is_another_fault() {
        let fault = |property, got: &str| Fault::of(&Violation::new(property, "got", got));
        let opens = |got| fault(Property::Opens, got);
        assert!(opens("bad frame: 7.wal").shows(&opens("bad frame: 12.wal")));
        assert!(!opens("no header: 7.wal").shows(&opens("bad frame: 7.wal")));
        let lost = fault(Property::Prefix, "recovered up to 3");
        assert!(lost.shows(&fault(Property::AfterError, "recovered up to 30")));
        assert!(!fault(Property::AfterError, "").shows(&lost));
    }

    #[test]
    fn a_long_run_counts_as_several() {
        let runs = |steps| as_runs(&Counts { steps, ..Counts::default() });
        assert_eq!((runs(0), runs(19_999), runs(2_000_000), runs(u64::MAX)), (1, 1, 101, u32::MAX));
    }

    #[test]
    fn sizes_are_told_with_what_they_were() {
        let before = Size { operations: 4_812, faults: 37, switches: 1, losses: 0 };
        let after = Size { operations: 3, faults: 1, ..before };
        assert_eq!(
            told(before, after),
            "4,812 operations -> 3, 37 faults -> 1, 1 switch, 0 losses"
        );
        let one = Size { operations: 1, ..Size::default() };
        assert_eq!(told(one, one), "1 operation, 0 faults, 0 switches, 0 losses");
    }
}
