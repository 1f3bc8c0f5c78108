//! The handle users hold, and the range iterator.

use std::fmt;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;

use seawall_os::sync::{Mutex, Ordering, enter_scope, panicking, yield_point};

use crate::base::error::{Error, Result};
use crate::base::key::SeqNo;
use crate::base::range::KeyRange;
use crate::base::slice::Slice;
use crate::batch::WriteBatch;
use crate::tree::{Scan, SuperVersion};

use super::background::Tasks;
use super::builder::Builder;
use super::core::Core;
use super::cursor::Cursor;
use super::events;
use super::options::Durability;
use super::report::RecoveryReport;
use super::scope;
use super::snapshots::Snapshot;
use super::stats::Stats;
use super::verify::VerifyReport;

/// An open database. Clones are cheap and share it; it may be used from many threads at once.
///
/// When the last clone is dropped without [`Db::close`], the database is left as `kill -9` would
/// leave it: what was committed with [`Durability::Sync`] is durable, and the next open recovers.
#[derive(Clone)]
pub struct Db {
    user: Arc<User>,
}

/// Shared by the clones of one handle; background tasks hold only the core.
struct User {
    core: Arc<Core>,
    tasks: Mutex<Option<Tasks>>,
}

impl Drop for User {
    /// The one destructor that waits: it ends the background tasks. It does no I/O.
    fn drop(&mut self) {
        let Some(tasks) = self.tasks.lock().take() else { return };
        self.core.health.close();
        if panicking() {
            self.core.signals.stop();
        } else {
            tasks.stop(&self.core);
            // A snapshot may be left, and it does not keep the database open.
            self.core.release_lock();
        }
    }
}

impl Db {
    /// Opens the database in the directory `path`, creating it if it is missing, with all directories above it
    /// that are, and recovers what a crash left.
    ///
    /// What the returned handle shows is durable, including commits that were not when the process
    /// that made them ended.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Locked`] when it is open already, here or in another process;
    /// [`crate::ErrorKind::Corruption`] with file and offset when what is on disk is not what was
    /// written; [`crate::ErrorKind::FormatTooNew`]; errors of the file system. Nothing is lost by a
    /// failed open.
    pub fn open(path: impl AsRef<Path>) -> Result<Db> {
        Db::builder(path).open()
    }

    /// Prepares to open the database in the directory `path`.
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        Builder::new(path.as_ref())
    }

    /// A handle on what an open has recovered; its background tasks begin.
    pub(super) fn start(core: Core) -> Db {
        let core = Arc::new(core);
        let tasks = Mutex::new(Some(Tasks::start(&core)));
        Db { user: Arc::new(User { core, tasks }) }
    }

    /// Gives `key` the value `value` and returns the seqno of the operation.
    ///
    /// Durable on return as [`crate::Options::durability`] says.
    ///
    /// # Errors
    /// As [`Db::commit_with`].
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.put_with(key, value, self.core().options.durability)
    }

    /// As [`Db::put`], with a durability of its own.
    ///
    /// # Errors
    /// As [`Db::commit_with`].
    pub fn put_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        durability: Durability,
    ) -> Result<SeqNo> {
        let mut batch = WriteBatch::new();
        batch.put(key, value);
        self.core().commit(batch, durability)
    }

    /// Removes `key`, whether it exists or not, and returns the seqno of the operation.
    ///
    /// # Errors
    /// As [`Db::commit_with`].
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.delete_with(key, self.core().options.durability)
    }

    /// As [`Db::delete`], with a durability of its own.
    ///
    /// # Errors
    /// As [`Db::commit_with`].
    pub fn delete_with(&self, key: impl AsRef<[u8]>, durability: Durability) -> Result<SeqNo> {
        let mut batch = WriteBatch::new();
        batch.delete(key);
        self.core().commit(batch, durability)
    }

    /// An empty batch, to be filled and committed as one.
    pub fn batch(&self) -> WriteBatch {
        WriteBatch::new()
    }

    /// Commits all of `batch`, or nothing of it, and returns the seqno of its last operation.
    ///
    /// # Errors
    /// As [`Db::commit_with`].
    pub fn commit(&self, batch: WriteBatch) -> Result<SeqNo> {
        self.core().commit(batch, self.core().options.durability)
    }

    /// As [`Db::commit`], with a durability of its own. A batch of n operations takes n consecutive
    /// seqnos; an empty one writes nothing and returns the last seqno there is.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TooLarge`] when a limit is exceeded; [`crate::ErrorKind::DiskFull`];
    /// [`crate::ErrorKind::TooManyTables`], and then nothing of the batch was written;
    /// [`crate::ErrorKind::Stopped`] after an earlier failure; [`crate::ErrorKind::Closed`] after
    /// [`Db::close`]; other errors of the file system. After an error the batch is not visible, and may or
    /// may not be there after the next open.
    pub fn commit_with(&self, batch: WriteBatch, durability: Durability) -> Result<SeqNo> {
        self.core().commit(batch, durability)
    }

    /// The value of `key`, or `None` when there is none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corruption`] when a table is damaged; errors of the file system.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        Ok(self.get_with_seqno(key)?.0)
    }

    /// As [`Db::get`], but lends the value to `read` in place of copying it, and returns what that does.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use seawall::os::vfs::MemFs;
    /// # fn main() -> seawall::Result<()> {
    /// # let db = seawall::Db::builder("/db").vfs(Arc::new(MemFs::new())).open()?;
    /// db.put("key", "value")?;
    /// db.flush()?;
    /// assert_eq!(db.get_with("key", |value| value.len())?, Some(5));
    /// assert_eq!(db.get_with("none", |value| value.len())?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let _scope = enter_scope(scope::READ);
        self.core().health.check_open()?;
        let (view, visible) = self.core().pin();
        self.core().get_with(&view, key.as_ref(), visible, read)
    }

    /// As [`Db::get`], with the seqno at which was read: the value is that of the last operation on
    /// the key up to there.
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn get_with_seqno(&self, key: impl AsRef<[u8]>) -> Result<(Option<Slice>, SeqNo)> {
        let _scope = enter_scope(scope::READ);
        self.core().health.check_open()?;
        let (view, visible) = self.core().pin();
        Ok((self.core().get(&view, key.as_ref(), visible)?, visible))
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.get_with(key, |_| ())?.is_some())
    }

    /// The keys in `bounds` with their values, in order of the keys' bytes, from both ends.
    ///
    /// All of it is as of one moment: the call's.
    pub fn range<K: AsRef<[u8]>>(&self, bounds: impl RangeBounds<K>) -> Range {
        self.scan(KeyRange::of(bounds))
    }

    /// The keys that begin with `prefix`, as [`Db::range`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.scan(KeyRange::prefix(prefix.as_ref()))
    }

    /// All keys, as [`Db::range`].
    pub fn iter(&self) -> Range {
        self.scan(KeyRange::all())
    }

    fn scan(&self, range: KeyRange) -> Range {
        let _scope = enter_scope(scope::READ);
        let (view, seqno) = self.core().pin();
        let closed = self.core().health.check_open().err();
        Range::new(view, seqno, range, closed)
    }

    /// A cursor over all keys as of now, which lends what it is at.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`].
    pub fn cursor(&self) -> Result<Cursor> {
        let _scope = enter_scope(scope::READ);
        let (view, seqno) = self.core().pin();
        Cursor::new(view, seqno, self.core().health.check_open().err())
    }

    /// Holds on to the database as it is now, for reads that must agree with one another.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.core())
    }

    /// Writes everything committed so far to tables and waits until that is durable.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Stopped`] after a failure; [`crate::ErrorKind::TooManyTables`].
    pub fn flush(&self) -> Result<()> {
        let _job = self.core().begin_job()?;
        self.core().health.check_writes()?;
        self.core().flush()
    }

    /// Merges all tables with keys in `bounds` into one another, after a flush: deleted and overwritten
    /// values that no snapshot needs give their room back.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Stopped`] after a failure; [`crate::ErrorKind::TooManyTables`]; a failed read
    /// or a damaged table, and then the tables are as they were.
    pub fn compact_range<K: AsRef<[u8]>>(&self, bounds: impl RangeBounds<K>) -> Result<()> {
        let _job = self.core().begin_job()?;
        self.core().health.check_writes()?;
        self.core().compact_range(&KeyRange::of(bounds))
    }

    /// Reads everything on disk that counts and checks it: checksums, order of keys, and that there
    /// are exactly the files that should be.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corruption`] for the first damage found, with file and offset
    /// ([`crate::Builder::find_damage`] lists all); [`crate::ErrorKind::Stopped`] after an earlier failure: only the next open can judge then.
    pub fn verify(&self) -> Result<VerifyReport> {
        let _scope = enter_scope(scope::VERIFY);
        let _job = self.core().begin_job()?;
        self.core().verify()
    }

    /// Sizes and counts of this moment.
    pub fn stats(&self) -> Stats {
        self.core().stats()
    }

    /// What opening found and did.
    pub fn recovery_report(&self) -> &RecoveryReport {
        &self.core().report
    }

    /// The seqno of the last visible operation.
    pub fn last_seqno(&self) -> SeqNo {
        self.core().last_seqno()
    }

    /// Ends the database cleanly for all clones of the handle: everything committed is durable, and
    /// the next open need not guess where the log ends. A flush, `compact_range` or `verify` of another
    /// thread is cut short and waited for.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`] when it was closed already; [`crate::ErrorKind::Stopped`] after an
    /// earlier failure, and then nothing was written. It is closed in each case.
    pub fn close(self) -> Result<()> {
        self.core().health.check_open()?;
        if !self.core().begin_close() {
            return self.core().health.check_open();
        }
        // Of a failure here the close itself knows: writes have stopped then.
        let _ = self.core().shorten_log_now();
        let tasks = self.user.tasks.lock().take();
        if let Some(tasks) = tasks {
            tasks.stop(self.core());
        }
        // Whoever opens next may remove and make files, so nobody may be at any of ours.
        self.core().signals.wait_for_jobs();
        self.core().remove_released();
        let closed = self.core().close_log();
        self.core().release_lock();
        events::closed(self.core().dir.display(), self.core().last_seqno());
        closed
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.user.core
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("path", &self.core().dir).finish_non_exhaustive()
    }
}

impl Core {
    /// Pins what a read looks through, and then the seqno it reads at. The order matters: the other
    /// way round, what the read needs could be gone from the view.
    ///
    /// If the view changes in between, commits up to the seqno may be in a memtable that the pinned
    /// view lacks; then both are taken anew.
    pub(super) fn pin(&self) -> (Arc<SuperVersion>, SeqNo) {
        loop {
            let view = self.view.load();
            yield_point("between pin and seqno");
            let visible = self.visible.load(Ordering::Acquire);
            if self.view.with(|now| std::ptr::eq(now, &*view)) {
                return (view, visible);
            }
        }
    }

    pub(super) fn flush(&self) -> Result<()> {
        let target = self.freeze_memtable()?;
        while !self.signals.wait_until_flushed(target) {
            self.wait_for_room()?;
            self.health.check()?;
            // Too many frozen memtables stood before the active one: now it may be its turn.
            self.freeze_memtable()?;
        }
        Ok(())
    }
}

/// The keys of a range with their values, as of one moment, from both ends.
///
/// After an error it ends. It keeps what it reads open: a [`Db::close`] while it is held fails no read of it.
#[derive(Debug)]
pub struct Range {
    scan: Scan,
}

impl Range {
    pub(super) fn new(
        view: Arc<SuperVersion>,
        seqno: SeqNo,
        range: KeyRange,
        failed: Option<Error>,
    ) -> Range {
        Range { scan: Scan::new(view, seqno, range, failed) }
    }

    /// The seqno at which the range is read: it holds the operations up to there.
    pub fn seqno(&self) -> SeqNo {
        self.scan.seqno()
    }
}

impl Iterator for Range {
    type Item = Result<(Slice, Slice)>;

    fn next(&mut self) -> Option<Self::Item> {
        let _scope = enter_scope(scope::READ);
        self.scan.next()
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<Self::Item> {
        let _scope = enter_scope(scope::READ);
        self.scan.next_back()
    }
}
