//! Range reads, from both ends.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::key::SeqNo;
use crate::base::levels::LEVELS_MAX;
use crate::base::range::KeyRange;
use crate::base::slice::Slice;
use crate::iter::{Cursor, MergeCursor, Source, Visible, VisibleCursor};
use crate::sstable::Caching;

use super::level_cursor::LevelCursor;
use super::super_version::SuperVersion;

/// What a scan walks through: every layer of one pinned super-version.
#[derive(Debug)]
struct Layers(Arc<SuperVersion>);

impl Source for Layers {
    type Cursor = MergeCursor<Box<dyn Cursor>>;

    fn cursor(&self) -> Self::Cursor {
        let view = &self.0;
        let mut cursors = vec![Arc::clone(&view.active).cursor()];
        cursors.extend(view.frozen.iter().map(|frozen| Arc::clone(&frozen.memtable).cursor()));
        for table in view.tables.level(0) {
            cursors.push(Box::new(table.table.cursor(Caching::Fill)));
        }
        for level in (1..LEVELS_MAX).filter(|level| !view.tables.level(*level).is_empty()) {
            let tables = Arc::clone(&view.tables);
            cursors.push(Box::new(LevelCursor::new(tables, level, Caching::Fill)));
        }
        MergeCursor::new(cursors)
    }
}

/// A cursor over what is visible of a super-version.
pub(crate) type TreeCursor = VisibleCursor<MergeCursor<Box<dyn Cursor>>>;

/// A cursor over what `visible` admits of `view`.
pub(crate) fn cursor(view: Arc<SuperVersion>, visible: SeqNo) -> TreeCursor {
    VisibleCursor::new(Layers(view).cursor(), visible)
}

/// The live entries of a range at one seqno, handed out from both ends.
pub(crate) struct Scan {
    entries: Visible<Layers>,
    failed: Option<Error>,
}

impl Scan {
    /// Reads `range` of `view` at `visible`; `failed` is told in place of any entry.
    pub(crate) fn new(
        view: Arc<SuperVersion>,
        visible: SeqNo,
        range: KeyRange,
        failed: Option<Error>,
    ) -> Scan {
        Scan { entries: Visible::new(Layers(view), visible, range), failed }
    }

    /// The seqno at which is read.
    pub(crate) fn seqno(&self) -> SeqNo {
        self.entries.seqno()
    }
}

impl Iterator for Scan {
    type Item = Result<(Slice, Slice)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.failed.take() {
            Some(error) => Some(Err(error)),
            None => self.entries.next(),
        }
    }
}

impl DoubleEndedIterator for Scan {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self.failed.take() {
            Some(error) => Some(Err(error)),
            None => self.entries.next_back(),
        }
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("seqno", &self.seqno()).finish_non_exhaustive()
    }
}
