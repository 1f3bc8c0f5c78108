//! The compactor: merges tables down the levels.
//!
//! ```text
//! claim the tables ▶ merge into new ones ▶ sync them ▶ sync their names ▶ append the edit, synced
//!                  ▶ install ▶ let the tables go ▶ remove the old ones when nobody reads them
//! ```
//!
//! Durability: the outputs and their names are durable before the edit names them, and the inputs
//! stay until it is. The log needs no sync: what the tables hold was synced there before they were
//! made.

use std::sync::Arc;

use seawall_os::sync::{Ordering, enter_scope};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::FileNumber;
use crate::base::levels::AsMeta;
use crate::base::range::KeyRange;
use crate::manifest::Edit;
use crate::tables::OpenTable;
use crate::tree::{LevelLimits, Merge, MergeOptions, Retainer, pick, plan_range};

use super::core::Core;
use super::outputs::{Failure, Outputs};
use super::scope;
use super::structure::Claim;

/// How often a compaction begins anew after a failure that left nothing in doubt.
const ATTEMPTS_MAX: u32 = 3;

impl Core {
    /// A compactor's loop: whatever is due, until told to end.
    pub(super) fn run_compactor(&self) {
        let mut seen = 0;
        while self.signals.wait_for_structure(&mut seen) {
            let limits = self.level_limits();
            while let Some(claim) = self.structure.claim(|levels, busy| pick(levels, busy, &limits))
            {
                self.compact_with_retries(&claim);
                self.let_go(&claim);
                if self.signals.is_ending() {
                    break;
                }
            }
        }
    }

    fn level_limits(&self) -> LevelLimits {
        LevelLimits {
            levels: self.options.levels,
            first_tables: self.options.level0_tables,
            base_bytes: self.options.level1_bytes,
            multiplier: self.options.level_multiplier,
        }
    }

    /// Compacts, or stops writes: the compactor then waits to be told to end.
    fn compact_with_retries(&self, claim: &Claim) {
        let mut attempts = 0;
        while let Err(Failure::Retry(error)) = self.compact(claim) {
            attempts += 1;
            if self.signals.is_ending() {
                return;
            }
            if attempts == ATTEMPTS_MAX {
                return self.stop(&error);
            }
        }
    }

    fn let_go(&self, claim: &Claim) {
        self.structure.release(&claim.plan);
        self.signals.structure_changed();
    }

    /// Carries out one plan.
    fn compact(&self, claim: &Claim) -> std::result::Result<(), Failure> {
        let _scope = enter_scope(scope::COMPACT);
        self.health.check_writes().map_err(|_| Failure::Stopped)?;
        let output_level = claim.plan.level + 1;
        let mut outputs = self.outputs();
        let tables = if claim.plan.is_move() {
            let moved = claim.levels.find(claim.plan.upper[0]);
            moved.map(Arc::clone).into_iter().collect()
        } else {
            self.merge(claim, &mut outputs).map_err(|error| outputs.abandon(error))?;
            outputs.make_durable()?
        };
        let added = tables.into_iter().map(|table| (output_level, table)).collect();
        let removed: Vec<FileNumber> = claim.plan.inputs().collect();
        self.install_compaction(&removed, added).map_err(|_| Failure::Stopped)
    }

    /// Writes the tables that replace those of the claim.
    fn merge(&self, claim: &Claim, outputs: &mut Outputs<'_>) -> Result<()> {
        let (snapshots, visible) = self.snapshots.readers(&self.visible);
        let retainer = Retainer::new(snapshots, visible);
        let options =
            MergeOptions { table: self.table_options(), table_bytes: self.options.table_bytes };
        let mut merge = Merge::begin(Arc::clone(&claim.levels), &claim.plan, retainer)?;
        while !merge.is_done() {
            let number = outputs.draw()?;
            let stopped = || self.signals.is_ending();
            match merge.write_next(&self.tables, number, &options, &stopped)? {
                Some(table) => outputs.push(table),
                None => return Err(Error::new(ErrorKind::Closed, "the database is being closed")),
            }
        }
        Ok(())
    }

    /// Writes the edit and puts the outputs in place of the inputs.
    fn install_compaction(
        &self,
        removed: &[FileNumber],
        added: Vec<(usize, Arc<OpenTable>)>,
    ) -> Result<()> {
        let mut manifest = self.manifest.take();
        let edit = Edit {
            removed: removed.to_vec(),
            added: added.iter().map(|(level, table)| (*level, table.meta().clone())).collect(),
            ..Edit::after(manifest.state())
        };
        self.append_edit(&mut manifest, &edit)?;
        let written = edit.added.iter().filter(|(_, table)| !removed.contains(&table.number));
        let bytes = written.map(|(_, table)| table.size_bytes).sum();
        self.compacted_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.install(&manifest, &edit, added, |_| {});
        self.roll_if_due(&mut manifest)
    }

    /// Merges all tables with keys in `range` down to the lowest level that has any.
    pub(super) fn compact_range(&self, range: &KeyRange) -> Result<()> {
        self.flush()?;
        let inside = |table: &Arc<OpenTable>| {
            !range.starts_after(&table.meta().largest) && !range.ends_before(&table.meta().smallest)
        };
        let levels = self.structure.levels();
        let occupied = levels.iter().filter(|(_, table)| inside(table)).map(|(level, _)| level);
        let Some(deepest) = occupied.max() else { return Ok(()) };
        drop(levels);
        for level in 0..deepest.clamp(1, self.options.levels - 1) {
            self.compact_level(level, inside)?;
        }
        Ok(())
    }

    /// Merges the tables of one level that are `inside` into the one below, those there are now.
    fn compact_level(&self, level: usize, inside: impl Fn(&Arc<OpenTable>) -> bool) -> Result<()> {
        let levels = self.structure.levels();
        let numbers: Vec<FileNumber> = levels
            .level(level)
            .iter()
            .filter(|table| inside(table))
            .map(|table| table.meta().number)
            .collect();
        drop(levels);
        let wanted = |table: &Arc<OpenTable>| numbers.contains(&table.meta().number);
        loop {
            self.health.check()?;
            let seen = self.signals.structure_generation();
            let claim =
                self.structure.claim(|levels, busy| plan_range(levels, busy, level, wanted));
            if let Some(claim) = claim {
                let compacted = self.compact(&claim);
                self.let_go(&claim);
                match compacted {
                    Ok(()) => {}
                    Err(Failure::Retry(error)) => return Err(error),
                    Err(Failure::Stopped) => return self.health.check(),
                }
            } else if self.structure.levels().level(level).iter().any(wanted) {
                // In use by another compaction.
                self.signals.wait_for_other_structure(seen);
            } else {
                return Ok(());
            }
        }
    }
}
