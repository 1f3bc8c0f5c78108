//! Moving through versions of keys in their order, whatever holds them.
//!
//! ```text
//! memtable ─┐
//! table    ─┼─ MergeCursor ── Visible ── the user's range
//! table    ─┘   all versions    the newest visible version of each key, no tombstones
//! ```

mod merge;
#[cfg(test)]
pub(crate) mod vec_cursor;
mod visible;
mod visible_cursor;

use crate::base::error::Result;
use crate::base::key::{Entry, SeqNo};

pub(crate) use merge::MergeCursor;
pub(crate) use visible::{Source, Visible};
pub(crate) use visible_cursor::VisibleCursor;

/// A place among entries that are ordered by [`crate::base::key::compare`]: by key, then newest
/// first.
///
/// A cursor starts nowhere; a `seek` of any kind gives it a place, which is an entry or, when there
/// is none that way, nowhere again. After an error it is nowhere.
///
/// REQUIRES, of `next` and `prev`: that the cursor is at an entry. So neither an error nor an end
/// can be stepped over by accident.
pub(crate) trait Cursor: Send {
    /// Moves to the first entry.
    fn seek_first(&mut self) -> Result<()>;

    /// Moves to the last entry.
    fn seek_last(&mut self) -> Result<()>;

    /// Moves to the first entry at or after `(key, seqno)`: the newest version of `key` that is no
    /// newer than `seqno`, or else the newest of the next key.
    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()>;

    /// Moves to the last entry at or before `(key, seqno)`: the oldest version of `key` that is no
    /// older than `seqno`, or else the oldest of the key before.
    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()>;

    /// Moves to the entry after this one.
    fn next(&mut self) -> Result<()>;

    /// Moves to the entry before this one.
    fn prev(&mut self) -> Result<()>;

    /// The entry at this place, if it is one.
    fn entry(&self) -> Option<Entry<'_>>;
}

impl<C: Cursor + ?Sized> Cursor for Box<C> {
    fn seek_first(&mut self) -> Result<()> {
        (**self).seek_first()
    }

    fn seek_last(&mut self) -> Result<()> {
        (**self).seek_last()
    }

    fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        (**self).seek(key, seqno)
    }

    fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        (**self).seek_back(key, seqno)
    }

    fn next(&mut self) -> Result<()> {
        (**self).next()
    }

    fn prev(&mut self) -> Result<()> {
        (**self).prev()
    }

    fn entry(&self) -> Option<Entry<'_>> {
        (**self).entry()
    }
}
