//! Step `segments`: reading the log, and holding it against the manifest.

use std::io;

use seawall_os::vfs::OpenMode;

use crate::base::error::{Error, IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::log::{LogFile, read_whole};
use crate::manifest::State;
use crate::wal::{Chain, SegmentFile, judge};

use super::super::report::Cut;
use super::Opening;

impl Opening {
    /// Reads all segments the manifest may still need.
    pub(super) fn read_segments(&self, state: &State) -> Result<Vec<SegmentFile>> {
        let mut files = Vec::new();
        for name in &self.names {
            match FileName::parse(name) {
                Some(FileName::Wal(number)) if number >= state.min_wal => {
                    match self.read_segment(number) {
                        // After a failed sync a name can vanish although it was listed. If the
                        // segment counts, the chain misses it.
                        Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => {}
                        file => files.push(file?),
                    }
                }
                _ => {}
            }
        }
        Ok(files)
    }

    fn read_segment(&self, number: FileNumber) -> Result<SegmentFile> {
        let path = self.dir.join(FileName::Wal(number).to_string());
        let file = self.vfs.open(&path, OpenMode::ReadOnly).context("open", &path)?;
        let bytes = read_whole(&*file, &path)?;
        Ok(SegmentFile { log: LogFile { id: self.id, number, path }, bytes })
    }

    /// The chain that the segments make, which agrees with the manifest.
    pub(super) fn chain<'a>(&self, files: &'a [SegmentFile], state: &State) -> Result<Chain<'a>> {
        let oldest = self.dir.join(FileName::Wal(state.min_wal).to_string());
        let judged = judge(files, state.min_wal, state.log_synced, &oldest);
        let checked = judged.and_then(|chain| {
            self.check_against_manifest(&chain, state)?;
            Ok(chain)
        });
        checked.map_err(|error| error.held_against(&self.report.manifest))
    }

    /// Log and manifest each know how far the other must at least reach.
    fn check_against_manifest(&self, chain: &Chain<'_>, state: &State) -> Result<()> {
        let manifest = self.dir.join(&self.report.manifest);
        if chain.synced_edit > state.edit_number {
            let what = format!(
                "the log knows edit {} to be durable, the manifest ends with edit {}",
                chain.synced_edit, state.edit_number
            );
            return Err(Error::corruption(&manifest, 0, what));
        }
        let (Some(oldest), Some(head)) = (chain.segments.first(), chain.segments.last()) else {
            return Ok(());
        };
        if oldest.link.previous_last_seqno > state.flushed_seqno {
            let what = format!(
                "the log begins after seqno {}, the tables end with {}",
                oldest.link.previous_last_seqno, state.flushed_seqno
            );
            return Err(Error::corruption(&oldest.log.path, 0, what));
        }
        if chain.last_seqno() < state.flushed_seqno {
            let end = head.frames.last().map_or(0, crate::log::Frame::end);
            let what = format!(
                "the log ends with seqno {}, the tables with {}",
                head.last_seqno, state.flushed_seqno
            );
            return Err(Error::corruption(&head.log.path, end, what));
        }
        Ok(())
    }

    /// Says in the report what counted, what was cut and what was passed over.
    pub(super) fn note_log(&mut self, chain: &Chain<'_>, files: &[SegmentFile]) {
        let name = |number| FileName::Wal(number).to_string();
        self.report.segments = chain.segments.iter().map(|s| name(s.log.number)).collect();
        for &(at, bytes) in &chain.cut {
            let (file, behind_close) = (name(at.segment), chain.was_closed_at(at));
            self.report.cut.push(Cut { file, offset: at.offset, bytes, behind_close });
        }
        self.report.ignored = files
            .iter()
            .map(|file| name(file.log.number))
            .filter(|name| !self.report.segments.contains(name))
            .collect();
    }
}
