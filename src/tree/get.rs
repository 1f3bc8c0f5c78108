//! Point reads.

use crate::base::error::Result;
use crate::base::key::{SeqNo, ValueKind};
use crate::sstable::{KeyHash, ReadCounts};

use super::super_version::SuperVersion;

/// Looks for `key` at `visible`, from the newest layer to the oldest, and lends its value to `read`. What
/// it took of tables is added to `counts`.
pub(crate) fn get_with<R>(
    view: &SuperVersion,
    key: &[u8],
    visible: SeqNo,
    counts: &mut ReadCounts,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    let in_memory = std::iter::once(&view.active)
        .chain(view.frozen.iter().rev().map(|frozen| &frozen.memtable))
        .find_map(|memtable| memtable.get(key, visible));
    if let Some((_, kind, value)) = in_memory {
        return Ok((kind == ValueKind::Put).then(|| read(&value)));
    }
    // Hashed once, for the filters of all tables.
    let hash = KeyHash::of(key);
    let mut read = Some(read);
    for table in view.tables.holding(key) {
        let found =
            table.table.get_with(key, hash, visible, counts, |_, kind, value| match kind {
                ValueKind::Put => read.take().map(|read| read(value)),
                ValueKind::Delete => None,
            })?;
        if let Some(live) = found {
            return Ok(live);
        }
    }
    Ok(None)
}
