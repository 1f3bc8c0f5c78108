//! Range reads, from both ends.

use std::ops::Bound;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::key::{SEQNO_MAX, SeqNo, ValueKind};
use crate::base::slice::Slice;
use crate::iter::Cursor;

use super::super_version::SuperVersion;

/// The bounds of a range of keys.
#[derive(Clone, Debug)]
pub(crate) struct ScanBounds {
    pub(crate) start: Bound<Vec<u8>>,
    pub(crate) end: Bound<Vec<u8>>,
}

impl ScanBounds {
    /// All keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> ScanBounds {
        // The first key beyond: the prefix with its last byte that is not 255 raised by one.
        let end = match prefix.iter().rposition(|byte| *byte != u8::MAX) {
            Some(at) => {
                let mut end = prefix[..=at].to_vec();
                end[at] += 1;
                Bound::Excluded(end)
            }
            None => Bound::Unbounded,
        };
        ScanBounds { start: Bound::Included(prefix.to_vec()), end }
    }
}

/// The live entries of a range at one seqno, handed out from both ends.
pub(crate) struct Scan {
    entries: std::collections::btree_map::IntoIter<Vec<u8>, (SeqNo, Option<Slice>)>,
    failed: Option<Error>,
}

impl Scan {
    /// Reads `bounds` of `view` at `visible`; `failed` is told first, in place of any entry.
    pub(crate) fn new(
        view: Arc<SuperVersion>,
        visible: SeqNo,
        bounds: ScanBounds,
        failed: Option<Error>,
    ) -> Scan {
        let mut newest = std::collections::BTreeMap::new();
        let failed = failed.or_else(|| {
            cursors(&view)
                .into_iter()
                .find_map(|cursor| collect(cursor, visible, &bounds, &mut newest).err())
        });
        Scan { entries: newest.into_iter(), failed }
    }

    /// The next entry from the front.
    pub(crate) fn next_entry(&mut self) -> Result<Option<(Slice, Slice)>> {
        if let Some(error) = self.failed.take() {
            self.entries = Default::default();
            return Err(error);
        }
        Ok(self.entries.by_ref().find_map(live))
    }

    /// The next entry from the back.
    pub(crate) fn next_back_entry(&mut self) -> Result<Option<(Slice, Slice)>> {
        if let Some(error) = self.failed.take() {
            self.entries = Default::default();
            return Err(error);
        }
        Ok(self.entries.by_ref().rev().find_map(live))
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").finish_non_exhaustive()
    }
}

fn live((key, (_, value)): (Vec<u8>, (SeqNo, Option<Slice>))) -> Option<(Slice, Slice)> {
    value.map(|value| (Slice::from(key), value))
}

fn cursors(view: &SuperVersion) -> Vec<Box<dyn Cursor>> {
    let mut cursors = vec![Arc::clone(&view.active).cursor()];
    cursors.extend(view.frozen.iter().map(|frozen| Arc::clone(&frozen.memtable).cursor()));
    for table in &view.tables {
        cursors.push(Box::new(table.table.cursor()));
    }
    cursors
}

fn collect(
    mut cursor: Box<dyn Cursor>,
    visible: SeqNo,
    bounds: &ScanBounds,
    newest: &mut std::collections::BTreeMap<Vec<u8>, (SeqNo, Option<Slice>)>,
) -> Result<()> {
    match &bounds.start {
        Bound::Unbounded => cursor.seek_first()?,
        Bound::Included(key) | Bound::Excluded(key) => cursor.seek(key, SEQNO_MAX)?,
    }
    while let Some(entry) = cursor.entry() {
        let past = match &bounds.end {
            Bound::Unbounded => false,
            Bound::Included(end) => entry.key > end.as_slice(),
            Bound::Excluded(end) => entry.key >= end.as_slice(),
        };
        if past {
            break;
        }
        let before = matches!(&bounds.start, Bound::Excluded(key) if entry.key == key.as_slice());
        let known = newest.get(entry.key).is_some_and(|(seqno, _)| *seqno >= entry.seqno);
        if entry.seqno <= visible && !before && !known {
            let value = (entry.kind == ValueKind::Put).then(|| Slice::from(entry.value));
            newest.insert(entry.key.to_vec(), (entry.seqno, value));
        }
        cursor.next()?;
    }
    Ok(())
}
