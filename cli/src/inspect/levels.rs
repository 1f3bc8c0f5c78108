//! `inspect levels`: the tables that the manifest names, by level.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use seawall::inspect::{ManifestDump, TableInfo};
use seawall::os::vfs::OsFs;
use serde_json::{Value, json};

use super::{keys_text, tables_json};
use crate::console::{Console, counted, several};
use crate::exit::{Exit, Failure, ON_DAMAGE};

pub(super) fn print(console: &Console, db: &Path, dump: &ManifestDump) -> anyhow::Result<Exit> {
    print_all(console, dump)?;
    match missing(db, dump)? {
        None => Ok(Exit::Fine),
        Some(path) => {
            let what = format!("the file is missing, which the manifest names: {}", path.display());
            let place = Some((path, None));
            Err(Failure { place, ..Failure::new(Exit::Corruption, what, ON_DAMAGE) }.into())
        }
    }
}

/// The first table that is not there. Beside a running database one may have gone since the manifest was
/// read: then the manifest names it no more.
fn missing(db: &Path, dump: &ManifestDump) -> anyhow::Result<Option<PathBuf>> {
    let path = |table: &TableInfo| db.join(format!("{:06}.sst", table.number));
    let is_gone = |table: &&TableInfo| !path(table).exists();
    let Some(first) = dump.state.tables.iter().find(is_gone) else { return Ok(None) };
    let now = seawall::inspect::manifest(&OsFs::new(), db)?;
    let still = now.state.tables.iter().find(|table| table.number == first.number);
    Ok(still.filter(is_gone).map(path))
}

fn print_all(console: &Console, dump: &ManifestDump) -> anyhow::Result<()> {
    let levels = by_level(dump);
    if console.json() {
        console.data_json(&json!({
            "manifest": dump.file,
            "edit_number": dump.state.edit_number,
            "levels": as_json(console, &levels),
        }))?;
        return Ok(());
    }
    let mut out = console.stdout();
    for (level, tables) in levels.iter().enumerate().filter(|(_, tables)| !tables.is_empty()) {
        writeln!(out, "level {level}  {}", sum_text(tables))?;
        tables.iter().try_for_each(|table| write_table(console, &mut out, table))?;
    }
    writeln!(out, "in all   {}", sum_text(&levels.concat()))?;
    out.flush()?;
    Ok(())
}

/// The tables of each level, from level 0 to the last that has any.
pub(super) fn by_level(dump: &ManifestDump) -> Vec<Vec<TableInfo>> {
    let mut levels: Vec<Vec<TableInfo>> = Vec::new();
    for table in &dump.state.tables {
        levels.resize_with(levels.len().max(table.level + 1), Vec::new);
        levels[table.level].push(table.clone());
    }
    levels
}

pub(super) fn sum_text(tables: &[TableInfo]) -> String {
    format!("{}, {} bytes", several(tables.len() as u64, "table"), bytes_of(tables))
}

fn bytes_of(tables: &[TableInfo]) -> u64 {
    tables.iter().map(|table| table.size_bytes).sum()
}

fn write_table(console: &Console, out: &mut impl Write, table: &TableInfo) -> io::Result<()> {
    writeln!(
        out,
        "  {:06}.sst  {} bytes, {}, seqnos {}..={}, keys {}",
        table.number,
        table.size_bytes,
        counted(table.entry_count),
        table.seqno_min,
        table.seqno_max,
        keys_text(console, &table.smallest, &table.largest)
    )
}

fn as_json(console: &Console, levels: &[Vec<TableInfo>]) -> Vec<Value> {
    let one = |(level, tables): (usize, &Vec<TableInfo>)| {
        json!({
            "level": level,
            "bytes": bytes_of(tables),
            "tables": tables_json(console, tables),
        })
    };
    levels.iter().enumerate().map(one).collect()
}
