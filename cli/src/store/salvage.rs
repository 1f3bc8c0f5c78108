//! `admin salvage`: what can be proved good in a damaged database, written into a new one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use indicatif::ProgressBar;
use seawall::os::vfs::OsFs;
use seawall::{Db, Durability, ErrorKind, Salvage, SalvageReport, WriteBatch};
use serde_json::{Value, json};

use super::{Use, counter, none_at, open};
use crate::console::{Console, counted, several, unless_reader_went_away};
use crate::damage;
use crate::exit::{Exit, Failure};
use crate::interrupt;

/// A batch is committed when it has so many entries, or its keys and values are this large together.
const BATCH_ENTRIES: usize = 1000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

pub(crate) fn salvage(console: &Console, path: &Path, to: &Path) -> anyhow::Result<Exit> {
    refuse_what_is_there(path, to)?;
    interrupt::listen()?;
    // First: what cannot be read at all leaves no new database.
    let mut salvage = match Salvage::open(Arc::new(OsFs::new()), path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(none_at(path)),
        opened => opened.with_context(|| format!("cannot salvage {}", path.display()))?,
    };
    let db = open(console, to, Use::Filling)?;
    let bar = counter(console);
    let ended = write_all(&db, &mut salvage, &bar);
    bar.finish_and_clear();
    let exit = ended.with_context(|| cannot_fill(to))?;
    db.close().with_context(|| cannot_fill(to))?;
    if exit == Exit::Interrupted {
        let written = counted(salvage.report().keys);
        console.say(format_args!("interrupted: {} holds only the first {written}", to.display()));
        return Ok(exit);
    }
    let report = salvage.report();
    let printed = if console.json() {
        console.data_json(&as_json(console, report, to))
    } else {
        console.data(Told { console, report, to })
    };
    // Whether anything is lost is not for a reader who went away alone.
    unless_reader_went_away(printed)?;
    match verdict(report) {
        Verdict::Lost => Err(lost(report, path).into()),
        Verdict::Complete | Verdict::Torn => Ok(Exit::Fine),
    }
}

/// Whether something is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Complete,
    /// Only if what looks like a write that a crash tore is damage. Opening takes it for the former, and so
    /// does `verify`.
    Torn,
    Lost,
}

fn verdict(report: &SalvageReport) -> Verdict {
    let mut lost = report.damage.iter().filter(|damage| damage.lost);
    match (report.is_complete(), lost.all(|damage| damage.torn)) {
        (true, _) => Verdict::Complete,
        (false, true) => Verdict::Torn,
        (false, false) => Verdict::Lost,
    }
}

fn cannot_fill(to: &Path) -> String {
    format!("cannot fill {}, which is not complete", to.display())
}

fn write_all(db: &Db, salvage: &mut Salvage, bar: &ProgressBar) -> anyhow::Result<Exit> {
    let mut batch = WriteBatch::new();
    for (key, value) in salvage {
        if interrupt::asked() {
            return Ok(Exit::Interrupted);
        }
        batch.put(key, value);
        if batch.len() >= BATCH_ENTRIES || batch.byte_len() >= BATCH_BYTES {
            bar.inc(batch.len() as u64);
            // Nothing is acknowledged before the close, which makes all of it durable.
            db.commit_with(std::mem::take(&mut batch), Durability::Os)?;
        }
    }
    db.commit_with(batch, Durability::Sync)?;
    Ok(Exit::Fine)
}

/// A salvage fills a directory of its own, and never changes the one it reads.
fn refuse_what_is_there(path: &Path, to: &Path) -> anyhow::Result<()> {
    let next = "name a directory that is not there yet, outside of the database, with `--to DIR`";
    // Whatever else is wrong with the directory, opening it says better.
    if std::fs::read_dir(to).is_ok_and(|mut names| names.next().is_some()) {
        return Err(Failure::error(format!("{} is not empty", to.display()), next).into());
    }
    let place = |path: &Path| -> std::io::Result<PathBuf> {
        let path = std::path::absolute(path)?;
        let there = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
        let Some((above, real)) = there else { return Ok(path) };
        Ok(path.strip_prefix(above).map_or(real.clone(), |rest| real.join(rest)))
    };
    let (from, into) = (place(path)?, place(to)?);
    if into.starts_with(&from) {
        let what = format!("{} lies in the database that is to be salvaged", to.display());
        return Err(Failure::error(what, next).into());
    }
    Ok(())
}

fn lost(report: &SalvageReport, path: &Path) -> Failure {
    let lost = || report.damage.iter().filter(|damage| damage.lost);
    let path_told = path.display();
    let places = several(lost().count() as u64, "place");
    let what = format!(
        "something is lost, or may be, in {places} of {path_told}: some keys may be missing, have an older \
         value, or be back although they were deleted"
    );
    let next = "the report above says which files and keys; compare those keys with a copy made earlier, \
                if there is one. The damaged database was not changed";
    let mut failure = Failure::new(Exit::Corruption, what, next);
    let first = lost().next();
    failure.place = first.map(|damage| (path.join(&damage.file), damage.offset));
    failure
}

/// A report for people.
struct Told<'a> {
    console: &'a Console,
    report: &'a SalvageReport,
    to: &'a Path,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SalvageReport { id, manifest, tables, entries, log_operations, keys, damage, unused } =
            self.report;
        writeln!(f, "database   {id}")?;
        let manifest = manifest.as_deref().unwrap_or("none: all tables count that are there");
        writeln!(f, "manifest   {manifest}")?;
        writeln!(f, "tables     {tables}, {} read", counted(*entries))?;
        writeln!(f, "log        {} read", several(*log_operations, "operation"))?;
        if !unused.is_empty() {
            let why = "set aside by an open, obsolete, or of another database";
            writeln!(f, "left out   {}: {why}", unused.join(" "))?;
        }
        write!(f, "{}", damage::Told { console: self.console, damage })?;
        write!(f, "written    {} to {}", counted(*keys), self.to.display())?;
        match verdict(self.report) {
            Verdict::Complete => f.write_str("; nothing is lost that any file tells of"),
            Verdict::Torn => f.write_str(
                "; nothing is lost that any file tells of, if the torn end of the log is what a crash leaves; \
                 if it is damage, the last operations are",
            ),
            Verdict::Lost => Ok(()),
        }
    }
}

fn as_json(console: &Console, report: &SalvageReport, to: &Path) -> Value {
    let damage = report.damage.iter().map(|damage| damage::as_json(console, damage));
    json!({
        "verdict": match verdict(report) {
            Verdict::Complete => "complete",
            Verdict::Torn => "torn",
            Verdict::Lost => "lost",
        },
        "id": report.id,
        "manifest": report.manifest,
        "tables": report.tables,
        "entries": report.entries,
        "log_operations": report.log_operations,
        "written": report.keys,
        "to": to.to_string_lossy(),
        "damage": damage.collect::<Vec<_>>(),
        "left_out": report.unused,
    })
}
