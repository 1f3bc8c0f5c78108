//! What a power loss leaves of names where they survive in the order in which they changed.
//!
//! ```text
//!   changes   1 create a    2 create b    3 rename a to c    4 remove b
//!                                       ^ moment
//!   left      a, b
//! ```
//!
//! A moment is drawn for the whole file system or for each directory. Where renames are not atomic,
//! their two halves are two changes: first the target, then the source.

use super::directory::{NameChange, Slot};
use super::image::Decided;
use super::personality::{NameOrder, Rename};
use super::piece::Stamp;
use super::state::Disk;
use super::survival::{Decide, Outcome, Unit, name_after};

/// Where a change stands in the order.
type Order = (Stamp, bool);

impl Disk {
    /// Every name that is undecided, decided by moments.
    pub(super) fn names_by_moment(&self, decide: &mut dyn Decide) -> Vec<Decided> {
        let mut last = vec![None; self.directories.len()];
        if self.personality.names == NameOrder::PerDirectory {
            for (index, (_, directory)) in self.directories.iter().enumerate() {
                let unit = Unit::Names { of: &directory.name };
                last[index] = moment(unit, &mut self.orders(&directory.slots), decide);
            }
            if self.personality.rename == Rename::Pair {
                self.join_moments(&mut last);
            }
        } else {
            let slots = self.directories.iter().flat_map(|(_, directory)| &directory.slots);
            let place = moment(Unit::Names { of: "all" }, &mut self.orders(slots), decide);
            last.fill(place);
        }
        self.names_at(&last, decide)
    }

    fn order(&self, change: &NameChange) -> Order {
        (change.stamp, self.personality.rename == Rename::Halves && change.value.is_none())
    }

    fn orders<'a>(&self, slots: impl IntoIterator<Item = &'a Slot>) -> Vec<Order> {
        let changes = slots.into_iter().flat_map(|slot| &slot.pending);
        changes.map(|change| self.order(change)).collect()
    }

    /// Moves moments on until no rename is kept in one directory and lost in another.
    fn join_moments(&self, last: &mut [Option<Order>]) {
        loop {
            let before = last.to_vec();
            let kept = |index: usize, place: &Order| Some(*place) <= before[index];
            let places = |index: usize| self.orders(&self.directories[index].1.slots);
            for one in 0..last.len() {
                let places_kept = places(one).into_iter().filter(|place| kept(one, place));
                for place in places_kept {
                    for (other, last) in last.iter_mut().enumerate() {
                        if Some(place) > *last && places(other).contains(&place) {
                            *last = Some(place);
                        }
                    }
                }
            }
            if *last == before {
                return;
            }
        }
    }

    /// Every undecided name as it was at the last change that its directory keeps.
    fn names_at(&self, last: &[Option<Order>], decide: &mut dyn Decide) -> Vec<Decided> {
        let mut decided = Vec::new();
        for (directory, (_, node)) in self.directories.iter().enumerate() {
            for (index, slot) in node.slots.iter().enumerate().filter(|(_, it)| !it.is_settled()) {
                let kept = slot.pending.iter().rfind(|it| Some(self.order(it)) <= last[directory]);
                let (value, stamp) = match kept {
                    Some(change) => (change.value, change.stamp),
                    None if slot.limbo.is_none() => (slot.durable, 0),
                    None => name_after(&slot.without_pending(), self.personality, decide),
                };
                decided.push(Decided { directory, slot: index, value, stamp });
            }
        }
        decided
    }
}

/// Decides how many of these changes are kept. Returns the last of them.
fn moment(unit: Unit<'_>, places: &mut Vec<Order>, decide: &mut dyn Decide) -> Option<Order> {
    places.sort_unstable();
    places.dedup();
    let newest = places.last()?;
    let mut outcomes = vec![Outcome::New];
    outcomes.extend((1..places.len() as u64).rev().map(Outcome::Version));
    outcomes.push(Outcome::Durable);
    let mut stamps: Vec<_> = places.iter().rev().map(|(stamp, _)| *stamp).collect();
    stamps.push(0);
    match decide.outcome(unit, &outcomes, &stamps) {
        Outcome::Durable => None,
        Outcome::Version(count) => places.get((count as usize).saturating_sub(1)).copied(),
        _ => Some(*newest),
    }
}
