//! A file system in memory, for examples and for a store that need not outlive its process.
//!
//! It answers as Linux does, error codes included; `tests/fs_agree.rs` holds it against [`OsFs`] call
//! by call. Nothing in it is ever durable, and nothing in it fails: for crashes and faults there is
//! the simulator.
//!
//! [`OsFs`]: super::OsFs

mod tree;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use self::tree::{Directory, Inode, Node};
use super::{File, FileLock, LockMode, OpenMode, OsFs, Vfs};
use crate::sync::{Mutex, assert_may_call_vfs};

/// The largest file, in bytes: 16 TiB, as on ext4 with its usual block size.
const FILE_BYTES_MAX: u64 = 16 << 40;
/// What [`Vfs::free_space`] answers, in bytes. Only the machine's memory is the limit.
const FREE_BYTES: u64 = FILE_BYTES_MAX;

/// A file system in memory. A clone is another handle to the same file system.
///
/// It begins with an empty root directory, which is also the current one: `data` and `/data` are the
/// same name. There are no links and no permissions.
///
/// ```
/// use seawall_os::vfs::{MemFs, OpenMode, Vfs};
/// use std::path::Path;
///
/// # fn main() -> std::io::Result<()> {
/// let fs = MemFs::new();
/// fs.create_dir(Path::new("/data"))?;
/// let file = fs.open(Path::new("/data/log"), OpenMode::CreateNew)?;
/// file.write_at(b"hello", 0)?;
/// assert_eq!(fs.clone().list(Path::new("/data"))?, ["log"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemFs {
    root: Arc<Mutex<Node>>,
}

impl MemFs {
    /// An empty file system.
    pub fn new() -> MemFs {
        MemFs::default()
    }

    /// The file at `path`.
    fn find(&self, path: &Path) -> io::Result<Arc<Inode>> {
        match self.root.lock().at(path)? {
            Node::File(inode) => Ok(Arc::clone(inode)),
            Node::Directory(_) => Err(Errno::ISDIR.into()),
        }
    }

    /// The file at `path`, made if there is none.
    fn find_or_create(&self, path: &Path) -> io::Result<Arc<Inode>> {
        let mut root = self.root.lock();
        let (parent, name) = root.parent(path)?.ok_or(Errno::ISDIR)?;
        match parent.get(&name) {
            Some(Node::File(inode)) => Ok(Arc::clone(inode)),
            Some(Node::Directory(_)) => Err(Errno::ISDIR.into()),
            None => Ok(add_file(parent, name)),
        }
    }

    /// A new file at `path`.
    fn create_new(&self, path: &Path) -> io::Result<Arc<Inode>> {
        let mut root = self.root.lock();
        let (parent, name) = root.parent(path)?.ok_or(Errno::EXIST)?;
        if parent.contains_key(&name) {
            return Err(Errno::EXIST.into());
        }
        Ok(add_file(parent, name))
    }
}

fn add_file(parent: &mut Directory, name: OsString) -> Arc<Inode> {
    let inode = Arc::<Inode>::default();
    parent.insert(name, Node::File(Arc::clone(&inode)));
    inode
}

impl fmt::Debug for MemFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFs").finish_non_exhaustive()
    }
}

impl Vfs for MemFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        let mut root = self.root.lock();
        let (parent, name) = root.parent(path)?.ok_or(Errno::EXIST)?;
        if parent.contains_key(&name) {
            return Err(Errno::EXIST.into());
        }
        parent.insert(name, Node::default());
        Ok(())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        assert_may_call_vfs();
        let inode = match mode {
            OpenMode::CreateNew => self.create_new(path)?,
            OpenMode::ReadWrite | OpenMode::ReadOnly => self.find(path)?,
        };
        Ok(Arc::new(MemFile { inode, writable: mode != OpenMode::ReadOnly }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        Ok(self.root.lock().rename(from, to)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        let mut root = self.root.lock();
        let (parent, name) = root.parent(path)?.ok_or(Errno::ISDIR)?;
        match parent.get(&name) {
            Some(Node::File(_)) => parent.remove(&name),
            Some(Node::Directory(_)) => return Err(Errno::ISDIR.into()),
            None => return Err(Errno::NOENT.into()),
        };
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        assert_may_call_vfs();
        let root = self.root.lock();
        let names = root.at(path)?.directory()?.keys();
        names
            .map(|name| Ok(name.to_str().ok_or_else(|| super::not_utf8(name))?.to_owned()))
            .collect()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        assert_may_call_vfs();
        self.root.lock().at(path)?.directory()?;
        Ok(())
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>> {
        assert_may_call_vfs();
        let inode = self.find_or_create(path)?;
        inode.holders.lock().add(mode)?;
        Ok(Arc::new(MemLock { inode, mode }))
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        assert_may_call_vfs();
        Ok(self.find(path)?.content.lock().len() as u64)
    }

    /// A constant: only the machine's memory is the limit.
    fn free_space(&self, path: &Path) -> io::Result<u64> {
        assert_may_call_vfs();
        self.root.lock().at(path)?;
        Ok(FREE_BYTES)
    }

    /// Bytes of the machine's generator.
    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()> {
        OsFs::new().entropy(buffer)
    }
}

struct MemFile {
    inode: Arc<Inode>,
    writable: bool,
}

impl MemFile {
    /// Refuses what a handle opened read-only may not do.
    fn check_writable(&self, refusal: Errno) -> Result<(), Errno> {
        if self.writable { Ok(()) } else { Err(refusal) }
    }
}

impl fmt::Debug for MemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFile").field("writable", &self.writable).finish_non_exhaustive()
    }
}

impl File for MemFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        assert_may_call_vfs();
        end_of(offset, buffer.len())?;
        let content = self.inode.content.lock();
        let start = content.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
        let count = buffer.len().min(content.len() - start);
        buffer[..count].copy_from_slice(&content[start..][..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert_may_call_vfs();
        if bytes.is_empty() {
            return Ok(());
        }
        self.check_writable(Errno::BADF)?;
        let end = end_of(offset, bytes.len())?;
        let mut content = self.inode.content.lock();
        if end > content.len() as u64 {
            resize(&mut content, end)?;
        }
        content[offset as usize..end as usize].copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        assert_may_call_vfs();
        self.check_writable(Errno::INVAL)?;
        end_of(len, 0)?;
        Ok(resize(&mut self.inode.content.lock(), len)?)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        assert_may_call_vfs();
        if len == 0 {
            return Ok(());
        }
        self.check_writable(Errno::BADF)?;
        end_of(len, 0)?;
        let mut content = self.inode.content.lock();
        if len > content.len() as u64 {
            resize(&mut content, len)?;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        assert_may_call_vfs();
        Ok(self.inode.content.lock().len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        assert_may_call_vfs();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        assert_may_call_vfs();
        Ok(())
    }
}

/// Where `count` bytes at `offset` end. Offsets are signed to the operating system.
fn end_of(offset: u64, count: usize) -> Result<u64, Errno> {
    let end = offset.checked_add(count as u64);
    end.filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::INVAL)
}

/// Cuts the content or extends it with zeros.
fn resize(content: &mut Vec<u8>, len: u64) -> Result<(), Errno> {
    if len > FILE_BYTES_MAX {
        return Err(Errno::FBIG);
    }
    let len = usize::try_from(len).map_err(|_| Errno::FBIG)?;
    content.try_reserve(len.saturating_sub(content.len())).map_err(|_| Errno::NOSPC)?;
    content.resize(len, 0);
    Ok(())
}

struct MemLock {
    inode: Arc<Inode>,
    mode: LockMode,
}

impl FileLock for MemLock {}

impl fmt::Debug for MemLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemLock").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Drop for MemLock {
    fn drop(&mut self) {
        self.inode.holders.lock().remove(self.mode);
    }
}
