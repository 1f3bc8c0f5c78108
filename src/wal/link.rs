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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFSET: u64 = 36;

    fn any_link() -> impl Strategy<Value = (Link, DatabaseId)> {
        any::<([u64; 5], [u8; 16])>().prop_map(|(numbers, id)| {
            let [previous, previous_end, previous_last_seqno, synced_edit, capacity] = numbers;
            let link = Link { previous, previous_end, previous_last_seqno, synced_edit, capacity };
            (link, DatabaseId(id))
        })
    }

    fn decode(bytes: &[u8]) -> Result<Link> {
        Link::decode(bytes, Path::new("000002.wal"), OFFSET)
    }

    /// Bytes are a LINK with one spelling, or an error that names file and place.
    fn judge(bytes: &[u8]) -> std::result::Result<(), TestCaseError> {
        match decode(bytes) {
            Ok(link) => {
                let mut id = DatabaseId([0; 16]);
                id.0.copy_from_slice(&bytes[4..20]);
                let mut again = Vec::new();
                link.encode(&id, &mut again);
                prop_assert_eq!(&again, bytes);
            }
            Err(error) if error.kind() == ErrorKind::FormatTooNew => {
                prop_assert_ne!(&bytes[..4], FORMAT.to_le_bytes());
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Corruption);
                prop_assert_eq!(error.file(), Some(Path::new("000002.wal")));
                let offset = error.offset().expect("known");
                prop_assert!((OFFSET..=OFFSET + bytes.len() as u64).contains(&offset));
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_link_comes_back_as_written((link, id) in any_link()) {
            let mut bytes = Vec::new();
            link.encode(&id, &mut bytes);
            prop_assert_eq!(decode(&bytes).expect("its own bytes"), link);
            judge(&bytes)?;
        }

        #[test]
        fn a_link_of_another_length_is_corruption(
            (link, id) in any_link(), cut in any::<prop::sample::Index>(), more in 1..50usize
        ) {
            let mut bytes = Vec::new();
            link.encode(&id, &mut bytes);
            let cut = cut.index(bytes.len());
            let short = decode(&bytes[..cut]).expect_err("bytes are missing");
            prop_assert_eq!(short.kind(), ErrorKind::Corruption);
            bytes.resize(bytes.len() + more, 0);
            let long = decode(&bytes).expect_err("bytes follow");
            prop_assert_eq!(long.kind(), ErrorKind::Corruption);
        }

        #[test]
        fn arbitrary_bytes_are_a_link_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..100), ours: bool
        ) {
            let mut bytes = bytes;
            if ours && bytes.len() >= 4 {
                bytes[..4].copy_from_slice(&FORMAT.to_le_bytes());
            }
            judge(&bytes)?;
        }
    }
}
