//! Tables and log by key: of each key the newest version that is left.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::base::key::{Entry, SeqNo, ValueKind, compare};
use crate::base::slice::Slice;
use crate::sstable::{Expected, GoodBlocks, Step};

use super::log::LogOperations;
use super::report::SalvageReport;
use super::seen::Seen;

/// A table of which something can be read.
pub(super) struct TableSource {
    pub(super) name: String,
    pub(super) blocks: GoodBlocks,
    pub(super) expected: Expected,
}

/// The merge.
pub(super) struct Merged {
    tables: Vec<TableSource>,
    log: std::collections::btree_map::IntoIter<Vec<u8>, (SeqNo, ValueKind, Vec<u8>)>,
    /// The next version of each source.
    heads: BinaryHeap<Reverse<Head>>,
    /// Losses whose keys are not all behind the merge, by their places in the report.
    open_losses: Vec<usize>,
    /// How much of the report's damage is in `open_losses` or behind.
    losses_seen: usize,
    last_key: Option<Vec<u8>>,
    /// The operations that tables and log showed.
    seen: Seen,
    ended: bool,
}

/// The next version of one source.
struct Head {
    key: Vec<u8>,
    seqno: SeqNo,
    kind: ValueKind,
    value: Vec<u8>,
    /// The table; the log's has none.
    table: Option<usize>,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        compare(&self.key, self.seqno, &other.key, other.seqno)
            .then_with(|| self.table.cmp(&other.table))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl Merged {
    /// Nothing is read before the first [`Merged::next_live`].
    pub(super) fn new(tables: Vec<TableSource>, log: LogOperations, seen: Seen) -> Merged {
        Merged {
            tables,
            log: log.into_iter(),
            heads: BinaryHeap::new(),
            open_losses: Vec::new(),
            losses_seen: 0,
            last_key: None,
            seen,
            ended: false,
        }
    }

    /// The next key whose newest version is a value.
    pub(super) fn next_live(&mut self, report: &mut SalvageReport) -> Option<(Slice, Slice)> {
        if self.last_key.is_none() && self.heads.is_empty() {
            (0..self.tables.len()).for_each(|table| self.advance(Some(table), report));
            self.advance(None, report);
        }
        loop {
            let Some(Reverse(head)) = self.heads.pop() else {
                if !std::mem::replace(&mut self.ended, true) {
                    self.seen.settle(report);
                }
                return None;
            };
            // Only now: what its source passes over lies behind this key.
            self.advance(head.table, report);
            if self.last_key.as_ref() == Some(&head.key) {
                continue;
            }
            self.count_older(&head, report);
            self.last_key = Some(head.key.clone());
            if head.kind == ValueKind::Put {
                return Some((head.key.into(), head.value.into()));
            }
        }
    }

    /// Takes the next version of a source into the heap; blocks that are lost go into the report.
    fn advance(&mut self, table: Option<usize>, report: &mut SalvageReport) {
        let Some(at) = table else {
            let next = self.log.next();
            let head =
                next.map(|(key, (seqno, kind, value))| Head { key, seqno, kind, value, table });
            self.heads.extend(head.map(Reverse));
            return;
        };
        let source = &mut self.tables[at];
        while let Some(step) = source.blocks.step() {
            match step {
                Step::Lost(lost) => {
                    let TableSource { name, blocks, expected } = source;
                    report.damage.push(expected.lost_blocks(name, blocks, lost));
                }
                Step::Entry => {
                    let Some(entry) = source.blocks.entry() else { continue };
                    report.entries += 1;
                    self.seen.add(entry.seqno);
                    self.heads.push(Reverse(Head::of(entry, table)));
                    return;
                }
            }
        }
    }

    /// Counts the key with each loss that may have held a newer version of it.
    fn count_older(&mut self, head: &Head, report: &mut SalvageReport) {
        self.open_losses.extend(self.losses_seen..report.damage.len());
        self.losses_seen = report.damage.len();
        self.open_losses.retain(|at| {
            let damage = &mut report.damage[*at];
            let Some((smallest, largest)) = damage.keys.as_ref().filter(|_| damage.lost) else {
                return false;
            };
            let newest = damage.seqnos.and_then(|(_, last)| last);
            let within = largest.as_ref().is_none_or(|largest| head.key <= *largest);
            if *smallest <= head.key && within && newest.is_none_or(|n| n > head.seqno) {
                damage.older_keys += 1;
            }
            within
        });
    }
}

impl Head {
    fn of(entry: Entry<'_>, table: Option<usize>) -> Head {
        let Entry { key, seqno, kind, value } = entry;
        Head { key: key.to_vec(), seqno, kind, value: value.to_vec(), table }
    }
}
