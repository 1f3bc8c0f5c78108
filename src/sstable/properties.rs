//! What a table says of its entries as a whole: checked against the manifest when it is opened and
//! against the entries when it is verified.
//!
//! ```text
//! entries varint | tombstones varint | data blocks varint | key bytes varint | value bytes varint
//! | smallest seqno varint | largest seqno varint | smallest key bytes | largest key bytes
//! ```

use std::path::Path;

use crate::base::codec::{Cursor, put_bytes, put_varint};
use crate::base::error::Result;
use crate::base::file_name::FileNumber;
use crate::base::key::{Entry, SEQNO_MAX, SeqNo, ValueKind};
use crate::base::limits::KEY_BYTES_MAX;
use crate::base::table_meta::TableMeta;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) entry_count: u64,
    pub(super) tombstone_count: u64,
    pub(super) block_count: u64,
    /// The sum of the lengths of all keys, once for each version.
    pub(super) key_bytes: u64,
    /// The sum of the lengths of all values.
    pub(super) value_bytes: u64,
    pub(super) seqno_min: SeqNo,
    pub(super) seqno_max: SeqNo,
    pub(super) smallest: Box<[u8]>,
    pub(super) largest: Box<[u8]>,
}

impl Properties {
    /// Counts `entry`, which comes after those counted so far. Its key becomes the largest only by
    /// [`Properties::end`], which saves copying every key.
    pub(super) fn count(&mut self, entry: Entry<'_>) {
        if self.entry_count == 0 {
            self.smallest = entry.key.into();
            (self.seqno_min, self.seqno_max) = (entry.seqno, entry.seqno);
        }
        self.entry_count += 1;
        self.tombstone_count += u64::from(entry.kind == ValueKind::Delete);
        self.key_bytes += entry.key.len() as u64;
        self.value_bytes += entry.value.len() as u64;
        self.seqno_min = self.seqno_min.min(entry.seqno);
        self.seqno_max = self.seqno_max.max(entry.seqno);
    }

    /// The last entry that was counted had this key.
    pub(super) fn end(&mut self, largest: &[u8], block_count: u64) {
        self.largest = largest.into();
        self.block_count = block_count;
    }

    /// What the manifest says of the table `number`, whose file has `size_bytes`.
    pub(super) fn into_meta(self, number: FileNumber, size_bytes: u64) -> TableMeta {
        TableMeta {
            number,
            size_bytes,
            entry_count: self.entry_count,
            smallest: self.smallest,
            largest: self.largest,
            seqno_min: self.seqno_min,
            seqno_max: self.seqno_max,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [
            self.entry_count,
            self.tombstone_count,
            self.block_count,
            self.key_bytes,
            self.value_bytes,
            self.seqno_min,
            self.seqno_max,
        ] {
            put_varint(&mut bytes, number);
        }
        put_bytes(&mut bytes, &self.smallest);
        put_bytes(&mut bytes, &self.largest);
        bytes
    }

    /// Reads what stands at `offset` of the file at `path`.
    pub(super) fn decode(bytes: &[u8], offset: u64, path: &Path) -> Result<Properties> {
        let mut cursor = Cursor::new(bytes, path, offset);
        let properties = Properties {
            entry_count: cursor.varint("count of entries")?,
            tombstone_count: cursor.varint("count of tombstones")?,
            block_count: cursor.varint("count of blocks")?,
            key_bytes: cursor.varint("bytes of keys")?,
            value_bytes: cursor.varint("bytes of values")?,
            seqno_min: cursor.varint("smallest seqno")?,
            seqno_max: cursor.varint("largest seqno")?,
            smallest: cursor.bytes(KEY_BYTES_MAX, "smallest key")?.into(),
            largest: cursor.bytes(KEY_BYTES_MAX, "largest key")?.into(),
        };
        cursor.ensure(cursor.is_empty(), "end of the properties")?;
        let p = &properties;
        cursor.ensure(p.entry_count > 0, "count of entries")?;
        cursor.ensure(p.tombstone_count <= p.entry_count, "count of tombstones")?;
        cursor.ensure((1..=p.entry_count).contains(&p.block_count), "count of blocks")?;
        cursor.ensure(p.smallest <= p.largest, "range of keys")?;
        let seqnos = 1 <= p.seqno_min && p.seqno_min <= p.seqno_max && p.seqno_max <= SEQNO_MAX;
        cursor.ensure(seqnos, "range of seqnos")?;
        Ok(properties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_properties() -> impl Strategy<Value = Properties> {
        let keys = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20);
        keys.prop_map(|mut keys| {
            keys.sort();
            let mut properties = Properties::default();
            for (key, seqno) in keys.iter().zip(1..) {
                let kind = if seqno % 3 == 0 { ValueKind::Delete } else { ValueKind::Put };
                properties.count(Entry { key, seqno, kind, value: b"" });
            }
            properties.end(keys.last().expect("at least one"), 1);
            properties
        })
    }

    proptest! {
        #[test]
        fn properties_come_back_as_written(properties in any_properties()) {
            let decoded = Properties::decode(&properties.encode(), 0, Path::new("1.sst"));
            prop_assert_eq!(decoded.expect("its own bytes"), properties);
        }

        #[test]
        fn arbitrary_bytes_decode_or_are_corruption(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = Properties::decode(&bytes, 0, Path::new("1.sst"));
        }
    }
}
