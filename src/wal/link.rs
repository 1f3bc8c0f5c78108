//! The payload of a LINK: what a segment follows.
//!
//! ```text
//! offset  size  field
//!      0     4  format version
//!      4    16  the database's id
//!     20     8  previous: number of the previous segment, 0 for none
//!     28     8  previous_end: where that segment ends, in bytes
//!     36     8  previous_last_seqno: of the last operation up to there
//!     44     8  synced_edit: the last edit of the manifest known to be durable
//!     52     8  capacity: the size to which this segment was made, in bytes
//! ```

use std::path::Path;

use crate::base::checksum::DatabaseId;
use crate::base::codec::{Cursor, put_u32, put_u64};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::FileNumber;
use crate::base::key::SeqNo;

/// The version of the log's format that is written and read.
const FORMAT: u32 = 1;

/// What a segment follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// 0 when there is none before.
    pub(crate) previous: FileNumber,
    pub(crate) previous_end: u64,
    pub(crate) previous_last_seqno: SeqNo,
    pub(crate) synced_edit: u64,
    /// A file that is shorter was cut: its size was durable before the first frame.
    pub(crate) capacity: u64,
}

impl Link {
    /// Appends the payload.
    pub(crate) fn encode(&self, id: &DatabaseId, to: &mut Vec<u8>) {
        put_u32(to, FORMAT);
        to.extend_from_slice(&id.0);
        put_u64(to, self.previous);
        put_u64(to, self.previous_end);
        put_u64(to, self.previous_last_seqno);
        put_u64(to, self.synced_edit);
        put_u64(to, self.capacity);
    }

    /// Reads a payload that stands at `offset` of `file`.
    ///
    /// # Errors
    /// Corruption, or a format that is too new.
    pub(crate) fn decode(payload: &[u8], file: &Path, offset: u64) -> Result<Link> {
        let mut cursor = Cursor::new(payload, file, offset);
        let format = cursor.u32("format of a LINK")?;
        if format != FORMAT {
            return Err(Error::of_file(
                ErrorKind::FormatTooNew,
                file,
                format!("log format {format} is not {FORMAT}, the one this version reads"),
            ));
        }
        cursor.take(16, "id in a LINK")?;
        let link = Link {
            previous: cursor.u64("previous segment")?,
            previous_end: cursor.u64("end of the previous segment")?,
            previous_last_seqno: cursor.u64("last seqno of the previous segment")?,
            synced_edit: cursor.u64("synced edit")?,
            capacity: cursor.u64("size of the segment")?,
        };
        cursor.ensure(cursor.is_empty(), "length of a LINK")?;
        Ok(link)
    }
}
