//! A cursor for users: it seeks, goes both ways and lends what is there.

use std::sync::Arc;

use seawall_os::sync::enter_scope;

use crate::base::error::{Error, Result};
use crate::base::key::SeqNo;
use crate::tree::{SuperVersion, TreeCursor, cursor};

use super::scope;

/// A place among the keys, as of one moment. It begins nowhere; a seek gives it a place.
///
/// Key and value are lent until it moves, so a walk copies nothing. [`crate::Db::range`] is the more
/// convenient way, and going backward the faster one.
///
/// ```
/// # use std::sync::Arc;
/// # use seawall::os::vfs::MemFs;
/// # fn main() -> seawall::Result<()> {
/// # let db = seawall::Db::builder("/db").vfs(Arc::new(MemFs::new())).open()?;
/// db.put("b", "1")?;
/// db.put("d", "2")?;
/// let mut cursor = db.cursor()?;
/// cursor.seek("c")?;
/// assert_eq!(cursor.entry(), Some((&b"d"[..], &b"2"[..])));
/// cursor.prev()?;
/// assert_eq!(cursor.key(), Some(&b"b"[..]));
/// # Ok(())
/// # }
/// ```
pub struct Cursor {
    inner: TreeCursor,
    /// Keeps the tables counted as open; dropped after what reads them.
    _view: Arc<SuperVersion>,
}

impl Cursor {
    pub(super) fn new(
        view: Arc<SuperVersion>,
        seqno: SeqNo,
        failed: Option<Error>,
    ) -> Result<Cursor> {
        match failed {
            Some(error) => Err(error),
            None => Ok(Cursor { inner: cursor(Arc::clone(&view), seqno), _view: view }),
        }
    }

    /// The seqno at which it reads: it sees the operations up to there.
    pub fn seqno(&self) -> SeqNo {
        self.inner.seqno()
    }

    /// Moves to the first key at or after `key`; nowhere when there is none.
    ///
    /// # Errors
    /// As [`crate::Db::get`]; the cursor is nowhere then. So it is with every move.
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<()> {
        let _scope = enter_scope(scope::READ);
        self.inner.seek(key.as_ref())
    }

    /// Moves to the last key at or before `key`; nowhere when there is none.
    ///
    /// # Errors
    /// As [`Cursor::seek`].
    pub fn seek_back(&mut self, key: impl AsRef<[u8]>) -> Result<()> {
        let _scope = enter_scope(scope::READ);
        self.inner.seek_back(key.as_ref())
    }

    /// Moves to the first key.
    ///
    /// # Errors
    /// As [`Cursor::seek`].
    pub fn seek_first(&mut self) -> Result<()> {
        let _scope = enter_scope(scope::READ);
        self.inner.seek_first()
    }

    /// Moves to the last key.
    ///
    /// # Errors
    /// As [`Cursor::seek`].
    pub fn seek_last(&mut self) -> Result<()> {
        let _scope = enter_scope(scope::READ);
        self.inner.seek_last()
    }

    /// Moves to the next key; nowhere after the last one. A cursor that is nowhere stays there.
    ///
    /// # Errors
    /// As [`Cursor::seek`].
    #[allow(clippy::should_implement_trait, reason = "a cursor lends, an iterator cannot")]
    pub fn next(&mut self) -> Result<()> {
        let _scope = enter_scope(scope::READ);
        self.inner.next()
    }

    /// Moves to the key before; nowhere before the first one. A cursor that is nowhere stays there.
    ///
    /// # Errors
    /// As [`Cursor::seek`].
    pub fn prev(&mut self) -> Result<()> {
        let _scope = enter_scope(scope::READ);
        self.inner.prev()
    }

    /// The key and its value, or `None` when the cursor is nowhere.
    pub fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.inner.entry()
    }

    /// The key, or `None` when the cursor is nowhere.
    pub fn key(&self) -> Option<&[u8]> {
        Some(self.entry()?.0)
    }

    /// The value, or `None` when the cursor is nowhere.
    pub fn value(&self) -> Option<&[u8]> {
        Some(self.entry()?.1)
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor").field("seqno", &self.seqno()).field("key", &self.key()).finish()
    }
}
