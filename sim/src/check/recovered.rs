//! What an open may find: O1, O2, O7 and O10, all one question. Is there a commit order, admitted by
//! what clients were told, whose prefix up to the recovered position holds everything promised and
//! gives exactly the state that reads see?

use std::sync::Arc;

use super::filling::{Rule, Searched, each_filling};
use super::promise::{Fall, Promise};
use super::timeline::Timeline;
use super::violation::Violation;
use crate::system::{Answer, Difference, Property, System};

/// How many reads of a wrong state are shown, and how much of each.
const READS_SHOWN: usize = 3;
const SEEN_SHOWN: usize = 120;

/// One read of a recovered store.
#[derive(Debug)]
pub struct Probe<S: System> {
    /// What was asked.
    pub op: S::Op,
    /// What came back.
    pub answer: Answer<S::Seen>,
}

/// Judges a recovered state; returns the model in that state.
///
/// # Errors
/// What is wrong with it.
pub fn check_recovered<S: System>(
    promise: &Promise<S>,
    position: u64,
    probes: &[Probe<S>],
) -> Result<Arc<S::Model>, Violation> {
    if position < promise.at_least {
        return Err(lost(promise, position, probes));
    }
    let rule = Rule { to: position, issued_before: promise.issued_before, failed_too: true };
    let mut first_difference = None;
    let mut found = None;
    let searched = each_filling(&promise.timeline, rule, &mut |model| {
        match compare(&model, position, probes) {
            Ok(()) => found = Some(model),
            Err(differences) => {
                first_difference.get_or_insert(differences);
            }
        }
        found.is_some()
    });
    match (found, first_difference) {
        (Some(model), _) => Ok(Arc::new(model)),
        (None, Some(differences)) => {
            Err(differs(promise, position, probes, &differences, searched))
        }
        (None, None) => Err(no_such_prefix(promise, position)),
    }
}

/// Compares every probe; returns the differences when there are any.
fn compare<S: System>(
    model: &S::Model,
    position: u64,
    probes: &[Probe<S>],
) -> Result<(), Vec<Difference>> {
    let mut differences = Vec::new();
    for probe in probes {
        let Answer::Saw { at, seen } = &probe.answer else {
            continue;
        };
        if *at != position {
            differences.push(Difference {
                what: format!("{}, read at position", probe.op),
                expected: position.to_string(),
                got: at.to_string(),
            });
        }
        if let Err(difference) = S::allows(model, &probe.op, seen) {
            differences.push(difference);
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// O1 unless an error or an earlier open makes it a stronger promise that was broken.
fn kind<S: System>(promise: &Promise<S>, position: u64) -> Property {
    if position < promise.settled {
        Property::Settled
    } else if promise.after_error {
        Property::AfterError
    } else {
        Property::Prefix
    }
}

fn fall_text(fall: Fall) -> &'static str {
    match fall {
        Fall::None => "a reopen without a crash",
        Fall::Kill => "a kill",
        Fall::Power => "a power loss",
    }
}

fn lost<S: System>(promise: &Promise<S>, position: u64, probes: &[Probe<S>]) -> Violation {
    let violation = Violation::new(kind(promise, position), "after", promised(promise)).with(
        "expected",
        format!("everything up to position {} after {}", promise.at_least, fall_text(promise.fall)),
    );
    violation
        .with("got", format!("recovered up to {position}"))
        .with("reads", nearest(promise, probes))
        .with("state", state_read(position, probes))
}

/// Names the change whose promise reaches furthest.
fn promised<S: System>(promise: &Promise<S>) -> String {
    match promise.timeline.record_at(promise.at_least) {
        Some(record) => {
            format!("op {}  {}  acknowledged at {}", record.id, record.op, promise.at_least)
        }
        None => format!("an open that recovered up to {}", promise.at_least),
    }
}

fn differs<S: System>(
    promise: &Promise<S>,
    position: u64,
    probes: &[Probe<S>],
    differences: &[Difference],
    searched: Searched,
) -> Violation {
    let first = &differences[0];
    let ways = match searched {
        Searched::Exhausted(1) | Searched::Found => String::new(),
        Searched::Exhausted(ways) => format!(" (and under {} other orders)", ways - 1),
        Searched::GaveUp => " (too many orders to try them all)".to_owned(),
    };
    Violation::new(kind(promise, position), "after", promised(promise))
        .with("crash", format!("{}, recovered up to {position}", fall_text(promise.fall)))
        .with("expected", format!("{} = {}{ways}", first.what, first.expected))
        .with("got", format!("{}{}", first.got, more(differences.len() - 1)))
        .with("reads", nearest(promise, probes))
        .with("state", state_read(position, probes))
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!("; {count} more reads differ") }
}

/// No order of what was issued ends at this position.
fn no_such_prefix<S: System>(promise: &Promise<S>, position: u64) -> Violation {
    let timeline = &promise.timeline;
    let inside = timeline.record_at(position).filter(|record| {
        record.positions().is_some_and(|(first, last)| first <= position && position < last)
    });
    match inside {
        Some(record) => Violation::new(Property::Whole, "after", format!("op {}  {}", record.id, record.op))
            .with("expected", "all of its changes or none")
            .with("got", format!("recovered up to {position}, in its middle")),
        None => Violation::new(kind(promise, position), "after", promised(promise))
            .with("expected", format!("a position at which a change ends that was issued before the crash; the last known one is {}", timeline.last_known()))
            .with("got", format!("recovered up to {position}")),
    }
}

/// What was read, a line for each of the first reads.
fn state_read<S: System>(position: u64, probes: &[Probe<S>]) -> String {
    let mut lines = format!("position {position}");
    for probe in probes.iter().take(READS_SHOWN) {
        let seen = match &probe.answer {
            Answer::Saw { seen, .. } => format!("{seen:?}"),
            other => format!("{other:?}"),
        };
        let shown: String = seen.chars().take(SEEN_SHOWN).collect();
        let more = if shown.len() < seen.len() { " .." } else { "" };
        lines.push_str(&format!("\n{} -> {shown}{more}", probe.op));
    }
    if probes.len() > READS_SHOWN {
        lines.push_str(&format!("\nand {} more reads", probes.len() - READS_SHOWN));
    }
    lines
}

/// Says of which position the state read is the state, if of any.
fn nearest<S: System>(promise: &Promise<S>, probes: &[Probe<S>]) -> String {
    let timeline = &promise.timeline;
    let same: Vec<u64> = (0..=timeline.trunk)
        .filter(|count| {
            let model = timeline.model_after(*count);
            probes.iter().all(|probe| match &probe.answer {
                Answer::Saw { seen, .. } => S::allows(&model, &probe.op, seen).is_ok(),
                _ => true,
            })
        })
        .map(|count| timeline.end_of(count))
        .collect();
    match (same.first(), same.last()) {
        (Some(first), Some(last)) if first == last => {
            format!("the state at position {first}")
        }
        (Some(first), Some(last)) => {
            format!("the state at some position from {first} to {last}")
        }
        _ => {
            format!("the state at no position from {} to {}", timeline.base(), timeline.trunk_end())
        }
    }
}

impl<S: System> Timeline<S> {
    /// The position after the first `count` changes of the trunk.
    fn end_of(&self, count: usize) -> u64 {
        count.checked_sub(1).map_or(self.base, |index| self.known[index].last)
    }
}
