//! What a failure takes that needs nothing to be lost.

use crate::choice::{Answer, Stream, Tape, Who};
use crate::system::System;
use crate::trace::{Event, Outcome};

use super::dropped;
use super::effect::{is_sync, last_change, operation, told};
use super::sentence::{Told, never_asked, sync_believed};
use super::story::{Done, Story, is_fault};
use super::unit::{Part, Unit};

/// How many faults and switches are named.
const NAMED_MAX: usize = 2;

/// What comes before the last change that stood when a crash came.
const BEHIND: &str = ", behind ";

/// How the choice is labelled by which the disk takes no change any more. What was pending stays pending.
const REMOUNT: &str = "remount";

/// `no crash needed: a switch to client-1 at push/mutex (#31) is enough`
pub(super) fn sentence<S: System>(story: &Story, tape: &Tape) -> Told {
    let gives_up =
        |answer: &&Answer| answer.key.stream == Stream::Faults && answer.label != REMOUNT;
    let faults = tape.answers.iter().filter(gives_up);
    let struck = faults.filter_map(|answer| match answer.label == WRITEBACK {
        true => told_late(story, &strike(story, answer)?),
        false => struck(story, answer),
    });
    if let Some(told) = struck.filter_map(|done| sync_believed(story, &done)).next_back() {
        return told;
    }
    if let Some(told) = written_back(story, tape).and_then(|done| never_asked(story, &done)) {
        return told;
    }
    if let Some(told) = dropped::missing_barrier::<S>(story, tape) {
        return told;
    }
    let mut cited = Vec::new();
    let mut needed = Vec::new();
    needed.extend(last_named(tape, Stream::Faults, |answer| fault(story, answer), &mut cited));
    needed.extend(last_named(tape, Stream::Schedule, |answer| switch(story, answer), &mut cited));
    let crash = story.last_crash().and_then(|(number, _)| crash(story, number));
    let start = match crash {
        Some((number, text)) => {
            cited.push(number);
            needed.insert(0, text);
            "nothing needs to be lost"
        }
        None => "no crash needed",
    };
    if needed.is_empty() {
        needed.extend(by_itself(story, &mut cited));
    }
    if needed.is_empty() {
        needed.extend(alone(story, &mut cited));
    }
    let ends_inserted = needed.len() == 1 && needed[0].contains(BEHIND);
    let last_comma = if ends_inserted { "," } else { "" };
    let text = format!("{start}: {}{last_comma} is enough", needed.join(", and "));
    Told { text, cited }
}

/// The last answers of a stream that can be told.
fn last_named(
    tape: &Tape,
    stream: Stream,
    tell: impl Fn(&Answer) -> Option<(u64, String)>,
    cited: &mut Vec<u64>,
) -> Vec<String> {
    let of_stream = tape.answers.iter().filter(|answer| answer.key.stream == stream);
    let mut named: Vec<_> = of_stream.filter_map(tell).collect();
    named.sort();
    named.dedup();
    let skipped = named.len().saturating_sub(NAMED_MAX);
    let (numbers, mut texts): (Vec<u64>, Vec<String>) = named.drain(skipped..).unzip();
    cited.extend(numbers);
    if skipped > 0 {
        texts.insert(0, format!("{skipped} more before them"));
    }
    texts
}

/// The call that a fault struck.
fn struck(story: &Story, answer: &Answer) -> Option<Done> {
    let struck = story.on_the_way().filter(|done| {
        let Event::Call { site, outcome: Outcome::Err(name), .. } = done.event else {
            return false;
        };
        done.actor == answer.key.actor && is_fault(name) && story.text(site) == answer.key.site
    });
    struck.last()
}

/// How the choice is labelled by which the kernel fails to write back what a call has just changed. The call
/// itself succeeds.
const WRITEBACK: &str = "writeback-eio";

/// The sync that told of a write-back that had failed.
fn told_late(story: &Story, struck: &Done) -> Option<Done> {
    let Event::Call { touch: of, .. } = struck.event else { return None };
    story.on_the_way().find(|done| {
        let Event::Call { outcome: Outcome::Err(_), touch, .. } = done.event else { return false };
        done.number > struck.number && touch.node == of.node && is_sync(story, &done.event, false)
    })
}

/// The last change that the kernel failed to write back by itself: what became of its bytes was decided
/// after that.
fn written_back(story: &Story, tape: &Tape) -> Option<Done> {
    let mut faults = tape.answers.iter().filter(|answer| answer.key.stream == Stream::Faults);
    faults.find(|answer| answer.label == WRITEBACK)?;
    let changes = faults.filter_map(|answer| {
        let unit = Unit::parse(&answer.key.site).filter(|unit| unit.part != Part::Name)?;
        last_change(story, &unit, answer.key.actor)
    });
    changes.max_by_key(|done| done.number)
}

/// The call at which a fault struck, also where that call itself did not fail.
pub(super) fn strike(story: &Story, answer: &Answer) -> Option<Done> {
    if answer.label == WRITEBACK {
        let succeeded = |done: &Done| match done.event {
            Event::Call { site, outcome: Outcome::Ok(_), .. } => {
                done.actor == answer.key.actor && story.text(site) == answer.key.site
            }
            _ => false,
        };
        return story.on_the_way().filter(succeeded).last();
    }
    struck(story, answer)
}

/// The call at which a fault struck, in words.
fn fault(story: &Story, answer: &Answer) -> Option<(u64, String)> {
    let done = strike(story, answer)?;
    if answer.label == WRITEBACK {
        return Some((done.number, format!("a failed write-back at {}", told(story, &done))));
    }
    let Event::Call { site, file, outcome: Outcome::Err(name), .. } = done.event else {
        return None;
    };
    let (site, file) = (story.text(site), story.text(file));
    let text = format!("{name} from {} {file} (#{})", operation(&site), done.number);
    Some((done.number, text))
}

/// The switch of tasks that a choice made.
fn switch(story: &Story, answer: &Answer) -> Option<(u64, String)> {
    let made = story.on_the_way().filter(|done| {
        let Event::Switch { site, to } = done.event else { return false };
        done.actor == answer.key.actor
            && to.as_str() == answer.label
            && story.text(site) == answer.key.site
    });
    let done = made.last()?;
    Some((done.number, switch_told(story, &done)?))
}

fn switch_told(story: &Story, done: &Done) -> Option<String> {
    let Event::Switch { site, to } = done.event else { return None };
    let (who, site, number) = (done.actor.who, story.text(site), done.number);
    Some(format!("a switch from {who} to {to} at {site} (#{number})"))
}

/// The first switch that a task offered in the middle of an operation, as a yield does.
fn by_itself(story: &Story, cited: &mut Vec<u64>) -> Option<String> {
    let offered = story.on_the_way().find(|done| {
        let Event::Switch { site, .. } = done.event else { return false };
        let site = story.text(site);
        matches!(done.actor.who, Who::Op(_)) && !matches!(operation(&site), "end" | "wait")
    })?;
    cited.push(offered.number);
    switch_told(story, &offered)
}

/// The crash of event `number`, and the last change before it.
fn crash(story: &Story, number: u64) -> Option<(u64, String)> {
    let event = story.events.iter().find(|(of, ..)| *of == number)?.2;
    let Event::Crash { site, file, kind, .. } = event else { return None };
    let what = if kind.contains("kill") { "a kill" } else { "a power loss" };
    let moment = kind.rsplit('-').next().unwrap_or_default();
    let site = story.text(site);
    let at = match operation(&site) {
        "outage" => "after everything".to_owned(),
        call => format!("{moment} {call} {}", story.text(file)),
    };
    let changed = |done: &Done| match done.event {
        Event::Call { touch, outcome: Outcome::Ok(_), .. } => {
            touch.first != u64::MAX && done.number < number
        }
        _ => false,
    };
    let last = story.on_the_way().filter(changed).last();
    let last = last.map_or(String::new(), |done| format!("{BEHIND}{}", told(story, &done)));
    Some((number, format!("{what} {at} (#{number}){last}")))
}

/// The last operation that was answered, if nothing else is to be told.
fn alone(story: &Story, cited: &mut Vec<u64>) -> Option<String> {
    let answers = story.on_the_way().filter_map(|done| match done.event {
        Event::Answer { operation, .. } => Some((done.number, operation)),
        _ => None,
    });
    let Some((number, operation)) = answers.last() else {
        return Some("an open, with no fault and no switch of tasks,".to_owned());
    };
    cited.push(number);
    Some(format!("op {operation} (#{number}), with no fault and no switch of tasks,"))
}
