//! Snapshots, and who still reads at an older seqno.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;

use seawall_os::sync::{AtomicU64, Mutex, Ordering, enter_scope, panicking, yield_point};

use crate::base::error::Result;
use crate::base::key::SeqNo;
use crate::base::range::KeyRange;
use crate::base::slice::Slice;

use super::core::Core;
use super::cursor::Cursor;
use super::handle::Range;
use super::scope;

/// The database as of one moment, for as long as it is held.
///
/// Holding one keeps the versions it sees from being merged away, so it costs room, not time. It does
/// not keep the database open: once the last handle is dropped or closed, reads fail.
pub struct Snapshot {
    core: Arc<Core>,
    seqno: SeqNo,
}

impl Snapshot {
    /// Registers a snapshot of what is visible now.
    pub(super) fn new(core: &Arc<Core>) -> Snapshot {
        let seqno = core.snapshots.register(&core.visible);
        yield_point("snapshot registered");
        Snapshot { core: Arc::clone(core), seqno }
    }

    /// The seqno of the last operation it sees.
    pub fn seqno(&self) -> SeqNo {
        self.seqno
    }

    /// The value that `key` had, as [`crate::Db::get`].
    ///
    /// # Errors
    /// As [`crate::Db::get`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        let _scope = enter_scope(scope::READ);
        self.core.health.check_open()?;
        // Pinned after the snapshot was registered: what it sees is still there.
        let view = self.core.view.load();
        self.core.get(&view, key.as_ref(), self.seqno)
    }

    /// The keys in `bounds` with the values they had, as [`crate::Db::range`].
    pub fn range<K: AsRef<[u8]>>(&self, bounds: impl RangeBounds<K>) -> Range {
        self.scan(KeyRange::of(bounds))
    }

    /// The keys that begin with `prefix`, as [`Snapshot::range`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.scan(KeyRange::prefix(prefix.as_ref()))
    }

    /// All keys, as [`Snapshot::range`].
    pub fn iter(&self) -> Range {
        self.scan(KeyRange::all())
    }

    /// A cursor over all keys, as [`crate::Db::cursor`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`].
    pub fn cursor(&self) -> Result<Cursor> {
        let closed = self.core.health.check_open().err();
        Cursor::new(self.core.view.load(), self.seqno, closed)
    }

    fn scan(&self, range: KeyRange) -> Range {
        let _scope = enter_scope(scope::READ);
        let closed = self.core.health.check_open().err();
        Range::new(self.core.view.load(), self.seqno, range, closed)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !panicking() {
            self.core.snapshots.release(self.seqno);
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("seqno", &self.seqno).finish_non_exhaustive()
    }
}

/// The seqnos of all live snapshots, with how many there are of each.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    live: Mutex<BTreeMap<SeqNo, usize>>,
}

impl Snapshots {
    /// Registers a snapshot of what is visible now and returns its seqno.
    ///
    /// One step: no compaction can take the list of snapshots in between.
    pub(super) fn register(&self, visible: &AtomicU64) -> SeqNo {
        let mut live = self.live.lock();
        let seqno = visible.load(Ordering::Acquire);
        *live.entry(seqno).or_default() += 1;
        seqno
    }

    /// A snapshot at `seqno` is no longer needed.
    pub(super) fn release(&self, seqno: SeqNo) {
        let mut live = self.live.lock();
        if let Some(count) = live.get_mut(&seqno) {
            *count -= 1;
            if *count == 0 {
                live.remove(&seqno);
            }
        }
    }

    /// The seqnos of all snapshots and the visible one, taken in one step: whoever registers later
    /// reads at the visible one or beyond.
    pub(super) fn readers(&self, visible: &AtomicU64) -> (Vec<SeqNo>, SeqNo) {
        let live = self.live.lock();
        let visible = visible.load(Ordering::Acquire);
        (live.keys().copied().collect(), visible)
    }

    /// How many snapshots are live.
    pub(super) fn count(&self) -> usize {
        self.live.lock().values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_the_live_snapshots_and_now() {
        let (snapshots, visible) = (Snapshots::default(), AtomicU64::new(3));
        assert_eq!(snapshots.register(&visible), 3);
        assert_eq!(snapshots.register(&visible), 3);
        visible.store(7, Ordering::Release);
        assert_eq!(snapshots.register(&visible), 7);
        visible.store(9, Ordering::Release);
        assert_eq!((snapshots.readers(&visible), snapshots.count()), ((vec![3, 7], 9), 3));
        snapshots.release(3);
        snapshots.release(7);
        assert_eq!(snapshots.readers(&visible), (vec![3], 9));
        snapshots.release(3);
        assert_eq!((snapshots.readers(&visible), snapshots.count()), ((vec![], 9), 0));
    }
}
