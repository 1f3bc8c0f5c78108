//! The directory: made if missing, its names durable, and ours alone.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::vfs::{FileLock, LockMode, Vfs};

use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileName;

/// Takes the lock on the database's directory, making the directory if that is wanted.
pub(super) fn lock(vfs: &dyn Vfs, dir: &Path, create: bool) -> Result<Arc<dyn FileLock>> {
    if create {
        match vfs.list(dir) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(vfs, dir)?,
            Err(error) => return Err(Error::io("list", dir, error)),
        }
    } else {
        // Not even a lock file is left in a directory that is no database.
        names_of_database(vfs, dir)?;
    }
    let path = dir.join(FileName::Lock.to_string());
    match vfs.lock(&path, LockMode::Exclusive) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Error::of_file(
            ErrorKind::Locked,
            &path,
            "the database is open already, here or in another process",
        )),
        locked => locked.context("lock", &path),
    }
}

/// The names in a directory that holds a database.
///
/// # Errors
/// `NotFound` when it holds none.
pub(super) fn names_of_database(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<String>> {
    match vfs.list(dir) {
        Ok(names) if holds_database(&names) => Ok(names),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("list", dir, error)),
        _ => Err(Error::of_file(ErrorKind::NotFound, dir, "there is no database")),
    }
}

/// Whether any of the names is one of a database, and not just the lock.
fn holds_database(names: &[String]) -> bool {
    names.iter().any(|name| !matches!(FileName::parse(name), None | Some(FileName::Lock)))
}

/// Makes the directory and those above it that are missing.
fn make(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    let mut missing = Vec::new();
    for path in components(dir) {
        match vfs.list(path) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(path),
            // A directory that one may pass through but not list is there.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path != dir => break,
            Err(error) => return Err(Error::io("list", path, error)),
        }
    }
    for path in missing.into_iter().rev() {
        match vfs.create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.context("create the directory", path)?,
        }
    }
    Ok(())
}

/// Makes durable the names of the directory and of all above it, made just now or found.
///
/// Durability: a database in a directory whose name a power loss takes away is lost. Who found the
/// directory cannot know whether its maker lived to sync it.
pub(super) fn sync_names(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    for path in components(dir) {
        let parent = parent(path);
        match vfs.sync_dir(&parent) {
            // Directories of others need not let us; a name we could make, we can sync.
            Err(error) if is_refusal(&error) => {}
            synced => synced.context("sync the directory", &parent)?,
        }
    }
    Ok(())
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::Unsupported
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// The path and those above it that have a name, the innermost first.
fn components(dir: &Path) -> impl Iterator<Item = &Path> {
    dir.ancestors().filter(|path| path.file_name().is_some())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
