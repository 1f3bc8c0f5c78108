//! Checking everything on disk that counts.

use std::collections::BTreeSet;

use seawall_os::vfs::OpenMode;

use crate::base::error::{Error, IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::levels::AsMeta;
use crate::log::{LogFile, read_whole, scan};
use crate::manifest::{ManifestWriter, State, read_current, read_manifest};

use super::core::{Core, LiveSegment};

/// What [`crate::Db::verify`] or [`crate::ReadOnlyDb::verify`] read, when nothing was damaged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Tables read in full.
    pub tables: usize,
    /// Their entries.
    pub entries: u64,
    /// Log segments read in full.
    pub log_segments: usize,
    /// Valid frames in them.
    pub log_frames: usize,
    /// Edits in the manifest.
    pub manifest_edits: usize,
    /// Files of the database that nothing names and that are not being made: left by a failure, and
    /// removed by the next open.
    pub orphans: Vec<String>,
    /// Files that an open has set aside.
    pub set_aside: Vec<String>,
}

/// Said of a file that the manifest or the log names.
const MISSING: &str = "the file is missing";

impl Core {
    pub(super) fn verify(&self) -> Result<VerifyReport> {
        let verified = self.verify_all();
        // After a failure the disk need not be what it was last made: the next open judges it.
        self.health.check_writes()?;
        verified
    }

    fn verify_all(&self) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        // While the manifest's turn is held, no table or old segment comes to count or ceases to.
        let manifest = self.manifest.take();
        // The order matters: what is listed was being made before, or counts afterwards.
        let names = self.vfs.list(&self.dir).context("list", &self.dir)?;
        let in_progress = self.numbers.in_progress();
        let segments = self.log_status.lock().segments.clone();
        let numbers = segments.iter().map(|segment| segment.number);
        let needed = needed_names(manifest.number(), manifest.state(), numbers);
        self.verify_files(&names, &in_progress, &needed, &mut report)?;
        self.verify_manifest(&manifest, &mut report)?;
        for segment in &segments {
            self.health.check_open()?;
            self.verify_segment(segment, &mut report)?;
        }
        let view = self.view.load();
        drop(manifest);
        for (_, table) in view.tables.iter() {
            // A close waits for this.
            self.health.check_open()?;
            table.table.verify()?;
            report.tables += 1;
            report.entries += table.meta().entry_count;
        }
        Ok(report)
    }

    fn verify_files(
        &self,
        names: &[String],
        in_progress: &[FileNumber],
        needed: &BTreeSet<String>,
        report: &mut VerifyReport,
    ) -> Result<()> {
        for name in needed.iter().filter(|name| !names.contains(name)) {
            // A segment may have been added since the listing.
            let path = self.dir.join(name);
            self.vfs.size(&path).context("find", &path).map_err(|error| {
                let missing = error.io_kind() == Some(std::io::ErrorKind::NotFound);
                if missing { Error::missing(&path, MISSING) } else { error }
            })?;
        }
        for name in names.iter().filter(|name| !needed.contains(*name)) {
            let Some(parsed) = FileName::parse(name) else { continue };
            let number = parsed.number();
            if parsed == FileName::Lock {
                continue;
            }
            if let FileName::Damaged(_) = parsed {
                report.set_aside.push(name.clone());
            } else if !number.is_some_and(|number| in_progress.contains(&number))
                // One that was discarded may have gone since the listing.
                && self.vfs.size(&self.dir.join(name)).is_ok()
            {
                report.orphans.push(name.clone());
            }
        }
        Ok(())
    }

    fn verify_manifest(&self, manifest: &ManifestWriter, report: &mut VerifyReport) -> Result<()> {
        let current_path = self.path(&FileName::Current);
        let current = read_current(&*self.vfs, &current_path)?;
        let current = current.ok_or_else(|| Error::missing(&current_path, MISSING))?;
        let path = self.path(&FileName::Manifest(manifest.number()));
        if current.id != self.id || current.manifest != manifest.number() {
            return Err(Error::corruption(&current_path, 0, "CURRENT names another manifest"));
        }
        let file = self.vfs.open(&path, OpenMode::ReadOnly).context("open", &path)?;
        let bytes = read_whole(&*file, &path)?;
        let log = LogFile { id: self.id, number: manifest.number(), path };
        let content = read_manifest(&bytes, &log, &current)?;
        if content.state != *manifest.state() {
            return Err(Error::corruption(&log.path, content.end, "the last edits are missing"));
        }
        report.manifest_edits = content.edits.len();
        Ok(())
    }

    /// Up to its end a segment must hold valid frames. What stands beyond was never part of the log.
    fn verify_segment(&self, segment: &LiveSegment, report: &mut VerifyReport) -> Result<()> {
        let path = self.path(&FileName::Wal(segment.number));
        let file = self.vfs.open(&path, OpenMode::ReadOnly).context("open", &path)?;
        let bytes = read_whole(&*file, &path)?;
        let log = LogFile { id: self.id, number: segment.number, path };
        let scan = scan(&bytes, &log);
        if scan.end < segment.end {
            let what = format!("no valid frame here, and {} bytes were written", segment.end);
            return Err(Error::corruption(&log.path, scan.end, what));
        }
        report.log_segments += 1;
        report.log_frames += scan.prefix.len();
        Ok(())
    }
}

/// The files that count: `CURRENT`, the manifest of that number, the tables of its state, the segments.
pub(super) fn needed_names(
    manifest: FileNumber,
    state: &State,
    segments: impl Iterator<Item = FileNumber>,
) -> BTreeSet<String> {
    let tables = state.tables.iter().map(|(_, table)| FileName::Table(table.number));
    [FileName::Current, FileName::Manifest(manifest)]
        .into_iter()
        .chain(tables)
        .chain(segments.map(FileName::Wal))
        .map(|name| name.to_string())
        .collect()
}
