//! Every way in which changes of unknown fate can complete a commit order up to a position.
//!
//! A change in flight at a crash, or one that returned an error, may have happened. If it did, it
//! lies in a gap that the acknowledged changes leave, or after the last of them, and real time still
//! holds: what returned before another was issued comes first. Those rules leave one way nearly
//! always, and a handful otherwise; each is tried.

use super::ledger::{Mark, Record};
use super::timeline::Timeline;
use crate::system::System;

/// Steps after which the search gives up. Far above what a world's few open questions can need.
const STEPS_MAX: u32 = 100_000;

/// Which changes may take part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The last position to be filled.
    pub(super) to: u64,
    /// Only changes issued before this.
    pub(super) issued_before: Mark,
    /// Whether one that returned an error may have happened.
    pub(super) failed_too: bool,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Searched {
    /// `visit` said stop.
    Found,
    /// Every way was tried, so many.
    Exhausted(u32),
    /// There were too many.
    GaveUp,
}

/// Calls `visit` with the state after each possible order that ends exactly at `rule.to`, until it
/// says stop.
pub(super) fn each_filling<S: System>(
    timeline: &Timeline<S>,
    rule: Rule,
    visit: &mut dyn FnMut(S::Model) -> bool,
) -> Searched {
    let mut search = Search { timeline, rule, steps: 0, tried: 0, visit };
    let start = timeline.start(rule);
    let found = start.is_some_and(|place| search.from(place));
    match (found, search.steps) {
        (true, _) => Searched::Found,
        (false, STEPS_MAX..) => Searched::GaveUp,
        (false, _) => Searched::Exhausted(search.tried),
    }
}

/// A partial order: everything up to `position` is decided.
struct Place<S: System> {
    position: u64,
    /// The next change with known positions.
    next: usize,
    /// Questions answered with yes, one bit each.
    used: u128,
    latest_issue: Mark,
    model: S::Model,
}

impl<S: System> Timeline<S> {
    /// As far along the trunk as the rule goes.
    fn start(&self, rule: Rule) -> Option<Place<S>> {
        let next = self.known[..self.trunk].partition_point(|change| change.last <= rule.to);
        let last = next.checked_sub(1).map(|index| self.known[index]);
        let latest_issue = last.map_or(0, |change| change.latest_issue);
        if last.is_some() && latest_issue >= rule.issued_before {
            return None;
        }
        let position = last.map_or(self.base, |change| change.last);
        let model = self.model_after(next);
        Some(Place { position, next, used: 0, latest_issue, model })
    }
}

struct Search<'a, S: System> {
    timeline: &'a Timeline<S>,
    rule: Rule,
    steps: u32,
    tried: u32,
    visit: &'a mut dyn FnMut(S::Model) -> bool,
}

impl<S: System> Search<'_, S> {
    fn from(&mut self, place: Place<S>) -> bool {
        self.steps += 1;
        if self.steps >= STEPS_MAX {
            return false;
        }
        if place.position == self.rule.to {
            self.tried += 1;
            return (self.visit)(place.model);
        }
        let known = self.timeline.known.get(place.next);
        match known {
            Some(change) if change.first == place.position + 1 => {
                let record = &self.timeline.records[change.record];
                if change.last > self.rule.to || !self.may_follow(&place, record) {
                    return false;
                }
                let next = place.next + 1;
                self.from(after(place, record, change.last, next, None))
            }
            _ => self.fill(&place, known.map_or(u64::MAX, |change| change.first)),
        }
    }

    /// Tries each open question at this place; `limit` is the next position that is taken.
    fn fill(&mut self, place: &Place<S>, limit: u64) -> bool {
        let timeline = self.timeline;
        for (bit, index) in timeline.questions.iter().take(128).enumerate() {
            let record = &timeline.records[*index];
            let last = place.position + S::width(&record.op);
            let free = place.used & (1 << bit) == 0 && last < limit && last <= self.rule.to;
            let admitted = self.rule.failed_too || !record.failed();
            if !free || !admitted || !self.may_follow(place, record) {
                continue;
            }
            let copy = Place { model: place.model.clone(), ..*place };
            if self.from(after(copy, record, last, place.next, Some(bit))) {
                return true;
            }
        }
        false
    }

    fn may_follow(&self, place: &Place<S>, record: &Record<S>) -> bool {
        record.issued < self.rule.issued_before && record.ended() >= place.latest_issue
    }
}

/// The place after one more change.
fn after<S: System>(
    mut place: Place<S>,
    record: &Record<S>,
    last: u64,
    next: usize,
    question: Option<usize>,
) -> Place<S> {
    S::commit(&mut place.model, record.id, &record.op);
    place.position = last;
    place.next = next;
    place.latest_issue = place.latest_issue.max(record.issued);
    if let Some(bit) = question {
        place.used |= 1 << bit;
    }
    place
}
