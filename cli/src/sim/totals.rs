//! What a ledger has come to, after a run that used it.

use std::fmt;
use std::path::PathBuf;

use seawall_sim::numbers::grouped;
use serde::{Deserialize, Serialize};

/// What a block that does not give its line again is said to violate.
pub(crate) const LEDGER: &str = "ledger";

/// A run's part in its ledger, and all that the ledger holds. Scripts depend on the names.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) file: PathBuf,
    /// Blocks of which this run has appended the line.
    pub(crate) blocks_written: u64,
    /// Blocks that were wanted and had their line.
    pub(crate) blocks_skipped: u64,
    /// Blocks that this run has compared with their line.
    pub(crate) blocks_rechecked: u64,
    /// Of all commits.
    pub(crate) lines: u64,
    /// Recovered states checked, of all lines.
    pub(crate) states: u64,
    /// Recovered states checked, of the lines of this build's commit.
    pub(crate) states_of_commit: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ledger {}   blocks written {}, skipped {}, rechecked {}   lines {}\n  \
             states of all lines {}, of this commit {}",
            self.file.display(),
            grouped(self.blocks_written),
            grouped(self.blocks_skipped),
            grouped(self.blocks_rechecked),
            grouped(self.lines),
            grouped(self.states),
            grouped(self.states_of_commit),
        )
    }
}
