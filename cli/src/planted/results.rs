//! What was measured, and where it is kept between runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::measure::Sweep;
use super::patch::Patch;
use super::tree::{Digest, SCRATCH};

/// One planted bug and what it took to find it; scripts depend on the names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Found in every range that was swept.
    pub(crate) killed: bool,
    /// The most seeds that any range took.
    pub(crate) seeds: u64,
    /// The most CPU time that any range took.
    pub(crate) cpu_seconds: f64,
    /// Whether every failure blames the mistake in the words of the patch's header, if it has any.
    pub(crate) blame_right: Option<bool>,
    pub(crate) what: String,
    /// The property expected to catch it.
    pub(crate) oracle: Option<String>,
    /// Why it breaks nothing alone, if it is meant to stay hidden.
    pub(crate) redundant: Option<String>,
    pub(crate) ranges: Vec<Sweep>,
}

/// What a row means for the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Found,
    Missed,
    /// Said to break nothing, and nothing was found.
    Redundant,
    /// Said to break nothing, and found.
    NotRedundant,
    /// A sweep ended in a way that none should.
    Broken,
}

impl Row {
    pub(crate) fn new(patch: &Patch, ranges: Vec<Sweep>) -> Row {
        Row {
            id: patch.id.clone(),
            killed: !ranges.is_empty() && ranges.iter().all(|sweep| sweep.killed),
            seeds: ranges.iter().map(|sweep| sweep.seeds).max().unwrap_or(0),
            cpu_seconds: ranges.iter().map(|sweep| sweep.cpu_seconds).fold(0.0, f64::max),
            blame_right: blame_right(patch, &ranges),
            what: patch.what.clone(),
            oracle: patch.oracle.clone(),
            redundant: patch.redundant.clone(),
            ranges,
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let found_once = self.ranges.iter().any(|sweep| sweep.killed);
        if self.ranges.iter().any(|sweep| sweep.broken.is_some()) {
            Outcome::Broken
        } else if self.redundant.is_some() {
            if found_once { Outcome::NotRedundant } else { Outcome::Redundant }
        } else if self.killed {
            Outcome::Found
        } else {
            Outcome::Missed
        }
    }
}

/// Whether what was found is blamed on the mistake, in every range that found it.
fn blame_right(patch: &Patch, ranges: &[Sweep]) -> Option<bool> {
    let blamed = |sweep: &Sweep| patch.is_blamed_by(sweep.blame.as_deref().unwrap_or_default());
    let found = ranges.iter().filter(|sweep| sweep.killed);
    found.map(blamed).reduce(|one, other| Some(one? && other?))?
}

/// Finished rows by what they were measured on: the tree, the patch, the ranges.
#[derive(Debug)]
pub(crate) struct Results {
    file: PathBuf,
    rows: BTreeMap<String, Row>,
}

impl Results {
    /// Reads what earlier runs left; a file of another form counts as none.
    pub(crate) fn load(root: &Path) -> Results {
        let file = root.join(SCRATCH).join("results.json");
        let rows = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Results { file, rows: rows.unwrap_or_default() }
    }

    /// What a row is measured on.
    pub(crate) fn key(tree: u64, patch: &Patch, ranges: usize) -> String {
        format!("{tree:016x}-{:016x}-{ranges}", Digest::of(patch.text.as_bytes()))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Row> {
        self.rows.get(key)
    }

    /// Keeps a row, on disk before this returns, for an interrupt may be next.
    pub(crate) fn keep(&mut self, key: String, row: Row) -> anyhow::Result<()> {
        self.rows.insert(key, row);
        let text = serde_json::to_vec_pretty(&self.rows)?;
        let written = self.file.with_extension("tmp");
        fs::write(&written, text)
            .and_then(|()| fs::rename(&written, &self.file))
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(killed: bool) -> Sweep {
        Sweep {
            from: 0,
            to: 2000,
            killed,
            seeds: 7,
            cpu_seconds: 0.5,
            property: killed.then(|| "O1".to_owned()),
            shrunk_operations: None,
            blame: killed.then(|| "no sync_dir lies between".to_owned()),
            tape: None,
            broken: None,
        }
    }

    fn patch(redundant: Option<&str>) -> Patch {
        Patch {
            id: "11-early-ack".to_owned(),
            path: "11-early-ack.patch".into(),
            what: "acknowledges before the sync".to_owned(),
            oracle: None,
            blame: None,
            redundant: redundant.map(str::to_owned),
            fast: true,
            caught_by: Vec::new(),
            text: "x".to_owned(),
        }
    }

    #[test]
    fn a_bug_counts_as_found_only_if_every_range_finds_it() {
        let outcome = |a, b| Row::new(&patch(None), vec![sweep(a), sweep(b)]).outcome();
        assert_eq!(outcome(true, true), Outcome::Found);
        assert_eq!(outcome(true, false), Outcome::Missed);
        let redundant = |a| Row::new(&patch(Some("proof")), vec![sweep(a), sweep(false)]).outcome();
        assert_eq!(redundant(false), Outcome::Redundant);
        assert_eq!(redundant(true), Outcome::NotRedundant);
    }

    #[test]
    fn blame_is_right_only_if_every_range_that_found_it_says_so() {
        let right = |blame: &str, ranges| {
            let patch = Patch { blame: Some(blame.to_owned()), ..patch(None) };
            Row::new(&patch, ranges).blame_right
        };
        assert_eq!(right("sync_dir", vec![sweep(true), sweep(false)]), Some(true));
        assert_eq!(right("sync_data", vec![sweep(true)]), Some(false));
        assert_eq!(right("sync_dir", vec![sweep(false)]), None);
        let other = Sweep { blame: Some("no crash needed".to_owned()), ..sweep(true) };
        assert_eq!(right("sync_dir", vec![sweep(true), other]), Some(false));
        assert_eq!(Row::new(&patch(None), vec![sweep(true)]).blame_right, None);
    }

    #[test]
    fn kept_rows_are_found_again_by_the_same_tree_and_patch_only() {
        let scratch = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(scratch.path().join(SCRATCH)).expect("a directory");
        let row = Row::new(&patch(None), vec![sweep(true)]);
        let key = Results::key(1, &patch(None), 1);
        Results::load(scratch.path()).keep(key.clone(), row.clone()).expect("kept");
        let again = Results::load(scratch.path());
        assert_eq!(again.get(&key), Some(&row));
        assert_eq!(again.get(&Results::key(2, &patch(None), 1)), None);
    }
}
