//! The commit order of one world, as far as its acknowledgements tell it.
//!
//! ```text
//! position  base  1   2   3 4 5   6   7   8   9
//!            |   op1 op4 [op2   ] op3  ?   ? op9        known changes, and gaps
//!            |<------ trunk ---------->|
//! ```
//!
//! Changes that were acknowledged have known positions. Up to the first gap they are the *trunk*; the
//! state after each of its changes is unique and cheap to get at, from copies of the model kept on the
//! way. Beyond it the gaps must be filled by changes of which nobody knows whether they happened;
//! [`super::filling`] tries them.

use std::sync::Arc;

use super::ledger::{Ledger, Mark, Record};
use super::violation::Violation;
use crate::system::{Answer, Property, System};

/// How many changes lie between two kept copies of the model.
const STRIDE: usize = 16;

/// A change with known positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) record: usize,
    /// The latest issue among this change and all before it in commit order.
    pub(super) latest_issue: Mark,
}

/// What was promised from some moment on.
#[derive(Clone, Copy, Debug)]
struct Floor {
    from: Mark,
    durable: u64,
    any: u64,
}

/// The commit order of a world, and what it promised when.
#[derive(Debug)]
pub struct Timeline<S: System> {
    /// The recovered position the world began with.
    pub(super) base: u64,
    base_model: Arc<S::Model>,
    pub(super) records: Vec<Record<S>>,
    /// By position.
    pub(super) known: Vec<Known>,
    /// How many of `known` follow each other from the base on.
    pub(super) trunk: usize,
    /// The model after each `STRIDE` changes of the trunk.
    kept: Vec<S::Model>,
    /// Records of changes that may or may not have happened.
    pub(super) questions: Vec<usize>,
    floors: Vec<Floor>,
}

impl<S: System> Timeline<S> {
    /// The timeline of a world in which nothing has happened since `base` was recovered.
    pub fn settled(base: u64, model: Arc<S::Model>) -> Timeline<S> {
        Timeline {
            base,
            base_model: model,
            records: Vec::new(),
            known: Vec::new(),
            trunk: 0,
            kept: Vec::new(),
            questions: Vec::new(),
            floors: Vec::new(),
        }
    }

    /// Orders what a world's ledger tells. The world began with `base` recovered, whose state is
    /// `model`.
    ///
    /// # Errors
    /// When the positions told contradict each other or real time.
    pub fn new(
        base: u64,
        model: Arc<S::Model>,
        ledger: Ledger<S>,
    ) -> Result<Timeline<S>, Violation> {
        let records = ledger.into_records();
        let known = order(base, &records)?;
        let trunk = joined(base, &known);
        let questions = (0..records.len()).filter(|at| records[*at].is_open_question()).collect();
        let kept = keep_models::<S>(&model, &known[..trunk], &records);
        let floors = floors(base, &records, &known);
        Ok(Timeline { base, base_model: model, records, known, trunk, kept, questions, floors })
    }

    /// The position the world began with.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The last position of the trunk.
    pub(super) fn trunk_end(&self) -> u64 {
        self.trunk.checked_sub(1).map_or(self.base, |last| self.known[last].last)
    }

    /// The last known position.
    pub fn last_known(&self) -> u64 {
        self.known.last().map_or(self.base, |change| change.last)
    }

    /// The state after the first `count` changes of the trunk.
    pub(super) fn model_after(&self, count: usize) -> S::Model {
        let kept = count / STRIDE;
        let mut model = match kept.checked_sub(1) {
            Some(index) => self.kept[index].clone(),
            None => S::Model::clone(&self.base_model),
        };
        for change in &self.known[kept * STRIDE..count] {
            let record = &self.records[change.record];
            S::commit(&mut model, record.id, &record.op);
        }
        model
    }

    /// At least this position was promised to survive a power loss, from before `mark`.
    pub fn durable_at(&self, mark: Mark) -> u64 {
        self.floor_at(mark).durable
    }

    /// At least this position was promised to survive a kill, from before `mark`.
    pub fn any_at(&self, mark: Mark) -> u64 {
        self.floor_at(mark).any
    }

    fn floor_at(&self, mark: Mark) -> Floor {
        let count = self.floors.partition_point(|floor| floor.from < mark);
        let start = Floor { from: 0, durable: self.base, any: self.base };
        count.checked_sub(1).map_or(start, |index| self.floors[index])
    }

    /// Whether an operation had returned an error before `mark`.
    pub(super) fn failed_before(&self, mark: Mark) -> bool {
        self.records.iter().any(|record| record.failed() && record.ended() < mark)
    }

    /// The operation that takes a position, if that is known.
    pub(super) fn record_at(&self, position: u64) -> Option<&Record<S>> {
        let index = self.known.partition_point(|change| change.last < position);
        let change = self.known.get(index).filter(|change| change.first <= position)?;
        Some(&self.records[change.record])
    }
}

/// The acknowledged changes by position; checks that positions are unique and follow real time.
fn order<S: System>(base: u64, records: &[Record<S>]) -> Result<Vec<Known>, Violation> {
    let mut known: Vec<Known> = (0..records.len())
        .filter_map(|record| {
            let (first, last) = records[record].positions()?;
            Some(Known { first, last, record, latest_issue: 0 })
        })
        .filter(|change| S::width(&records[change.record].op) > 0)
        .collect();
    known.sort_by_key(|change| (change.first, change.last));
    let (mut end, mut latest) = (base, 0);
    for change in &mut known {
        let record = &records[change.record];
        if change.first <= end {
            return Err(taken_twice(record, change.first, end));
        }
        if record.ended() < latest {
            return Err(out_of_order(record, change.last));
        }
        end = change.last;
        latest = latest.max(record.issued);
        change.latest_issue = latest;
    }
    Ok(known)
}

fn taken_twice<S: System>(record: &Record<S>, first: u64, end: u64) -> Violation {
    Violation::new(Property::Linear, "after", format!("op {} {}", record.id, record.op))
        .with(
            "expected",
            format!("positions beyond {end}, which recovery or another change has already"),
        )
        .with("got", format!("positions from {first}"))
}

fn out_of_order<S: System>(record: &Record<S>, last: u64) -> Violation {
    Violation::new(Property::Linear, "after", format!("op {} {}", record.id, record.op)).with(
        "why",
        format!("it was acknowledged at position {last} before a change at a lower one was issued"),
    )
}

/// How many changes follow each other without a gap from `base` on.
fn joined(base: u64, known: &[Known]) -> usize {
    let mut end = base;
    for (index, change) in known.iter().enumerate() {
        if change.first != end + 1 {
            return index;
        }
        end = change.last;
    }
    known.len()
}

fn keep_models<S: System>(
    base: &S::Model,
    trunk: &[Known],
    records: &[Record<S>],
) -> Vec<S::Model> {
    let mut model = base.clone();
    let mut kept = Vec::with_capacity(trunk.len() / STRIDE);
    for changes in trunk.chunks_exact(STRIDE) {
        for change in changes {
            let record = &records[change.record];
            S::commit(&mut model, record.id, &record.op);
        }
        kept.push(model.clone());
    }
    kept
}

/// What was promised when, from the answers in the order they were given.
///
/// A read promises too: a change becomes visible only after the durability it asked for.
fn floors<S: System>(base: u64, records: &[Record<S>], known: &[Known]) -> Vec<Floor> {
    let durable_changes = durable_positions(records, known);
    let mut answered: Vec<&Record<S>> =
        records.iter().filter(|record| record.returned.is_some()).collect();
    answered.sort_by_key(|record| record.ended());
    let mut floors: Vec<Floor> = Vec::new();
    let mut now = Floor { from: 0, durable: base, any: base };
    for record in answered {
        let Some((mark, answer)) = &record.returned else { continue };
        let (durable, any) = match answer {
            Answer::Committed { at, durable: true } => (*at, *at),
            Answer::Committed { at, durable: false } => (0, *at),
            Answer::Saw { at, .. } => {
                let count = durable_changes.partition_point(|position| position <= at);
                (count.checked_sub(1).map_or(0, |index| durable_changes[index]), *at)
            }
            Answer::Durable => {
                let before = floors.partition_point(|floor| floor.from < record.issued);
                (before.checked_sub(1).map_or(base, |index| floors[index].any), 0)
            }
            Answer::SawEarlier { .. }
            | Answer::Done
            | Answer::Refused(_)
            | Answer::Failed(_)
            | Answer::Wrong(_) => continue,
        };
        if durable > now.durable || any > now.any {
            now = Floor { from: *mark, durable: now.durable.max(durable), any: now.any.max(any) };
            floors.push(now);
        }
    }
    floors
}

/// The positions at which changes that asked for durability end.
fn durable_positions<S: System>(records: &[Record<S>], known: &[Known]) -> Vec<u64> {
    let durable = |change: &&Known| {
        matches!(
            records[change.record].returned,
            Some((_, Answer::Committed { durable: true, .. }))
        )
    };
    known.iter().filter(durable).map(|change| change.last).collect()
}
