//! `admin flush` and `admin compact`: what else happens in the background, done now.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::time::Instant;

use seawall::{Db, Stats};
use serde_json::{Value, json};

use super::{Use, argument, open};
use crate::args::Compact;
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Bounds of keys, as `compact_range` takes them.
type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

pub(crate) fn flush(console: &Console, path: &Path) -> anyhow::Result<Exit> {
    tend(console, path, "flushed", Db::flush)
}

pub(crate) fn compact(console: &Console, path: &Path, arguments: &Compact) -> anyhow::Result<Exit> {
    let bounds = bounds_of(console, arguments)?;
    tend(console, path, "compacted", |db| db.compact_range(bounds))
}

/// Does it and says how the levels were before and are now.
fn tend(
    console: &Console,
    path: &Path,
    what: &str,
    work: impl FnOnce(&Db) -> seawall::Result<()>,
) -> anyhow::Result<Exit> {
    let db = open(console, path, Use::Existing)?;
    let started = Instant::now();
    let before = db.stats();
    work(&db)?;
    let after = db.stats();
    db.close()?;
    let seconds = started.elapsed().as_secs_f64();
    console.say(format_args!("{what} in {seconds:.1} s\n{}", Levels(&before, &after)));
    if console.json() {
        console.data_json(&json!({
            "done": what,
            "before": levels_json(&before),
            "after": levels_json(&after),
            "seconds": seconds,
        }))?;
    }
    Ok(Exit::Fine)
}

fn bounds_of(console: &Console, arguments: &Compact) -> anyhow::Result<Bounds> {
    let key = |what, given: &Option<std::ffi::OsString>| {
        let bytes = given.as_deref().map(|text| argument(console, what, text)).transpose()?;
        anyhow::Ok(bytes.map(std::borrow::Cow::into_owned))
    };
    let (start, end) = (key("start", &arguments.start)?, key("end", &arguments.end)?);
    if let (Some(start), Some(end)) = (&start, &end)
        && start >= end
    {
        let next = "give a larger --end, or leave one of the two out";
        return Err(Failure::usage("there is no key from --start up to --end", next).into());
    }
    let start = start.map_or(Bound::Unbounded, Bound::Included);
    Ok((start, end.map_or(Bound::Unbounded, Bound::Excluded)))
}

/// The levels that have or had tables, a line each.
struct Levels<'a>(&'a Stats, &'a Stats);

impl fmt::Display for Levels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Levels(before, after) = self;
        let used = before.levels.iter().zip(&after.levels).enumerate();
        for (level, (old, new)) in used.filter(|(_, (old, new))| old.tables + new.tables > 0) {
            writeln!(
                f,
                "level {level}  tables {} -> {}, bytes {} -> {}",
                old.tables, new.tables, old.bytes, new.bytes
            )?;
        }
        write!(
            f,
            "in all   tables {} -> {}, bytes {} -> {}",
            before.tables, after.tables, before.table_bytes, after.table_bytes
        )
    }
}

fn levels_json(stats: &Stats) -> Vec<Value> {
    let levels = stats.levels.iter().enumerate();
    let json = |(at, of): (usize, &seawall::LevelStats)| json!({ "level": at, "tables": of.tables, "bytes": of.bytes });
    levels.map(json).collect()
}
