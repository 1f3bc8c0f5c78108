//! A directory without `CURRENT`: nothing was ever here, or it was lost.

use std::path::Path;

use seawall_os::vfs::{OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::damage::name_of;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileName;
use crate::log::{FrameKind, LogFile, find_ids, read_whole, scan};

use super::state::State;

/// Fails when a file holds or names data, so that a lost `CURRENT` never passes for a new database.
pub(crate) fn refuse_data(vfs: &dyn Vfs, dir: &Path, names: &[String]) -> Result<()> {
    let mut logs = Vec::new();
    for name in names.iter().filter_map(|name| FileName::parse(name)) {
        let path = dir.join(name.to_string());
        match name {
            FileName::Lock | FileName::Current | FileName::CurrentTemp => {}
            FileName::Table(_) => return Err(lost_current(&path, "a table".to_owned())),
            FileName::Damaged(_) => {
                return Err(lost_current(&path, "a file set aside".to_owned()));
            }
            FileName::Wal(number) | FileName::Manifest(number) => {
                let file = vfs.open(&path, OpenMode::ReadOnly).context("open", &path)?;
                let bytes = read_whole(&*file, &path)?;
                logs.push((LogFile { id: DatabaseId([0; 16]), number, path }, bytes));
            }
        }
    }
    // LINK and SNAPSHOT carry the id of their database in the clear; the other frames need it.
    let mut ids: Vec<DatabaseId> =
        logs.iter().flat_map(|(file, bytes)| find_ids(bytes, file)).collect();
    ids.dedup();
    for (file, bytes) in &logs {
        for id in &ids {
            refuse_frames(bytes, &LogFile { id: *id, ..file.clone() })?;
        }
    }
    Ok(())
}

/// Fails when a log file or manifest holds operations, or names anything.
fn refuse_frames(bytes: &[u8], file: &LogFile) -> Result<()> {
    match evidence(bytes, file) {
        Some(what) => Err(lost_current(&file.path, what)),
        None => Ok(()),
    }
}

/// What in a log file or manifest holds operations or names anything. An interrupted creation leaves
/// only files without.
pub(crate) fn evidence(bytes: &[u8], file: &LogFile) -> Option<String> {
    for frame in scan(bytes, file).frames() {
        let names_data = match frame.head.kind {
            FrameKind::Data | FrameKind::Relog | FrameKind::Edit => true,
            FrameKind::Snapshot => State::decode(frame.payload, &file.path, frame.payload_offset())
                .map_or(true, |state| state.flushed_seqno > 0 || state.tables.count() > 0),
            FrameKind::Link | FrameKind::Mark | FrameKind::Close => false,
        };
        if names_data {
            return Some(format!("a {} frame at byte {}", frame.head.kind.name(), frame.offset));
        }
    }
    None
}

/// `path` is the file that shows it.
fn lost_current(path: &Path, evidence: String) -> Error {
    let name = name_of(path);
    let what = format!("the file is missing, yet there is {name}, {evidence}: this was a database");
    let current = path.with_file_name(FileName::Current.to_string());
    Error::of_file(ErrorKind::Corruption, &current, what)
}
