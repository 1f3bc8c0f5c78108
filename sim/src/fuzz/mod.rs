//! Runs that a fuzzer decides: a tape as bytes, of which every one means something.
//!
//! An [`Input`] is a tape and a list of overrides; its bytes are records ([`records`]), one for each
//! thing it says (`bytes` has the list). A byte that changes changes one record: one operation, one
//! knob, one decision. Every tape is an input and comes back from it as it was; an input with overrides
//! becomes a tape by being run, which records what was decided.

mod bytes;
pub mod records;
#[cfg(test)]
mod tests;

use crate::choice::{Override, Tape};
use crate::config::Config;
use crate::driver::{self, Ran, run};
use crate::system::System;

pub use bytes::NotHeld;

/// The most operations of a run that is worth a fuzzer's time.
const OPERATIONS_MAX: usize = 128;

/// A knob may be so many times as large as the largest value that seeds draw.
const KNOB_FACTOR_MAX: u64 = 4;

/// What a fuzzer decides of a run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Input {
    /// Configuration, operations, base and answers.
    pub tape: Tape,
    /// What is decided otherwise than the base would.
    pub overrides: Vec<Override>,
}

impl Input {
    /// The tape of the run that this input stands for.
    ///
    /// # Errors
    /// When the input cannot be run.
    pub fn into_tape<S: System>(self) -> Result<Tape, String> {
        if self.overrides.is_empty() {
            return Ok(self.tape);
        }
        Ok(self.run::<S>()?.tape)
    }

    fn run<S: System>(self) -> Result<Ran, String> {
        run::<S>(&driver::Input::Overridden(Box::new(self.tape), self.overrides))
    }

    /// Whether the run is of a size that a fuzzer can do many of.
    fn is_small<S: System>(&self) -> bool {
        let Ok(config) = Config::parse(&self.tape.config, &driver::knobs::<S>()) else {
            return false;
        };
        let within = |knob: &crate::config::Knob| {
            let largest = knob.values.iter().max().copied().unwrap_or(0);
            config.get(knob.name) <= largest.saturating_mul(KNOB_FACTOR_MAX)
        };
        let Tape { config: line, operations, .. } = &self.tape;
        // Where neither stands on the tape all would be drawn.
        let says = !line.is_empty() || !operations.is_empty();
        let knobs = driver::knobs::<S>();
        says && operations.len() <= OPERATIONS_MAX && knobs.iter().copied().flatten().all(within)
    }
}

/// Runs what the bytes say: a fuzz target. `None` when they say too much or nothing.
pub fn storm<S: System>(bytes: &[u8]) -> Option<Ran> {
    let input = Input::from_bytes::<S>(bytes);
    if !input.is_small::<S>() {
        return None;
    }
    input.run::<S>().ok()
}
