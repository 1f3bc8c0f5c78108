//! One point read of a table, step by step, for people who ask where a value came from.

use super::block_cache::Caching;
use super::filter::KeyHash;
use super::parts::{PartInfo, part};
use super::reader::Table;
use crate::base::error::Result;
use crate::base::key::{SeqNo, ValueKind};

/// A block that a read looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRead {
    /// Where in the file it is.
    pub part: PartInfo,
    /// Whether it was in the block cache, so that the disk was not asked.
    pub cached: bool,
}

/// What a point read finds in one table, and on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableRead {
    /// Whether the key lies between the table's smallest and largest.
    pub(crate) covers: bool,
    /// What the filter said, if it was asked and there is one: whether the key may be there.
    pub(crate) filter: Option<bool>,
    pub(crate) block: Option<BlockRead>,
    /// The version found: its seqno, its kind and how long its value is.
    pub(crate) found: Option<(SeqNo, ValueKind, usize)>,
}

/// Takes the steps of [`Table::get_with`] and notes each. The block cache stays as it is.
///
/// # Errors
/// As [`Table::get_with`].
pub(crate) fn explain(
    table: &Table,
    key: &[u8],
    hash: KeyHash,
    visible: SeqNo,
) -> Result<TableRead> {
    let mut read = TableRead::default();
    let properties = table.properties();
    read.covers = *properties.smallest <= *key && *key <= *properties.largest;
    if !read.covers {
        return Ok(read);
    }
    read.filter = table.filter().map(|filter| filter.may_hold(hash));
    let at = table.index().find(key, visible);
    if read.filter == Some(false) || at == table.index().len() {
        return Ok(read);
    }
    let cached = table.is_cached(at);
    read.block = Some(BlockRead { part: part(table.index().handle(at)), cached });
    let block = table.block(at, Caching::Look)?;
    let found = block.get(key, visible)?;
    read.found = found.map(|(seqno, kind, value)| (seqno, kind, value.len()));
    Ok(read)
}
