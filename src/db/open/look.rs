//! Opening for reading alone: the steps up to `replay`, with a lock that readers share. Nothing is
//! changed, so nothing that the other steps make certain of is certain.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::sync::enter_scope;
use seawall_os::vfs::{FileLock, LockMode, Vfs};

use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileName;
use crate::manifest::{Current, read_current, refuse_data};
use crate::memtable::OrderedMemtable;
use crate::tree::SuperVersion;

use super::super::options::Options;
use super::super::read_only::Inner;
use super::super::report::RecoveryReport;
use super::super::scope;
use super::{Opening, directory};

/// Reads what is in `dir`.
///
/// # Errors
/// `NotFound` when there is no database; `Locked` when it is open for writing.
pub(in super::super) fn look(vfs: Arc<dyn Vfs>, dir: &Path, options: &Options) -> Result<Inner> {
    let _scope = enter_scope(scope::OPEN);
    let names = directory::names_of_database(&*vfs, dir)?;
    // A lock would make its file, and nothing is to be made.
    let lock_name = FileName::Lock.to_string();
    let lock = if names.contains(&lock_name) { Some(share(&*vfs, dir)?) } else { None };
    // A writer may have been at it since.
    let names = if lock.is_some() { vfs.list(dir).context("list", dir)? } else { names };
    let current_path = dir.join(FileName::Current.to_string());
    let (view, report) = match read_current(&*vfs, &current_path)? {
        Some(current) => {
            // Full memtables stay as they are: nobody will write their tables.
            let options = Options {
                memtable_bytes: usize::MAX,
                memtable_entries_max: usize::MAX,
                ..options.clone()
            };
            Opening::new(Arc::clone(&vfs), dir, options, current.id, names).look(&current)?
        }
        None => {
            refuse_data(&*vfs, dir, &names)?;
            nothing()
        }
    };
    let (dir, options) = (dir.to_owned(), options.clone());
    Ok(Inner { vfs, dir, options, view: Arc::new(view), report, _lock: lock })
}

/// What an interrupted creation left holds nothing.
fn nothing() -> (SuperVersion, RecoveryReport) {
    let view = SuperVersion {
        active: Arc::new(OrderedMemtable::default()),
        frozen: Vec::new(),
        tables: Arc::default(),
    };
    (view, RecoveryReport { unfinished: true, ..RecoveryReport::default() })
}

/// Takes the lock as one of many.
fn share(vfs: &dyn Vfs, dir: &Path) -> Result<Arc<dyn FileLock>> {
    let path = dir.join(FileName::Lock.to_string());
    match vfs.lock(&path, LockMode::Shared) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Error::of_file(
            ErrorKind::Locked,
            &path,
            "the database is open for writing, here or in another process",
        )),
        locked => locked.context("lock", &path),
    }
}

impl Opening {
    /// The steps that only read.
    fn look(mut self, current: &Current) -> Result<(SuperVersion, RecoveryReport)> {
        let state = self.manifest(current)?.state;
        let tables = self.files(&state)?;
        let files = self.read_segments(&state)?;
        let chain = self.chain(&files, &state)?;
        self.note_log(&chain, &files);
        let replayed = self.replay(&chain, state.flushed_seqno)?;
        self.report.last_seqno = chain.last_seqno();
        Ok((replayed.into_view(tables), self.report))
    }
}
