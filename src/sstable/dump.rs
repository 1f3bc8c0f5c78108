//! A table as text, for people who look into one.

use std::fmt::{self, Write};

use super::block_cache::Caching;
use super::reader::Table;
use crate::base::error::{Error, Result};
use crate::base::key::ValueKind;
use crate::iter::Cursor;

/// How many bytes of a value are shown.
const VALUE_BYTES_SHOWN: usize = 32;

/// Describes a table: its footer, properties and blocks, and with `entries` each entry. What cannot
/// be read is said in its place; the rest follows.
pub(crate) fn dump(table: &Table, entries: bool) -> String {
    let mut text = String::new();
    write_table(&mut text, table, entries).expect("writing to a String never fails");
    text
}

fn write_table(to: &mut String, table: &Table, entries: bool) -> fmt::Result {
    let (footer, p) = (table.footer(), table.properties());
    writeln!(to, "table {} of database {}: {}", footer.number, footer.id, table.path().display())?;
    if let (Some(handle), Some(filter)) = (footer.filter, table.filter()) {
        writeln!(to, "filter at {}, {} bytes", handle.offset, filter.len_bytes())?;
    }
    writeln!(to, "index at {} + {}", footer.index.offset, footer.index.len)?;
    writeln!(to, "properties at {} + {}", footer.properties.offset, footer.properties.len)?;
    writeln!(to, "entries {}, of them tombstones {}", p.entry_count, p.tombstone_count)?;
    writeln!(to, "key bytes {}, value bytes {}", p.key_bytes, p.value_bytes)?;
    writeln!(to, "seqnos {}..={}", p.seqno_min, p.seqno_max)?;
    writeln!(to, "keys \"{}\"..=\"{}\"", p.smallest.escape_ascii(), p.largest.escape_ascii())?;
    for at in 0..table.index().len() {
        let handle = table.index().handle(at);
        let (key, seqno) = table.index().last_entry(at);
        write!(to, "block {at} at {} + {}: ", handle.offset, handle.len)?;
        writeln!(to, "to \"{}\" @{seqno}", key.escape_ascii())?;
        if entries && let Err(error) = write_entries(to, table, at)? {
            writeln!(to, "  {error}")?;
        }
    }
    Ok(())
}

/// Writes the entries of the data block `at`: the inner result is that of reading it.
fn write_entries(
    to: &mut String,
    table: &Table,
    at: usize,
) -> std::result::Result<Result<()>, fmt::Error> {
    let mut cursor = table.cursor(Caching::Bypass);
    let mut moved: std::result::Result<(), Error> = cursor.seek_block(at);
    while moved.is_ok() && cursor.is_in_block(at) {
        let Some(entry) = cursor.entry() else { break };
        write!(to, "  \"{}\" @{} ", entry.key.escape_ascii(), entry.seqno)?;
        match entry.kind {
            ValueKind::Delete => writeln!(to, "deleted")?,
            ValueKind::Put => {
                let shown = &entry.value[..entry.value.len().min(VALUE_BYTES_SHOWN)];
                let dots = if shown.len() < entry.value.len() { ".." } else { "" };
                writeln!(to, "= \"{}\"{dots} {} bytes", shown.escape_ascii(), entry.value.len())?;
            }
        }
        moved = cursor.next();
    }
    Ok(moved)
}
