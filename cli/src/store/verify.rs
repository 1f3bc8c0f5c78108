//! `admin verify`: reads everything and checks it.

use std::io::Write;
use std::path::Path;

use seawall::{Cut, VerifyReport};
use serde_json::json;

use super::{counted, look, several};
use crate::console::Console;
use crate::exit::Exit;

pub(crate) fn verify(console: &Console, path: &Path) -> anyhow::Result<Exit> {
    let db = look(console, path)?;
    let report = db.verify()?;
    if console.json() {
        console.data_json(&as_json(&report, &db.recovery_report().cut))?;
    } else {
        let mut out = console.stdout();
        print(&mut out, &report)?;
        out.flush()?;
    }
    Ok(Exit::Fine)
}

fn print(out: &mut impl Write, report: &VerifyReport) -> std::io::Result<()> {
    let VerifyReport { tables, entries, log_segments, log_frames, manifest_edits, .. } = report;
    writeln!(out, "tables    {tables}, {}", counted(*entries))?;
    let number = |count: &usize, one| several(*count as u64, one);
    let (segments, frames) = (number(log_segments, "segment"), number(log_frames, "frame"));
    writeln!(out, "log       {segments}, {frames}")?;
    writeln!(out, "manifest  {}", number(manifest_edits, "edit"))?;
    for (what, names) in [("orphans", &report.orphans), ("set aside", &report.set_aside)] {
        if !names.is_empty() {
            writeln!(out, "{what:<9} {}", names.join(" "))?;
        }
    }
    writeln!(out, "no damage found")
}

fn as_json(report: &VerifyReport, cut: &[Cut]) -> serde_json::Value {
    let cut =
        cut.iter().map(|cut| json!({ "file": cut.file, "offset": cut.offset, "bytes": cut.bytes }));
    let VerifyReport {
        tables,
        entries,
        log_segments,
        log_frames,
        manifest_edits,
        orphans,
        set_aside,
    } = report;
    json!({
        "verdict": "ok",
        "tables": tables,
        "entries": entries,
        "log_segments": log_segments,
        "log_frames": log_frames,
        "manifest_edits": manifest_edits,
        "orphans": orphans,
        "set_aside": set_aside,
        "cut": cut.collect::<Vec<_>>(),
    })
}
