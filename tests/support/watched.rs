//! A file system around another one that shows every call to a watcher, before and after.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall::os::site::{FileClass, Operation, Site};
use seawall::os::sync::{assert_may_call_vfs, current_scope};
use seawall::os::vfs::{File, FileLock, LockMode, OpenMode, Vfs};

/// A call that is about to be made, or was.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub site: Site,
    /// The last name of the path; `-` for a call that concerns none.
    pub name: &'a str,
    /// The last name of the second path of a rename.
    pub to: Option<&'a str>,
    pub mode: Option<OpenMode>,
    pub offset: u64,
    pub length: u64,
}

/// Sees every call, and may refuse it or deny that it succeeded.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// An error is the answer, and the call is not made.
    fn before(&self, call: &Call<'_>) -> io::Result<()> {
        let _ = call;
        Ok(())
    }

    /// The call was made and answered `outcome`, with a number where there is one to tell.
    ///
    /// An error takes the place of a good answer.
    fn after(&self, call: &Call<'_>, outcome: Result<u64, &io::Error>) -> io::Result<()>;
}

/// A file system and its watcher.
#[derive(Clone, Debug)]
pub struct Watched {
    inner: Arc<dyn Vfs>,
    watcher: Arc<dyn Watcher>,
}

impl Watched {
    pub fn new(inner: Arc<dyn Vfs>, watcher: Arc<dyn Watcher>) -> Arc<Watched> {
        Arc::new(Watched { inner, watcher })
    }

    fn named<'a>(&self, operation: Operation, path: &'a Path) -> Call<'a> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("/");
        let directory = matches!(
            operation,
            Operation::CreateDir | Operation::List | Operation::SyncDir | Operation::FreeSpace
        );
        let class = if directory { FileClass::DIRECTORY } else { FileClass::of_name(name) };
        call(operation, class, name)
    }
}

fn call(operation: Operation, class: FileClass, name: &str) -> Call<'_> {
    assert_may_call_vfs();
    let site = Site { scope: current_scope(), class, operation };
    Call { site, name, to: None, mode: None, offset: 0, length: 0 }
}

fn watch<T>(
    watcher: &dyn Watcher,
    call: &Call<'_>,
    made: impl FnOnce() -> io::Result<T>,
    number: impl FnOnce(&T) -> u64,
) -> io::Result<T> {
    watcher.before(call)?;
    let answer = made();
    watcher.after(call, answer.as_ref().map(number))?;
    answer
}

impl Vfs for Watched {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let call = self.named(Operation::CreateDir, path);
        watch(&*self.watcher, &call, || self.inner.create_dir(path), |()| 0)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let call = Call { mode: Some(mode), ..self.named(Operation::Open, path) };
        let file = watch(&*self.watcher, &call, || self.inner.open(path, mode), |_| 0)?;
        Ok(Arc::new(WatchedFile {
            inner: file,
            watcher: Arc::clone(&self.watcher),
            class: call.site.class,
            name: call.name.to_owned(),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let target = self.named(Operation::Rename, to);
        let call = Call {
            to: Some(target.name),
            name: self.named(Operation::Rename, from).name,
            ..target
        };
        watch(&*self.watcher, &call, || self.inner.rename(from, to), |()| 0)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let call = self.named(Operation::Remove, path);
        watch(&*self.watcher, &call, || self.inner.remove(path), |()| 0)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let call = self.named(Operation::List, path);
        watch(&*self.watcher, &call, || self.inner.list(path), |names| names.len() as u64)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let call = self.named(Operation::SyncDir, path);
        watch(&*self.watcher, &call, || self.inner.sync_dir(path), |()| 0)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>> {
        let call = self.named(Operation::Lock, path);
        watch(&*self.watcher, &call, || self.inner.lock(path, mode), |_| 0)
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        let call = self.named(Operation::Size, path);
        watch(&*self.watcher, &call, || self.inner.size(path), |size| *size)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        let call = self.named(Operation::FreeSpace, path);
        watch(&*self.watcher, &call, || self.inner.free_space(path), |free| *free)
    }

    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        let call = Call { length, ..call(Operation::Entropy, FileClass::NONE, "-") };
        watch(&*self.watcher, &call, || self.inner.entropy(buffer), |()| 0)
    }
}

#[derive(Debug)]
struct WatchedFile {
    inner: Arc<dyn File>,
    watcher: Arc<dyn Watcher>,
    class: FileClass,
    /// The name it was opened by.
    name: String,
}

impl WatchedFile {
    fn call(&self, operation: Operation, offset: u64, length: u64) -> Call<'_> {
        Call { offset, length, ..call(operation, self.class, &self.name) }
    }
}

impl File for WatchedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let call = self.call(Operation::ReadAt, offset, buffer.len() as u64);
        let read = || self.inner.read_at(buffer, offset);
        watch(&*self.watcher, &call, read, |count| *count as u64)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let call = self.call(Operation::WriteAt, offset, bytes.len() as u64);
        watch(&*self.watcher, &call, || self.inner.write_at(bytes, offset), |()| 0)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let call = self.call(Operation::SetLen, 0, len);
        watch(&*self.watcher, &call, || self.inner.set_len(len), |()| 0)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let call = self.call(Operation::Allocate, 0, len);
        watch(&*self.watcher, &call, || self.inner.allocate(len), |()| 0)
    }

    fn len(&self) -> io::Result<u64> {
        let call = self.call(Operation::Len, 0, 0);
        watch(&*self.watcher, &call, || self.inner.len(), |len| *len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let call = self.call(Operation::SyncData, 0, 0);
        watch(&*self.watcher, &call, || self.inner.sync_data(), |()| 0)
    }

    fn sync_all(&self) -> io::Result<()> {
        let call = self.call(Operation::SyncAll, 0, 0);
        watch(&*self.watcher, &call, || self.inner.sync_all(), |()| 0)
    }
}
