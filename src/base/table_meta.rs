//! What the manifest knows of a table.

use super::file_name::FileNumber;
use super::key::SeqNo;

/// One table, by value: its name, its exact size and what range it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableMeta {
    pub(crate) number: FileNumber,
    /// The file's exact size in bytes.
    pub(crate) size_bytes: u64,
    /// How many entries it holds; at least one.
    pub(crate) entry_count: u64,
    /// The first key, inclusive.
    pub(crate) smallest: Box<[u8]>,
    /// The last key, inclusive.
    pub(crate) largest: Box<[u8]>,
    /// The smallest seqno of an entry.
    pub(crate) seqno_min: SeqNo,
    /// The largest seqno of an entry.
    pub(crate) seqno_max: SeqNo,
}

impl TableMeta {
    /// Whether `key` is in its range.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        *self.smallest <= *key && *key <= *self.largest
    }

    /// Whether its range and that from `smallest` to `largest`, both inclusive, have a key in common.
    pub(crate) fn overlaps(&self, smallest: &[u8], largest: &[u8]) -> bool {
        *self.smallest <= *largest && *smallest <= *self.largest
    }
}
