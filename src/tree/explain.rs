//! One point read, layer by layer, for people who ask where a value came from.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::key::{SeqNo, ValueKind};
use crate::base::levels::{AsMeta as _, LEVELS_MAX};
use crate::memtable::Memtable;
use crate::sstable::{BlockRead, KeyHash, TableRead, explain as explain_table};
use crate::tables::OpenTable;

use super::super_version::SuperVersion;

/// Where a read looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The memtable that commits go to; of a read-only open, all that only the log holds.
    Active,
    /// A memtable that waits to become a table, counted from the newest, which is 0.
    Frozen(usize),
    /// A table, by its level and the number in its file's name.
    Table {
        /// Its level.
        level: usize,
        /// Its number.
        number: u64,
    },
    /// A level below the first that has tables, none of which covers the key.
    Level(usize),
}

/// A version of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    /// The seqno of the operation that wrote it.
    pub seqno: SeqNo,
    /// The length of its value in bytes; `None` for a deletion.
    pub value_bytes: Option<u64>,
}

/// What a read did in one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRead {
    /// Which one.
    pub layer: Layer,
    /// Whether the read came here: it ends at the first layer that has a version.
    pub reached: bool,
    /// Whether the key lies between the smallest and the largest of a table that was reached. Memtables
    /// cover all keys.
    pub covers: bool,
    /// What the table's filter said, if it was asked and there is one: `false` when it denied the key.
    pub filter: Option<bool>,
    /// The block that was looked into.
    pub block: Option<BlockRead>,
    /// The newest visible version in it.
    pub found: Option<KeyVersion>,
}

/// How one key is read: the layers from the newest to the oldest, and what each had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPath {
    /// The seqno at which was read: later operations are not seen.
    pub seqno: SeqNo,
    /// The layers in the order in which they are asked. Of a level below the first that is its one table
    /// that covers the key, if any does.
    pub layers: Vec<LayerRead>,
}

impl ReadPath {
    /// The layer that had the newest version, and the version; `None` for a key that no layer has.
    pub fn source(&self) -> Option<(Layer, KeyVersion)> {
        self.layers.iter().find_map(|read| Some((read.layer, read.found?)))
    }
}

impl LayerRead {
    fn passed(layer: Layer) -> LayerRead {
        LayerRead { layer, reached: false, covers: false, filter: None, block: None, found: None }
    }
}

/// Takes the steps of [`super::get_with`] and notes each. Changes nothing, not even what is cached.
///
/// # Errors
/// As [`super::get_with`].
pub(crate) fn explain(view: &SuperVersion, key: &[u8], visible: SeqNo) -> Result<ReadPath> {
    let mut path = ReadPath { seqno: visible, layers: Vec::new() };
    path.memtable(Layer::Active, &*view.active, key);
    for (at, frozen) in view.frozen.iter().rev().enumerate() {
        path.memtable(Layer::Frozen(at), &*frozen.memtable, key);
    }
    let hash = KeyHash::of(key);
    for table in view.tables.level(0).iter().rev() {
        path.table(0, table, key, hash)?;
    }
    for level in (1..LEVELS_MAX).filter(|level| !view.tables.level(*level).is_empty()) {
        match view.tables.overlapping(level, key, key).next() {
            Some(table) => path.table(level, table, key, hash)?,
            None => {
                let reached = path.source().is_none();
                path.layers.push(LayerRead { reached, ..LayerRead::passed(Layer::Level(level)) });
            }
        }
    }
    Ok(path)
}

impl ReadPath {
    fn memtable(&mut self, layer: Layer, memtable: &dyn Memtable, key: &[u8]) {
        let mut read = LayerRead::passed(layer);
        if self.source().is_none() {
            (read.reached, read.covers) = (true, true);
            let found = memtable.get(key, self.seqno);
            read.found = found.map(|(seqno, kind, value)| version(seqno, kind, value.len()));
        }
        self.layers.push(read);
    }

    fn table(
        &mut self,
        level: usize,
        of: &Arc<OpenTable>,
        key: &[u8],
        hash: KeyHash,
    ) -> Result<()> {
        let mut read = LayerRead::passed(Layer::Table { level, number: of.meta().number });
        if self.source().is_none() {
            let TableRead { covers, filter, block, found } =
                explain_table(&of.table, key, hash, self.seqno)?;
            (read.reached, read.covers, read.filter, read.block) = (true, covers, filter, block);
            read.found = found.map(|(seqno, kind, bytes)| version(seqno, kind, bytes));
        }
        self.layers.push(read);
        Ok(())
    }
}

fn version(seqno: SeqNo, kind: ValueKind, bytes: usize) -> KeyVersion {
    let value_bytes = (kind == ValueKind::Put).then_some(bytes as u64);
    KeyVersion { seqno, value_bytes }
}
