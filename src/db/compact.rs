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

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use seawall_os::sync::{Ordering, enter_scope, yield_point};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::FileNumber;
use crate::base::levels::AsMeta;
use crate::base::range::KeyRange;
use crate::manifest::Edit;
use crate::tables::OpenTable;
use crate::tree::{LevelLimits, Merge, MergeOptions, Plan, Retainer};
use crate::tree::{pick, pick_at_rest, pick_fewer, plan_in_place, plan_range};

use super::background::{CompactorWork, Stall};
use super::core::Core;
use super::events;
use super::outputs::{Failure, Outputs};
use super::scope;
use super::structure::{Claim, OpenLevels};

/// How often a compaction begins anew after a failure that left nothing in doubt.
const ATTEMPTS_MAX: u32 = 3;

/// A compactor that rests looks no more often: what it would merge may be in another's hands.
const REST_MIN: Duration = Duration::from_millis(1);

impl Core {
    /// A compactor's loop: whatever is due, until told to end, and at rest a little more.
    pub(super) fn run_compactor(&self) {
        let (mut seen, mut seqno_seen) = (0, 0);
        // Once writes have stopped nothing will ever be merged again.
        while self.health.check_writes().is_ok() {
            let may_rest = self.structure.has_plan(pick_at_rest);
            let rest = may_rest.then_some(self.options.idle_merge.max(REST_MIN));
            match self.signals.wait_for_structure(&mut seen, rest) {
                CompactorWork::Stop => return,
                CompactorWork::Due => self.compact_all(|| self.claim_due()),
                CompactorWork::Rest => {
                    let quiet = || self.last_seqno() == seqno_seen;
                    self.compact_all(|| quiet().then(|| self.claim_at_rest()).flatten());
                    seqno_seen = self.last_seqno();
                }
            }
        }
    }

    /// Compacts one claim after the other.
    fn compact_all(&self, claim: impl Fn() -> Option<Claim>) {
        while let Some(claim) = claim() {
            self.compact_with_retries(&claim);
            self.let_go(&claim);
            // Writes may have stopped a moment before the signals say so.
            if self.signals.is_ending() || self.health.check_writes().is_err() {
                break;
            }
        }
    }

    /// Takes the tables of what may be merged while nothing is due and nobody writes.
    fn claim_at_rest(&self) -> Option<Claim> {
        let full = self.tables.slots.is_full();
        self.structure
            .claim(|levels, busy| pick_at_rest(levels, busy).filter(|plan| !full || plan.is_move()))
    }

    /// Takes the tables of what is due. While tables are to be let go, something is due sooner.
    fn claim_due(&self) -> Option<Claim> {
        let slots_lack = self.signals.stall() == Some(Stall::OpenTables);
        // Without a slot nothing can be merged; one that comes free is a change of the structure.
        let full = self.tables.slots.is_full();
        let limits = self.level_limits();
        self.structure.claim(|levels, busy| {
            let fewer = || slots_lack.then(|| pick_fewer(levels, busy, &limits)).flatten();
            let plan = pick(levels, busy, &limits).or_else(fewer);
            plan.filter(|plan| !full || plan.is_move())
        })
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
        while let Err(Failure::Retry(error)) = self.compact(claim, true) {
            attempts += 1;
            // Nothing failed when there is no slot: one that comes free is a change of the structure.
            if self.signals.is_ending() || error.kind() == ErrorKind::TooManyTables {
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

    /// Carries out one plan. A table that may move is not written anew if nothing lies in its way.
    fn compact(&self, claim: &Claim, may_move: bool) -> std::result::Result<(), Failure> {
        let _scope = enter_scope(scope::COMPACT);
        self.health.check_writes().map_err(|_| Failure::Stopped)?;
        let output_level = claim.plan.level + 1;
        let mut outputs = self.outputs();
        let tables = if may_move && claim.plan.is_move() {
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
        let options =
            MergeOptions { table: self.table_options(), table_bytes: self.options.table_bytes };
        let slot = self.tables.slots.take()?;
        let mut merge = self.begin_merge(claim)?;
        let inputs = claim.plan.inputs().count();
        let mut next_slot = Some(slot);
        while let Some(slot) = next_slot.filter(|_| !merge.is_done()) {
            let number = outputs.draw()?;
            // Without a slot for another one, this output takes all that is left.
            next_slot = self.tables.slots.take_for_output(inputs, outputs.count() + 1);
            let table_bytes = if next_slot.is_some() { options.table_bytes } else { u64::MAX };
            let options = MergeOptions { table_bytes, ..options.clone() };
            let stopped = || self.signals.is_ending();
            match merge.write_next(&self.tables, number, &options, &stopped)? {
                Some(table) => outputs.push(table, slot),
                None => {
                    // Writes may have stopped meanwhile, and then that is the reason.
                    self.health.check()?;
                    return Err(Error::new(ErrorKind::Closed, "the database is being closed"));
                }
            }
        }
        assert!(merge.is_done(), "an output that takes all that is left ends the merge");
        Ok(())
    }

    fn begin_merge(&self, claim: &Claim) -> Result<Merge> {
        let (snapshots, visible) = self.snapshots.readers(&self.visible);
        let retainer = Retainer::new(snapshots, visible);
        Merge::begin(Arc::clone(&claim.levels), &claim.plan, retainer)
    }

    /// Writes the edit and puts the outputs in place of the inputs.
    fn install_compaction(
        &self,
        removed: &[FileNumber],
        added: Vec<(usize, Arc<OpenTable>)>,
    ) -> Result<()> {
        yield_point("compacted");
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
        events::compacted(removed.len(), edit.added.len(), bytes);
        self.install(&manifest, &edit, added, |_| {});
        self.roll_if_due(&mut manifest)
    }

    /// Merges all tables with keys in `range` down to the lowest level that has any.
    pub(super) fn compact_range(&self, range: &KeyRange) -> Result<()> {
        let flushed = match self.flush() {
            // Only merges let tables go, so what is in memory has to wait for them.
            Err(error) if error.kind() == ErrorKind::TooManyTables => false,
            flushed => flushed.map(|()| true)?,
        };
        self.compact_tables(range)?;
        if !flushed {
            self.flush()?;
            self.compact_tables(range)?;
        }
        Ok(())
    }

    fn compact_tables(&self, range: &KeyRange) -> Result<()> {
        let inside = |table: &Arc<OpenTable>| {
            !range.starts_after(&table.meta().largest) && !range.ends_before(&table.meta().smallest)
        };
        let levels = self.structure.levels();
        let occupied = levels.iter().filter(|(_, table)| inside(table)).map(|(level, _)| level);
        let Some(deepest) = occupied.max() else { return Ok(()) };
        let deepest = deepest.max(1);
        let lowest = numbers(&levels, deepest, inside);
        drop(levels);
        for level in 0..deepest {
            // Whatever comes to the lowest level is written anew: nothing stays in it that may go.
            self.compact_level(level, level + 1 < deepest, inside)?;
        }
        // Some were there before and nothing from above was merged with them.
        lowest.into_iter().try_for_each(|number| self.compact_in_place(deepest, number))
    }

    /// Merges the tables of one level that are `inside` into the one below, those there are now.
    fn compact_level(
        &self,
        level: usize,
        may_move: bool,
        inside: impl Fn(&Arc<OpenTable>) -> bool,
    ) -> Result<()> {
        let numbers = numbers(&self.structure.levels(), level, inside);
        let wanted = |table: &Arc<OpenTable>| numbers.contains(&table.meta().number);
        let plan = |levels: &OpenLevels, busy: &BTreeSet<FileNumber>| {
            plan_range(levels, busy, level, wanted)
        };
        while let Some(claim) = self.claim_when_free(level, wanted, plan)? {
            self.carry_out(&claim, may_move)?;
        }
        Ok(())
    }

    /// Writes a table anew on its level, if that leaves anything out.
    fn compact_in_place(&self, level: usize, number: FileNumber) -> Result<()> {
        let _scope = enter_scope(scope::COMPACT);
        let wanted = |table: &Arc<OpenTable>| table.meta().number == number;
        let plan = |levels: &OpenLevels, busy: &BTreeSet<FileNumber>| {
            plan_in_place(levels, busy, level, number)
        };
        let Some(claim) = self.claim_when_free(level, wanted, plan)? else { return Ok(()) };
        let stopped = || self.signals.is_ending();
        match self.begin_merge(&claim).and_then(|merge| merge.leaves_out(&stopped)) {
            Ok(true) => self.carry_out(&claim, false),
            other => {
                self.let_go(&claim);
                other.and_then(|_| self.health.check())
            }
        }
    }

    /// Takes the tables of `plan` once no other compaction uses them. `None` when there is no plan and
    /// none of the tables `wanted` is in the level any more.
    fn claim_when_free(
        &self,
        level: usize,
        wanted: impl Fn(&Arc<OpenTable>) -> bool,
        plan: impl Fn(&OpenLevels, &BTreeSet<FileNumber>) -> Option<Plan>,
    ) -> Result<Option<Claim>> {
        loop {
            self.health.check()?;
            let seen = self.signals.structure_generation();
            if let Some(claim) = self.structure.claim(&plan) {
                return Ok(Some(claim));
            }
            if !self.structure.levels().level(level).iter().any(&wanted) {
                return Ok(None);
            }
            self.signals.wait_for_other_structure(seen);
        }
    }

    /// Carries out a plan for a caller who is told of a failure, and lets its tables go.
    fn carry_out(&self, claim: &Claim, may_move: bool) -> Result<()> {
        let compacted = self.compact(claim, may_move);
        self.let_go(claim);
        match compacted {
            Ok(()) => Ok(()),
            Err(Failure::Retry(error)) => Err(error),
            Err(Failure::Stopped) => self.health.check(),
        }
    }
}

/// The tables of a level that are `inside`.
fn numbers(
    levels: &OpenLevels,
    level: usize,
    inside: impl Fn(&Arc<OpenTable>) -> bool,
) -> Vec<FileNumber> {
    let tables = levels.level(level).iter().filter(|table| inside(table));
    tables.map(|table| table.meta().number).collect()
}
