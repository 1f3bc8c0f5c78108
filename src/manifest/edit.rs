//! One structural change: the payload of an EDIT.
//!
//! ```text
//! counter u64 | min_wal u64 | synced segment u64 | synced offset u64 | keyspace u32 |
//! flushed seqno u64 | removed u32, as many numbers (varint) |
//! added u32, as many: level u8, table
//! ```
//!
//! The edit's number stands in the frame. Every field says what is true from then on; a field that
//! does not change repeats what was.

use std::path::Path;

use crate::base::codec::{Cursor, put_u32, put_u64, put_varint};
use crate::base::error::Result;
use crate::base::file_name::FileNumber;
use crate::base::key::{DEFAULT_KEYSPACE, SeqNo};
use crate::base::log_position::LogPosition;
use crate::base::table_meta::TableMeta;

use super::state::{State, decode_table, encode_table};

/// One change to a [`State`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) number: u64,
    pub(crate) counter: FileNumber,
    pub(crate) min_wal: FileNumber,
    pub(crate) log_synced: LogPosition,
    pub(crate) flushed_seqno: SeqNo,
    pub(crate) removed: Vec<FileNumber>,
    /// Tables and their levels, added after the others were removed: one that moves is in both.
    pub(crate) added: Vec<(usize, TableMeta)>,
}

impl Edit {
    /// An edit that follows `state` and changes nothing yet.
    pub(crate) fn after(state: &State) -> Edit {
        Edit {
            number: state.edit_number + 1,
            counter: state.counter,
            min_wal: state.min_wal,
            log_synced: state.log_synced,
            flushed_seqno: state.flushed_seqno,
            removed: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Appends the payload.
    pub(crate) fn encode(&self, to: &mut Vec<u8>) {
        for value in [self.counter, self.min_wal, self.log_synced.segment, self.log_synced.offset] {
            put_u64(to, value);
        }
        put_u32(to, DEFAULT_KEYSPACE);
        put_u64(to, self.flushed_seqno);
        put_u32(to, u32::try_from(self.removed.len()).expect("tables have 32-bit numbers"));
        self.removed.iter().for_each(|number| put_varint(to, *number));
        put_u32(to, u32::try_from(self.added.len()).expect("tables have 32-bit numbers"));
        self.added.iter().for_each(|(level, table)| encode_table(*level, table, to));
    }

    /// Reads edit `number`, whose payload stands at `offset` of `file`.
    ///
    /// # Errors
    /// Corruption.
    pub(crate) fn decode(payload: &[u8], number: u64, file: &Path, offset: u64) -> Result<Edit> {
        let mut cursor = Cursor::new(payload, file, offset);
        let mut edit = Edit {
            number,
            counter: cursor.u64("file number counter")?,
            min_wal: cursor.u64("oldest segment")?,
            log_synced: LogPosition {
                segment: cursor.u64("synced segment")?,
                offset: cursor.u64("synced offset")?,
            },
            flushed_seqno: 0,
            removed: Vec::new(),
            added: Vec::new(),
        };
        let keyspace = cursor.u32("keyspace")?;
        cursor.ensure(keyspace == DEFAULT_KEYSPACE, "keyspace")?;
        edit.flushed_seqno = cursor.u64("flushed seqno")?;
        for _ in 0..cursor.u32("number of removed tables")? {
            edit.removed.push(cursor.varint("number of a removed table")?);
        }
        for _ in 0..cursor.u32("number of added tables")? {
            edit.added.push(decode_table(&mut cursor)?);
        }
        cursor.ensure(cursor.is_empty(), "length of an EDIT")?;
        Ok(edit)
    }
}
