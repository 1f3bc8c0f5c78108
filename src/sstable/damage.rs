//! What is wrong with a table's file, and what is lost by it.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::Vfs;

use super::block_cache::BlockCache;
use super::good_blocks::{GoodBlocks, LostBlocks, LostEnd, Step};
use super::reader::Table;
use crate::base::checksum::DatabaseId;
use crate::base::damage::{Damage, name_of, without_place};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::FileNumber;
use crate::base::table_meta::TableMeta;

/// A table: whose it is, and what the manifest says of it, if it says anything.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) id: DatabaseId,
    pub(crate) number: FileNumber,
    pub(crate) meta: Option<TableMeta>,
}

impl Expected {
    /// Nothing of the table can be read.
    pub(crate) fn lost_table(&self, name: &str, error: &Error) -> Damage {
        let missing = error.io_kind() == Some(std::io::ErrorKind::NotFound);
        let what = if missing { "the file is missing".to_owned() } else { without_place(error) };
        let mut damage = Damage::loss(name, error.offset(), what);
        match &self.meta {
            Some(meta) => {
                damage.what.push_str(&format!("; its {} entries are lost", meta.entry_count));
                damage.keys = Some((meta.smallest.to_vec(), Some(meta.largest.to_vec())));
                damage.seqnos = Some((meta.seqno_min, Some(meta.seqno_max)));
            }
            None => damage.what.push_str("; what it held is lost"),
        }
        damage
    }

    /// Blocks in the middle cannot be read.
    pub(crate) fn lost_blocks(&self, name: &str, table: &GoodBlocks, lost: LostBlocks) -> Damage {
        let LostBlocks { part, blocks, why, keys: (from, upto) } = lost;
        Damage {
            bytes: Some(part.bytes),
            blocks,
            keys: Some((self.not_below_smallest(from), Some(upto))),
            seqnos: self.seqnos_in(table),
            ..Damage::loss(name, Some(part.offset), without_place(&why))
        }
    }

    /// Of the table only the beginning was found.
    pub(crate) fn lost_end(&self, name: &str, table: &GoodBlocks, end: &LostEnd) -> Damage {
        let what = "the index is lost, and no block is found from here on";
        let largest = self.meta.as_ref().map(|meta| meta.largest.to_vec());
        Damage {
            bytes: Some(end.bytes),
            keys: Some((self.not_below_smallest(end.after.clone()), largest)),
            seqnos: self.seqnos_in(table),
            ..Damage::loss(name, Some(end.offset), what)
        }
    }

    fn not_below_smallest(&self, key: Vec<u8>) -> Vec<u8> {
        let smallest = self.meta.as_ref().map_or_else(Vec::new, |meta| meta.smallest.to_vec());
        smallest.max(key)
    }

    fn seqnos_in(&self, table: &GoodBlocks) -> Option<(u64, Option<u64>)> {
        let by_manifest = self.meta.as_ref().map(|meta| (meta.seqno_min, meta.seqno_max));
        by_manifest.or(table.seqnos()).map(|(first, last)| (first, Some(last)))
    }
}

/// All that is wrong with the file at `path`, by its offset; nothing when it is exactly that table.
///
/// # Errors
/// Failures to read that are no damage, as `refused` says, and a format that is too new.
pub(crate) fn find_damage(
    vfs: &dyn Vfs,
    path: &Path,
    expected: &Expected,
    refused: impl Fn(&Error) -> bool,
) -> Result<Vec<Damage>> {
    let name = name_of(path);
    let size_bytes = expected.meta.as_ref().map(|meta| meta.size_bytes);
    let mut table = match GoodBlocks::open(vfs, path, expected.id, expected.number, size_bytes) {
        Err(error) if refused(&error) || error.kind() == ErrorKind::FormatTooNew => {
            return Err(error);
        }
        Err(error) => return Ok(vec![expected.lost_table(&name, &error)]),
        Ok(table) => table,
    };
    let ends = table.damaged_ends().iter().map(|error| Damage::harmless(&name, error));
    let mut damage: Vec<Damage> = ends.collect();
    damage.extend(table.lost_end().map(|end| expected.lost_end(&name, &table, end)));
    while let Some(step) = table.step() {
        if let Step::Lost(lost) = step {
            damage.push(expected.lost_blocks(&name, &table, lost));
        }
    }
    if damage.is_empty() {
        // Each part is as it was written; do they agree?
        let whole = expected.open(vfs, path).and_then(|table| table.verify());
        damage.extend(whole.err().map(|error| Damage::harmless(&name, &error)));
    }
    damage.sort_by_key(|damage| damage.offset);
    Ok(damage)
}

impl Expected {
    fn open(&self, vfs: &dyn Vfs, path: &Path) -> Result<Table> {
        match &self.meta {
            Some(meta) => Table::open(vfs, path, meta, self.id, Arc::new(BlockCache::new(0, 0))),
            None => Table::open_any(vfs, path),
        }
    }
}
