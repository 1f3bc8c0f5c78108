//! The map: where crashes struck, what they made of the work of the call, and what the next open found.
//!
//! A cell is a site, a moment, an [`Effect`] and a [`Found`]. What no run ever did is a cell that is
//! empty, and a place where a bug may hide.

use std::collections::BTreeMap;

use seawall_os::site::Site;

use crate::disk::{Effect, Image, Moment};

/// What the first open of a crashed disk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Took {
    /// Everything that had been acknowledged, durable or not.
    All,
    /// Less than that, as it may be after a power loss.
    Less,
    /// Nothing yet: the open crashed in its turn, or a fault made it fail.
    Again,
}

impl Took {
    /// Every way, in declaration order.
    pub const ALL: [Took; 3] = [Took::All, Took::Less, Took::Again];

    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Took::All => "all",
            Took::Less => "less",
            Took::Again => "again",
        }
    }
}

/// Every moment, in order.
pub const MOMENTS: [Moment; 3] = [Moment::Before, Moment::During, Moment::After];

/// The place of a crash on the map, but for what the open found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) site: Site,
    pub(crate) moment: Moment,
    pub(crate) effect: Effect,
}

impl Struck {
    /// Where the crash of an image struck.
    pub(crate) fn of(image: &Image) -> Struck {
        Struck { site: image.call, moment: image.moment, effect: image.effect }
    }
}

/// The counts of one site, by moment, effect and what was found.
type Cells = [[[u64; 3]; 4]; 3];

/// How often each cell was reached. Adds up over runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    sites: BTreeMap<Site, Cells>,
}

impl Map {
    /// Counts what was found after a crash, if there was one.
    pub(crate) fn found(&mut self, struck: Option<Struck>, took: Took) {
        struck.into_iter().for_each(|struck| self.add(struck, took));
    }

    fn add(&mut self, struck: Struck, took: Took) {
        let cells = self.sites.entry(struck.site).or_default();
        cells[struck.moment as usize][struck.effect as usize][took as usize] += 1;
    }

    /// Adds another map.
    pub fn merge(&mut self, other: &Map) {
        for (site, theirs) in &other.sites {
            let mine = self.sites.entry(*site).or_default().as_flattened_mut().as_flattened_mut();
            for (mine, theirs) in mine.iter_mut().zip(theirs.as_flattened().as_flattened()) {
                *mine += theirs;
            }
        }
    }

    /// The sites at which anything crashed, in order.
    pub fn sites(&self) -> impl Iterator<Item = Site> {
        self.sites.keys().copied()
    }

    /// How often a cell was reached.
    pub fn count(&self, site: Site, moment: Moment, effect: Effect, took: Took) -> u64 {
        let cells = self.sites.get(&site);
        cells.map_or(0, |cells| cells[moment as usize][effect as usize][took as usize])
    }

    /// How often a cell was reached, whatever the open found.
    pub fn struck(&self, site: Site, moment: Moment, effect: Effect) -> u64 {
        Took::ALL.into_iter().map(|took| self.count(site, moment, effect, took)).sum()
    }
}

#[cfg(test)]
mod tests {
    use seawall_os::site::{FileClass, Operation, Scope};

    use super::*;

    #[test]
    fn maps_add_up_cell_by_cell() {
        let site = |operation| Site {
            scope: Scope::new("commit"),
            class: FileClass::of_name("000002.wal"),
            operation,
        };
        let (write, sync) = (site(Operation::WriteAt), site(Operation::SyncData));
        let (mut sum, mut other) = (Map::default(), Map::default());
        let torn = Struck { site: write, moment: Moment::During, effect: Effect::Torn };
        sum.add(torn, Took::Less);
        other.add(torn, Took::Less);
        other.add(torn, Took::All);
        other.add(Struck { site: sync, moment: Moment::After, effect: Effect::Kept }, Took::Again);
        sum.merge(&other);
        assert_eq!(sum.sites().collect::<Vec<_>>(), [write, sync]);
        assert_eq!(sum.count(write, Moment::During, Effect::Torn, Took::Less), 2);
        assert_eq!(sum.struck(write, Moment::During, Effect::Torn), 3);
        assert_eq!(sum.struck(write, Moment::After, Effect::Torn), 0);
        assert_eq!(sum.struck(sync, Moment::After, Effect::Kept), 1);
    }
}
