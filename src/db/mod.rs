//! The database: opening with recovery, group commit, background work, closing.

mod background;
mod builder;
mod close;
mod commit;
mod compact;
mod core;
mod cursor;
mod events;
mod explain;
mod flush;
mod gc;
mod handle;
mod health;
mod keeper;
mod numbers;
mod open;
mod options;
mod outputs;
mod read_counters;
mod read_only;
mod report;
mod scope;
mod snapshots;
mod stats;
mod structure;
mod verify;

pub use background::Stall;
pub use builder::Builder;
pub use cursor::Cursor;
pub use handle::{Db, Range};
pub use options::{Durability, Options};
pub use read_only::ReadOnlyDb;
pub use report::{Cut, RecoveryReport};
pub use snapshots::Snapshot;
pub use stats::{LevelStats, Stats};
pub use verify::VerifyReport;
