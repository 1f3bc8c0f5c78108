//! Making a segment: a file sized ahead, durable with its name before anything is logged in it.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{File, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::log::LogFile;

/// A segment open for writing, empty so far or the head of the log.
///
/// Its handle is kept from creation to the last sync: a failed sync is told to a handle, once.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) log: LogFile,
    pub(crate) file: Arc<dyn File>,
    /// The bytes it was sized to.
    pub(crate) capacity: u64,
}

/// How far the making of a segment got when it failed.
#[derive(Debug)]
pub(crate) enum CreateFailure {
    /// Nothing was synced: the file may be removed and the work tried again.
    BeforeSync(crate::base::error::Error),
    /// A sync failed: nothing is known of the disk any more.
    Sync(crate::base::error::Error),
}

impl CreateFailure {
    /// Why it failed, for who need not tell the two apart.
    pub(crate) fn into_error(self) -> crate::base::error::Error {
        match self {
            CreateFailure::BeforeSync(error) | CreateFailure::Sync(error) => error,
        }
    }
}

/// Makes segment `number` in `dir`, `capacity` bytes of zeros, and syncs it and, by `sync_name`, its
/// name.
pub(crate) fn create_segment(
    vfs: &dyn Vfs,
    dir: &Path,
    id: DatabaseId,
    number: FileNumber,
    capacity: u64,
    sync_name: impl FnOnce() -> Result<()>,
) -> std::result::Result<Segment, CreateFailure> {
    let path = dir.join(FileName::Wal(number).to_string());
    let segment =
        size_segment(vfs, path, id, number, capacity).map_err(CreateFailure::BeforeSync)?;
    // Durability: the size is settled here, so that a later sync of a frame has data to write and
    // nothing else; a power loss cannot put garbage where a sync has already put zeros.
    segment.file.sync_all().context("sync", &segment.log.path).map_err(CreateFailure::Sync)?;
    // Durability: no frame may enter a file that a crash could leave without a name.
    sync_name().map_err(CreateFailure::Sync)?;
    Ok(segment)
}

fn size_segment(
    vfs: &dyn Vfs,
    path: std::path::PathBuf,
    id: DatabaseId,
    number: FileNumber,
    capacity: u64,
) -> Result<Segment> {
    let file = vfs.open(&path, OpenMode::CreateNew).context("create", &path)?;
    file.allocate(capacity).context("reserve space for", &path)?;
    Ok(Segment { log: LogFile { id, number, path }, file, capacity })
}
