//! The newest writes, in memory and in order, until a flush turns them into a table.
//!
//! A memtable only grows. Writers insert concurrently, each under the seqno that its commit was
//! given, not necessarily in the order of the seqnos; readers ask for what was visible at a seqno.
//! Whoever freezes one stops inserting first.

mod cursor;
mod key;
mod ordered;

use std::fmt::Debug;
use std::sync::Arc;

use crate::base::key::{SeqNo, ValueKind};
use crate::base::slice::Slice;
use crate::iter::Cursor;

pub(crate) use ordered::OrderedMemtable;

/// What every kind of memtable does.
pub(crate) trait Memtable: Send + Sync + Debug {
    /// Adds a version of `key`. For a deletion `value` is empty.
    ///
    /// # Panics
    /// If that key has a version with that seqno already.
    fn insert(&self, seqno: SeqNo, kind: ValueKind, key: &[u8], value: &[u8]);

    /// The newest version of `key` with a seqno of at most `visible`.
    fn get(&self, key: &[u8], visible: SeqNo) -> Option<(SeqNo, ValueKind, Slice)>;

    /// About how much memory it takes, in bytes.
    fn approximate_bytes(&self) -> usize;

    /// How many versions it holds.
    fn entry_count(&self) -> usize;

    /// A cursor over all versions. What is inserted later may or may not be met, versions of one
    /// commit independently of each other.
    fn cursor(self: Arc<Self>) -> Box<dyn Cursor>;
}
