//! A few of the operations, with everything else drawn anew.
//!
//! A greedy search ends where nothing can be left out alone: a failure that hangs on a batch that
//! crosses a sector needs every operation that moves it there, until the crash cuts elsewhere. Most
//! bugs show in many ways; this looks for another way, one that needs little.

use std::ops::RangeInclusive;

use super::Shrinker;
use crate::choice::{Base, Tape, fold};
use crate::system::System;

/// So few operations are small enough.
const ENOUGH: usize = 3;

/// How many operations are tried.
const FEW: RangeInclusive<usize> = 2..=8;

/// How often it is tried.
const DRAWS_MAX: u64 = 240;

/// Knobs that make much happen within a few operations.
const LIVELY: [(&str, u64); 5] = [
    ("fork_one_in", 6),
    ("open_fork_one_in", 6),
    ("nested_fork_one_in", 12),
    ("images_max", 12),
    ("switch_one_in", 4),
];

impl<S: System> Shrinker<S> {
    /// Draws schedules, faults and crashes for a few neighbours among the operations, until they fail
    /// as all did.
    pub(super) fn redraw(&mut self) -> bool {
        let count = self.best.operations.len();
        if count <= ENOUGH {
            return false;
        }
        let config = self.with_knobs(&LIVELY).config;
        (0..DRAWS_MAX).any(|draw| {
            let few = (FEW.start() + fold(draw, 1) as usize % FEW.clone().count()).min(count - 1);
            let start = fold(draw, 0) as usize % (count - few + 1);
            let operations = self.best.operations[start..start + few].to_vec();
            let (config, base, answers) = (config.clone(), Base::Seed(draw), Vec::new());
            self.attempt(Tape { operations, config, base, answers, ..self.best.clone() })
        })
    }
}
