//! How a measurement is shown.

use std::io::Write;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::latencies::Latencies;
use super::work::Measured;
use crate::args::Bench;
use crate::console::Console;
use crate::interrupt;

/// A bar on a terminal, and nothing elsewhere.
pub(super) fn bar(console: &Console, what: &'static str, ops: u64) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(ops);
    if let Ok(style) =
        ProgressStyle::with_template("{prefix} {human_pos} of {human_len}  {elapsed}")
    {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar
}

pub(super) fn print(
    console: &Console,
    arguments: &Bench,
    measured: &Measured,
    seconds: f64,
) -> anyhow::Result<()> {
    if console.json() {
        console.data_json(&as_json(arguments, measured, seconds))?;
        return Ok(());
    }
    let mut out = console.stdout();
    for (what, latencies) in kinds(measured) {
        writeln!(
            out,
            "{what:<5}  {} operations in {seconds:.2} s, {:.0}/s  p50 {:.1?}  p99 {:.1?}  max {:.1?}",
            latencies.total(),
            rate(latencies.total(), seconds),
            latencies.percentile(50),
            latencies.percentile(99),
            latencies.max()
        )?;
    }
    if measured.scanned > 0 {
        writeln!(out, "       {:.0} entries/s", rate(measured.scanned, seconds))?;
    }
    out.flush()?;
    Ok(())
}

/// What was done, with its latencies.
fn kinds(measured: &Measured) -> impl Iterator<Item = (&'static str, &Latencies)> {
    let all = [("write", &measured.writes), ("read", &measured.reads), ("scan", &measured.scans)];
    all.into_iter().filter(|(_, latencies)| latencies.total() > 0)
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn as_json(arguments: &Bench, measured: &Measured, seconds: f64) -> Value {
    let kinds: Map<String, Value> = kinds(measured)
        .map(|(what, latencies)| (what.to_owned(), latencies_json(latencies, seconds)))
        .collect();
    json!({
        "bench": named(arguments.what),
        "threads": arguments.threads,
        "value_bytes": arguments.value_bytes,
        "durability": named(arguments.durability),
        "ops": measured.total(),
        "seconds": seconds,
        "ops_per_second": rate(measured.total(), seconds),
        "kinds": kinds,
        "scanned_entries": measured.scanned,
        "interrupted": interrupt::asked(),
    })
}

fn latencies_json(latencies: &Latencies, seconds: f64) -> Value {
    let micros = |duration: std::time::Duration| duration.as_nanos() as f64 / 1000.0;
    json!({
        "ops": latencies.total(),
        "ops_per_second": rate(latencies.total(), seconds),
        "p50_us": micros(latencies.percentile(50)),
        "p99_us": micros(latencies.percentile(99)),
        "max_us": micros(latencies.max()),
    })
}

/// The word that stands for it on the command line.
fn named(choice: impl ValueEnum) -> Option<String> {
    choice.to_possible_value().map(|value| value.get_name().to_owned())
}
