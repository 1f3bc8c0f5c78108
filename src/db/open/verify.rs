//! Checking what a read-only open reads, and all that it need not read: every block of every table.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use seawall_os::sync::enter_scope;
use seawall_os::vfs::Vfs;

use crate::base::error::{IoContext, Result};
use crate::base::file_name::FileName;
use crate::manifest::{Current, read_current, refuse_data};

use super::super::options::Options;
use super::super::scope;
use super::super::verify::{VerifyReport, needed_names};
use super::Opening;

/// Reads everything in `dir` that counts.
///
/// REQUIRES: a lock that keeps writers out, if there is a lock file at all.
pub(in super::super) fn verify(
    vfs: &Arc<dyn Vfs>,
    dir: &Path,
    options: &Options,
) -> Result<VerifyReport> {
    let _scope = enter_scope(scope::VERIFY);
    let names = vfs.list(dir).context("list", dir)?;
    let current_path = dir.join(FileName::Current.to_string());
    let Some(current) = read_current(&**vfs, &current_path)? else {
        // What an interrupted creation left holds nothing.
        refuse_data(&**vfs, dir, &names)?;
        return Ok(VerifyReport {
            orphans: files(&names, &BTreeSet::new()).0,
            ..Default::default()
        });
    };
    Opening::new(Arc::clone(vfs), dir, options.clone(), current.id, names).verify(&current)
}

impl Opening {
    fn verify(mut self, current: &Current) -> Result<VerifyReport> {
        let manifest = self.manifest(current)?;
        let state = manifest.state;
        let files = self.read_segments(&state)?;
        let chain = self.chain(&files, &state)?;
        let mut report = VerifyReport {
            log_segments: chain.segments.len(),
            log_frames: chain.segments.iter().map(|segment| segment.frames.len()).sum(),
            manifest_edits: manifest.edits.len(),
            ..VerifyReport::default()
        };
        let segments = chain.segments.iter().map(|segment| segment.log.number);
        let needed = needed_names(current.manifest, &state, segments);
        (report.orphans, report.set_aside) = self::files(&self.names, &needed);
        for (_, meta) in state.tables.iter() {
            self.tables.open(meta, self.tables.slots.take()?)?.table.verify()?;
            report.tables += 1;
            report.entries += meta.entry_count;
        }
        Ok(report)
    }
}

/// The files of the database that nothing names, and those that an open has set aside.
fn files(names: &[String], needed: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let ours = names.iter().filter_map(|name| Some((name, FileName::parse(name)?)));
    let others = ours.filter(|(name, parsed)| *parsed != FileName::Lock && !needed.contains(*name));
    let (aside, orphans): (Vec<_>, Vec<_>) =
        others.partition(|(_, parsed)| matches!(parsed, FileName::Damaged(_)));
    let names =
        |of: Vec<(&String, FileName)>| of.into_iter().map(|(name, _)| name.clone()).collect();
    (names(orphans), names(aside))
}
