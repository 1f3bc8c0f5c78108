//! Sequence numbers, kinds of entry, and the order in which entries are kept.

use std::cmp::Ordering;

use super::error::Result;

/// The position of an operation in the commit order. The first operation ever has 1.
pub type SeqNo = u64;

/// The largest seqno: tables hold it with the kind in 64 bits.
pub(crate) const SEQNO_MAX: SeqNo = (1 << 56) - 1;

/// A keyspace, by number. There is one today; the formats carry the number from the first day.
pub(crate) type KeyspaceId = u32;

/// The only keyspace there is so far.
pub(crate) const DEFAULT_KEYSPACE: KeyspaceId = 0;

/// What an entry does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum ValueKind {
    /// The key is gone.
    Delete = 0,
    /// The key has the value beside it.
    Put = 1,
}

impl ValueKind {
    /// The kind that a byte on disk stands for.
    pub(crate) fn from_byte(byte: u8) -> Option<ValueKind> {
        match byte {
            0 => Some(ValueKind::Delete),
            1 => Some(ValueKind::Put),
            _ => None,
        }
    }
}

/// Borrowed view of one version of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) seqno: SeqNo,
    pub(crate) kind: ValueKind,
    /// Empty for a deletion.
    pub(crate) value: &'a [u8],
}

/// The order of entries: by key ascending, then newest first.
///
/// A position `(key, s)` is at or before every version of `key` with a seqno of at most `s`.
pub(crate) fn compare(a_key: &[u8], a_seqno: SeqNo, b_key: &[u8], b_seqno: SeqNo) -> Ordering {
    a_key.cmp(b_key).then(b_seqno.cmp(&a_seqno))
}

/// What takes the operations of a batch or a log record, in order.
pub(crate) trait OperationSink {
    /// One operation: for a deletion the value is empty.
    fn operation(
        &mut self,
        keyspace: KeyspaceId,
        kind: ValueKind,
        key: &[u8],
        value: &[u8],
    ) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_ordered_by_key_then_newest_first() {
        assert_eq!(compare(b"a", 1, b"b", 9), Ordering::Less);
        assert_eq!(compare(b"a", 9, b"a", 1), Ordering::Less);
        assert_eq!(compare(b"a", 1, b"a", 1), Ordering::Equal);
        assert_eq!(compare(b"ab", 1, b"a", 1), Ordering::Greater);
    }
}
