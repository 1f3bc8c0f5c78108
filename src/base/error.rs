//! The one error type: what was being done, to which file, where in it, and why it failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or an option is out of range or contradicts another.
    InvalidArgument,
    /// A key, a value or a batch is larger than the limits allow.
    TooLarge,
    /// There is no database here, and none was to be created.
    NotFound,
    /// Another process, or another handle of this one, has the database open.
    Locked,
    /// Bytes on disk are not what was written there.
    Corruption,
    /// The database was written by a newer version.
    FormatTooNew,
    /// The file system has no room left.
    DiskFull,
    /// The operating system denies access.
    PermissionDenied,
    /// The file system is read-only.
    ReadOnly,
    /// Writes have stopped because of an earlier failure, which is the source of this error. They
    /// work again after the database is closed and reopened.
    Stopped,
    /// As many tables are open as [`crate::Options::open_tables_max`] permits. Compactions have been
    /// ordered; when they have merged tables and no iterator reads those any more, the same call may
    /// succeed.
    TooManyTables,
    /// The database handle was closed.
    Closed,
    /// Any other failure of a system call.
    Io,
}

/// Why an operation failed.
///
/// Cloning is cheap: the first cause of a failure is kept and told to every writer.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: ErrorKind,
    what: String,
    file: Option<PathBuf>,
    offset: Option<u64>,
    held_against: Option<String>,
    source: Option<Source>,
}

#[derive(Debug)]
enum Source {
    Io(io::Error),
    Earlier(Error),
}

impl Error {
    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the same call may succeed later without the database being reopened.
    pub fn is_retryable(&self) -> bool {
        matches!(self.inner.kind, ErrorKind::Locked | ErrorKind::TooManyTables)
    }

    /// The file concerned, if it was one.
    pub fn file(&self) -> Option<&Path> {
        self.inner.file.as_deref()
    }

    /// Where in the file, in bytes, if that is known.
    pub fn offset(&self) -> Option<u64> {
        self.inner.offset
    }

    /// A failure with no file behind it.
    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>) -> Error {
        Error::build(kind, what.into(), None, None, None)
    }

    /// Bytes at `offset` of `file` are not what was written there; `what` says what was expected.
    pub(crate) fn corruption(file: &Path, offset: u64, what: impl Into<String>) -> Error {
        Error::build(ErrorKind::Corruption, what.into(), Some(file.to_owned()), Some(offset), None)
    }

    /// A failure that concerns `file` as a whole.
    pub(crate) fn of_file(kind: ErrorKind, file: &Path, what: impl Into<String>) -> Error {
        Error::build(kind, what.into(), Some(file.to_owned()), None, None)
    }

    /// A failed system call: `action` is what it was to do, such as `sync`.
    pub(crate) fn io(action: &str, file: &Path, error: io::Error) -> Error {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
            io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
            _ => ErrorKind::Io,
        };
        let what = format!("cannot {action}");
        Error::build(kind, what, Some(file.to_owned()), None, Some(Source::Io(error)))
    }

    /// Writes have stopped: what every writer is told after the first failure `cause`.
    pub(crate) fn stopped(cause: &Error) -> Error {
        Error::build(
            ErrorKind::Stopped,
            "writes have stopped after an earlier failure; reopen the database".to_owned(),
            None,
            None,
            Some(Source::Earlier(cause.clone())),
        )
    }

    /// A file that something durable names is not there.
    pub(crate) fn missing(file: &Path, what: &str) -> Error {
        Error::of_file(ErrorKind::Corruption, file, what)
    }

    /// The same, and which other file it was held against: of two that contradict each other either may be
    /// the damaged one.
    #[must_use]
    pub(crate) fn held_against(mut self, other: &str) -> Error {
        if self.inner.kind == ErrorKind::Corruption
            && let Some(inner) = Arc::get_mut(&mut self.inner)
        {
            inner.held_against = Some(other.to_owned());
        }
        self
    }

    /// The system's error code behind this failure, if one is.
    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        match &self.inner.source {
            Some(Source::Io(error)) => Some(error.kind()),
            _ => None,
        }
    }

    fn build(
        kind: ErrorKind,
        what: String,
        file: Option<PathBuf>,
        offset: Option<u64>,
        source: Option<Source>,
    ) -> Error {
        Error { inner: Arc::new(Inner { kind, what, file, offset, held_against: None, source }) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.write_str(&inner.what)?;
        if let Some(file) = &inner.file {
            write!(f, ": {}", file.display())?;
        }
        if let Some(offset) = inner.offset {
            write!(f, " at byte {offset}")?;
        }
        if let Some(other) = &inner.held_against {
            write!(f, ", held against {other}")?;
        }
        match &inner.source {
            Some(Source::Io(error)) => write!(f, ": {error}"),
            Some(Source::Earlier(error)) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.inner.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.source {
            Some(Source::Io(error)) => Some(error),
            Some(Source::Earlier(error)) => Some(error),
            None => None,
        }
    }
}

/// Attaches what a system call was to do, and to which file, to its failure.
pub(crate) trait IoContext<T> {
    /// `action` completes "cannot ..", such as `sync`.
    fn context(self, action: &str, file: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, action: &str, file: &Path) -> Result<T> {
        self.map_err(|error| Error::io(action, file, error))
    }
}
