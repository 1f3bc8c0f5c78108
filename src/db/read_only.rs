//! Reading a database without changing anything of it.

use std::fmt;
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::sync::enter_scope;
use seawall_os::vfs::{FileLock, Vfs};

use crate::base::error::Result;
use crate::base::key::SeqNo;
use crate::base::range::KeyRange;
use crate::base::slice::Slice;
use crate::sstable::ReadCounts;
use crate::tree::{ReadPath, SuperVersion, explain, get_with};

use super::cursor::Cursor;
use super::handle::{Db, Range};
use super::open::verify;
use super::options::Options;
use super::report::RecoveryReport;
use super::scope;
use super::verify::VerifyReport;

/// A database opened for reading alone, as it is on disk at that moment. Clones are cheap and share it.
///
/// Nothing on disk is created, changed, made durable or removed: what only the page cache holds after
/// `kill -9` is shown, and a later power loss may still take it back. As long as it is open nobody can
/// open the database for writing, and any number may read.
///
/// ```
/// # use std::sync::Arc;
/// # use seawall::os::vfs::MemFs;
/// # fn main() -> seawall::Result<()> {
/// # let vfs = Arc::new(MemFs::new());
/// # let builder = seawall::Db::builder("/db").vfs(vfs);
/// let db = builder.open()?;
/// db.put("key", "value")?;
/// db.close()?;
/// let db = builder.open_read_only()?;
/// assert_eq!(db.get("key")?.as_deref(), Some(&b"value"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReadOnlyDb {
    inner: Arc<Inner>,
}

/// What a read-only open found.
pub(super) struct Inner {
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) dir: PathBuf,
    pub(super) options: Options,
    pub(super) view: Arc<SuperVersion>,
    pub(super) report: RecoveryReport,
    /// Held until the last clone is dropped. A directory without a lock file, such as a copy, has none.
    pub(super) _lock: Option<Arc<dyn FileLock>>,
}

impl Db {
    /// Opens the database in the directory `path` for reading alone.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is none; [`crate::ErrorKind::Locked`] while it is open
    /// for writing, here or in another process; damage and failed reads as [`Db::open`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<ReadOnlyDb> {
        Db::builder(path).open_read_only()
    }
}

impl ReadOnlyDb {
    pub(super) fn new(inner: Inner) -> ReadOnlyDb {
        ReadOnlyDb { inner: Arc::new(inner) }
    }

    /// The value of `key`, or `None` when there is none.
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Slice>> {
        self.get_with(key, |value| Slice::from(value))
    }

    /// As [`ReadOnlyDb::get`], but lends the value to `read` and returns what that does.
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let _scope = enter_scope(scope::READ);
        let mut counts = ReadCounts::default();
        get_with(&self.inner.view, key.as_ref(), self.last_seqno(), &mut counts, read)
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.get_with(key, |_| ())?.is_some())
    }

    /// How `key` is read, as [`Db::explain`].
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn explain(&self, key: impl AsRef<[u8]>) -> Result<ReadPath> {
        let _scope = enter_scope(scope::READ);
        explain(&self.inner.view, key.as_ref(), self.last_seqno())
    }

    /// The keys in `bounds` with their values, in order of the keys' bytes, from both ends.
    pub fn range<K: AsRef<[u8]>>(&self, bounds: impl RangeBounds<K>) -> Range {
        self.scan(KeyRange::of(bounds))
    }

    /// The keys that begin with `prefix`, as [`ReadOnlyDb::range`].
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Range {
        self.scan(KeyRange::prefix(prefix.as_ref()))
    }

    /// All keys, as [`ReadOnlyDb::range`].
    pub fn iter(&self) -> Range {
        self.scan(KeyRange::all())
    }

    fn scan(&self, range: KeyRange) -> Range {
        let _scope = enter_scope(scope::READ);
        Range::new(Arc::clone(&self.inner.view), self.last_seqno(), range, None)
    }

    /// A cursor over all keys, as [`Db::cursor`].
    ///
    /// # Errors
    /// None today; it is a `Result` as that of [`Db::cursor`] is.
    pub fn cursor(&self) -> Result<Cursor> {
        let _scope = enter_scope(scope::READ);
        Cursor::new(Arc::clone(&self.inner.view), self.last_seqno(), None)
    }

    /// Reads everything on disk that counts and checks it, as [`Db::verify`] does, and names the files
    /// that the next open for writing will remove.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corruption`] for the first damage found, with file and offset
    /// ([`crate::Builder::find_damage`] lists all); failed reads.
    pub fn verify(&self) -> Result<VerifyReport> {
        let Inner { vfs, dir, options, .. } = &*self.inner;
        verify(vfs, dir, options)
    }

    /// The seqno of the last operation it sees.
    pub fn last_seqno(&self) -> SeqNo {
        self.inner.report.last_seqno
    }

    /// What opening found. It did nothing about it.
    pub fn recovery_report(&self) -> &RecoveryReport {
        &self.inner.report
    }
}

impl fmt::Debug for ReadOnlyDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOnlyDb").field("path", &self.inner.dir).finish_non_exhaustive()
    }
}
