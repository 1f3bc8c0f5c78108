//! Leveled compaction: which tables are merged, and which versions stay.
//!
//! ```text
//! picker   a version of the levels -> a plan, or none is due     pure
//! retain   the versions of a key, who may read -> those to keep  pure
//! merge    the tables of a plan -> new tables, written to their ends
//! ```

mod merge;
mod picker;
mod retain;

pub(crate) use merge::{Merge, MergeOptions};
pub(crate) use picker::{
    LevelLimits, Plan, pick, pick_at_rest, pick_fewer, plan_in_place, plan_range,
};
pub(crate) use retain::Retainer;
