//! The operating system's files, through `std::fs` and `rustix`.
//!
//! Each method is one system call, or one loop over it that survives interruption and short
//! transfers. Errors keep the code the system gave. The loops take the system call as an argument,
//! so that tests can hand them one that is interrupted, cut short or returns nothing.
//!
//! Invariant: a sync is issued once and its answer handed up as it came. Linux reports a lost write
//! to one `fsync` and then forgets it, so a second try that succeeds would prove nothing; not even an
//! interrupted sync is tried again.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the room of std::fs")]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "seawall-os reaches the disk on Linux only: what a successful sync promises differs from system to system"
);

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, FlockOperation, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::GetRandomFlags;

use super::{File, FileLock, LockMode, OpenMode, Vfs};
use crate::sync::assert_may_call_vfs;

/// How many zeros one write of [`File::allocate`] carries.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The file system of the machine. Linux only.
///
/// It opens no file for direct I/O: what is written is in the page cache, survives a killed process,
/// and is made durable by a sync.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFs;

impl OsFs {
    /// The machine's file system.
    pub const fn new() -> OsFs {
        OsFs
    }
}

impl Vfs for OsFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        fs::create_dir(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        assert_may_call_vfs();
        let mut options = OpenOptions::new();
        match mode {
            OpenMode::CreateNew => options.read(true).write(true).create_new(true),
            OpenMode::ReadWrite => options.read(true).write(true),
            OpenMode::ReadOnly => options.read(true),
        };
        Ok(Arc::new(OsFile { file: open_file(&options, path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        fs::remove_file(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        assert_may_call_vfs();
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().into_string().map_err(|name| super::not_utf8(&name))?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        let only_a_directory = OFlags::DIRECTORY.bits().cast_signed();
        let directory = OpenOptions::new().read(true).custom_flags(only_a_directory).open(path)?;
        issue_once(|| rustix::fs::fsync(&directory))
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>> {
        assert_may_call_vfs();
        let (file, operation) = match mode {
            LockMode::Exclusive => {
                (open_or_create(path)?, FlockOperation::NonBlockingLockExclusive)
            }
            LockMode::Shared => (open_to_share(path)?, FlockOperation::NonBlockingLockShared),
        };
        retry_on_intr(|| rustix::fs::flock(&file, operation))?;
        Ok(Arc::new(OsLock { file }))
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        assert_may_call_vfs();
        let status = fs::metadata(path)?;
        if status.is_dir() { Err(Errno::ISDIR.into()) } else { Ok(status.len()) }
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        assert_may_call_vfs();
        let status = retry_on_intr(|| rustix::fs::statvfs(path))?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }

    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()> {
        assert_may_call_vfs();
        let filled = read_until_full(buffer, 0, |rest, _| {
            Ok(rustix::rand::getrandom(rest, GetRandomFlags::empty())?)
        })?;
        assert_eq!(filled, buffer.len(), "the system's generator has no end");
        Ok(())
    }
}

/// Opens what is not a directory. Linux would open one for reading and refuse the first read.
fn open_file(options: &OpenOptions, path: &Path) -> io::Result<fs::File> {
    let file = options.open(path)?;
    if file.metadata()?.is_dir() { Err(Errno::ISDIR.into()) } else { Ok(file) }
}

fn open_or_create(path: &Path) -> io::Result<fs::File> {
    open_file(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
}

/// Asks for no more than reading where the file exists, so that a store on read-only media opens.
fn open_to_share(path: &Path) -> io::Result<fs::File> {
    match open_file(OpenOptions::new().read(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => open_or_create(path),
        answer => answer,
    }
}

#[derive(Debug)]
struct OsFile {
    file: fs::File,
}

impl File for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        assert_may_call_vfs();
        read_until_full(buffer, offset, |rest, at| Ok(rustix::io::pread(&self.file, rest, at)?))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert_may_call_vfs();
        write_all(bytes, offset, |rest, at| Ok(rustix::io::pwrite(&self.file, rest, at)?))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        assert_may_call_vfs();
        Ok(retry_on_intr(|| rustix::fs::ftruncate(&self.file, len))?)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        assert_may_call_vfs();
        allocate(self, len, |len| {
            Ok(rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, len)?)
        })
    }

    fn len(&self) -> io::Result<u64> {
        assert_may_call_vfs();
        Ok(self.file.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        assert_may_call_vfs();
        issue_once(|| rustix::fs::fdatasync(&self.file))
    }

    fn sync_all(&self) -> io::Result<()> {
        assert_may_call_vfs();
        issue_once(|| rustix::fs::fsync(&self.file))
    }
}

/// Hands up what a sync answers, whatever it is: by its type it cannot be issued again.
fn issue_once(sync: impl FnOnce() -> Result<(), Errno>) -> io::Result<()> {
    Ok(sync()?)
}

/// [`File::allocate`], with the call that reserves as an argument.
///
/// Reserving alone is not enough: ext4 and XFS hand out *unwritten* extents, and the first sync of
/// every block of them must also journal that the block is written now. So the new part is written
/// with zeros once, ahead of need. By `examples/sync_cost.rs` on ext4, a synced write into a block
/// that is only reserved takes 1.7 times as long as one into a block that has been written (150 us
/// against 90 us); the zeros cost 3 us a block. A copy-on-write file system gains nothing from them
/// and loses only the time.
///
/// The size changes once, before the zeros: a kill in between leaves a file of full size.
fn allocate(file: &OsFile, len: u64, reserve: impl Fn(u64) -> io::Result<()>) -> io::Result<()> {
    let old_len = file.len()?;
    if len == 0 {
        return Ok(()); // fallocate takes no empty range
    }
    match until_uninterrupted(|| reserve(len)) {
        Err(error) if cannot_reserve(&error) => {
            if len > old_len {
                file.set_len(len)?;
            }
        }
        answer => answer?,
    }
    let mut at = old_len;
    while at < len {
        let count = (len - at).min(ZEROS.len() as u64);
        file.write_at(&ZEROS[..count as usize], at)?;
        at += count;
    }
    Ok(())
}

/// Whether the file system has no such call, as opposed to having no room.
fn cannot_reserve(error: &io::Error) -> bool {
    [Errno::OPNOTSUPP, Errno::NOSYS]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn until_uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

/// Calls `read` for what is missing until `buffer` is full or it returns 0; returns the bytes read.
fn read_until_full(
    buffer: &mut [u8],
    offset: u64,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        let at = offset.saturating_add(done as u64);
        match until_uninterrupted(|| read(&mut buffer[done..], at))? {
            0 => break,
            count => done += count,
        }
    }
    Ok(done)
}

/// Calls `write` for what is left until there is none.
fn write_all(
    bytes: &[u8],
    offset: u64,
    mut write: impl FnMut(&[u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let at = offset.saturating_add(done as u64);
        match until_uninterrupted(|| write(&bytes[done..], at))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => done += count,
        }
    }
    Ok(())
}

#[derive(Debug)]
struct OsLock {
    file: fs::File,
}

impl FileLock for OsLock {}

impl Drop for OsLock {
    /// Closing alone would not do: a child that another thread is just forking holds the same open
    /// file until it executes its program, and with it the lock.
    fn drop(&mut self) {
        // An error leaves the lock to the close that follows; there is nobody to tell.
        let _ = rustix::fs::flock(&self.file, FlockOperation::NonBlockingUnlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a scripted system call does, one entry for each time it is called.
    #[derive(Clone, Copy)]
    enum Turn {
        Interrupted,
        AtMost(usize),
        Fails,
    }

    /// Follows the script, then transfers all it is given. Returns how many bytes to transfer.
    fn next(script: &mut std::slice::Iter<'_, Turn>, wanted: usize) -> io::Result<usize> {
        match script.next() {
            Some(Turn::Interrupted) => Err(Errno::INTR.into()),
            Some(Turn::AtMost(count)) => Ok(wanted.min(*count)),
            Some(Turn::Fails) => Err(Errno::IO.into()),
            None => Ok(wanted),
        }
    }

    fn write(script: &[Turn]) -> (io::Result<()>, Vec<u8>) {
        let (mut file, mut script) = (vec![b'.'; 8], script.iter());
        let answer = write_all(b"abcdef", 1, |rest, at| {
            let count = next(&mut script, rest.len())?;
            file[at as usize..][..count].copy_from_slice(&rest[..count]);
            Ok(count)
        });
        (answer, file)
    }

    fn read(file: &[u8], script: &[Turn]) -> (io::Result<usize>, Vec<u8>) {
        let (mut buffer, mut script) = (vec![b'.'; 6], script.iter());
        let answer = read_until_full(&mut buffer, 1, |rest, at| {
            let there = &file[(at as usize).min(file.len())..];
            let count = next(&mut script, rest.len().min(there.len()))?;
            rest[..count].copy_from_slice(&there[..count]);
            Ok(count)
        });
        (answer, buffer)
    }

    #[test]
    fn a_write_that_is_interrupted_and_cut_short_is_completed() {
        let (answer, file) = write(&[Turn::Interrupted, Turn::AtMost(2), Turn::Interrupted]);
        answer.expect("the third call writes the rest");
        assert_eq!(file, b".abcdef.");
    }

    #[test]
    fn a_write_that_makes_no_progress_is_an_error() {
        let (answer, file) = write(&[Turn::AtMost(4), Turn::AtMost(0)]);
        assert_eq!(answer.expect_err("nothing was taken").kind(), io::ErrorKind::WriteZero);
        assert_eq!(file, b".abcd...");
    }

    #[test]
    fn a_write_that_fails_keeps_the_systems_code() {
        let (answer, _) = write(&[Turn::AtMost(1), Turn::Fails]);
        let error = answer.expect_err("the second call fails");
        assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
    }

    #[test]
    fn a_read_that_is_interrupted_and_cut_short_is_completed() {
        let script = [Turn::Interrupted, Turn::AtMost(2), Turn::Interrupted, Turn::AtMost(1)];
        let (answer, buffer) = read(b".abcdef.", &script);
        assert_eq!(answer.expect("the file is long enough"), 6);
        assert_eq!(buffer, b"abcdef");
    }

    #[test]
    fn a_read_ends_where_the_file_does() {
        let (answer, buffer) = read(b".abc", &[Turn::AtMost(2)]);
        assert_eq!(answer.expect("an end is no error"), 3);
        assert_eq!(buffer, b"abc...");
    }

    #[test]
    fn a_read_that_fails_keeps_the_systems_code() {
        let (answer, _) = read(b".abcdef.", &[Turn::AtMost(1), Turn::Fails]);
        let error = answer.expect_err("the second call fails");
        assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
    }

    /// A file that holds `abc`, after an allocation of `len` whose reserving call answers `reserve`.
    fn allocated(len: u64, reserve: impl Fn(u64) -> io::Result<()>) -> (io::Result<()>, Vec<u8>) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("f");
        fs::write(&path, b"abc").expect("a new file");
        let options = OpenOptions::new().read(true).write(true).clone();
        let file = OsFile { file: open_file(&options, &path).expect("it is there") };
        let answer = allocate(&file, len, reserve);
        (answer, fs::read(&path).expect("it is there"))
    }

    #[test]
    fn allocation_extends_where_the_file_system_cannot_reserve() {
        for errno in [Errno::OPNOTSUPP, Errno::NOSYS] {
            let (answer, content) = allocated(5, |_| Err(errno.into()));
            answer.expect("extending is enough");
            assert_eq!(content, b"abc\0\0");
        }
    }

    #[test]
    fn an_allocation_that_is_interrupted_is_made_all_the_same() {
        let interruptions = std::cell::Cell::new(2_u32);
        let (answer, content) = allocated(5, |len| {
            assert_eq!(len, 5);
            match interruptions.replace(interruptions.get().saturating_sub(1)) {
                0 => Ok(()),
                _ => Err(Errno::INTR.into()),
            }
        });
        answer.expect("the third call reserves");
        assert_eq!((content, interruptions.get()), (b"abc\0\0".to_vec(), 0));
    }

    #[test]
    fn an_allocation_that_goes_on_failing_is_tried_no_more() {
        let calls = std::cell::Cell::new(0);
        let (answer, _) = allocated(5, |_| {
            calls.set(calls.get() + 1);
            Err(Errno::IO.into())
        });
        let error = answer.expect_err("the call fails");
        assert_eq!((error.raw_os_error(), calls.get()), (Some(Errno::IO.raw_os_error()), 1));
    }

    #[test]
    fn a_sync_that_is_interrupted_is_told_and_not_issued_again() {
        for errno in [Errno::INTR, Errno::IO, Errno::NOSPC] {
            let error = issue_once(|| Err(errno)).expect_err("the sync fails");
            assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()));
        }
        issue_once(|| Ok(())).expect("a sync that succeeds");
    }

    #[test]
    fn allocation_never_shrinks_a_file() {
        for len in [0, 1, 3] {
            let (answer, content) = allocated(len, |_| Err(Errno::OPNOTSUPP.into()));
            answer.expect("there is nothing to do");
            assert_eq!(content, b"abc");
        }
    }

    #[test]
    fn allocation_without_room_fails_with_the_systems_code() {
        let (answer, content) = allocated(5, |_| Err(Errno::NOSPC.into()));
        assert_eq!(answer.expect_err("no room").kind(), io::ErrorKind::StorageFull);
        assert_eq!(content, b"abc");
    }
}
