//! What a run did, in numbers that add up over runs.

use std::collections::BTreeMap;

use super::map::Map;
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
    /// Of all crashes, those after a sync had failed.
    pub after_failed_sync: u64,
    /// All crashes, by what the store was at: the scope of the call that crashed, or
    /// `outage` between two generations.
    pub cut_in: BTreeMap<String, Cut>,
    /// Files on the images that were opened, added up.
    pub image_files: u64,
    /// Bytes in those files.
    pub image_bytes: u64,
    /// Points at which the scheduler was asked who goes on.
    pub steps: u64,
    /// Disks that were opened with damage; they do not count as states.
    pub damaged: u64,
    /// Worlds of which nobody can tell whether what failed fills the gaps between what was
    /// acknowledged: too many orders to try them all.
    pub orders_given_up: u64,
    /// What happened to the simulated disks.
    pub disk: disk::Counts,
    /// What the store says it did, by name: flushes, manifest rolls.
    pub events: Vec<(&'static str, u64)>,
    /// Where crashes struck, and what came of them.
    pub map: Map,
}

/// Crashes of one scope whose images were opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Power losses.
    pub power: u64,
    /// Kills.
    pub kill: u64,
}

impl Counts {
    /// Adds what another run did.
    pub fn add(&mut self, other: &Counts) {
        for (mine, theirs) in self.plain_mut().into_iter().zip(other.plain()) {
            *mine += theirs;
        }
        self.map.merge(&other.map);
        self.disk.merge(&other.disk);
        for (scope, cut) in &other.cut_in {
            let sum = self.cut_in.entry(scope.clone()).or_default();
            sum.power += cut.power;
            sum.kill += cut.kill;
        }
        for (name, count) in &other.events {
            bump(&mut self.events, name, *count);
        }
    }

    /// Counts a crash at the call `site`, whose image is about to be opened.
    pub(super) fn crashed(&mut self, image: &Image, site: &str) {
        let scope = site.split('/').next().unwrap_or_default();
        match image.kind {
            CrashKind::Kill => {
                self.kill += 1;
                self.cut_in(scope).kill += 1;
            }
            CrashKind::Power | CrashKind::KillThenPower => self.outage(scope),
        }
        self.kill_then_power += u64::from(image.kind == CrashKind::KillThenPower);
        self.after_failed_sync += u64::from(image.sync_failed);
        self.inside_open += u64::from(image.mark == 0);
        let (files, bytes) = image.disk.extent();
        self.image_files += files;
        self.image_bytes += bytes;
    }

    /// Counts a power loss of which the disk is about to be opened.
    pub(super) fn outage(&mut self, scope: &str) {
        self.power += 1;
        self.cut_in(scope).power += 1;
    }

    fn cut_in(&mut self, scope: &str) -> &mut Cut {
        // Mostly it is there, and its name need not be copied.
        if !self.cut_in.contains_key(scope) {
            self.cut_in.insert(scope.to_owned(), Cut::default());
        }
        self.cut_in.get_mut(scope).expect("it was inserted if it was missing")
    }

    /// Adds to the store's own events of a name.
    pub(super) fn event(&mut self, name: &'static str, count: u64) {
        bump(&mut self.events, name, count);
    }

    fn plain_mut(&mut self) -> [&mut u64; 16] {
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
            &mut self.after_failed_sync,
            &mut self.image_files,
            &mut self.image_bytes,
            &mut self.steps,
            &mut self.damaged,
            &mut self.orders_given_up,
        ]
    }

    fn plain(&self) -> [u64; 16] {
        [
            self.operations,
            self.operations_failed,
            self.states,
            self.states_close,
            self.generations,
            self.opens_failed,
            self.power,
            self.kill,
            self.kill_then_power,
            self.inside_open,
            self.after_failed_sync,
            self.image_files,
            self.image_bytes,
            self.steps,
            self.damaged,
            self.orders_given_up,
        ]
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
        one.cut_in.insert("flush".to_owned(), Cut { power: 2, kill: 1 });
        one.event("flush", 3);
        sum.add(&one);
        one.event("roll", 1);
        sum.add(&one);
        assert_eq!(sum.operations, 4);
        assert_eq!(sum.inside_open, 2);
        assert_eq!(sum.cut_in, [("flush".to_owned(), Cut { power: 4, kill: 2 })].into());
        assert_eq!(sum.events, [("flush", 6), ("roll", 1)]);
    }
}
