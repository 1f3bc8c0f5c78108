//! Files and directories, one method per system call.
//!
//! A store holds an `Arc<dyn Vfs>` and does all its I/O through it. Each method's documentation says
//! what a crash may leave; the strictest reading is assumed throughout, that of POSIX with its gaps
//! filled against the caller:
//!
//! - A power loss keeps *any subset* of the bytes written to a file since its last successful sync,
//!   sector by sector, earlier unsynced versions included. The size survives apart from the data.
//! - A name is durable only after [`Vfs::sync_dir`] of its directory, each name on its own.
//! - After a failed sync nothing is known about the bytes it was to cover, ever.
//! - A process kill keeps what was written, unless a sync has failed.
//!
//! Errors are plain [`io::Error`]s that keep the operating system's code; the store adds what it was
//! doing and to which path.
//!
//! [`OsFs`] is the machine's file system, [`MemFs`] one in memory.

mod mem_fs;
mod os_fs;

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use mem_fs::MemFs;
pub use os_fs::OsFs;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenMode {
    /// Makes a new file for reading and writing; fails if the name exists.
    CreateNew,
    /// Opens an existing file for reading and writing.
    ReadWrite,
    /// Opens an existing file for reading.
    ReadOnly,
}

/// Who else may hold a lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// Nobody.
    Exclusive,
    /// Others that hold it shared.
    Shared,
}

/// A file system. Paths are used as given; a store passes absolute ones or ones relative to where
/// the process was started.
pub trait Vfs: Debug + Send + Sync {
    /// Makes a directory. Its parent must exist.
    ///
    /// The new name is durable after `sync_dir` of the parent.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, whatever by.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Opens a file.
    ///
    /// `CreateNew` makes an empty file whose name is durable after `sync_dir` of its directory; until
    /// then a crash may leave the file with data and no name.
    ///
    /// # Errors
    /// `AlreadyExists` or `NotFound`, by the mode; `IsADirectory` for a directory.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name in the same file system, replacing what had it.
    ///
    /// A crash before `sync_dir` leaves under the target either the old or the new file, never
    /// neither; whether the source name is gone is decided on its own.
    ///
    /// # Errors
    /// `NotFound` when there is no source.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name. Open handles stay usable.
    ///
    /// Until `sync_dir` a crash may bring the name back.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted by their bytes, without `.` and `..`.
    ///
    /// # Errors
    /// `NotFound` or `NotADirectory`; `InvalidData`, with the name, for one that is not UTF-8.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Makes the names in a directory durable: creations, removals and renames made before the call.
    ///
    /// # Errors
    /// After an error nothing is known about the names it was to cover.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes a lock on a file, making the file if there is none, and holds it until the returned
    /// value is dropped or the process ends, however it ends.
    ///
    /// # Errors
    /// `WouldBlock` when another holder's mode excludes this one. It never waits.
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>>;

    /// The size in bytes of the file at `path`.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory` for a directory.
    fn size(&self, path: &Path) -> io::Result<u64>;

    /// How many bytes are free for new data in the file system that holds `path`.
    ///
    /// # Errors
    /// `NotFound`.
    fn free_space(&self, path: &Path) -> io::Result<u64>;

    /// Fills `buffer` with bytes that nobody can predict (simulated ones follow from the seed).
    ///
    /// # Errors
    /// Those of the system's generator.
    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()>;
}

#[expect(clippy::len_without_is_empty, reason = "a system call, not a collection")]
/// An open file. Dropping the last handle closes it; closing makes nothing durable.
pub trait File: Debug + Send + Sync {
    /// Reads from `offset` until `buffer` is full or the file ends; returns the bytes read.
    ///
    /// # Errors
    /// Those of the device. What `buffer` holds then is unspecified.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, growing the file if they end beyond it.
    ///
    /// Durable after a successful sync that is issued later. A kill in the middle may leave any
    /// prefix.
    ///
    /// # Errors
    /// Any prefix may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file or extends it with zeros.
    ///
    /// Until the next sync a crash may leave the old size, and bytes of an extension that are not
    /// zeros.
    ///
    /// # Errors
    /// The size is then the old one.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reserves space for the first `len` bytes and extends the file with zeros to at least `len`.
    ///
    /// A write below `len` then needs no further space, and its sync no change of the file's size or
    /// layout: that is what makes a small synced write cheap. The price is paid here, in proportion to
    /// how far the file is extended; do it ahead of need. A file is never made shorter. A file system
    /// that cannot reserve extends only.
    ///
    /// Until the next sync a crash may leave the old size, and bytes of the extension that are not
    /// zeros.
    ///
    /// # Errors
    /// `StorageFull` when there is no room; the size may have changed.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// The size in bytes.
    ///
    /// # Errors
    /// Those of the device.
    fn len(&self) -> io::Result<u64>;

    /// Makes durable the bytes written before the call was issued, and the size they need.
    ///
    /// # Errors
    /// After an error nothing is known about those bytes, ever: a later success does not cover them.
    /// The error is told once.
    fn sync_data(&self) -> io::Result<()>;

    /// As [`File::sync_data`], and all of the file's metadata.
    ///
    /// # Errors
    /// As [`File::sync_data`].
    fn sync_all(&self) -> io::Result<()>;
}

/// Holds a lock on a file until it is dropped. Dropping it is a system call: not under a short lock.
pub trait FileLock: Debug + Send + Sync {}

/// The error of [`Vfs::list`] for a name it cannot return.
fn not_utf8(name: &OsStr) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the file name {name:?} is not UTF-8"))
}
