//! Which versions of a key a compaction keeps.
//!
//! A reader at seqno r sees of each key the newest version of at most r. Readers are the snapshots
//! and, from now on, everybody at the visible seqno V or beyond. So a version goes when a newer one
//! of at most V serves all its readers:
//!
//! ```text
//! readers        3            7   V=9
//! versions   1 2   4 5 6          9   10 11
//! kept         ✓       ✓          ✓    ✓  ✓
//! ```
//!
//! A tombstone that serves the oldest reader goes too when nothing older of its key can lie below.

use crate::base::key::{Entry, SeqNo, ValueKind};

/// Decides entry by entry, in the order of cursors: by key, then newest first.
#[derive(Debug)]
pub(crate) struct Retainer {
    /// Ascending; the last one is the visible seqno.
    readers: Vec<SeqNo>,
    key: Vec<u8>,
    /// The readers that the version before, of the same key, serves: from this one on.
    served: Option<usize>,
}

impl Retainer {
    /// For the seqnos of all `snapshots`, in any order, and the seqno that is visible now. Both must
    /// have been taken in one step, and before the merge begins.
    pub(crate) fn new(mut snapshots: Vec<SeqNo>, visible: SeqNo) -> Retainer {
        snapshots.push(visible);
        snapshots.sort_unstable();
        snapshots.dedup();
        Retainer { readers: snapshots, key: Vec::new(), served: None }
    }

    /// Whether `entry` stays. `lies_below` says whether an older version of its key can be in a table
    /// that is not merged, and is asked for tombstones only.
    pub(crate) fn keeps(
        &mut self,
        entry: Entry<'_>,
        lies_below: impl FnOnce(&[u8]) -> bool,
    ) -> bool {
        if self.served.is_none() || *self.key != *entry.key {
            self.key.clear();
            self.key.extend_from_slice(entry.key);
            self.served = Some(self.readers.len());
        }
        // The first reader that sees it: all beyond the last are still to come.
        let first = self.readers.partition_point(|reader| *reader < entry.seqno);
        if first == self.readers.len() {
            return true;
        }
        if self.served == Some(first) {
            return false;
        }
        self.served = Some(first);
        first > 0 || entry.kind == ValueKind::Put || lies_below(entry.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    /// Versions of one key, newest first, such as `9 7x 3`: `x` marks a tombstone.
    fn kept(versions: &str, snapshots: &[SeqNo], visible: SeqNo, lies_below: bool) -> String {
        let mut retainer = Retainer::new(snapshots.to_vec(), visible);
        let mut kept = Vec::new();
        for version in versions.split_whitespace() {
            let kind = if version.ends_with('x') { ValueKind::Delete } else { ValueKind::Put };
            let seqno = version.trim_end_matches('x').parse().expect("a number");
            if retainer.keeps(Entry { key: b"k", seqno, kind, value: b"" }, |_| lies_below) {
                kept.push(version);
            }
        }
        kept.join(" ")
    }

    #[test]
    fn which_versions_stay() {
        let mut table = String::new();
        for (versions, snapshots, visible) in [
            ("11 10 9 6 5 4 2 1", &[3, 7][..], 9),
            ("11 10 9 6 5 4 2 1", &[], 9),
            ("11 10", &[], 9),
            ("9 8x 7", &[], 9),
            ("9x 8 7", &[], 9),
            ("9x 8 7", &[8], 9),
            ("9x 8 7", &[8], 8),
            ("5x 2", &[3], 10),
            ("5x 4", &[3], 10),
            ("5x 2x 1", &[3], 10),
            ("10x 9x 8", &[], 9),
        ] {
            for lies_below in [false, true] {
                let below = if lies_below { "older below" } else { "nothing below" };
                let kept = kept(versions, snapshots, visible, lies_below);
                writeln!(
                    table,
                    "{versions:<20} snapshots {snapshots:?} visible {visible} {below}: {kept}"
                )
                .expect("a string");
            }
        }
        insta::assert_snapshot!(table);
    }

    fn seen_at(versions: &[(SeqNo, bool)], reader: SeqNo) -> Option<SeqNo> {
        let newest = versions.iter().filter(|(seqno, _)| *seqno <= reader).max()?;
        (!newest.1).then_some(newest.0)
    }

    proptest! {
        #[test]
        fn every_reader_sees_what_it_saw(
            versions in prop::collection::btree_map(1..30u64, any::<bool>(), 0..12),
            snapshots in prop::collection::vec(1..30u64, 0..4),
            visible in 1..30u64,
            older in prop::option::of(any::<bool>()),
        ) {
            let snapshots: Vec<_> = snapshots.into_iter().filter(|s| *s <= visible).collect();
            let mut retainer = Retainer::new(snapshots.clone(), visible);
            // What lies in the levels below: an older version, or nothing.
            let below: Vec<_> = older.map(|tombstone| (0, tombstone)).into_iter().collect();
            let all: Vec<_> = versions.iter().map(|(seqno, x)| (*seqno, *x)).chain(below.clone()).collect();
            let mut kept = below;
            for (seqno, tombstone) in versions.iter().rev() {
                let kind = if *tombstone { ValueKind::Delete } else { ValueKind::Put };
                let entry = Entry { key: b"k", seqno: *seqno, kind, value: b"" };
                if retainer.keeps(entry, |_| older.is_some()) {
                    kept.push((*seqno, *tombstone));
                }
            }
            for reader in snapshots.into_iter().chain(visible..31) {
                prop_assert_eq!(seen_at(&kept, reader), seen_at(&all, reader), "at {}", reader);
            }
        }

        #[test]
        fn each_reader_costs_one_version(
            versions in prop::collection::btree_set(1..100u64, 0..50),
            snapshots in prop::collection::btree_set(1..100u64, 0..4),
        ) {
            let mut retainer = Retainer::new(snapshots.iter().copied().collect(), 100);
            let kept = versions.iter().rev().filter(|seqno| {
                let kind = ValueKind::Put;
                retainer.keeps(Entry { key: b"k", seqno: **seqno, kind, value: b"" }, |_| true)
            });
            prop_assert!(kept.count() <= snapshots.len() + 1);
        }
    }
}
