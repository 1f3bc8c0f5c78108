//! `admin verify`: reads everything and checks it.

use std::io::Write;
use std::path::Path;

use seawall::{Cut, Db, ErrorKind, VerifyReport};
use serde_json::json;

use super::look;
use crate::console::{Console, counted, several};
use crate::damage;
use crate::exit::Exit;

/// Verifying again would say no more.
const NEXT: &str = "no data was changed; copy the directory before anything else. \
    `{seawall} admin salvage --to DIR` writes what is good into the new database DIR";

pub(crate) fn verify(console: &Console, path: &Path) -> anyhow::Result<Exit> {
    let verified = look(console, path).and_then(|db| Ok((db.verify()?, db)));
    let (report, db) = verified.or_else(|error| {
        // It ends at the first place; a person wants to know of all.
        let read = error.chain().find_map(|cause| cause.downcast_ref::<seawall::Error>());
        let found =
            matches!(read.map(seawall::Error::kind), Some(ErrorKind::Corruption | ErrorKind::Io));
        if found {
            damage::report(console, path, &Db::builder(path).find_damage()?, NEXT)?;
        }
        Err(error)
    })?;
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
    for (what, names, why) in [
        ("orphans", &report.orphans, "nothing names them, and the next open removes them"),
        (
            "set aside",
            &report.set_aside,
            "an open could not explain them, and they count for nothing",
        ),
    ] {
        if !names.is_empty() {
            writeln!(out, "{what:<9} {}\n          {why}", names.join(" "))?;
        }
    }
    writeln!(out, "no damage found")
}

fn as_json(report: &VerifyReport, cut: &[Cut]) -> serde_json::Value {
    let cut = cut.iter().map(|cut| {
        json!({
            "file": cut.file,
            "offset": cut.offset,
            "bytes": cut.bytes,
            "behind_close": cut.behind_close,
        })
    });
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
        "damage": [],
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
