//! What the manifest says at one moment: the payload of a SNAPSHOT, and what edits change.
//!
//! ```text
//! format u32 | id 16 bytes | edit number u64 | counter u64 | min_wal u64 |
//! synced segment u64 | synced offset u64 | keyspaces u32 |
//!   per keyspace: id u32 | flushed seqno u64 | tables u32 | tables, from level 0 down, in order
//! table: level u8 | number varint | size varint | entries varint | seqno min varint |
//!        seqno max varint | smallest key (varint length and bytes) | largest key
//! ```

use std::path::Path;

use crate::base::checksum::DatabaseId;
use crate::base::codec::{Cursor, put_bytes, put_u32, put_u64, put_varint};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::{FILE_NUMBER_MAX, FileNumber};
use crate::base::key::{DEFAULT_KEYSPACE, SEQNO_MAX, SeqNo};
use crate::base::levels::{LEVELS_MAX, Levels};
use crate::base::limits::KEY_BYTES_MAX;
use crate::base::log_position::LogPosition;
use crate::base::table_meta::TableMeta;

use super::edit::Edit;

/// The version of the manifest's format that is written and read.
const FORMAT: u32 = 1;

/// The structure of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The number of the last edit.
    pub(crate) edit_number: u64,
    /// No file number from here on has ever been used.
    pub(crate) counter: FileNumber,
    /// The oldest log segment that still counts.
    pub(crate) min_wal: FileNumber,
    /// How far the log is vouched for.
    pub(crate) log_synced: LogPosition,
    /// Every operation up to here is in tables.
    pub(crate) flushed_seqno: SeqNo,
    pub(crate) tables: Levels<TableMeta>,
}

impl State {
    /// Appends the payload of a SNAPSHOT.
    pub(crate) fn encode(&self, id: &DatabaseId, to: &mut Vec<u8>) {
        put_u32(to, FORMAT);
        to.extend_from_slice(&id.0);
        for value in [
            self.edit_number,
            self.counter,
            self.min_wal,
            self.log_synced.segment,
            self.log_synced.offset,
        ] {
            put_u64(to, value);
        }
        put_u32(to, 1);
        put_u32(to, DEFAULT_KEYSPACE);
        put_u64(to, self.flushed_seqno);
        put_u32(to, u32::try_from(self.tables.count()).expect("tables have 32-bit numbers"));
        self.tables.iter().for_each(|(level, table)| encode_table(level, table, to));
    }

    /// Reads the payload of a SNAPSHOT that stands at `offset` of `file`.
    ///
    /// # Errors
    /// Corruption, or a format that is too new.
    pub(crate) fn decode(payload: &[u8], file: &Path, offset: u64) -> Result<State> {
        let mut cursor = Cursor::new(payload, file, offset);
        let format = cursor.u32("format of a SNAPSHOT")?;
        if format != FORMAT {
            let what =
                format!("manifest format {format} is not {FORMAT}, the one this version reads");
            return Err(Error::of_file(ErrorKind::FormatTooNew, file, what));
        }
        cursor.take(16, "id in a SNAPSHOT")?;
        let mut state = State {
            edit_number: cursor.u64("edit number")?,
            counter: cursor.u64("file number counter")?,
            min_wal: cursor.u64("oldest segment")?,
            log_synced: LogPosition {
                segment: cursor.u64("synced segment")?,
                offset: cursor.u64("synced offset")?,
            },
            ..State::default()
        };
        let keyspaces = cursor.u32("number of keyspaces")?;
        cursor.ensure(keyspaces == 1, "number of keyspaces")?;
        let keyspace = cursor.u32("keyspace")?;
        cursor.ensure(keyspace == DEFAULT_KEYSPACE, "keyspace")?;
        state.flushed_seqno = cursor.u64("flushed seqno")?;
        let mut level_before = 0;
        for _ in 0..cursor.u32("number of tables")? {
            let (level, table) = decode_table(&mut cursor)?;
            cursor.ensure(level >= level_before, "order of the levels")?;
            level_before = level;
            state.tables.push(level, table);
        }
        cursor.ensure(cursor.is_empty(), "length of a SNAPSHOT")?;
        state.check().map_err(|what| Error::corruption(file, offset, what))?;
        Ok(state)
    }

    /// Takes over one edit, or says why it does not fit.
    pub(crate) fn apply(&mut self, edit: &Edit) -> std::result::Result<(), String> {
        if edit.number != self.edit_number + 1 {
            return Err(format!("edit {} follows edit {}", edit.number, self.edit_number));
        }
        let mut next = State {
            edit_number: edit.number,
            counter: self.counter.max(edit.counter),
            min_wal: self.min_wal.max(edit.min_wal),
            log_synced: furthest(self.log_synced, edit.log_synced),
            flushed_seqno: self.flushed_seqno.max(edit.flushed_seqno),
            tables: self.tables.clone(),
        };
        for number in &edit.removed {
            let removed = next.tables.remove(*number);
            removed.ok_or_else(|| format!("an edit removes table {number}, which is none"))?;
        }
        for (level, table) in &edit.added {
            next.tables.insert(*level, table.clone());
        }
        next.check()?;
        *self = next;
        Ok(())
    }

    /// What holds of every state.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        self.tables.check()?;
        if self.counter > FILE_NUMBER_MAX || self.min_wal >= self.counter {
            return Err(format!("counter {}, oldest segment {}", self.counter, self.min_wal));
        }
        if self.flushed_seqno > SEQNO_MAX {
            return Err(format!("flushed seqno {}", self.flushed_seqno));
        }
        if self.log_synced.segment >= self.counter {
            return Err(format!("synced segment {} of {}", self.log_synced.segment, self.counter));
        }
        for (_, table) in self.tables.iter() {
            if table.number >= self.counter || table.number == 0 {
                return Err(format!("table {} of counter {}", table.number, self.counter));
            }
            if table.seqno_max > self.flushed_seqno
                || table.seqno_min > table.seqno_max
                || table.seqno_min == 0
                || table.smallest > table.largest
                || table.entry_count == 0
            {
                return Err(format!("table {} with impossible bounds", table.number));
            }
        }
        Ok(())
    }
}

fn furthest(a: LogPosition, b: LogPosition) -> LogPosition {
    if (b.segment, b.offset) > (a.segment, a.offset) { b } else { a }
}

pub(super) fn encode_table(level: usize, table: &TableMeta, to: &mut Vec<u8>) {
    to.push(u8::try_from(level).expect("there are few levels"));
    for value in
        [table.number, table.size_bytes, table.entry_count, table.seqno_min, table.seqno_max]
    {
        put_varint(to, value);
    }
    put_bytes(to, &table.smallest);
    put_bytes(to, &table.largest);
}

pub(super) fn decode_table(cursor: &mut Cursor<'_>) -> Result<(usize, TableMeta)> {
    let level = usize::from(cursor.u8("level of a table")?);
    cursor.ensure(level < LEVELS_MAX, "level of a table")?;
    let table = TableMeta {
        number: cursor.varint("number of a table")?,
        size_bytes: cursor.varint("size of a table")?,
        entry_count: cursor.varint("entries of a table")?,
        seqno_min: cursor.varint("smallest seqno of a table")?,
        seqno_max: cursor.varint("largest seqno of a table")?,
        smallest: cursor.bytes(KEY_BYTES_MAX, "smallest key of a table")?.into(),
        largest: cursor.bytes(KEY_BYTES_MAX, "largest key of a table")?.into(),
    };
    Ok((level, table))
}
