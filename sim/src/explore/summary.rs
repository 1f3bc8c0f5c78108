//! What a sweep over many seeds adds up to.

use std::fmt;

use crate::choice::fold;
use crate::driver::{Counts, Ran};
use crate::numbers::{grouped, short};

/// Runs, added up. Adding is commutative: the order in which seeds end does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Seeds that ended.
    pub seeds: u64,
    /// Everything that happened, counted.
    pub counts: Counts,
    /// In how many seeds a thing happened at all, by name.
    pub happened: Vec<(&'static str, u64)>,
    /// Of all runs and their seeds.
    pub fingerprint: u64,
}

impl Summary {
    /// Adds the run of one seed.
    pub fn add(&mut self, seed: u64, ran: &Ran) {
        self.seeds += 1;
        self.counts.add(&ran.counts);
        self.fingerprint = self.fingerprint.wrapping_add(fold(ran.fingerprint, seed));
        for (name, count) in happenings(&ran.counts) {
            let happened = u64::from(count > 0);
            match self.happened.iter_mut().find(|(known, _)| *known == name) {
                Some((_, seeds)) => *seeds += happened,
                None => self.happened.push((name, happened)),
            }
        }
    }

    /// Adds another summary of other seeds.
    pub fn merge(&mut self, other: &Summary) {
        self.seeds += other.seeds;
        self.counts.add(&other.counts);
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        for (name, seeds) in &other.happened {
            match self.happened.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += seeds,
                None => self.happened.push((name, *seeds)),
            }
        }
    }

    /// In how many of a hundred seeds a thing happened; `None` if nothing has that name.
    pub fn percent(&self, name: &str) -> Option<u64> {
        let seeds = self.happened.iter().find(|(known, _)| *known == name)?.1;
        Some(seeds * 100 / self.seeds.max(1))
    }

    /// Crashes whose image was opened and checked.
    pub fn crashes(&self) -> u64 {
        self.counts.power + self.counts.kill
    }
}

/// What may happen in a run or not, with how often it did.
fn happenings(counts: &Counts) -> impl Iterator<Item = (&'static str, u64)> {
    let own = [
        ("generations", counts.generations.saturating_sub(1)),
        ("kill_then_power", counts.kill_then_power),
        ("inside_open", counts.inside_open),
    ];
    let faults: Vec<_> = counts.disk.faults_by_class().collect();
    own.into_iter().chain(faults).chain(counts.events.clone())
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let disk = &counts.disk;
        writeln!(
            f,
            "  operations {}   system calls {}   crashes {} (power {}, kill {}; inside open {})",
            short(counts.operations),
            short(disk.calls),
            grouped(self.crashes()),
            grouped(counts.power),
            grouped(counts.kill),
            grouped(counts.inside_open),
        )?;
        writeln!(
            f,
            "  syncs failed {}   torn {}   names lost {}   generations {}   opened damaged {}   \
             recoveries checked {}",
            grouped(disk.failed_syncs()),
            grouped(disk.units_torn),
            grouped(disk.names_lost),
            grouped(counts.generations),
            grouped(counts.damaged),
            grouped(counts.states),
        )?;
        for (name, count) in &counts.events {
            write!(f, "  {} {} ", name.replace('_', " "), grouped(*count))?;
        }
        if counts.orders_given_up > 0 {
            write!(f, "\n  orders not all tried in {} worlds", grouped(counts.orders_given_up))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_seeds_does_not_matter() {
        let ran = |fingerprint, operations| Ran {
            fingerprint,
            counts: Counts { operations, generations: operations, ..Counts::default() },
            failure: None,
            tape: crate::choice::Tape::default(),
            unused: Vec::new(),
        };
        let (mut one, mut two) = (Summary::default(), Summary::default());
        one.add(1, &ran(10, 1));
        one.add(2, &ran(20, 2));
        two.add(2, &ran(20, 2));
        two.add(1, &ran(10, 1));
        assert_eq!(one, two);
        assert_eq!(one.percent("generations"), Some(50));
        let mut sum = Summary::default();
        sum.merge(&one);
        assert_eq!(sum, one);
    }
}
