//! One keyspace: what a read looks through, and how a memtable becomes a table.
//!
//! ```text
//! SuperVersion:  active memtable | frozen ones, newest first | tables, from level 0 down
//! ```
//!
//! A read pins one super-version and then loads the visible seqno. The other order would let a
//! flush or a compaction take away a version between the two that the read needs.

mod compaction;
mod explain;
mod flush;
mod get;
mod level_cursor;
mod scan;
mod super_version;

pub(crate) use compaction::{LevelLimits, Merge, MergeOptions, Plan, Retainer};
pub(crate) use compaction::{pick, pick_at_rest, pick_fewer, plan_in_place, plan_range};
pub(crate) use explain::explain;
pub use explain::{KeyVersion, Layer, LayerRead, ReadPath};
pub(crate) use flush::{WrittenTable, write_table};
pub(crate) use get::get_with;
pub(crate) use scan::{Scan, TreeCursor, cursor};
pub(crate) use super_version::{Frozen, SuperVersion};
