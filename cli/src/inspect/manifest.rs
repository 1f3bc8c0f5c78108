//! `inspect manifest`: CURRENT, the manifest's snapshot and each edit.

use std::fmt;

use seawall::inspect::{EditInfo, ManifestDump, StateInfo, TableInfo};
use serde_json::{Value, json};

use super::{keys_text, tables_json};
use crate::console::{Console, counted, several};
use crate::exit::Exit;

/// A manifest for people.
struct Told<'a> {
    console: &'a Console,
    dump: &'a ManifestDump,
}

pub(super) fn print(console: &Console, dump: &ManifestDump) -> anyhow::Result<Exit> {
    super::print(console, &Told { console, dump }, || manifest_json(console, dump))
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ManifestDump { id, file, snapshot_end, edits, state, end, cut_bytes } = self.dump;
        writeln!(f, "database {id}")?;
        let count = several(edits.len() as u64, "edit");
        writeln!(f, "{file}: snapshot to byte {snapshot_end}, {count}")?;
        edits.iter().try_for_each(|edit| self.write_edit(f, edit))?;
        writeln!(
            f,
            "now: edit {}, flushed seqno {}, oldest segment {:06}.wal, counter {}",
            state.edit_number, state.flushed_seqno, state.min_wal, state.counter
        )?;
        state.tables.iter().try_for_each(|table| self.write_table(f, "", table))?;
        if *cut_bytes > 0 {
            writeln!(f, "torn: {cut_bytes} bytes at byte {end} are no valid edit")?;
        }
        Ok(())
    }
}

impl Told<'_> {
    fn write_edit(&self, f: &mut fmt::Formatter<'_>, edit: &EditInfo) -> fmt::Result {
        writeln!(
            f,
            "edit {}: flushed seqno {}, oldest segment {:06}.wal, log synced to {:06}.wal at {}, \
             counter {}",
            edit.number,
            edit.flushed_seqno,
            edit.min_wal,
            edit.synced_segment,
            edit.synced_offset,
            edit.counter
        )?;
        edit.added.iter().try_for_each(|table| self.write_table(f, "+ ", table))?;
        edit.removed.iter().try_for_each(|number| writeln!(f, "  - {number:06}.sst"))
    }

    fn write_table(
        &self,
        f: &mut fmt::Formatter<'_>,
        sign: &str,
        table: &TableInfo,
    ) -> fmt::Result {
        writeln!(
            f,
            "  {sign}level {} {:06}.sst {} bytes, {}, keys {}, seqnos {}..={}",
            table.level,
            table.number,
            table.size_bytes,
            counted(table.entry_count),
            keys_text(self.console, &table.smallest, &table.largest),
            table.seqno_min,
            table.seqno_max
        )
    }
}

fn manifest_json(console: &Console, dump: &ManifestDump) -> Value {
    json!({
        "id": dump.id,
        "file": dump.file,
        "snapshot_end": dump.snapshot_end,
        "edits": dump.edits.iter().map(|edit| edit_json(console, edit)).collect::<Vec<_>>(),
        "state": state_json(console, &dump.state),
        "end": dump.end,
        "cut_bytes": dump.cut_bytes,
    })
}

fn edit_json(console: &Console, edit: &EditInfo) -> Value {
    json!({
        "number": edit.number,
        "counter": edit.counter,
        "min_wal": edit.min_wal,
        "synced_segment": edit.synced_segment,
        "synced_offset": edit.synced_offset,
        "flushed_seqno": edit.flushed_seqno,
        "added": tables_json(console, &edit.added),
        "removed": edit.removed,
    })
}

fn state_json(console: &Console, state: &StateInfo) -> Value {
    json!({
        "edit_number": state.edit_number,
        "counter": state.counter,
        "min_wal": state.min_wal,
        "synced_segment": state.synced_segment,
        "synced_offset": state.synced_offset,
        "flushed_seqno": state.flushed_seqno,
        "tables": tables_json(console, &state.tables),
    })
}
