//! The database: opening with recovery, group commit, background work, closing.

mod background;
mod close;
mod commit;
mod core;
mod flush;
mod gc;
mod handle;
mod health;
mod keeper;
mod numbers;
mod open;
mod options;
mod report;
mod scope;
mod stats;
mod verify;

pub use handle::{Builder, Db, Range};
pub use options::{Durability, Options};
pub use report::{Cut, RecoveryReport};
pub use stats::Stats;
pub use verify::VerifyReport;
