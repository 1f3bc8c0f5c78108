//! A place in the write-ahead log.

use super::file_name::FileNumber;

/// A segment and an offset in it, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogPosition {
    pub(crate) segment: FileNumber,
    pub(crate) offset: u64,
}
