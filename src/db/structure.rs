//! The structure of the tables as of the last edit, and which tables are being merged.

use std::collections::BTreeSet;
use std::sync::Arc;

use seawall_os::sync::Mutex;

use crate::base::file_name::FileNumber;
use crate::base::levels::{AsMeta, Levels};
use crate::tables::OpenTable;
use crate::tree::Plan;

/// The open tables of a version.
pub(super) type OpenLevels = Levels<Arc<OpenTable>>;

/// See the module.
#[derive(Debug)]
pub(super) struct Structure {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    levels: Arc<OpenLevels>,
    /// Tables that a compaction has taken.
    busy: BTreeSet<FileNumber>,
    running: Vec<Outcome>,
}

/// Where the outputs of a compaction that runs will be.
#[derive(Debug)]
struct Outcome {
    /// Names the compaction: no two have an input in common.
    input: FileNumber,
    level: usize,
    smallest: Box<[u8]>,
    largest: Box<[u8]>,
}

impl Outcome {
    fn of(plan: &Plan, levels: &OpenLevels) -> Option<Outcome> {
        let inputs = || plan.inputs().filter_map(|number| levels.find(number));
        Some(Outcome {
            input: plan.inputs().next()?,
            level: plan.level + 1,
            smallest: inputs().map(|table| table.meta().smallest.clone()).min()?,
            largest: inputs().map(|table| table.meta().largest.clone()).max()?,
        })
    }

    fn meets(&self, other: &Outcome) -> bool {
        self.level == other.level
            && self.smallest <= other.largest
            && other.smallest <= self.largest
    }
}

/// A compaction whose tables nobody else takes until they are let go.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) plan: Plan,
    /// What the plan was made from.
    pub(super) levels: Arc<OpenLevels>,
}

/// What an edit made of the levels.
pub(super) struct Changed {
    pub(super) levels: Arc<OpenLevels>,
    /// Tables that are in no level any more.
    pub(super) gone: Vec<Arc<OpenTable>>,
}

impl Structure {
    pub(super) fn new(levels: Arc<OpenLevels>) -> Structure {
        Structure {
            state: Mutex::new(State { levels, busy: BTreeSet::new(), running: Vec::new() }),
        }
    }

    /// The levels of now.
    pub(super) fn levels(&self) -> Arc<OpenLevels> {
        Arc::clone(&self.state.lock().levels)
    }

    /// Takes the tables of the plan that `pick` makes, if it makes one whose outputs keep clear of those
    /// of every other. Where a plan's inputs leave a gap, another table may pass through it meanwhile.
    pub(super) fn claim(
        &self,
        pick: impl FnOnce(&OpenLevels, &BTreeSet<FileNumber>) -> Option<Plan>,
    ) -> Option<Claim> {
        let mut state = self.state.lock();
        let plan = pick(&state.levels, &state.busy)?;
        let outcome = Outcome::of(&plan, &state.levels)?;
        if state.running.iter().any(|other| other.meets(&outcome)) {
            return None;
        }
        state.running.push(outcome);
        state.busy.extend(plan.inputs());
        Some(Claim { plan, levels: Arc::clone(&state.levels) })
    }

    /// Whether `pick` makes a plan now.
    pub(super) fn has_plan(
        &self,
        pick: impl FnOnce(&OpenLevels, &BTreeSet<FileNumber>) -> Option<Plan>,
    ) -> bool {
        let state = self.state.lock();
        pick(&state.levels, &state.busy).is_some()
    }

    /// Lets the tables of a plan go.
    pub(super) fn release(&self, plan: &Plan) {
        let mut state = self.state.lock();
        for number in plan.inputs() {
            state.busy.remove(&number);
            state.running.retain(|outcome| outcome.input != number);
        }
    }

    /// Takes over an edit that is durable. Called under the manifest's turn.
    ///
    /// Invariant: an edit changes the levels of now, never those that its job began with.
    pub(super) fn change(
        &self,
        removed: &[FileNumber],
        added: Vec<(usize, Arc<OpenTable>)>,
    ) -> Changed {
        let before = self.levels();
        let mut levels = (*before).clone();
        let mut gone: Vec<Arc<OpenTable>> =
            removed.iter().filter_map(|number| Some(levels.remove(*number)?.1)).collect();
        for (level, table) in added {
            // One that moves to another level stays.
            gone.retain(|other| other.meta().number != table.meta().number);
            levels.insert(level, table);
        }
        let levels = Arc::new(levels);
        // Dropped after the lock is: it may be the last to hold a table.
        let former = std::mem::replace(&mut self.state.lock().levels, Arc::clone(&levels));
        drop(former);
        Changed { levels, gone }
    }
}
