//! One keyspace: what a read looks through, and how a memtable becomes a table.
//!
//! ```text
//! SuperVersion:  active memtable | frozen ones, newest first | tables, newest first
//! ```
//!
//! A read pins one super-version and then loads the visible seqno. The other order would let a
//! flush or a compaction take away a version between the two that the read needs.

mod flush;
mod get;
mod scan;
mod super_version;

pub(crate) use flush::{WrittenTable, write_table};
pub(crate) use get::get;
pub(crate) use scan::Scan;
pub(crate) use super_version::{Frozen, SuperVersion};
