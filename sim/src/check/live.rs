//! What reads of a running store may see: O3, and O4 for those at a point fixed before.
//!
//! Judged when the world has ended and the commit order is known. A read tells the position it read
//! at. That position is at least the last one acknowledged before the read began, only changes issued
//! before the read ended lie below it, and what it saw is the model there. A change that returned an
//! error is never visible before the next open.

use super::filling::{Rule, Searched, each_filling};
use super::ledger::Record;
use super::timeline::Timeline;
use super::violation::Violation;
use crate::system::{Answer, Difference, Property, System};

/// Judges every read of a world, and that the changes acknowledged leave no gap that nothing fills.
/// Returns how often that could not be told, as there were too many orders to try them all.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_live<S: System>(timeline: &Timeline<S>) -> Result<u64, Violation> {
    let given_up = u64::from(check_gaps(timeline)? == Gaps::NotTold);
    for record in &timeline.records {
        match &record.returned {
            Some((ended, Answer::Saw { at, seen })) => {
                check_recent(timeline, record, *at)?;
                check_read(timeline, record, *ended, *at, seen)?;
            }
            Some((ended, Answer::SawEarlier { at, seen })) => {
                check_read(timeline, record, *ended, *at, seen).map_err(|violation| Violation {
                    property: Property::Repeatable,
                    ..violation
                })?;
            }
            _ => {}
        }
    }
    Ok(given_up)
}

/// What is known of the gaps between acknowledged changes, where nothing is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// There are none, or an order was found that fills them.
    Filled,
    /// The search was given up.
    NotTold,
}

fn check_gaps<S: System>(timeline: &Timeline<S>) -> Result<Gaps, Violation> {
    if timeline.trunk == timeline.known.len() {
        return Ok(Gaps::Filled);
    }
    let rule = Rule { to: timeline.last_known(), issued_before: u64::MAX, failed_too: true };
    match each_filling(timeline, rule, &mut |_| true) {
        Searched::Found => Ok(Gaps::Filled),
        Searched::GaveUp => Ok(Gaps::NotTold),
        Searched::Exhausted(_) => {
            let change = timeline.known[timeline.trunk];
            let record = &timeline.records[change.record];
            Err(Violation::new(
                Property::Linear,
                "after",
                format!("op {}  {}", record.id, record.op),
            )
            .with("expected", "positions of the commit order without a hole")
            .with(
                "got",
                format!(
                    "acknowledged at {}, but nothing that was issued fills the positions from {}",
                    change.last,
                    timeline.trunk_end() + 1
                ),
            ))
        }
    }
}

/// A read sees at least what was acknowledged before it began.
fn check_recent<S: System>(
    timeline: &Timeline<S>,
    record: &Record<S>,
    at: u64,
) -> Result<(), Violation> {
    let acknowledged = timeline.any_at(record.issued);
    if at >= acknowledged {
        return Ok(());
    }
    Err(wrong_read(record, at).with(
        "expected",
        format!("read at {acknowledged} or later, which was acknowledged before the read began"),
    ))
}

fn check_read<S: System>(
    timeline: &Timeline<S>,
    record: &Record<S>,
    ended: u64,
    at: u64,
    seen: &S::Seen,
) -> Result<(), Violation> {
    let rule = Rule { to: at, issued_before: ended, failed_too: false };
    let mut first = None;
    let searched =
        each_filling(timeline, rule, &mut |model| match S::allows(&model, &record.op, seen) {
            Ok(()) => true,
            Err(difference) => {
                first.get_or_insert(difference);
                false
            }
        });
    match (searched, first) {
        (Searched::Found, _) => Ok(()),
        (_, Some(Difference { what, expected, got })) => Err(wrong_read(record, at)
            .with("expected", format!("{what} = {expected}"))
            .with("got", got)),
        (_, None) => Err(wrong_read(record, at).with(
            "expected",
            "to read at the end of a change that was issued before the read ended and did not fail",
        )),
    }
}

fn wrong_read<S: System>(record: &Record<S>, at: u64) -> Violation {
    let text = format!("op {}  {}  read at position {at}", record.id, record.op);
    Violation::new(Property::Linear, "after", text)
}
