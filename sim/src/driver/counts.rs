//! What a run did, in numbers that add up over runs.

use crate::disk::{self, CrashKind, Image};

/// How much happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations that clients issued.
    pub operations: u64,
    /// Operations that returned an error.
    pub operations_failed: u64,
    /// Recovered states that were checked, each one executed open of one image.
    pub states: u64,
    /// Of those, the ones looked at closely: around keys, opened twice, written to.
    pub states_close: u64,
    /// Opens of the main line.
    pub generations: u64,
    /// Opens that an injected fault made fail.
    pub opens_failed: u64,
    /// Crashes whose image was opened: power losses, those right after a kill included.
    pub power: u64,
    /// Crashes whose image was opened: kills.
    pub kill: u64,
    /// Of the power losses, those that struck what a kill had left.
    pub kill_then_power: u64,
    /// Of all crashes, those inside an open.
    pub inside_open: u64,
    /// Files on the images that were opened, added up.
    pub image_files: u64,
    /// Bytes in those files.
    pub image_bytes: u64,
    /// Disks that were opened with damage; they do not count as states.
    pub damaged: u64,
    /// Worlds of which nobody can tell whether what failed fills the gaps between what was
    /// acknowledged: too many orders to try them all.
    pub orders_given_up: u64,
    /// What happened to the simulated disks.
    pub disk: disk::Counts,
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
        self.disk.merge(&other.disk);
        for (name, count) in &other.events {
            bump(&mut self.events, name, *count);
        }
    }

    /// Counts a crash whose image is about to be opened.
    pub(super) fn crashed(&mut self, image: &Image) {
        match image.kind {
            CrashKind::Kill => self.kill += 1,
            CrashKind::Power => self.power += 1,
            CrashKind::KillThenPower => {
                self.power += 1;
                self.kill_then_power += 1;
            }
        }
        self.inside_open += u64::from(image.mark == 0);
        let (files, bytes) = image.disk.extent();
        self.image_files += files;
        self.image_bytes += bytes;
    }

    /// Adds to the store's own events of a name.
    pub(super) fn event(&mut self, name: &'static str, count: u64) {
        bump(&mut self.events, name, count);
    }

    fn plain_mut(&mut self) -> [&mut u64; 14] {
        [
            &mut self.operations,
            &mut self.operations_failed,
            &mut self.states,
            &mut self.states_close,
            &mut self.generations,
            &mut self.opens_failed,
            &mut self.power,
            &mut self.kill,
            &mut self.kill_then_power,
            &mut self.inside_open,
            &mut self.image_files,
            &mut self.image_bytes,
            &mut self.damaged,
            &mut self.orders_given_up,
        ]
    }

    fn plain(mut self) -> [u64; 14] {
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
        one.event("flush", 3);
        sum.add(&one);
        one.event("roll", 1);
        sum.add(&one);
        assert_eq!(sum.operations, 4);
        assert_eq!(sum.inside_open, 2);
        assert_eq!(sum.events, [("flush", 6), ("roll", 1)]);
    }
}
