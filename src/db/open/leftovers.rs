//! What is in the directory and counts for nothing, judged before anything is changed.

use std::path::Path;

use seawall_os::vfs::{OpenMode, Vfs};

use crate::base::error::{IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::log::{LogFile, find_ids, read_whole, scan};
use crate::manifest::{State, evidence};
use crate::sstable::Wholeness;
use crate::wal::Chain;

use super::Opening;
use super::relog::live_segments;

/// Names of files that nothing names.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Nothing can ever have named these: they may go at once, which frees room on a full disk.
    unnameable: Vec<String>,
    /// These go once the open is certain to succeed: an edit in limbo may have named them.
    obsolete: Vec<String>,
    /// No crash explains these: another database's, or numbered above the counter.
    unexplained: Vec<String>,
}

enum Verdict {
    Counts,
    Unnameable,
    Obsolete,
    Unexplained,
}

impl Leftovers {
    /// Removes what nothing can ever have named. A failure costs room, nothing else.
    pub(super) fn make_room(&self, vfs: &dyn Vfs, dir: &Path) {
        for name in &self.unnameable {
            let _ = vfs.remove(&dir.join(name));
        }
    }

    pub(super) fn into_parts(self) -> (Vec<String>, Vec<String>, Vec<String>) {
        (self.unnameable, self.obsolete, self.unexplained)
    }
}

impl Opening {
    /// Judges every file of ours in the directory. Changes nothing.
    pub(super) fn leftovers(&self, state: &State, chain: &Chain<'_>) -> Result<Leftovers> {
        let mut leftovers = Leftovers::default();
        for name in &self.names {
            let Some(parsed) = FileName::parse(name) else { continue };
            let verdict = match self.verdict(&parsed, state, chain) {
                // After a failed sync a name can vanish although it was listed: it needs no verdict.
                Err(error) if error.io_kind() == Some(std::io::ErrorKind::NotFound) => continue,
                verdict => verdict?,
            };
            let list = match verdict {
                Verdict::Counts => continue,
                Verdict::Unnameable => &mut leftovers.unnameable,
                Verdict::Obsolete => &mut leftovers.obsolete,
                Verdict::Unexplained => &mut leftovers.unexplained,
            };
            list.push(name.clone());
        }
        Ok(leftovers)
    }

    fn verdict(&self, name: &FileName, state: &State, chain: &Chain<'_>) -> Result<Verdict> {
        Ok(match *name {
            FileName::Lock | FileName::Current | FileName::Damaged(_) => Verdict::Counts,
            FileName::CurrentTemp => Verdict::Unnameable,
            FileName::Manifest(number) => self.judge_manifest(number)?,
            FileName::Table(number) => self.judge_table(number, state)?,
            FileName::Wal(number) if number < state.min_wal => self.judge_old_segment(number)?,
            FileName::Wal(number) => {
                if live_segments(chain).iter().any(|segment| segment.number == number) {
                    Verdict::Counts
                } else {
                    self.judge_segment(number, state)?
                }
            }
        })
    }

    /// The manifest just read is obsolete after the roll; so is one that a crash kept from becoming
    /// the current one.
    fn judge_manifest(&self, number: FileNumber) -> Result<Verdict> {
        let name = FileName::Manifest(number);
        if self.report.manifest == name.to_string() {
            return Ok(Verdict::Obsolete);
        }
        let log = self.log_file(name, number);
        let bytes = self.read(&log.path)?;
        let foreign = holds_data_of_another(&bytes, &log);
        Ok(if foreign { Verdict::Unexplained } else { Verdict::Obsolete })
    }

    fn judge_table(&self, number: FileNumber, state: &State) -> Result<Verdict> {
        if state.tables.find(number).is_some() {
            return Ok(Verdict::Counts);
        }
        Ok(match self.tables.looks_whole(number)? {
            Wholeness::NotWhole => Verdict::Unnameable,
            Wholeness::Whole if number < state.counter => Verdict::Obsolete,
            // The end of an older table of ours, in freed blocks that a torn one was given.
            Wholeness::Foreign { id, .. } if id == self.id => Verdict::Unnameable,
            Wholeness::Whole | Wholeness::Foreign { .. } => Verdict::Unexplained,
        })
    }

    /// A segment that the manifest needs no more.
    fn judge_old_segment(&self, number: FileNumber) -> Result<Verdict> {
        let log = self.log_file(FileName::Wal(number), number);
        let foreign = holds_data_of_another(&self.read(&log.path)?, &log);
        Ok(if foreign { Verdict::Unexplained } else { Verdict::Obsolete })
    }

    /// A segment off the chain. That nothing vouches for it was checked with the chain.
    fn judge_segment(&self, number: FileNumber, state: &State) -> Result<Verdict> {
        let log = self.log_file(FileName::Wal(number), number);
        let bytes = self.read(&log.path)?;
        if scan(&bytes, &log).frames().next().is_some() {
            let explained = number < state.counter;
            return Ok(if explained { Verdict::Obsolete } else { Verdict::Unexplained });
        }
        Ok(if holds_data_of_another(&bytes, &log) {
            Verdict::Unexplained
        } else if find_ids(&bytes, &log).is_empty() {
            Verdict::Unnameable
        } else {
            Verdict::Obsolete
        })
    }

    fn log_file(&self, name: FileName, number: FileNumber) -> LogFile {
        LogFile { id: self.id, number, path: self.dir.join(name.to_string()) }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let file = self.vfs.open(path, OpenMode::ReadOnly).context("open", path)?;
        read_whole(&*file, path)
    }
}

/// Whether a log file or manifest was written by another database and holds or names anything. If it
/// does not, an interrupted creation explains it.
fn holds_data_of_another(bytes: &[u8], log: &LogFile) -> bool {
    let others = find_ids(bytes, log).into_iter().filter(|id| *id != log.id);
    others.into_iter().any(|id| evidence(bytes, &LogFile { id, ..log.clone() }).is_some())
}
