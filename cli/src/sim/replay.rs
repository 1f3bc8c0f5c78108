//! `sim replay` and `sim shrink`: one recorded failure again, and smaller.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use seawall_sim::blame::blame;
use seawall_sim::disk::Personality;
use seawall_sim::driver::{self, Input};
use seawall_sim::numbers::{counted, grouped};
use seawall_sim::report::{FailureReport, standalone_test};
use seawall_sim::shrink::shrink as shrink_tape;
use seawall_sim::system_seawall::Seawall;
use seawall_sim::trace::Keep;
use serde_json::json;

use super::args::{Log, Replay};
use super::{failure, tape};
use crate::console::{Console, unless_reader_went_away};
use crate::exit::{Exit, Failure};

/// The events that a short log shows.
const SHORT: usize = 40;

pub(crate) fn replay(console: &Console, arguments: &Replay) -> anyhow::Result<Exit> {
    let path = &arguments.tape;
    let recorded = tape::read(path)?;
    let personality = Personality::of_line(&recorded.config).name();
    let input = Input::Tape(Box::new(recorded.clone()));
    let ran = driver::run_keeping::<Seawall>(&input, Keep::All)
        .map_err(|why| tape::not_understood(path, &why))?;
    let fingerprint = format!("{:016x}", ran.fingerprint);
    let Some(failure) = ran.failure else {
        if console.json() {
            console.data_json(&json!({ "verdict": "ok", "fingerprint": fingerprint }))?;
        } else {
            console.data(format_args!("no property is violated   fingerprint {fingerprint}"))?;
        }
        return Ok(Exit::Fine);
    };
    let commands = failure::commands_of_tape(&path.display().to_string());
    let stamp = failure::stamp("-", &personality);
    let blame = blame::<Seawall>(&recorded).ok();
    let report = FailureReport {
        seed: None,
        failure: &failure,
        shrunk: None,
        blame: blame.as_ref(),
        commands: &commands,
        stamp: &stamp,
        events: failure::EVENTS_SHOWN,
    };
    unless_reader_went_away(print(console, arguments, &report, &fingerprint))?;
    Ok(Exit::Violated)
}

/// The log, then the failure.
fn print(
    console: &Console,
    arguments: &Replay,
    report: &FailureReport<'_>,
    fingerprint: &str,
) -> std::io::Result<()> {
    let log = shown(&report.failure.tail, arguments);
    if !console.json() {
        let mut out = console.stdout();
        log.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        write!(out, "{report}")?;
        return out.flush();
    }
    let violation = &report.failure.violation;
    console.data_json(&json!({
        "verdict": "violated",
        "property": violation.property.name(),
        "facts": failure::facts_of(report.failure),
        "blame": report.blame.map(|blame| &blame.sentence),
        "events": report.blame.map(|blame| &blame.events),
        "fingerprint": fingerprint,
        "log": log,
    }))
}

/// The events to show above the failure, which tells the last ones itself: all of them, or the last
/// before the one asked for.
fn shown<'a>(events: &'a [String], arguments: &Replay) -> &'a [String] {
    let until = arguments.until.and_then(|until| usize::try_from(until).ok());
    let events = &events[..until.unwrap_or(usize::MAX).min(events.len())];
    match arguments.log {
        Log::Full => events,
        Log::Short if until.is_none() => &[],
        Log::Short => &events[events.len().saturating_sub(SHORT)..],
    }
}

pub(crate) fn shrink(console: &Console, path: &Path) -> anyhow::Result<Exit> {
    let recorded = tape::read(path)?;
    let shrunk = shrink_tape::<Seawall>(&recorded, failure::SHRINK_RUNS_MAX).map_err(|why| {
        Failure::error(
            format!("{} cannot be made smaller: {why}", path.display()),
            format!("see what it does: `seawall sim replay {}`", path.display()),
        )
    })?;
    let small = path.with_extension("small.tape");
    std::fs::write(&small, shrunk.tape.to_string())
        .with_context(|| format!("cannot write {}", small.display()))?;
    if console.json() {
        console.data_json(&json!({
            "tape": small,
            "property": shrunk.failure.violation.property.name(),
            "operations": shrunk.before.operations,
            "shrunk_operations": shrunk.after.operations,
            "runs": shrunk.runs,
        }))?;
    } else {
        let most = counted(u64::from(shrunk.runs_max), "run", "runs");
        let runs = grouped(u64::from(shrunk.runs));
        console.data(format_args!("{shrunk}   ({runs} of at most {most})"))?;
        console.data(small.display())?;
        let property = shrunk.failure.violation.property;
        console.data(format_args!("\n{}", standalone_test::<Seawall>(&shrunk.tape, property)))?;
    }
    Ok(Exit::Fine)
}
