//! What the default sweep must have done to be worth something.
//!
//! A sweep in which nothing happens finds nothing. `seawall sim run` on the default range checks these
//! and fails below them.

use std::fmt;
use std::ops::Range;

use super::reach;
use super::summary::Summary;

/// The range the floors are for.
pub const DEFAULT_SEEDS: Range<u64> = 0..2_000;

/// One thing of which there was too little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooFew {
    /// Of what.
    pub what: String,
    /// How much there was.
    pub got: u64,
    /// How much there has to be.
    pub floor: u64,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, at least {} expected", self.what, self.got, self.floor)
    }
}

/// How many seeds of a hundred must show a thing.
#[derive(Clone, Copy, Debug)]
pub struct Floors {
    /// Recovered states checked.
    pub states: u64,
    /// Operations issued.
    pub operations: u64,
    /// Crashes inside an open, of a hundred.
    pub inside_open_percent: u64,
    /// By name: of a hundred seeds, those in which it happened.
    pub seeds_percent: &'static [(&'static str, u64)],
    /// The same for every class of faults.
    pub each_fault_percent: u64,
}

/// The floors of the default range for the store of this repository.
pub const FLOORS: Floors = Floors {
    states: 40_000,
    operations: 1_000_000,
    inside_open_percent: 25,
    seeds_percent: &[
        ("flushes", 80),
        ("compactions", 60),
        ("manifest_rolls", 30),
        ("generations", 80),
        ("kill_then_power", 10),
    ],
    each_fault_percent: 20,
};

impl Floors {
    /// What the sweep did too little of; empty when it did enough.
    pub fn check(&self, summary: &Summary) -> Vec<TooFew> {
        let counts = &summary.counts;
        let mut too_few = Vec::new();
        let mut at_least = |what: String, got: u64, floor: u64| {
            if got < floor {
                too_few.push(TooFew { what, got, floor });
            }
        };
        at_least("recovered states".to_owned(), counts.states, self.states);
        at_least("operations".to_owned(), counts.operations, self.operations);
        let inside = counts.inside_open * 100 / summary.crashes().max(1);
        at_least("percent of crashes inside open".to_owned(), inside, self.inside_open_percent);
        for (name, floor) in self.seeds_percent {
            let got = summary.percent(name).unwrap_or(0);
            at_least(format!("percent of seeds with {name}"), got, *floor);
        }
        for (name, _) in counts.disk.faults_by_class() {
            let got = summary.percent(name).unwrap_or(0);
            at_least(format!("percent of seeds with fault {name}"), got, self.each_fault_percent);
        }
        for cell in reach::empty(&counts.map) {
            at_least(format!("crashes at {cell}"), 0, 1);
        }
        too_few
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Counts;

    #[test]
    fn an_empty_sweep_is_below_every_floor() {
        let too_few = FLOORS.check(&Summary::default());
        let faults = Counts::default().disk.faults_by_class().count();
        let cells = reach::empty(&Counts::default().map).len();
        assert_eq!(too_few.len(), 3 + FLOORS.seeds_percent.len() + faults + cells);
        assert_eq!(too_few[0].to_string(), "recovered states: 0, at least 40000 expected");
    }
}
