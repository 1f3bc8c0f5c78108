//! What a run did, in numbers that add up over runs.

use crate::check::Fall;

/// How much happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations that clients issued.
    pub operations: u64,
    /// Operations that returned an error.
    pub operations_failed: u64,
    /// Calls of the file system.
    pub calls: u64,
    /// Recovered states that were checked, each one executed open of one image.
    pub states: u64,
    /// Of those, the ones looked at closely: around keys, opened twice, written to.
    pub states_close: u64,
    /// Opens of the main line.
    pub generations: u64,
    /// Opens that an injected fault made fail.
    pub opens_failed: u64,
    /// Images cut by a power loss.
    pub power: u64,
    /// Images cut by a kill.
    pub kill: u64,
    /// Images cut by a power loss after a kill since the disk was last settled.
    pub kill_then_power: u64,
    /// Of all images, those cut while a store was being opened.
    pub inside_open: u64,
    /// Faults injected, by class.
    pub faults: Vec<(&'static str, u64)>,
    /// What the store says it did, by name: flushes, manifest rolls.
    pub events: Vec<(&'static str, u64)>,
}

impl Counts {
    /// Adds what another run did.
    pub fn add(&mut self, other: &Counts) {
        let mine = self.plain_mut();
        let theirs = other.clone().plain();
        for (mine, theirs) in mine.into_iter().zip(theirs) {
            *mine += theirs;
        }
        for (name, count) in &other.faults {
            bump(&mut self.faults, name, *count);
        }
        for (name, count) in &other.events {
            bump(&mut self.events, name, *count);
        }
    }

    /// Counts an image that is about to be opened.
    pub(super) fn crashed(&mut self, fall: Fall, inside_open: bool) {
        match fall {
            Fall::None => return,
            Fall::Kill => self.kill += 1,
            Fall::Power => self.power += 1,
        }
        self.inside_open += u64::from(inside_open);
    }

    /// Adds to the faults of a class.
    pub(super) fn fault(&mut self, class: &'static str, count: u64) {
        bump(&mut self.faults, class, count);
    }

    /// Adds to the store's own events of a name.
    pub(super) fn event(&mut self, name: &'static str, count: u64) {
        bump(&mut self.events, name, count);
    }

    fn plain_mut(&mut self) -> [&mut u64; 11] {
        [
            &mut self.operations,
            &mut self.operations_failed,
            &mut self.calls,
            &mut self.states,
            &mut self.states_close,
            &mut self.generations,
            &mut self.opens_failed,
            &mut self.power,
            &mut self.kill,
            &mut self.kill_then_power,
            &mut self.inside_open,
        ]
    }

    fn plain(mut self) -> [u64; 11] {
        self.plain_mut().map(|count| *count)
    }
}

fn bump(counts: &mut Vec<(&'static str, u64)>, name: &'static str, by: u64) {
    match counts.iter_mut().find(|(known, _)| *known == name) {
        Some((_, count)) => *count += by,
        None => counts.push((name, by)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_name() {
        let mut sum = Counts::default();
        let mut one = Counts { operations: 2, inside_open: 1, ..Counts::default() };
        one.fault("sync", 3);
        sum.add(&one);
        one.fault("read", 1);
        sum.add(&one);
        assert_eq!(sum.operations, 4);
        assert_eq!(sum.inside_open, 2);
        assert_eq!(sum.faults, [("sync", 6), ("read", 1)]);
    }
}
