//! Reading a manifest back: snapshot, edits, and whether its end was torn.

use crate::base::error::{Error, Result};
use crate::log::{FrameKind, LogFile, scan};

use super::current::Current;
use super::edit::Edit;
use super::state::State;

/// What a manifest says.
#[derive(Debug)]
pub(crate) struct ManifestContent {
    pub(crate) state: State,
    /// The edits after the snapshot.
    pub(crate) edits: Vec<Edit>,
    /// Where the last valid frame ends.
    pub(crate) end: u64,
    /// Bytes that are not zeros beyond `end`: an edit that a crash tore.
    pub(crate) cut_bytes: u64,
}

/// Reads `bytes`, the whole content of the manifest that `current` names.
///
/// # Errors
/// Corruption, or a format that is too new.
pub(crate) fn read_manifest(
    bytes: &[u8],
    file: &LogFile,
    current: &Current,
) -> Result<ManifestContent> {
    let scan = scan(bytes, file);
    // Edits are synced one at a time, so a bad one with a valid one behind it is no torn write.
    if let Some(later) = scan.beyond.first() {
        let what = format!("no valid frame here, but one at {}", later.offset);
        return Err(Error::corruption(&file.path, scan.end, what));
    }
    let snapshot = match scan.prefix.first() {
        Some(frame) if frame.head.kind == FrameKind::Snapshot => frame,
        _ => return Err(Error::corruption(&file.path, 0, "the manifest has no valid SNAPSHOT")),
    };
    if snapshot.end() != current.snapshot_end || snapshot.checksum(file) != current.checksum {
        let what = "the SNAPSHOT is not the one that CURRENT describes";
        return Err(Error::corruption(&file.path, 0, what));
    }
    let mut state = State::decode(snapshot.payload, &file.path, snapshot.payload_offset())?;
    let mut edits = Vec::with_capacity(scan.prefix.len() - 1);
    for frame in &scan.prefix[1..] {
        if frame.head.kind != FrameKind::Edit {
            let what = format!("a {} frame among the edits", frame.head.kind.name());
            return Err(Error::corruption(&file.path, frame.offset, what));
        }
        let number = frame.head.first_seqno;
        let edit = Edit::decode(frame.payload, number, &file.path, frame.payload_offset())?;
        state.apply(&edit).map_err(|what| Error::corruption(&file.path, frame.offset, what))?;
        edits.push(edit);
    }
    Ok(ManifestContent { state, edits, end: scan.end, cut_bytes: scan.content_end - scan.end })
}
