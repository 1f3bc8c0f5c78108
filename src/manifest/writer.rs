//! Writing a manifest: a snapshot first, then edits, each synced before the next.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{File, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::log::{FrameBuffer, FrameHead, FrameKind, LogFile};

use super::current::Current;
use super::edit::Edit;
use super::state::State;

/// The manifest that counts, open for writing. Held under the manifest's turn.
///
/// After any error nothing more may be written to it.
#[derive(Debug)]
pub(crate) struct ManifestWriter {
    log: LogFile,
    file: Arc<dyn File>,
    end: u64,
    state: State,
    /// Edits since the snapshot.
    edits: u64,
    buffer: FrameBuffer,
}

impl ManifestWriter {
    /// Makes manifest `number` with a snapshot of `state` and syncs it. Its name is not durable yet.
    ///
    /// Returns the writer and what `CURRENT` has to say of it.
    pub(crate) fn create(
        vfs: &dyn Vfs,
        dir: &Path,
        id: DatabaseId,
        number: FileNumber,
        state: State,
    ) -> Result<(ManifestWriter, Current)> {
        let path = dir.join(FileName::Manifest(number).to_string());
        let log = LogFile { id, number, path };
        let mut buffer = FrameBuffer::default();
        state.encode(&id, buffer.begin());
        let head = FrameHead {
            kind: FrameKind::Snapshot,
            count: 0,
            first_seqno: state.edit_number,
            synced_upto: 0,
        };
        let file = vfs.open(&log.path, OpenMode::CreateNew).context("create", &log.path)?;
        let frame = buffer.seal(&log, 0, head);
        file.write_at(frame, 0).context("write to", &log.path)?;
        // Durability: CURRENT will name this file; what it says must be there by then.
        file.sync_all().context("sync", &log.path)?;
        let checksum = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]);
        let end = frame.len() as u64;
        let current = Current { id, manifest: number, snapshot_end: end, checksum };
        Ok((ManifestWriter { log, file, end, state, edits: 0, buffer }, current))
    }

    /// The number in the manifest's name.
    pub(crate) fn number(&self) -> FileNumber {
        self.log.number
    }

    /// What the manifest says now.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// How many edits follow the snapshot.
    pub(crate) fn edits(&self) -> u64 {
        self.edits
    }

    /// Writes one edit, which follows the present state, and syncs it.
    pub(crate) fn append(&mut self, edit: &Edit) -> Result<()> {
        let mut next = self.state.clone();
        if let Err(what) = next.apply(edit) {
            panic!("edit {edit:?} does not fit {:?}: {what}", self.state);
        }
        edit.encode(self.buffer.begin());
        let head =
            FrameHead { kind: FrameKind::Edit, count: 0, first_seqno: edit.number, synced_upto: 0 };
        let frame = self.buffer.seal(&self.log, self.end, head);
        self.file.write_at(frame, self.end).context("write to", &self.log.path)?;
        let bytes = frame.len() as u64;
        // Durability: files that this edit removes go, and numbers that it frees are used, only
        // after it is certain to be read back.
        self.file.sync_data().context("sync", &self.log.path)?;
        self.end += bytes;
        self.state = next;
        self.edits += 1;
        Ok(())
    }
}
