//! `seawall sim planted`: the simulator is judged by the bugs it finds.
//!
//! Each patch of `sim/planted/` is a mistake. It is applied to a copy of the source (`tree`), built,
//! and swept over two ranges of seeds (`measure`); what that took is printed, and kept for `--resume`
//! (`results`), or written into the page of the documentation (`page`). Everything happens in `target/planted` of the workspace; the tree itself is read only.

mod measure;
mod page;
pub(crate) mod patch;
mod results;
pub(crate) mod tree;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use seawall_sim::numbers::counted;
use serde_json::json;

use crate::console::{Console, Tone, unless_reader_went_away};
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::sim::args::Planted;
use measure::RANGES;
use patch::Patch;
use results::{Outcome, Results, Row};
use tree::Tree;

pub(crate) fn run(console: &Console, arguments: &Planted) -> anyhow::Result<Exit> {
    let here = std::env::current_dir().context("cannot tell the current directory")?;
    let root = tree::root_from(&here, patch::FOLDER)?;
    let only = arguments.only.as_deref();
    let patches = patch::chosen(&root, patch::FOLDER, only, arguments.gate)?;
    interrupt::listen()?;
    let tree = Tree::of(&root)?;
    // All of them, before the first costs minutes.
    for patch in &patches {
        tree.reset()?;
        tree.apply(patch)?;
    }
    let rows = measure_all(console, arguments, &root, &tree, &patches)?;
    let complete = rows.len() == patches.len();
    if let Some(file) = &arguments.page {
        page::update(file, &patch::all(&root, patch::FOLDER)?, &rows)?;
    }
    if console.json() {
        unless_reader_went_away(console.data_json(&json!({
            "verdict": verdict(&rows, complete).0,
            "planted": rows,
            "commit": crate::version::of_this_build().commit,
            "version": crate::version::of_this_build().version,
        })))?;
    }
    conclude(console, &rows, complete)
}

/// A row for each patch, or for those before an interrupt.
fn measure_all(
    console: &Console,
    arguments: &Planted,
    root: &Path,
    tree: &Tree,
    patches: &[Patch],
) -> anyhow::Result<Vec<Row>> {
    let ranges = if arguments.gate { &RANGES[..1] } else { &RANGES[..] };
    let state = tree.fingerprint()?;
    let mut results = Results::load(root);
    let mut rows = Vec::new();
    let ids = patches.iter().map(|patch| patch.id.len());
    let width = ids.fold(FIRST_HEADING.len(), usize::max);
    print(console, &format!("{FIRST_HEADING:width$}  {HEADINGS}"))?;
    for patch in patches {
        let key = Results::key(state, patch, ranges.len());
        let known = results.get(&key).filter(|_| arguments.resume).cloned();
        let row = match known {
            Some(row) => row,
            None => {
                console.say(format_args!("{}: {}", patch.id, patch.what));
                let binary = measure::build(console, root, tree, patch)?;
                let mut sweeps = Vec::new();
                for range in ranges {
                    match measure::sweep(root, &binary, patch, range, arguments.jobs)? {
                        Some(sweep) if !interrupt::asked() => sweeps.push(sweep),
                        _ => return Ok(rows),
                    }
                }
                let row = Row::new(patch, sweeps);
                results.keep(key, row.clone())?;
                row
            }
        };
        print(console, &line(console, &row, width))?;
        rows.push(row);
    }
    Ok(rows)
}

const FIRST_HEADING: &str = "planted bug";
const HEADINGS: &str = "outcome    seeds  CPU s  property  blame  shrunk to";

fn line(console: &Console, row: &Row, width: usize) -> String {
    let (word, tone) = match row.outcome() {
        Outcome::Found => ("found", Tone::Good),
        Outcome::Redundant => ("redundant", Tone::Good),
        Outcome::Missed => ("MISSED", Tone::Bad),
        Outcome::NotRedundant => ("FOUND", Tone::Bad),
        Outcome::Broken => ("BROKEN", Tone::Bad),
    };
    let outcome = console.painted(&format!("{word:<9}"), tone);
    let first = row.ranges.iter().find(|sweep| sweep.killed);
    let property = first.and_then(|sweep| sweep.property.as_deref()).unwrap_or("-");
    let operations = first.and_then(|sweep| sweep.shrunk_operations);
    let shrunk =
        operations.map_or("-".to_owned(), |count| counted(count, "operation", "operations"));
    let blame = match row.blame_right {
        Some(true) => "right",
        Some(false) => "WRONG",
        None => "-",
    };
    let Row { id, seeds, cpu_seconds, .. } = row;
    let broken = row.ranges.iter().find_map(|sweep| sweep.broken.as_deref());
    let shrunk = broken.map_or(shrunk, str::to_owned);
    format!(
        "{id:width$}  {outcome} {seeds:>6} {cpu_seconds:>6.1}  {property:<8}  {blame:<5}  {shrunk}"
    )
}

/// A line of the table, as soon as it is known.
fn print(console: &Console, line: &str) -> anyhow::Result<()> {
    if !console.json() {
        let mut out = console.stdout();
        unless_reader_went_away(writeln!(out, "{line}").and_then(|()| out.flush()))?;
    }
    Ok(())
}

fn verdict(rows: &[Row], complete: bool) -> (&'static str, Exit) {
    let any = |outcome| rows.iter().any(|row| row.outcome() == outcome);
    if any(Outcome::Missed) {
        ("missed", Exit::PlantedMissed)
    } else if any(Outcome::Broken) || any(Outcome::NotRedundant) {
        ("broken", Exit::Error)
    } else if complete {
        ("ok", Exit::Fine)
    } else {
        ("interrupted", Exit::Interrupted)
    }
}

fn conclude(console: &Console, rows: &[Row], complete: bool) -> anyhow::Result<Exit> {
    let named = |outcome| {
        let ids = rows.iter().filter(|row| row.outcome() == outcome).map(|row| &*row.id);
        ids.collect::<Vec<_>>().join(", ")
    };
    let found = rows.iter().filter(|row| row.outcome() == Outcome::Found).count();
    let redundant = rows.iter().filter(|row| row.redundant.is_some()).count();
    let blamed = rows.iter().filter_map(|row| row.blame_right);
    let right = blamed.clone().filter(|right| *right).count();
    console.say(format_args!(
        "{found} of {} found, {redundant} more said to be redundant; blame right for {right} of {}",
        rows.len() - redundant,
        blamed.count()
    ));
    let (_, exit) = verdict(rows, complete);
    let failure = match exit {
        Exit::PlantedMissed => Failure::new(
            exit,
            format!("missed: {}", named(Outcome::Missed)),
            "prove the mistake by hand first; then teach the simulator to reach it, or write \
             `# redundant: ..` with the proof into the patch",
        ),
        Exit::Error => Failure::error(
            format!("no verdict on {} {}", named(Outcome::Broken), named(Outcome::NotRedundant)),
            "a sweep that broke is a bug of the simulator; one that found what is said to be \
             redundant disproves the patch's header",
        ),
        other => return Ok(other),
    };
    Err(failure.into())
}
