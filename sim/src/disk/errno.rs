//! The errors of Linux that the simulated disk returns, by their numbers.

use std::io;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Errno {
    NotFound = 2,
    Io = 5,
    BadDescriptor = 9,
    WouldBlock = 11,
    Denied = 13,
    Busy = 16,
    Exists = 17,
    NotADirectory = 20,
    IsADirectory = 21,
    Invalid = 22,
    FileTooLarge = 27,
    NoSpace = 28,
    ReadOnly = 30,
    NameTooLong = 36,
    NotEmpty = 39,
}

impl Errno {
    /// The short name of the error, as in traces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Errno::NotFound => "ENOENT",
            Errno::Io => "EIO",
            Errno::BadDescriptor => "EBADF",
            Errno::WouldBlock => "EWOULDBLOCK",
            Errno::Busy => "EBUSY",
            Errno::Denied => "EACCES",
            Errno::Exists => "EEXIST",
            Errno::NotADirectory => "ENOTDIR",
            Errno::IsADirectory => "EISDIR",
            Errno::Invalid => "EINVAL",
            Errno::FileTooLarge => "EFBIG",
            Errno::NoSpace => "ENOSPC",
            Errno::ReadOnly => "EROFS",
            Errno::NameTooLong => "ENAMETOOLONG",
            Errno::NotEmpty => "ENOTEMPTY",
        }
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno as i32)
    }
}
