//! `inspect levels`: the tables that the manifest names, by level.

use std::io::{self, Write};

use seawall::inspect::{ManifestDump, TableInfo};
use serde_json::{Value, json};

use super::{keys_text, tables_json};
use crate::console::{Console, counted, several};
use crate::exit::Exit;

pub(super) fn print(console: &Console, dump: &ManifestDump) -> anyhow::Result<Exit> {
    let levels = by_level(dump);
    if console.json() {
        console.data_json(&json!({
            "manifest": dump.file,
            "edit_number": dump.state.edit_number,
            "levels": as_json(console, &levels),
        }))?;
        return Ok(Exit::Fine);
    }
    let mut out = console.stdout();
    for (level, tables) in levels.iter().enumerate().filter(|(_, tables)| !tables.is_empty()) {
        writeln!(out, "level {level}  {}", sum_text(tables))?;
        tables.iter().try_for_each(|table| write_table(console, &mut out, table))?;
    }
    writeln!(out, "in all   {}", sum_text(&levels.concat()))?;
    out.flush()?;
    Ok(Exit::Fine)
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
