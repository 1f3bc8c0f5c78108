//! A file system that notes what a handle asks of it once its close has returned.
//!
//! By then another handle may be open and sweep, or write to the same names, so a closed one has to
//! keep its hands off. Reading what is open already is nobody's harm: iterators may do so.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::site::Operation;
use seawall_os::sync::current_scope;
use seawall_os::vfs::{File, FileLock, LockMode, OpenMode, Vfs};

use crate::sched::OneThread;

/// Whether a handle has closed, and the first thing it did although it had.
#[derive(Clone)]
pub(super) struct Gate(OneThread<Rc<State>>);

#[derive(Default)]
struct State {
    is_shut: Cell<bool>,
    late: RefCell<Option<String>>,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate(OneThread::new(Rc::default()))
    }

    /// From now on every call that others could notice is late.
    pub(super) fn shut(&self) {
        self.0.is_shut.set(true);
    }

    /// The first late call.
    pub(super) fn late(&self) -> Option<String> {
        self.0.late.borrow().clone()
    }

    /// A call is late when it ends after the close, whenever it began.
    fn through<T>(&self, operation: Operation, call: impl FnOnce() -> T) -> T {
        let answer = call();
        if self.0.is_shut.get() {
            let scope = current_scope().name();
            let text = || format!("{scope}/{} came after its handle was closed", operation.name());
            self.0.late.borrow_mut().get_or_insert_with(text);
        }
        answer
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// The file system of one handle.
#[derive(Debug)]
pub(super) struct GatedVfs {
    pub(super) inner: Arc<dyn Vfs>,
    pub(super) gate: Gate,
}

impl Vfs for GatedVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.gate.through(Operation::CreateDir, || self.inner.create_dir(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inner = self.gate.through(Operation::Open, || self.inner.open(path, mode))?;
        Ok(Arc::new(GatedFile { inner, gate: self.gate.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate.through(Operation::Rename, || self.inner.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.gate.through(Operation::Remove, || self.inner.remove(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.gate.through(Operation::List, || self.inner.list(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.gate.through(Operation::SyncDir, || self.inner.sync_dir(path))
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>> {
        self.gate.through(Operation::Lock, || self.inner.lock(path, mode))
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        self.gate.through(Operation::Size, || self.inner.size(path))
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.gate.through(Operation::FreeSpace, || self.inner.free_space(path))
    }

    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.inner.entropy(buffer)
    }
}

#[derive(Debug)]
struct GatedFile {
    inner: Arc<dyn File>,
    gate: Gate,
}

impl File for GatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.gate.through(Operation::WriteAt, || self.inner.write_at(bytes, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.gate.through(Operation::SetLen, || self.inner.set_len(len))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.gate.through(Operation::Allocate, || self.inner.allocate(len))
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.through(Operation::SyncData, || self.inner.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.gate.through(Operation::SyncAll, || self.inner.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, SimFs};

    #[test]
    fn what_comes_after_the_close_is_told_but_for_reads() {
        let gate = Gate::new();
        let inner: Arc<dyn Vfs> = SimFs::calm(Disk::new(1 << 20));
        let vfs = GatedVfs { inner, gate: gate.clone() };
        let file = vfs.open(Path::new("f"), OpenMode::CreateNew).expect("the name is free");
        file.write_at(b"x", 0).expect("written");
        gate.shut();
        file.read_at(&mut [0], 0).expect("read");
        assert_eq!(gate.late(), None);
        file.sync_data().expect("synced");
        vfs.remove(Path::new("f")).expect("removed");
        let late = gate.late().expect("a sync is told");
        assert!(late.contains("/sync_data came after"), "{late}");
    }
}
