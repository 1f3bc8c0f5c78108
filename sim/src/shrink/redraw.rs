//! A few of the operations, with everything else drawn anew.
//!
//! A greedy search ends where nothing can be left out alone: a failure that hangs on a batch that
//! crosses a sector needs every operation that moves it there, until the crash cuts elsewhere. Most
//! bugs show in many ways; this looks for another way, one that needs little.

use std::ops::RangeInclusive;

use super::Shrinker;
use crate::choice::{Base, Tape, fold};
use crate::system::{Property, System};

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

/// Knobs without which no call fails.
const FAULTS: [(&str, u64); 13] = [
    ("sync_eio_one_in", 0),
    ("sync_full_one_in", 0),
    ("writeback_eio_one_in", 0),
    ("sync_dir_eio_one_in", 0),
    ("write_eio_one_in", 0),
    ("write_full_one_in", 0),
    ("allocate_full_one_in", 0),
    ("create_full_one_in", 0),
    ("name_eio_one_in", 0),
    ("remount_one_in", 0),
    ("read_eio_one_in", 0),
    ("evict_one_in", 0),
    ("full_kib", 0),
];

/// How often a loss is looked for that takes no fault.
const PLAIN_DRAWS_MAX: u64 = 40;

impl<S: System> Shrinker<S> {
    /// Of what is lost after an error, looks for a way to lose it without one: by a crash alone, which is the
    /// easier story.
    pub(super) fn without_faults(&mut self) {
        if self.fault.property() != Property::AfterError {
            return;
        }
        let config = self.with_knobs(&[&LIVELY[..], &FAULTS[..]].concat()).config;
        for draw in 0..PLAIN_DRAWS_MAX {
            let (config, base, answers) = (config.clone(), Base::Seed(draw), Vec::new());
            if self.attempt(Tape { config, base, answers, ..self.best.clone() }) {
                return;
            }
        }
    }

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
