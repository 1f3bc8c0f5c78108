//! Point reads.

use crate::base::error::Result;
use crate::base::key::{SeqNo, ValueKind};
use crate::base::slice::Slice;
use crate::sstable::{KeyHash, ReadCounts};

use super::super_version::SuperVersion;

/// The value of `key` at `visible`, looked for from the newest layer to the oldest. What it took of
/// tables is added to `counts`.
pub(crate) fn get(
    view: &SuperVersion,
    key: &[u8],
    visible: SeqNo,
    counts: &mut ReadCounts,
) -> Result<Option<Slice>> {
    let in_memory = std::iter::once(&view.active)
        .chain(view.frozen.iter().rev().map(|frozen| &frozen.memtable))
        .find_map(|memtable| memtable.get(key, visible));
    if let Some((_, kind, value)) = in_memory {
        return Ok(live(kind, value));
    }
    // Hashed once, for the filters of all tables.
    let hash = KeyHash::of(key);
    for table in view.tables.holding(key) {
        let found = table.table.get(key, hash, visible, counts)?;
        if let Some((_, kind, value)) = found {
            return Ok(live(kind, value));
        }
    }
    Ok(None)
}

fn live(kind: ValueKind, value: Slice) -> Option<Slice> {
    match kind {
        ValueKind::Put => Some(value),
        ValueKind::Delete => None,
    }
}
