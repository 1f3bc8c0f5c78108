//! Step `replay`: the operations that no table holds, into memtables.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::key::{DEFAULT_KEYSPACE, KeyspaceId, OperationSink, SeqNo, ValueKind};
use crate::batch::decode_operations;
use crate::memtable::{Memtable, OrderedMemtable};
use crate::tables::Slots;
use crate::tree::{Frozen, SuperVersion};
use crate::wal::Chain;

use super::super::options::Options;
use super::super::structure::OpenLevels;
use super::Opening;

/// The memtables that a replay filled.
pub(super) struct Replayed {
    active: Arc<OrderedMemtable>,
    frozen: Vec<Arc<Frozen>>,
}

impl Replayed {
    pub(super) fn into_view(self, tables: Arc<OpenLevels>) -> SuperVersion {
        SuperVersion { active: self.active, frozen: self.frozen, tables }
    }

    /// Sets the active memtable aside if it is full and its table could be opened; `last` is the last
    /// seqno in it.
    fn freeze_if_full(&mut self, options: &Options, slots: &Arc<Slots>, last: SeqNo) {
        if self.active.approximate_bytes() < options.memtable_bytes
            && self.active.entry_count() < options.memtable_entries_max
        {
            return;
        }
        let Some(slot) = slots.take_for_memtable() else { return };
        let memtable = std::mem::take(&mut self.active);
        self.frozen.push(Arc::new(Frozen { memtable, last_seqno: last, slot }));
    }
}

/// Puts the operations of one frame into the memtable.
struct IntoMemtable<'a> {
    memtable: &'a OrderedMemtable,
    /// The seqno of the next operation.
    next: SeqNo,
    /// Operations up to here are in tables.
    flushed: SeqNo,
    replayed: u64,
    file: &'a Path,
    offset: u64,
}

impl OperationSink for IntoMemtable<'_> {
    fn operation(
        &mut self,
        keyspace: KeyspaceId,
        kind: ValueKind,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        if keyspace != DEFAULT_KEYSPACE {
            let what = format!("an operation on keyspace {keyspace}, which does not exist");
            return Err(Error::corruption(self.file, self.offset, what));
        }
        if self.next > self.flushed {
            self.memtable.insert(self.next, kind, key, value);
            self.replayed += 1;
        }
        self.next += 1;
        Ok(())
    }
}

impl Opening {
    /// Replays the whole chain. Full memtables are set aside; they are flushed once the database
    /// runs: no edit may refer to replayed operations before they are durable in the new segment.
    pub(super) fn replay(&mut self, chain: &Chain<'_>, flushed: SeqNo) -> Result<Replayed> {
        let mut replayed = Replayed { active: Arc::default(), frozen: Vec::new() };
        for segment in &chain.segments {
            for frame in segment.frames.iter().filter(|frame| frame.head.kind.has_operations()) {
                if frame.last_seqno() <= flushed {
                    continue;
                }
                let offset = frame.payload_offset();
                let mut sink = IntoMemtable {
                    memtable: &replayed.active,
                    next: frame.head.first_seqno,
                    flushed,
                    replayed: 0,
                    file: &segment.log.path,
                    offset,
                };
                let path = &segment.log.path;
                decode_operations(frame.payload, frame.head.count, path, offset, &mut sink)?;
                self.report.replayed_operations += sink.replayed;
                replayed.freeze_if_full(&self.options, &self.tables.slots, frame.last_seqno());
            }
        }
        Ok(replayed)
    }
}
